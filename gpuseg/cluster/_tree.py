"""A tree of merges in SciPy's format: built over all points from one over the distinct ones, and cut."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.cluster._training import distinct
from gpuseg.summary import MicroClusters


class Leaves(NamedTuple):
    """The distinct points that have weight, in the order in which they come, and which of them each point is.

    ``leaf``: (m,), -1 for a point of no weight.
    """

    points: MicroClusters
    leaf: Host


def leaves_of(points: MicroClusters) -> Leaves:
    """Return equal points as one of their weight together, and none for points of weight 0.

    >>> rows, weight = np.array([[2.0], [1.0], [2.0], [9.0]]), np.array([1.0, 1.0, 2.0, 0.0])
    >>> found = leaves_of(MicroClusters(rows, weight, np.zeros(4)))
    >>> found.points.rows.ravel(), found.points.weight, found.leaf
    (array([2., 1.]), array([3., 1.]), array([ 0,  1,  0, -1]))
    """
    heavy = np.flatnonzero(points.weight > 0)
    rows, weight, spread = (field[heavy] for field in points)
    found = distinct(rows)
    # As they come: then ties fall as in SciPy and R.
    first = np.sort(found.first)
    place = np.argsort(np.argsort(found.first))[found.place]
    total, squares = np.bincount(place, weight), np.bincount(place, weight * spread**2)
    leaf = np.full(len(points.rows), -1)
    leaf[heavy] = place
    return Leaves(MicroClusters(rows[first], total, np.sqrt(squares / total)), leaf)


def linkage_of(tree: Mapping[str, Any], leaf: Host, weight: Host) -> Host:
    """Return the merges of all points, (m - 1, 4), from those of the leaves: clusters joined, height, weight.

    Equal points are joined first, at height 0. ``tree``: ``children`` and rising ``heights``; ``leaf``: of each point.

    >>> linkage_of({"children": np.array([[0, 1]]), "heights": np.array([5.0])}, np.array([1, 0, 1]), np.ones(3))
    array([[0., 2., 0., 2.],
           [1., 3., 5., 3.]])
    """
    count, order = len(leaf), np.argsort(leaf, kind="stable")
    follows = np.zeros(count, dtype=bool)
    follows[1:] = leaf[order[1:]] == leaf[order[:-1]]
    equals = np.flatnonzero(follows)
    # What stands for the points up to here: the point itself, or the merge that took it in.
    number = order.copy()
    number[equals] = count + np.arange(len(equals))
    joined = np.stack([number[equals - 1], order[equals]], axis=1)
    last = np.append(~follows[1:], True)
    new = np.concatenate([number[last], count + len(equals) + np.arange(len(tree["heights"]))])
    pairs = np.sort(np.concatenate([joined, new[tree["children"]]]), axis=1)
    heights = np.concatenate([np.zeros(len(equals)), tree["heights"]])
    return np.column_stack([pairs, heights, _weights(pairs, weight)])


def _weights(pairs: Host, weight: Host) -> Host:
    """Return what each merge weighs."""
    total = weight.tolist()
    for one, other in pairs.tolist():
        total.append(total[one] + total[other])
    return np.array(total[len(weight) :])


def kept_merges(linkage: Host, n_clusters: int | None, height: float | None) -> int:
    """Return how many merges stand: those not above ``height``, or all but the last ``n_clusters`` - 1.

    Those of height 0 always stand: equal points cannot be told apart.

    >>> merges = np.array([[0, 1, 0.0, 2], [2, 3, 5.0, 3]])
    >>> kept_merges(merges, 3, None), kept_merges(merges, 1, None), kept_merges(merges, None, 5.0)
    (1, 2, 2)
    """
    if height is not None:
        return int(np.searchsorted(linkage[:, 2], height, side="right"))
    equal = int(np.searchsorted(linkage[:, 2], 0.0, side="right"))
    return max(len(linkage) + 1 - (n_clusters or 1), equal)


def cut_tree(linkage: Host, kept: int) -> Host:
    """Return the label of each point, from 0 on, where the first ``kept`` merges stand.

    >>> cut_tree(np.array([[0, 2, 1.0, 2], [1, 3, 5.0, 3]]), 1)
    array([1, 0, 1])
    """
    count = len(linkage) + 1
    root = np.arange(count + kept)
    root[linkage[:kept, :2].astype(np.int64)] = (count + np.arange(kept))[:, None]
    while np.any(root[root] != root):  # steps twice as long each time
        root = root[root]
    return np.unique(root[:count], return_inverse=True)[1]


def leaf_heights(linkage: Host) -> Host:
    """Return the height at which each point is joined to another.

    >>> leaf_heights(np.array([[0, 2, 1.0, 2], [1, 3, 5.0, 3]]))
    array([1., 5., 1.])
    """
    count = len(linkage) + 1
    height = np.zeros(2 * count - 1)
    height[linkage[:, :2].astype(np.int64)] = linkage[:, 2:3]
    return height[:count]
