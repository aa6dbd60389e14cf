"""What the algorithms that look at pairs work on: micro-clusters, or rows, which are micro-clusters of one row."""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host


class MicroClusters(NamedTuple):
    """Points that stand for rows: their mean, how much they weigh together, and how far they lie from it.

    ``rows``: (m, d), float64, each the mean of its rows. ``weight``: (m,), a row counts 1. ``spread``: (m,), the root
    of the mean squared distance to the mean; 0 where a point is a row. Parameters that count rows count weight. How
    dense the rows are at each depends on how many of them are asked for: ``core_distances(points, min_samples)``.
    """

    rows: Host
    weight: Host
    spread: Host


def rows_as_points(rows: Host, weight: Host | None = None) -> MicroClusters:
    """Return rows as points without spread, each of weight 1 where none is given.

    >>> rows_as_points(np.array([[1.0], [2.0]])).weight
    array([1., 1.])
    """
    count = len(rows)
    weights = np.ones(count) if weight is None else np.asarray(weight, dtype=np.float64)
    return MicroClusters(np.asarray(rows, dtype=np.float64), weights, np.zeros(count))
