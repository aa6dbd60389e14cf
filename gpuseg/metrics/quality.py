"""How good each segment is: how close together its rows are, and how far from the others."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from array_api_compat import array_namespace

from gpuseg._checks import check_count
from gpuseg._estimator import seed_of
from gpuseg.backends import Array, Host
from gpuseg.metrics._checks import checked, weights_of
from gpuseg.metrics._labelled import centers_of, opened
from gpuseg.metrics._pairs import Distances, euclidean, every, times
from gpuseg.metrics._rowwise import LOOKED_AT, Rowwise, beside, rowwise
from gpuseg.metrics.dispersion import dispersion_of
from gpuseg.metrics.silhouette import SAMPLE, Sample, sample_of
from gpuseg.neighbors.sample import rows_of

NOISE = -1
"""The label of rows in no cluster."""


class Means(NamedTuple):
    """The mean silhouette of each segment and its standard error."""

    mean: Host
    error: Host


def segment_quality(
    x: Array,
    labels: Array,
    *,
    sample_weight: Array | None = None,
    sample_size: int | None = SAMPLE,
    random_state: Any = 0,
) -> pl.DataFrame:
    """Return a row a segment: size, weight, cohesion, silhouette, standard_error, separation and nearest; noise last.

    ``cohesion``: the mean distance of the rows to their centre. ``silhouette``: the mean of the segment's rows, with
    its ``standard_error``, of a sample as in ``silhouette``; null where the sample has no row of the segment.
    ``separation``: the distance of its centre to the nearest other one, that of ``nearest``. Noise (-1) has a size
    alone. Parameters and errors are those of ``silhouette``.

    >>> found = segment_quality(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))
    >>> found.select("segment", "size", "cohesion", "separation", "nearest").rows()
    [(0, 2, 0.5, 9.0, 1), (1, 2, 0.5, 9.0, 0)]
    """
    rows, of = checked(x, labels)
    weight = weights_of(rows, sample_weight)
    if sample_size is not None:
        check_count("sample_size", sample_size, low=2)
    given = opened(rows, of, weight)
    found = centers_of(given)
    spread = dispersion_of(given, found)
    apart = np.sqrt(np.sum((found.centers[:, None, :] - found.centers[None, :, :]) ** 2, axis=2))
    np.fill_diagonal(apart, np.inf)
    score = _means_of(sample_of(rows, of, weight, sample_size, seed_of(random_state)), found.labels)
    table = {
        "segment": found.labels,
        "size": found.rows,
        "weight": found.weights,
        "cohesion": spread.distances,
        "silhouette": score.mean,
        "standard_error": score.error,
        "separation": apart.min(axis=1),
        "nearest": found.labels[apart.argmin(axis=1)],
    }
    whole = [pl.col(name).cast(pl.Int64) for name in ("segment", "size", "nearest")]
    frame = pl.DataFrame(table).fill_nan(None).with_columns(whole)
    noise = int(array_namespace(of).count_nonzero(of < 0))
    last = pl.DataFrame({"segment": [NOISE], "size": [noise]})
    return pl.concat([frame, last], how="diagonal") if noise else frame


def _means_of(sample: Sample, segments: Host) -> Means:
    """Return each segment's mean silhouette in a sample and its error; NaN where the sample tells none."""
    order = np.argsort(sample.labels, kind="stable")
    x, labels, weight = rows_of(sample.x, order), sample.labels[order], sample.weight[order]
    means = Means(np.full(len(segments), np.nan), np.full(len(segments), np.nan))
    if not len(labels):
        return means
    distances = euclidean(x)
    (found,) = rowwise(distances, x, [labels], weight)
    if found is not None:
        at = np.searchsorted(segments, np.unique(labels))
        means.mean[at] = np.bincount(found.own, weight * found.values) / found.mass
        means.error[at] = _errors(distances, x, found, means.mean[at])
    return means


def _errors(distances: Distances, like: Array, found: Rowwise, means: Host) -> Host:
    """Return the standard error of each segment's mean silhouette, of rows in order of their segments.

    As for the mean of all (``_rowwise.errors``): what a row of one segment does to the mean of each.
    """
    count = len(means)
    ends = np.searchsorted(found.own, np.arange(count + 1))
    members = found.own[:, None] == np.arange(count)[None, :]
    total = np.zeros(count)
    for cluster in range(count):
        start, end = int(ends[cluster]), int(ends[cluster + 1])
        looked = slice(start, end, max(1, (end - start) * count // LOOKED_AT))
        right = beside(like, found.slope[:, [cluster]] * members)
        level = np.bincount(found.own, found.level[:, cluster], count)
        influence = times(distances, right, every(end, looked.step, start)) - level
        influence[:, cluster] += found.values[looked] - means[cluster]
        weight = found.weight[looked]
        total += found.mass[cluster] / weight.sum() * (weight @ (influence / found.mass) ** 2)
    error: Host = np.sqrt(total)
    return error
