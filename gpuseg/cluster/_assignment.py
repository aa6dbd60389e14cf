"""What a row gets from a fitted model, and the order in which segments are numbered."""

from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, Host

NOISE = -1
NOVEL = 0.99
"""A row whose novelty is above this counts as unlike the training rows of its segment."""
PER_OCTAVE = 32
LOWEST, HIGHEST = -40, 40
RANKS = np.linspace(0.0, 1.0, 201)


class Assignment(NamedTuple):
    """What ``assign`` gives, one value a row.

    ``segment``: int32, -1 for noise. ``distance``: unsquared, in the units of the matrix, to what
    represents the segment. ``confidence``: in [0, 1]. ``novelty``: the rank in [0, 1] of the distance
    among the training rows of that segment.
    """

    segment: Array
    distance: Array
    confidence: Array
    novelty: Array


ASSIGNED: tuple[Any, ...] = (np.int32, np.float64, np.float64, np.float64)
"""The dtypes of an Assignment's fields."""


def order_ids(centers: Host, weights: Host) -> Host:
    """Return the clusters by falling weight, ties by the centre's coordinates in order.

    >>> order_ids(np.array([[5.0], [1.0], [9.0]]), np.array([2.0, 2.0, 3.0]))
    array([2, 1, 0])
    """
    return np.lexsort((*centers.T[::-1], -weights))


def distance_histogram(label: Host, distance: Host, weight: Host, n_clusters: int) -> Host:
    """Return the weight of each segment in bins of log2(distance), (k, bins); noise is left out.

    Histograms of blocks add up; 32 bins to each doubling keep a rank within about 0.01.
    """
    bins = (HIGHEST - LOWEST) * PER_OCTAVE
    kept = label >= 0
    with np.errstate(divide="ignore"):
        at = np.clip((np.log2(distance[kept]) - LOWEST) * PER_OCTAVE, 0, bins - 1).astype(np.int64)
    cells = label[kept].astype(np.int64) * bins + at
    counts = np.bincount(cells, weights=weight[kept], minlength=n_clusters * bins)
    return counts.reshape(n_clusters, bins)


def histogram_quantiles(histogram: Host) -> Host:
    """Return each segment's distances at RANKS, (k, 201)."""
    edges = 2.0 ** (LOWEST + np.arange(histogram.shape[1] + 1) / PER_OCTAVE)
    quantiles = np.zeros((len(histogram), len(RANKS)))
    for segment, counts in enumerate(histogram):
        below = np.concatenate([[0.0], np.cumsum(counts)])
        used = np.concatenate([[counts[0] > 0], (counts > 0)[:-1] | (counts > 0)[1:], [counts[-1] > 0]])
        if below[-1] > 0:
            quantiles[segment] = np.interp(RANKS, below[used] / below[-1], edges[used])
    return quantiles


def novelty(label: Host, distance: Host, quantiles: Host) -> Host:
    """Return the rank in [0, 1] of each distance among its segment's training rows."""
    rank = np.empty(len(label))
    for segment, distances in enumerate(quantiles):
        rows = label == segment
        rank[rows] = np.interp(distance[rows], distances, RANKS)
    return rank


def confidence(first: Host, second: Host) -> Host:
    """Return 1 - d1/d2: 1 where there is no other segment, 0 where both distances are 0.

    >>> confidence(np.array([1.0, 0.0, 3.0]), np.array([4.0, 0.0, np.inf]))
    array([0.75, 0.  , 1.  ])
    """
    ratio = np.divide(first, second, out=np.ones_like(first, dtype=np.float64), where=second > 0)
    return 1.0 - np.minimum(ratio, 1.0)
