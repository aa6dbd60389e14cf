"""DBSCAN on points that stand for rows: which are dense, and which of these are one segment."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from gpuseg.backends import Host
from gpuseg.cluster._assignment import NOISE
from gpuseg.summary import MicroClusters, core_distances, reaches

CELLS = 1 << 21
"""Distances between points held at a time: 16 MiB, and twice as much for what is made of them."""


class Dense(NamedTuple):
    """The label of each point, from 0 on, without gaps, or -1; and whether it is a core point."""

    label: Host
    core: Host


def dense_segments(points: MicroClusters, *, eps: float, min_samples: float) -> Dense:
    """Return DBSCAN's segments of points that stand for rows (Ester, Kriegel, Sander and Xu, KDD 1996).

    A point is a core point where rows of weight ``min_samples``, its own counted, lie within ``eps`` (their core
    distance is at most that). Two core points are of one segment where their rows come within ``eps`` of each other:
    the distance of the means less ``summary.reaches`` of both. Any other point is of the segment of the core point
    whose rows come nearest to its mean, if within ``eps``, else noise. For rows of weight 1 this is DBSCAN. O(m^2)
    time, for some ten thousand points; a few million distances are held.

    >>> points = MicroClusters(np.array([[0.0], [3.0], [9.0]]), np.array([50.0, 40.0, 1.0]), np.array([1.0, 0.8, 0.0]))
    >>> dense_segments(points, eps=0.5, min_samples=8)
    Dense(label=array([ 0,  0, -1]), core=array([ True,  True, False]))
    """
    core = core_distances(points, min_samples) <= eps
    dense, others, label = np.flatnonzero(core), np.flatnonzero(~core), np.full(len(core), NOISE, dtype=np.int64)
    if not dense.size:
        return Dense(label, core)
    dense = dense[
        np.lexsort(points.rows[dense].T[::-1])
    ]  # of core points that are as near, the same whatever the order
    rows, reach = points.rows[dense], reaches(points)[dense]
    label[dense] = _connected(rows, reach, eps)
    for cut, apart in _distances(points.rows[others], rows):
        from_rows = np.maximum(apart - reach, 0.0)
        nearest = np.argmin(from_rows, axis=1)
        near = from_rows[np.arange(len(nearest)), nearest] <= eps
        label[others[cut]] = np.where(near, label[dense][nearest], NOISE)
    return Dense(label, core)


def _connected(rows: Host, reach: Host, eps: float) -> Host:
    """Return the component of each point, where those within ``eps`` are joined, from 0 on."""
    count, found = len(rows), np.arange(len(rows))
    for cut, apart in _distances(rows, rows):
        one, other = np.nonzero(apart - reach[cut, None] - reach <= eps)
        # What is known already are edges to one point of each component: no list of all edges is ever held.
        ends = np.append(one + cut.start, np.arange(count)), np.append(other, found)
        graph = coo_matrix((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(count, count))
        _, component = connected_components(graph, directed=False)
        _, first = np.unique(component, return_index=True)
        found = first[component]
    return np.unique(found, return_inverse=True)[1]


def _distances(rows: Host, others: Host) -> Iterator[tuple[slice, Host]]:
    """Give runs of rows and their distances to all others."""
    step = max(1, CELLS // max(len(others), 1))
    for start in range(0, len(rows), step):
        cut = slice(start, min(start + step, len(rows)))
        yield cut, cdist(rows[cut], others)
