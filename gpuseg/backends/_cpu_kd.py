"""A k-d tree in flat arrays and the core distances in it, compiled by Numba: one thread, no GIL.

Rows are put in the order of the leaves, of which there is a power of two, LEAF rows in each at most. A leaf is a tile,
feature by feature, filled up with infinity: the distances from a row to it are one vector loop. Only
``_cpu_hdbscan.py`` imports this file, when there are rows enough to repay loading Numba.
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


@compiled_exactly
def grow(x: Host) -> Tree:
    """Return the tree of rows: every node is cut at the median of its widest feature."""
    n, d = x.shape
    leaves = 1
    while leaves * LEAF < n:
        leaves *= 2
    nodes = 2 * leaves - 1
    order, keys = np.arange(n), np.empty(n)
    low, high = np.full((nodes, d), np.inf), np.full((nodes, d), -np.inf)
    first, last = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    last[0] = n
    for node in range(nodes):
        s, e = first[node], last[node]
        for p in range(s, e):
            for f in range(d):
                low[node, f] = min(low[node, f], x[order[p], f])
                high[node, f] = max(high[node, f], x[order[p], f])
        if node < leaves - 1:
            widest = 0
            for f in range(1, d):
                if high[node, f] - low[node, f] > high[node, widest] - low[node, widest]:
                    widest = f
            middle = (s + e) // 2
            halve(x, widest, order, keys, s, e, middle)
            first[2 * node + 1], last[2 * node + 1] = s, middle
            first[2 * node + 2], last[2 * node + 2] = middle, e
    starts = np.append(first[leaves - 1 :], n)
    tiles = np.full((leaves, d, LEAF), np.inf)
    for leaf in range(leaves):
        for p in range(starts[leaf], starts[leaf + 1]):
            for f in range(d):
                tiles[leaf, f, p - starts[leaf]] = x[order[p], f]
    return Tree(order, starts, tiles, low, high)


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
        away = max(max(low[node, f] - row[f], row[f] - high[node, f]), 0.0)
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
def push(away: Host, place: Host, count: int, new: float, at: int) -> None:
    """Add an entry to a heap of ``count``, the farthest first."""
    child = count
    while child > 0:
        above = (child - 1) // 2
        if away[above] >= new:
            break
        away[child], place[child] = away[above], place[above]
        child = above
    away[child], place[child] = new, at


@compiled_exactly
def pop(away: Host, place: Host, count: int) -> None:
    """Take the first entry of a heap of ``count``, and leave it behind the others."""
    last, at = away[count - 1], place[count - 1]
    away[count - 1], place[count - 1] = away[0], place[0]
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= count - 1:
            break
        if child + 1 < count - 1 and away[child + 1] > away[child]:
            child += 1
        if away[child] <= last:
            break
        away[hole], place[hole] = away[child], place[child]
        hole = child
    away[hole], place[hole] = last, at


@compiled_exactly
def near_enough(
    tree: Tree, weight: Host, reach: float, most: int, first: int, last: int, squared: Host, near: Host
) -> None:
    """Write the squared core distances of the rows in leaves first..last, and the places of rows near them.

    A core distance is that within which the weight reaches ``reach``, for which ``most`` rows are enough. ``near``:
    (places, kept), of those within it the nearest but the row itself, -1 where there are fewer.
    """
    leaves, kept = len(tree.starts) - 1, near.shape[1]
    away, place = np.empty(most + 1), np.empty(most + 1, np.int64)
    stack, bounds, found = np.empty(DEEP, np.int64), np.empty(DEEP), np.empty(LEAF)
    row = np.empty(tree.low.shape[1])
    for home in range(first, last):
        for p in range(tree.starts[home], tree.starts[home + 1]):
            for f in range(len(row)):
                row[f] = tree.tiles[home, f, p - tree.starts[home]]
            count, total, bound, waiting = 0, 0.0, np.inf, 1
            stack[0], bounds[0] = 0, 0.0
            leaf = home  # the row's own leaf first: most of what it looks for is there
            while True:
                if leaf >= 0:
                    to_leaf(tree.tiles[leaf], row, found)
                    start = tree.starts[leaf]
                    for s in range(tree.starts[leaf + 1] - start):
                        if found[s] < bound:
                            push(away, place, count, found[s], start + s)
                            count += 1
                            total += weight[start + s]
                            while total - weight[place[0]] >= reach:
                                total -= weight[place[0]]
                                pop(away, place, count)
                                count -= 1
                            if total >= reach:
                                bound = away[0]
                if waiting == 0:
                    break
                waiting -= 1
                node, leaf = stack[waiting], -1
                if bounds[waiting] >= bound:
                    continue
                if node >= leaves - 1:
                    leaf = node - leaves + 1
                    if leaf == home:
                        leaf = -1
                    continue
                left, right = 2 * node + 1, 2 * node + 2
                to_left, to_right = to_box(tree.low, tree.high, row, left), to_box(tree.low, tree.high, row, right)
                if to_left <= to_right:
                    left, right, to_left, to_right = right, left, to_right, to_left
                if to_left < bound:
                    stack[waiting], bounds[waiting] = left, to_left
                    waiting += 1
                if to_right < bound:
                    stack[waiting], bounds[waiting] = right, to_right
                    waiting += 1
            squared[p] = away[0]
            number = count
            while count > 1:
                pop(away, place, count)
                count -= 1
            k = 0
            for i in range(number):
                if k < kept and place[i] != p:
                    near[p, k] = place[i]
                    k += 1
