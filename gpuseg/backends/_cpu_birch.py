"""BIRCH on the CPU: a tree of cluster features, grown by compiled loops, and rebuilt where it has too many of them.

A cluster feature is a weight, a mean and a sum of squared deviations from it (Lang and Schubert, BETULA, 2020): sums of
squares far from zero would lose the digits that a radius is made of. Nothing of Numba is loaded before the first call.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends._protocol import Fit, Host

SMALLER = 0.8
"""The share of the subclusters allowed that a rebuilt tree has at most: it then takes in rows again for a while."""
JOINED = 0.1
"""The share of the subclusters that could take in a neighbour at the next threshold: more would leave far too few."""
RISE = 1.1
"""What a squared threshold rises by at least."""
NODES = 64
"""Nodes that a tree has room for at first."""


class Tree(NamedTuple):
    """The nodes of a tree: of each entry the weight, mean and sum of squared deviations, and the node below it or -1.

    ``weights``, ``squares``, ``below``: (nodes, branching + 1), the last place for the entry that makes a node split;
    ``means``: (nodes, branching + 1, d). ``counts``: each node's entries. ``sizes``: nodes in use, the number of the
    root, subclusters, levels. A subcluster is an entry without a node below it; ``squares`` are those of subclusters.
    """

    weights: Host
    means: Host
    squares: Host
    below: Host
    counts: Host
    sizes: Host


class Features(NamedTuple):
    """Cluster features: weights, means, sums of squared deviations. A row is one of no deviation."""

    weight: Host
    mean: Host
    square: Host


def fit_birch(
    x: Host,
    *,
    threshold: float | None,
    branching_factor: int,
    max_subclusters: int,
    sample_weight: Host,
    radius: Host | None = None,
    least: float = 0.0,
) -> Mapping[str, Any]:
    """Return weight, mean and radius of each subcluster, and the threshold; rows enter as they come.

    Without a ``threshold`` it begins at ``least`` and rises, with a tree rebuilt of the subclusters of the one before,
    whenever there are more than ``max_subclusters``. Rows of no weight are passed over. ``radius``: that of each row,
    where rows are subclusters of other trees.
    """
    weighs = sample_weight > 0
    # Writable, or Numba would compile the loops once more.
    rows = np.require(x if np.all(weighs) else x[weighs], np.float64, ["C", "W"])
    weight = np.asarray(sample_weight, dtype=np.float64)[weighs]
    features = Features(weight, rows, np.zeros(len(rows)) if radius is None else weight * radius[weighs] ** 2)
    if threshold is None:
        tree, squared = _grown(features, least**2, branching_factor, max_subclusters)
    else:
        tree, squared = _grown(features, float(threshold) ** 2, branching_factor, len(rows))
    found = _subclusters(tree)
    return {
        "weight": found.weight,
        "mean": found.mean,
        "radius": np.sqrt(found.square / found.weight),
        "threshold": float(np.sqrt(squared)),
    }


def _grown(features: Features, squared: float, branching: int, most: int) -> tuple[Tree, float]:
    """Return a tree of at most so many subclusters that all features entered, and its squared threshold."""
    from gpuseg.backends import _cpu_birch_tree as loops

    tree, at = _sapling(branching, features.mean.shape[1], NODES), 0
    while True:
        at = loops.enter(tree, *features, at, squared, most)
        _, _, subclusters, levels = tree.sizes.tolist()
        if subclusters > most:
            tree, squared = _rebuilt(tree, squared, branching, int(SMALLER * most))
        elif at < len(features.weight):
            tree = _larger(tree, levels)
        else:
            return tree, squared


def _rebuilt(tree: Tree, squared: float, branching: int, most: int) -> tuple[Tree, float]:
    """Return a tree of at most so many subclusters, made of those of another one, and its squared threshold."""
    from gpuseg.backends import _cpu_birch_tree as loops

    while tree.sizes[2] > max(most, 1):
        joint = loops.joint_with_nearest(tree)
        nearest = float(np.quantile(joint[np.isfinite(joint)], JOINED))
        squared = max(nearest, RISE * squared, float(np.finfo(np.float64).tiny))
        features = _subclusters(tree)
        tree, _ = _grown(features, squared, branching, len(features.weight))
    return tree, squared


def _subclusters(tree: Tree) -> Features:
    """Return the entries that have no node below them."""
    there = (np.arange(tree.below.shape[1]) < tree.counts[:, None]) & (tree.below < 0)
    return Features(tree.weights[there], tree.means[there], tree.squares[there])


def _sapling(branching: int, width: int, nodes: int) -> Tree:
    """Return a tree of one empty leaf, with room for so many nodes."""
    shape = nodes, branching + 1
    below, sizes = np.full(shape, -1, dtype=np.int64), np.array([1, 0, 0, 1])
    return Tree(np.zeros(shape), np.zeros((*shape, width)), np.zeros(shape), below, np.zeros(nodes, np.int64), sizes)


def _larger(tree: Tree, levels: int) -> Tree:
    """Return the tree with room for twice as many nodes."""
    nodes, branching = len(tree.counts), tree.weights.shape[1] - 1
    larger = _sapling(branching, tree.means.shape[2], 2 * nodes + levels)
    for old, new in zip(tree[:-1], larger[:-1], strict=True):
        new[:nodes] = old
    return larger._replace(sizes=tree.sizes)


FITS: Mapping[str, Fit] = {"birch": fit_birch}
