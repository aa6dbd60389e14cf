"""A k-d tree in flat arrays and the core distances in it, compiled by Numba: one thread, no GIL.

Rows are put in the order of the leaves, of which there is a power of two, LEAF rows in each at most. A leaf is a tile,
feature by feature, filled up with infinity: the distances from a row to it are one vector loop. Only
``_cpu_hdbscan.py`` loads it, when there are rows enough to repay loading Numba.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host

LEAF = 16
"""Rows of a leaf at most."""
DEEP = 128
"""Nodes that wait while a row walks down: one a level, and there are fewer levels than bits in a row's number."""


class Tree(NamedTuple):
    """``order``: the row at each place. ``starts``: the first place of each leaf, and the number of rows.

    ``tiles``: (leaves, d, LEAF). ``low``, ``high``: the box of each node, (2 leaves - 1, d); node 0 is the root, the
    children of node i are 2 i + 1 and 2 i + 2, the leaves come last.
    """

    order: Host
    starts: Host
    tiles: Host
    low: Host
    high: Host


class Walk(NamedTuple):
    """A row on its way down the tree: nodes that wait, how far away they are, and the distances to a leaf's rows."""

    row: Host
    stack: Host
    bounds: Host
    found: Host


@compiled_exactly
def grow(x: Host) -> Tree:
    """Return the tree of rows: every node is cut at the median of its widest feature."""
    n, d = x.shape
    leaves = 1
    while leaves * LEAF < n:
        leaves *= 2
    order, keys = np.arange(n), np.empty(n)
    low, high = np.empty((2 * leaves - 1, d)), np.empty((2 * leaves - 1, d))
    first, last = np.zeros(2 * leaves - 1, np.int64), np.full(2 * leaves - 1, n)
    for node in range(2 * leaves - 1):
        s, e = first[node], last[node]
        widest = enclose(x, order[s:e], low[node], high[node])
        if node < leaves - 1:
            middle = (s + e) // 2
            halve(x, widest, order, keys, s, e, middle)
            first[2 * node + 1], last[2 * node + 1] = s, middle
            first[2 * node + 2], last[2 * node + 2] = middle, e
    starts = np.append(first[leaves - 1 :], n)
    return Tree(order, starts, tiles_of(x, order, starts), low, high)


@compiled_exactly
def enclose(x: Host, rows: Host, low: Host, high: Host) -> int:
    """Write the box of some rows, and return its widest feature."""
    low[:], high[:] = np.inf, -np.inf
    for row in rows:
        for f in range(x.shape[1]):
            low[f], high[f] = min(low[f], x[row, f]), max(high[f], x[row, f])
    widest = 0
    for f in range(1, x.shape[1]):
        if high[f] - low[f] > high[widest] - low[widest]:
            widest = f
    return widest


@compiled_exactly
def tiles_of(x: Host, order: Host, starts: Host) -> Host:
    """Return the rows of each leaf, feature by feature, filled up with infinity."""
    tiles = np.full((len(starts) - 1, x.shape[1], LEAF), np.inf)
    for leaf in range(len(tiles)):
        for p in range(starts[leaf], starts[leaf + 1]):
            for f in range(x.shape[1]):
                tiles[leaf, f, p - starts[leaf]] = x[order[p], f]
    return tiles


@compiled_exactly
def halve(x: Host, f: int, order: Host, keys: Host, s: int, e: int, middle: int) -> None:
    """Put the rows of places s..e that are least in feature f before ``middle``: Hoare's selection."""
    for p in range(s, e):
        keys[p] = x[order[p], f]
    low, high = s, e - 1
    while low < high:
        a, b, c = keys[low], keys[(low + high) // 2], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@compiled_exactly
def to_box(low: Host, high: Host, row: Host, node: int) -> float:
    """Return the squared distance of a row to a node's box."""
    total = 0.0
    for f in range(len(row)):
        away = max(low[node, f] - row[f], row[f] - high[node, f], 0.0)
        total += away * away
    return total


@compiled_exactly
def to_leaf(tile: Host, row: Host, found: Host) -> None:
    """Write the squared distances of a row to a leaf's; infinity where it has fewer."""
    for s in range(LEAF):
        found[s] = 0.0
    for f in range(len(row)):
        at = row[f]
        for s in range(LEAF):
            away = tile[f, s] - at
            found[s] += away * away


@compiled_exactly
def scratch(tree: Tree) -> Walk:
    """Return room to walk down the tree with one row after another."""
    return Walk(np.empty(tree.low.shape[1]), np.empty(DEEP, np.int64), np.empty(DEEP), np.empty(LEAF))


@compiled_exactly
def down(tree: Tree, walk: Walk, node: int, bound: float, waiting: int) -> int:
    """Let the children of a node wait that are no farther than ``bound``, the nearer one first in turn."""
    near, far = 2 * node + 1, 2 * node + 2
    to_near, to_far = to_box(tree.low, tree.high, walk.row, near), to_box(tree.low, tree.high, walk.row, far)
    if to_far < to_near:
        near, far, to_near, to_far = far, near, to_far, to_near
    if to_far <= bound:
        walk.stack[waiting], walk.bounds[waiting] = far, to_far
        waiting += 1
    if to_near <= bound:
        walk.stack[waiting], walk.bounds[waiting] = near, to_near
        waiting += 1
    return waiting
