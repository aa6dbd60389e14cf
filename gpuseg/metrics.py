"""How good a clustering is: the silhouette, of all rows or of a sample with its standard error."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.centers import squared_distances, tiles

SAMPLE = 5_000
"""Rows of a sampled silhouette: the work grows with its square, the error with 1 / sqrt(rows)."""


class Score(NamedTuple):
    """A mean over rows, its standard error, and how many rows it is of.

    The error is that of the rows scored, std / sqrt(rows); that the rows they are compared with are a
    sample too is not in it: two such errors hold the mean of all rows in 87 to 90 of 100 samples.
    """

    mean: float
    standard_error: float
    rows: int


def silhouette(x: Array, labels: Array, *, sample_size: int | None = SAMPLE, random_state: int = 0) -> Score:
    """Return the mean silhouette (Rousseeuw 1987) of the rows, noise (-1) left out; in [-1, 1].

    ``x``: (n_samples, n_features); ``labels``: (n_samples,). Above ``sample_size`` rows, of a random
    sample of that many, among themselves. Raises InvalidInput for fewer than 2 clusters.

    >>> import numpy as np
    >>> score = silhouette(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))
    >>> round(score.mean, 4)
    0.8885
    """
    host = to_host(labels)
    kept = np.flatnonzero(host >= 0)
    (score,) = sampled_silhouettes(_rows(x, kept), [host[kept]], sample_size=sample_size, random_state=random_state)
    if score is None:
        found = len(np.unique(host[kept]))
        raise InvalidInput(
            f"labels hold {found} cluster(s), of which fewer than 2 are among the rows scored; "
            "pass at least 2 clusters, or a larger sample_size"
        )
    return score


def sampled_silhouettes(
    x: Array, labellings: Sequence[Host], *, sample_size: int | None = SAMPLE, random_state: int = 0
) -> list[Score | None]:
    """Return the silhouettes of several labellings on one sample of the rows; noise (-1) counts as left out."""
    picked = sample_rows(x.shape[0], sample_size, random_state)
    sample, taken = _rows(x, picked), [to_host(labels)[picked] for labels in labellings]
    if not any((labels < 0).any() for labels in taken):
        return silhouettes(sample, taken)
    return [silhouettes(_rows(sample, np.flatnonzero(labels >= 0)), [labels[labels >= 0]])[0] for labels in taken]


def silhouettes(x: Array, labellings: Sequence[Host]) -> list[Score | None]:
    """Return the silhouette of several labellings of the same rows: distances are worked out once.

    None stands for a labelling with fewer than 2 clusters. All pairs of rows are compared.
    """
    if not x.shape[0]:
        return [None] * len(labellings)
    dense = [np.unique(labels, return_inverse=True)[1].ravel() for labels in labellings]
    return [_score(rows) for rows in zip(*_values(x, dense), strict=True)] if dense else []


def sample_rows(n: int, sample_size: int | None, seed: int) -> Host:
    """Return the numbers of all rows, or of a random sample without repeats, in order."""
    if sample_size is None or n <= sample_size:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample_size, replace=False))


def _score(parts: Sequence[Host | None]) -> Score | None:
    rows = [part for part in parts if part is not None]
    if not rows:
        return None
    values = np.concatenate(rows)
    return Score(float(values.mean()), float(values.std() / np.sqrt(len(values))), len(values))


def _values(x: Array, labellings: Sequence[Host]) -> list[list[Host | None]]:
    """Return, for each run of rows, the rows' silhouettes under each labelling."""
    xp = array_namespace(x)
    x = x - xp.mean(x, axis=0)[None, :]
    members = [_members(x, labels) for labels in labellings]
    found = []
    for cut, rows in tiles(x, np.zeros(x.shape[1]), x.shape[0]):
        distance = xp.sqrt(squared_distances(rows, x))
        sums = [to_host(distance @ columns) for columns in members]
        found.append([_of_rows(s, labels, cut) for s, labels in zip(sums, labellings, strict=True)])
    return found


def _members(x: Array, labels: Host) -> Array:
    """Return a column a cluster that is 1 at its rows, on the device of ``x``."""
    xp = array_namespace(x)
    ones = (labels[:, None] == np.arange(labels.max() + 1)[None, :]).astype(np.float64)
    return xp.asarray(ones, dtype=x.dtype, device=device(x))


def _of_rows(sums: Host, labels: Host, cut: slice) -> Host | None:
    """Return (b - a) / max(a, b) of each row: a its mean distance within, b to the nearest other cluster."""
    counts = np.bincount(labels).astype(np.float64)
    if len(counts) < 2:  # noqa: PLR2004 - another cluster to compare with
        return None
    own, here = labels[cut], np.arange(len(sums))
    within = sums[here, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[here, own] = np.inf
    other = means.min(axis=1)
    largest = np.maximum(within, other)
    ratio = np.divide(other - within, largest, out=np.zeros(len(sums)), where=largest > 0)
    return np.where(counts[own] > 1, ratio, 0.0)


def _rows(x: Array, picked: Host) -> Array:
    xp: Any = array_namespace(x)
    return xp.take(x, xp.asarray(picked, device=device(x)), axis=0)
