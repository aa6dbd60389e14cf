"""How well a shallow tree tells segments apart: whether a business can be told who is in which by a few rules."""

import math

import numpy as np

from gpuseg.backends import Host, Tree, decision_tree

ROWS = 2000
"""Rows, at most: half of them grow the tree, the others tell how good it is."""
SPARE = 1
"""Levels beyond those without which a tree has too few leaves: segments are seldom told by halving."""
LEAST = 0.005
"""The least share of the rows in a leaf: what fewer customers show is no rule."""


def separability(x: Host, labels: Host) -> float | None:
    """Return the mean recall of the segments of half of the rows by a shallow tree that the others grew.

    ``x``: (rows, features), in an order that means nothing, and ``labels``: (rows,), -1 for noise, which is left out.
    Each segment counts alike, however large. None for fewer than two segments in a half.

    >>> x = np.arange(400.0)[:, None] % 20
    >>> separability(x, (x[:, 0] > 9).astype(int))
    1.0
    """
    there = np.flatnonzero(labels >= 0)[:ROWS]
    (grows, own), (tells, true) = ((x[rows], labels[rows]) for rows in (there[::2], there[1::2]))
    segments, counts = np.unique(own, return_counts=True)
    if len(segments) < 2 or not len(true):  # noqa: PLR2004 - another to be told from
        return None
    weights = (1 / counts)[np.searchsorted(segments, own)]
    depth = math.ceil(math.log2(len(segments))) + SPARE
    least = max(1, math.ceil(LEAST * len(own)))
    tree = decision_tree(grows, own, weights=weights, max_depth=depth, min_leaf=least)
    told = segments[np.argmax(tree.value[leaves(tree, tells)], axis=1)]
    return float(np.mean([np.mean(told[true == segment] == segment) for segment in np.unique(true)]))


def leaves(tree: Tree, x: Host) -> Host:
    """Return the leaf of a tree that each row comes to."""
    node = np.zeros(len(x), dtype=np.int64)
    while np.any(inner := tree.feature[node] >= 0):
        at = node[inner]
        left = x[inner, tree.feature[at]] <= tree.threshold[at]
        node[inner] = np.where(left, tree.left[at], tree.right[at])
    return node
