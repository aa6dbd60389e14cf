"""Core distances of rows with weights, and the rows near each, in a k-d tree; compiled by Numba: one thread, no GIL."""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._cpu_kd import Tree, Walk, scratch, to_box, to_leaf
from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host


class Heap(NamedTuple):
    """Rows by their distance, the farthest first."""

    away: Host
    place: Host


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


# One loop, and not a function a step: with calls inside it takes twice as long.
@compiled_exactly
def around(tree: Tree, weight: Host, reach: float, home: int, walk: Walk, heap: Heap) -> int:  # noqa: C901
    """Fill the heap with the rows about the walk's, whose leaf is ``home``, and return how many these are."""
    starts, tiles, low, high = tree.starts, tree.tiles, tree.low, tree.high
    row, stack, bounds, found = walk
    away, place = heap
    leaves, count, total, bound, waiting = len(starts) - 1, 0, 0.0, np.inf, 1
    stack[0], bounds[0] = 0, 0.0
    leaf = home  # the row's own leaf first: much of what it looks for is there
    while True:
        if leaf >= 0:
            to_leaf(tiles[leaf], row, found)
            start = starts[leaf]
            for s in range(starts[leaf + 1] - start):
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
            return count
        waiting -= 1
        node, leaf = stack[waiting], -1
        if bounds[waiting] >= bound:
            continue
        if node >= leaves - 1:
            leaf = node - leaves + 1 if node - leaves + 1 != home else -1
            continue
        near, far = 2 * node + 1, 2 * node + 2
        to_near, to_far = to_box(low, high, row, near), to_box(low, high, row, far)
        if to_far < to_near:
            near, far, to_near, to_far = far, near, to_far, to_near
        if to_far < bound:
            stack[waiting], bounds[waiting] = far, to_far
            waiting += 1
        if to_near < bound:
            stack[waiting], bounds[waiting] = near, to_near
            waiting += 1


@compiled_exactly
def near_enough(
    tree: Tree, weight: Host, reach: float, most: int, first: int, last: int, squared: Host, near: Host
) -> None:
    """Write the squared core distances of the rows in leaves first..last, and the places of rows near them.

    A core distance is that within which the weight reaches ``reach``, for which ``most`` rows are enough. ``near``:
    (places, kept), of those within it the nearest but the row itself, -1 where there are fewer.
    """
    walk, heap = scratch(tree), Heap(np.empty(most + 1), np.empty(most + 1, np.int64))
    for home in range(first, last):
        for p in range(tree.starts[home], tree.starts[home + 1]):
            walk.row[:] = tree.tiles[home, :, p - tree.starts[home]]
            count = around(tree, weight, reach, home, walk, heap)
            squared[p] = heap.away[0]
            for left in range(count, 1, -1):
                pop(heap.away, heap.place, left)
            k = 0
            for i in range(count):
                if k < near.shape[1] and heap.place[i] != p:
                    near[p, k] = heap.place[i]
                    k += 1
