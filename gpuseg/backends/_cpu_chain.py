"""Merging by the chain of nearest neighbours, compiled by Numba: average, complete and Ward's linkage with weights.

Murtagh, The Computer Journal 26 (1983): a chain from neighbour to nearest neighbour ends in two that are each other's,
and these are merged. No merge of a reducible linkage brings others nearer, so that the chain before them stands, and
a nearest neighbour that is known is true until it is merged itself. Clusters stand in slots without gaps, so that what
is looked at shrinks with them. Of ties the same is taken as in SciPy: a union has the later home of its two, a chain
begins at the first home, and of equally near ones the one before in the chain is taken, else that of the first home.
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
    ``centers`` (d, m). ``mass``: weights. ``number``: of the cluster. ``home``: what decides between ties. ``near``:
    the number of its nearest one, ``gap`` how far that is, and ``sure`` whether no other can be as near. ``slot``:
    (2 m - 1,), of each number, -1 where dead.
    """

    cells: Host
    centers: Host
    mass: Host
    number: Host
    home: Host
    near: Host
    gap: Host
    sure: Host
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
    near, gap, sure = np.zeros(count, np.int64), np.full(count, np.inf), np.zeros(count, np.bool_)
    have = Clusters(cells, centers, mass, np.arange(count), np.arange(count), near, gap, sure, slot, linkage)
    if linkage != WARD:
        first_neighbours(have)
    chain, link, length = np.empty(count, np.int64), np.empty(count), 0
    row, owner, first = np.empty(count), np.arange(count), 0
    for merge in range(count - 1):
        active = count - merge
        if length == 0:
            while owner[first] < 0:
                first += 1
            chain[0], length = owner[first], 1
        while True:
            top = slot[chain[length - 1]]
            if not sure[top] or slot[near[top]] < 0:
                reach(have, top, active, row)
                take_nearest(have, top, active, row)
            # Not nearer than the one before it: of ties that one, or the chain would run in a circle.
            if length > 1 and link[length - 1] <= gap[top]:
                break
            chain[length], link[length] = near[top], gap[top]
            length += 1
        pairs[merge], height = (chain[length - 2], chain[length - 1]), link[length - 1]
        heights[merge] = no_less(height, pairs[merge], heights)
        length -= 2
        one, other = slot[pairs[merge, 0]], slot[pairs[merge, 1]]
        home, dead = max(have.home[one], have.home[other]), min(have.home[one], have.home[other])
        owner[home], owner[dead] = count + merge, -1
        union = join(have, one, other, active - 1, home, count + merge, row)
        take_nearest(have, union, active - 1, row)
        for j in range(active - 1):  # those to whom the union is as near as their nearest one
            sure[j] &= row[j] > gap[j]
    return pairs, heights


@compiled_exactly
def no_less(height: float, pair: Host, heights: Host) -> float:
    """Return the height of a merge, not below those it joins: rounding may put it a last bit under them."""
    for side in pair:
        if side > len(heights):
            height = max(height, heights[side - len(heights) - 1])
    return height


@compiled_exactly
def first_neighbours(have: Clusters) -> None:
    """Find the nearest one of every point in one pass over the triangle; of ties any, of which it is not sure."""
    near, gap, sure = have.near, have.gap, have.sure
    for i in range(1, len(near)):
        row = have.cells[i * (i - 1) // 2 : i * (i + 1) // 2]
        for j in range(i):
            if row[j] <= gap[j]:
                sure[j] = row[j] < gap[j]
                gap[j], near[j] = row[j], i
            if row[j] <= gap[i]:
                sure[i] = row[j] < gap[i]
                gap[i], near[i] = row[j], j


@compiled_exactly
def reach(have: Clusters, at: int, active: int, row: Host) -> None:
    """Write how far each cluster is from the one in a slot."""
    if have.linkage == WARD:
        sums(have.centers, have.centers[:, at].copy(), 0, active, False, row)
        mine = have.mass[at]
        for j in range(active):
            row[j] *= mine * have.mass[j] / (mine + have.mass[j])
        return
    read_slot(have.cells, at, active, row)


@compiled_exactly
def take_nearest(have: Clusters, at: int, active: int, row: Host) -> None:
    """Keep the nearest one of the cluster in a slot, of ties that of the first home."""
    row[at] = np.inf
    least, ties = 0, 0
    for j in range(1, active):
        if row[j] <= row[least]:
            ties = ties + 1 if row[j] == row[least] else 0
            if row[j] < row[least] or have.home[j] < have.home[least]:
                least = j
    have.near[at], have.gap[at], have.sure[at] = have.number[least], row[least], ties == 0


@compiled_exactly
def join(have: Clusters, one: int, other: int, last: int, home: int, number: int, row: Host) -> int:
    """Put the union of two slots in one of them, the last slot's cluster where the other was; return the first.

    Writes how far each cluster is from the union.
    """
    low, high = min(one, other), max(one, other)
    # The union where the triangle's rows are long: there they are read as they lie.
    union, hole = (low, last) if high == last else (high, low)
    left, right = have.mass[low], have.mass[high]
    mass = left + right
    dead = have.number[low], have.number[high]
    if have.linkage == WARD:
        for f in range(have.centers.shape[0]):
            column = have.centers[f]
            column[union] = (left * column[low] + right * column[high]) / mass
            column[hole] = column[last]
    else:
        join_cells(have, low, high, last, row)
    for field in (have.mass, have.gap):
        field[hole] = field[last]
    have.number[hole], have.home[hole], have.near[hole] = have.number[last], have.home[last], have.near[last]
    have.sure[hole] = have.sure[last]
    have.slot[have.number[hole]] = hole
    have.slot[dead[0]] = have.slot[dead[1]] = -1
    have.number[union], have.home[union], have.mass[union], have.slot[number] = number, home, mass, union
    if have.linkage == WARD:
        reach(have, union, last, row)
    return union


@compiled_exactly
def join_cells(have: Clusters, low: int, high: int, last: int, row: Host) -> None:
    """Bring the triangle to the union of two slots (Lance and Williams 1967), and write how far each is from it.

    The last slot's cells take the place of the lower one's, unless the last is one of the two.
    """
    cells, left, right = have.cells, have.mass[low], have.mass[high]
    other = np.empty(last + 1)
    read_slot(cells, low, last + 1, row)
    read_slot(cells, high, last + 1, other)
    if have.linkage == COMPLETE:
        for k in range(last + 1):
            row[k] = max(row[k], other[k])
    else:
        for k in range(last + 1):
            row[k] = (left * row[k] + right * other[k]) / (left + right)
    if high == last:
        write_slot(cells, low, last, row)
        return
    start = last * (last - 1) // 2
    write_slot(cells, low, last, cells[start : start + last])
    row[low] = row[last]  # the last is in the lower slot now
    write_slot(cells, high, last, row)


@compiled_exactly
def read_slot(cells: Host, at: int, active: int, row: Host) -> None:
    """Copy a slot's row of the triangle, and its column below: how far each slot is from it, itself left out."""
    start = at * (at - 1) // 2
    row[:at] = cells[start : start + at]
    place = start + 2 * at
    for j in range(at + 1, active):
        row[j] = cells[place]
        place += j


@compiled_exactly
def write_slot(cells: Host, at: int, active: int, row: Host) -> None:
    """Write what ``read_slot`` reads."""
    start = at * (at - 1) // 2
    cells[start : start + at] = row[:at]
    place = start + 2 * at
    for j in range(at + 1, active):
        cells[place] = row[j]
        place += j
