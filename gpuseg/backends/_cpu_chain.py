"""Merging by the chain of nearest neighbours, compiled by Numba: average, complete and Ward's linkage with weights.

Murtagh, The Computer Journal 26 (1983): a chain from neighbour to nearest neighbour ends in two that are each other's,
and these are merged. No merge of a reducible linkage brings others nearer, so that the chain before them stands, and
a nearest neighbour that is known is true until it is merged itself. Clusters stand in slots without gaps, so that what
is looked at shrinks with them.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._cpu_pairs import sums
from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host

AVERAGE, COMPLETE, WARD = range(3)


class Clusters(NamedTuple):
    """What is known of the cluster in each slot; a cluster's number is its point, or m plus its merge.

    ``cells``: the lower triangle of the dissimilarities, row after row; Ward's linkage needs none, it has the centres,
    ``centers`` (d, m). ``mass``: weights. ``number``: of the cluster. ``near``: the number of its nearest one, a dead
    one's where that is not known, and ``gap`` how far that is. ``slot``: (2 m - 1,), of each number, -1 where dead.
    """

    cells: Host
    centers: Host
    mass: Host
    number: Host
    near: Host
    gap: Host
    slot: Host
    linkage: int


@compiled_exactly
def chain_tree(cells: Host, centers: Host, mass: Host, linkage: int) -> tuple[Host, Host]:
    """Return the clusters joined by each merge, (m - 1, 2), and its height; a merge comes after those it joins.

    Writes over ``cells``, ``centers`` and ``mass``. Heights of Ward's linkage are squared and halved.
    """
    count = len(mass)
    pairs, heights = np.empty((count - 1, 2), np.int64), np.empty(count - 1)
    slot = np.full(2 * count - 1, -1, np.int64)
    slot[:count] = np.arange(count)
    near, gap = np.full(count, 2 * count - 2, np.int64), np.full(count, np.inf)  # the last number: not yet alive
    have = Clusters(cells, centers, mass, np.arange(count), near, gap, slot, linkage)
    if linkage != WARD:
        first_neighbours(have)
    chain, link, length = np.empty(count, np.int64), np.empty(count), 0
    row = np.empty(count)
    for merge in range(count - 1):
        active = count - merge
        if length == 0:
            chain[0], length = have.number[active - 1], 1
        while True:
            top = slot[chain[length - 1]]
            if slot[near[top]] < 0:
                look_around(have, top, active, row)
            # Not nearer than the one before it: of ties that one, or the chain would run in a circle.
            if length > 1 and link[length - 1] <= gap[top]:
                break
            chain[length], link[length] = near[top], gap[top]
            length += 1
        pairs[merge], height = (chain[length - 2], chain[length - 1]), link[length - 1]
        # Rounding may put a merge a last bit below those it joins.
        for side in pairs[merge]:
            if side >= count:
                height = max(height, heights[side - count])
        heights[merge] = height
        length -= 2
        join(have, slot[pairs[merge, 0]], slot[pairs[merge, 1]], active - 1, count + merge)
    return pairs, heights


@compiled_exactly
def cell(i: int, j: int) -> int:
    """Return where the dissimilarity of two slots stands."""
    return i * (i - 1) // 2 + j if i > j else j * (j - 1) // 2 + i


@compiled_exactly
def first_neighbours(have: Clusters) -> None:
    """Find the nearest one of every point, of ties the first, in one pass over the triangle."""
    near, gap = have.near, have.gap
    for i in range(1, len(near)):
        row = have.cells[i * (i - 1) // 2 : i * (i + 1) // 2]
        least, at = np.inf, 0
        for j in range(i):
            if row[j] < least:
                least, at = row[j], j
            if row[j] < gap[j]:
                gap[j], near[j] = row[j], i
        near[i], gap[i] = at, least


@compiled_exactly
def look_around(have: Clusters, at: int, active: int, row: Host) -> None:
    """Find the nearest one of the cluster in a slot, of ties the first."""
    if have.linkage == WARD:
        sums(have.centers, have.centers[:, at].copy(), 0, active, False, row)
        mine = have.mass[at]
        for j in range(active):
            row[j] *= mine * have.mass[j] / (mine + have.mass[j])
    else:
        start = at * (at - 1) // 2
        row[:at] = have.cells[start : start + at]
        place = at * (at + 1) // 2 + at
        for j in range(at + 1, active):
            row[j] = have.cells[place]
            place += j
    row[at] = np.inf
    least = 0
    for j in range(1, active):
        if row[j] < row[least]:
            least = j
    have.near[at], have.gap[at] = have.number[least], row[least]


@compiled_exactly
def join(have: Clusters, one: int, other: int, last: int, number: int) -> None:
    """Put the union of two slots in one of them, and the cluster of the last slot in the place that is left."""
    low, high = min(one, other), max(one, other)
    # The union where the triangle's rows are long: there they are read as they lie.
    union, hole = (low, last) if high == last else (high, low)
    left, right = have.mass[low], have.mass[high]
    mass = left + right
    have.slot[have.number[low]] = have.slot[have.number[high]] = -1
    if have.linkage == WARD:
        for f in range(have.centers.shape[0]):
            column = have.centers[f]
            column[union] = (left * column[low] + right * column[high]) / mass
            column[hole] = column[last]
        near, gap = have.number[low], np.inf
    else:
        near, gap = join_cells(have, low, high, last)
    if hole != last:
        have.mass[hole], have.near[hole], have.gap[hole] = have.mass[last], have.near[last], have.gap[last]
        have.number[hole] = have.number[last]
        have.slot[have.number[hole]] = hole
    have.mass[union], have.near[union], have.gap[union] = mass, near, gap
    have.number[union] = number
    have.slot[number] = union


@compiled_exactly
def join_cells(have: Clusters, low: int, high: int, last: int) -> tuple[int, float]:
    """Bring the triangle to the union of two slots (Lance and Williams 1967); return its nearest one and how far.

    The last slot's cells take the place of the lower one's, unless the last is one of the two.
    """
    cells, complete, moved = have.cells, have.linkage == COMPLETE, high != last
    left, right = have.mass[low], have.mass[high]
    union, near, gap = (high if moved else low), 0, np.inf
    for k in range(last + 1):
        if k in (low, high):
            continue
        first, second = cells[cell(low, k)], cells[cell(high, k)]
        value = max(first, second) if complete else (left * first + right * second) / (left + right)
        if value < gap:
            gap, near = value, have.number[k]
        if k == last:  # it is about to be in the lower slot
            cells[cell(union, low)] = value
            continue
        cells[cell(union, k)] = value
        if moved:
            cells[cell(low, k)] = cells[cell(last, k)]
    return near, gap
