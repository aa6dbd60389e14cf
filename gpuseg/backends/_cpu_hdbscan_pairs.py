"""Mutual reachability of few rows by all pairs, in NumPy: no loop is loaded, and the oracle of those that are."""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._protocol import Host

KEPT = 15
"""Nearest rows that are kept of each row at most."""


class Dense(NamedTuple):
    """Core distances of rows, and the numbers of the nearest rows within them, (n, kept), nearest first, else -1."""

    core: Host
    near: Host


def enough(weight: Host, wanted: float) -> int:
    """Return how many rows weigh ``wanted`` whichever they are, or all rows where these are too few.

    >>> enough(np.array([2.0, 1.0, 3.0]), 3.0)
    2
    """
    return min(int(np.searchsorted(np.cumsum(np.sort(weight)), wanted)) + 1, len(weight))


def dense_by_pairs(rows: Host, weight: Host, wanted: float) -> Dense:
    """Return the least distance of each row within which rows weigh ``wanted``, and which rows are nearest.

    >>> dense_by_pairs(np.array([[0.0], [1.0], [3.0]]), np.ones(3), 2.0)
    Dense(core=array([1., 1., 2.]), near=array([[1], [0], [1]], dtype=int32))
    """
    most, squared = enough(weight, wanted), np.zeros((len(rows), len(rows)))
    for column in rows.T:
        squared += (column[:, None] - column) ** 2
    nearest = np.argpartition(squared, most - 1, axis=1)[:, :most]
    away = np.take_along_axis(squared, nearest, axis=1)
    order = np.argsort(away, axis=1)
    nearest, away = np.take_along_axis(nearest, order, axis=1), np.take_along_axis(away, order, axis=1)
    numbers = np.arange(len(rows))
    last = np.argmax(np.cumsum(weight[nearest], axis=1) >= wanted, axis=1)
    others = (np.arange(most) <= last[:, None]) & (nearest != numbers[:, None])
    # The others to the front, each in its place among them.
    front = np.argsort(~others, axis=1, kind="stable")[:, : min(most - 1, KEPT)]
    near = np.where(np.take_along_axis(others, front, axis=1), np.take_along_axis(nearest, front, axis=1), -1)
    return Dense(np.sqrt(away[numbers, last]), near.astype(np.int32))


def spanning_tree(rows: Host, core: Host, reach: Host) -> tuple[Host, Host, Host]:
    """Return the edges of a minimum spanning tree of mutual reachability, their lengths, and how far apart rows are.

    Prim's algorithm. Of edges of one length, the one between the nearer rows is the shorter one.

    >>> spanning_tree(np.array([[0.0], [1.0], [3.0]]), np.array([1.0, 1.0, 2.0]), np.zeros(3))
    (array([[0, 1], [1, 2]]), array([1., 2.]), array([1., 2.]))
    """
    n, here = len(rows), 0
    joins, nearest, gaps = np.zeros(n, dtype=np.int64), np.full(n, np.inf), np.full(n, np.inf)
    ends, length, apart = np.empty((n - 1, 2), dtype=np.int64), np.empty(n - 1), np.empty(n - 1)
    left = np.ones(n, dtype=bool)
    for edge in range(n - 1):
        left[here], away = False, np.zeros(n)
        for column in rows.T:
            away += (column - column[here]) ** 2
        away = np.sqrt(away)
        long = np.maximum(np.maximum(away - (reach[here] + reach), core), core[here])
        nearer = left & ((long < nearest) | ((long == nearest) & (away < gaps)))
        nearest[nearer], gaps[nearer], joins[nearer] = long[nearer], away[nearer], here
        shortest = np.flatnonzero(left & (nearest == np.min(nearest[left])))
        here = int(shortest[np.argmin(gaps[shortest])])
        ends[edge], length[edge], apart[edge] = (joins[here], here), nearest[here], gaps[here]
    return ends, length, apart


def dendrogram(ends: Host, weight: Host) -> tuple[Host, Host]:
    """Return the children of each joining node, and its weight, from edges in the order of their lengths.

    >>> dendrogram(np.array([[0, 1], [2, 1]]), np.ones(3))
    (array([[0, 1], [2, 3]]), array([2., 3.]))
    """
    n, held = len(weight), weight.tolist()
    above, node = list(range(n)), list(range(n))
    children, sizes = np.empty((n - 1, 2), dtype=np.int64), np.empty(n - 1)

    def root_of(row: int) -> int:
        while above[row] != row:
            above[row] = row = above[above[row]]
        return row

    for edge, (one, other) in enumerate(ends.tolist()):
        low, high = root_of(one), root_of(other)
        children[edge] = node[low], node[high]
        low, high = min(low, high), max(low, high)
        above[high] = low
        held[low] += held[high]
        node[low], sizes[edge] = n + edge, held[low]
    return children, sizes
