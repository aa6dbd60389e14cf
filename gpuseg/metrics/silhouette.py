"""The silhouette, of all rows or of a sample with its standard error."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg._checks import check_count, check_number
from gpuseg._estimator import seed_of
from gpuseg.backends import Array, Host, to_host
from gpuseg.errors import InvalidInput
from gpuseg.metrics._checks import checked, finite_rows, weights_of
from gpuseg.metrics._pairs import Distances, euclidean
from gpuseg.metrics._rowwise import errors, rowwise
from gpuseg.neighbors.sample import rows_of, sample_rows

SAMPLE = 10_000
"""Rows of a sampled silhouette: the work grows with its square, the error with 1 / sqrt(rows)."""

SPARE = 1.1
"""Rows drawn beyond those that an error asks for, since the error of the sample before is itself a guess."""


class Score(NamedTuple):
    """A mean over rows, its standard error, how many rows were scored, and how many were left out as noise.

    The error is that of rows drawn at random from many, both as rows scored and as rows that these are compared with:
    two such errors hold the mean of all rows in about 95 of 100 samples.
    """

    mean: float
    standard_error: float
    rows: int
    noise: int = 0


class Silhouettes(NamedTuple):
    """Each row's silhouette, and their mean with its standard error."""

    values: Host
    score: Score


class Sample(NamedTuple):
    """Rows without noise, their labels and how often each counts: at most so many as were asked for."""

    x: Array
    labels: Host
    weight: Host


def silhouette(
    x: Array,
    labels: Array,
    *,
    sample_weight: Array | None = None,
    sample_size: int | None = SAMPLE,
    standard_error: float | None = None,
    random_state: Any = 0,
) -> Score:
    """Return the mean silhouette (Rousseeuw 1987) of the rows, noise (-1) left out; in [-1, 1].

    ``x``: (n_samples, n_features); ``labels``: (n_samples,). Above ``sample_size`` rows, of a random sample of that
    many, among themselves; None is all rows, in bounded memory. ``standard_error``: the sample begins there and grows
    until its error is at most this, or until it holds all rows: half the error takes four times the rows and sixteen
    times the work. ``sample_weight``: (n_samples,), how often a row
    counts; a sample draws rows by it. Raises InvalidInput for fewer than 2 clusters, for NaN in the rows scored, and
    for other shapes.

    >>> import numpy as np
    >>> score = silhouette(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))
    >>> round(score.mean, 4)
    0.8885
    """
    rows, of = checked(x, labels)
    score = sampled_silhouette(
        rows, of, sample_weight=sample_weight, sample_size=sample_size, standard_error=standard_error,
        random_state=random_state,
    )  # fmt: skip
    if score is None:
        found = np.count_nonzero(to_host(array_namespace(of).unique_values(of)) >= 0)
        raise InvalidInput(
            f"labels hold {found} cluster(s), of which fewer than 2 are among the rows scored; "
            "pass at least 2 clusters, or a larger sample_size"
        )
    return score


def sampled_silhouette(
    x: Array,
    labels: Array,
    *,
    sample_weight: Array | None = None,
    sample_size: int | None = SAMPLE,
    standard_error: float | None = None,
    random_state: Any = 0,
) -> Score | None:
    """Return the score of ``silhouette``, None for fewer than 2 clusters among the rows scored."""
    if sample_size is not None:
        check_count("sample_size", sample_size, low=2)
    if standard_error is not None:
        check_number("standard_error", standard_error, low=0, above=True)
    weight, seed = weights_of(x, sample_weight), seed_of(random_state)
    noise = int(array_namespace(labels).count_nonzero(labels < 0))
    while True:
        sample = sample_of(x, labels, weight, sample_size, seed)
        (found,) = silhouettes(sample.x, [sample.labels], weight=sample.weight)
        if found is None:
            return None
        score = found.score._replace(noise=noise)
        if sample_size is None or sample_size >= x.shape[0] - noise:
            return score
        if standard_error is None or score.standard_error <= standard_error:
            return score
        sample_size = 1 + int(SPARE * sample_size * (score.standard_error / standard_error) ** 2)


def silhouettes(
    x: Array, labellings: Sequence[Host], *, weight: Host | None = None, distances: Distances | None = None
) -> list[Silhouettes | None]:
    """Return the silhouettes of rows under several labellings: distances are worked out once.

    ``weight``: how often each row counts. ``distances``: those between the rows of ``x`` where they are not Euclidean.
    None stands for a labelling with fewer than 2 clusters. All pairs of rows are compared, in float64.
    """
    if not x.shape[0] or not labellings:
        return [None] * len(labellings)
    apart, counts = distances or euclidean(x), np.ones(x.shape[0]) if weight is None else weight
    found = rowwise(apart, x, labellings, counts)
    pairs = zip(found, errors(apart, x, found), strict=True)
    scored = [(one, Score(one.mean, error, len(counts))) if one and error is not None else None for one, error in pairs]
    return [one and Silhouettes(one[0].values, one[1]) for one in scored]


def sample_of(x: Array, labels: Array, weight: Host | None, sample_size: int | None, seed: int) -> Sample:
    """Return a random sample of the rows that are no noise and weigh something; all of them where they are no more.

    Rows of unlike weights are drawn by these, as rows that stand there so often would be: one may be drawn twice.
    """
    there = array_namespace(labels).nonzero(labels >= 0)[0]
    if weight is not None:
        there = to_host(there)
        there = there[weight[there] > 0]
    if weight is None or sample_size is None or len(there) <= sample_size:
        picked = rows_of(there, sample_rows(there.shape[0], sample_size, seed))
        counts = np.ones(picked.shape[0]) if weight is None else weight[picked]
    else:
        drawn, counts = _drawn(weight[there], sample_size, seed)
        picked = there[drawn]
    return Sample(finite_rows(x, picked), to_host(rows_of(labels, picked)), counts)


def _drawn(weight: Host, rows: int, seed: int) -> tuple[Host, Host]:
    """Return the numbers of rows drawn, and how often each: systematic sampling of the rows in random order.

    A row is drawn as often as its share of the weight says, up to the next whole number (Goodman and Kish 1950).
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(weight))
    rising = np.cumsum(weight[order])
    points = (rng.random() + np.arange(rows)) * (rising[-1] / rows)
    # Rounding may put the last point at the end of the line.
    at = np.minimum(np.searchsorted(rising, points, side="right"), len(order) - 1)
    taken, counts = np.unique(order[at], return_counts=True)
    return taken, counts.astype(np.float64)
