"""The loops of BIRCH's tree, compiled by Numba: one thread, no GIL.

Only ``_cpu_birch.py`` imports this file, when a tree is grown; its ``Tree`` says what the arrays are.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host

NONE = -1


@compiled_exactly
def between(one: Host, other: Host) -> float:
    """Return the squared distance."""
    total = 0.0
    for f in range(len(one)):
        total += (one[f] - other[f]) ** 2
    return total


@compiled_exactly
def closest(means: Host, count: int, row: Host) -> Any:
    """Return the entry whose mean is the nearest to a row, of ties the first, and its squared distance."""
    best, least = 0, np.inf
    for entry in range(count):
        away = between(means[entry], row)
        if away < least:
            best, least = entry, away
    return best, least


@compiled_exactly
def take_in(weights: Host, means: Host, entry: int, weight: float, row: Host) -> None:
    """Add a weight to an entry, and move its mean by what joins it."""
    weights[entry] += weight
    share = weight / weights[entry]
    for f in range(len(row)):
        means[entry, f] += share * (row[f] - means[entry, f])


@compiled_exactly
def summed(tree: Any, node: int, parent: int, entry: int) -> None:
    """Write a node's weight and mean into an entry of its parent."""
    weights, means = tree.weights[parent], tree.means[parent]
    weights[entry], tree.below[parent, entry] = 0.0, node
    for at in range(tree.counts[node]):
        take_in(weights, means, entry, tree.weights[node, at], tree.means[node, at])


@compiled_exactly
def move_entry(tree: Any, old: int, entry: int, node: int, at: int) -> None:
    """Write an entry of a node to another place."""
    tree.weights[node, at], tree.squares[node, at] = tree.weights[old, entry], tree.squares[old, entry]
    tree.below[node, at] = tree.below[old, entry]
    for f in range(tree.means.shape[2]):
        tree.means[node, at, f] = tree.means[old, entry, f]


@compiled_exactly
def split(tree: Any, node: int) -> int:
    """Return a new node with those entries of a full one that are not nearer to the first of its farthest two."""
    count, new, means = tree.counts[node], tree.sizes[0], tree.means[node]
    farthest, one, other = -1.0, 0, 0
    for i in range(count):
        for j in range(i + 1, count):
            away = between(means[i], means[j])
            if away > farthest:
                farthest, one, other = away, i, j
    first, second = means[one].copy(), means[other].copy()
    kept, moved = 0, 0
    for entry in range(count):
        if entry == one or between(means[entry], first) < between(means[entry], second):
            move_entry(tree, node, entry, node, kept)
            kept += 1
        else:
            move_entry(tree, node, entry, new, moved)
            moved += 1
    tree.counts[node], tree.counts[new] = kept, moved
    tree.sizes[0] = new + 1
    return new


@compiled_exactly
def into_leaf(tree: Any, leaf: int, entry: int, away: float, feature: Any, squared: float) -> None:
    """Let a feature into the nearest entry of a leaf where that stays within the threshold, else make it a new one."""
    weight, row, square = feature
    weights, squares, at = tree.weights[leaf], tree.squares[leaf], tree.counts[leaf]
    total = weights[entry] + weight
    joint = squares[entry] + square + away * (weights[entry] / total) * weight
    if at and joint / total <= squared:
        take_in(weights, tree.means[leaf], entry, weight, row)
        squares[entry] = joint
        return
    weights[at], squares[at], tree.below[leaf, at] = weight, square, NONE
    for f in range(len(row)):
        tree.means[leaf, at, f] = row[f]
    tree.counts[leaf], tree.sizes[2] = at + 1, tree.sizes[2] + 1


@compiled_exactly
def upwards(tree: Any, node: int, path: Host, weight: float, row: Host) -> None:
    """Bring the nodes above a leaf to what entered it; a node with too many entries becomes two."""
    most = tree.weights.shape[1] - 1
    for level in range(len(path) - 1, -1, -1):
        parent, entry = path[level]
        if tree.counts[node] <= most:
            take_in(tree.weights[parent], tree.means[parent], entry, weight, row)
        else:
            new, at = split(tree, node), tree.counts[parent]
            summed(tree, node, parent, entry)
            summed(tree, new, parent, at)
            tree.counts[parent] = at + 1
        node = parent
    if tree.counts[node] > most:
        new, root = split(tree, node), tree.sizes[0]
        summed(tree, node, root, 0)
        summed(tree, new, root, 1)
        tree.counts[root] = 2
        tree.sizes[0], tree.sizes[1], tree.sizes[3] = root + 1, root, tree.sizes[3] + 1


@compiled_exactly
def insert(tree: Any, feature: Any, squared: float) -> None:
    """Let a feature into the leaf that the nearest entries lead to."""
    path, node = np.empty((tree.sizes[3] - 1, 2), np.int64), tree.sizes[1]
    for level in range(len(path)):
        entry, _ = closest(tree.means[node], tree.counts[node], feature[1])
        path[level, 0], path[level, 1] = node, entry
        node = tree.below[node, entry]
    entry, away = closest(tree.means[node], tree.counts[node], feature[1])
    into_leaf(tree, node, entry, away, feature, squared)
    upwards(tree, node, path, feature[0], feature[1])


@compiled_exactly
def enter(tree: Any, weight: Host, rows: Host, squares: Host, start: int, squared: float, most: int) -> int:
    """Return the first feature from ``start`` on that did not enter: the tree has no room, or too many subclusters."""
    for i in range(start, len(rows)):
        if tree.sizes[2] > most or tree.sizes[0] + tree.sizes[3] + 1 > len(tree.counts):
            return i
        insert(tree, (weight[i], rows[i], squares[i]), squared)
    return len(rows)


@compiled_exactly
def joint_with_nearest(tree: Any) -> Host:
    """Return of every subcluster what the squared radius would be of it and its nearest one in the leaf."""
    found, at = np.full(tree.sizes[2], np.inf), 0
    for node in range(tree.sizes[0]):
        weights, means, squares = tree.weights[node], tree.means[node], tree.squares[node]
        for one in range(tree.counts[node]):
            if tree.below[node, one] != NONE:
                continue
            for other in range(tree.counts[node]):
                if other != one:
                    total = weights[one] + weights[other]
                    apart = between(means[one], means[other]) * (weights[one] / total) * weights[other]
                    found[at] = min(found[at], (squares[one] + squares[other] + apart) / total)
            at += 1
    return found
