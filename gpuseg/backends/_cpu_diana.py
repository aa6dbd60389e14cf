"""Divisive analysis, DIANA, compiled by Numba: distances on demand, memory for a few numbers a point.

Kaufman and Rousseeuw, Finding Groups in Data (1990), chapter 6. A cluster's points stand side by side. Sums of
dissimilarities follow each point that moves and go on to the parts; a cluster half as large as when its sums were last
taken takes them anew, against rounding. Of each point a few of its farthest are known: a diameter seldom looks at more.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._cpu_pairs import EUCLIDEAN, Space, unlike
from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host

FARTHEST = 16
"""Farthest points that are known of each: so many far ones may leave a cluster before its pairs are looked at again."""


class Parts(NamedTuple):
    """The points, cluster after cluster, and what is known of each.

    By where it stands: ``weight``; ``itself``, the sum of dissimilarities to the rest of its own rows; ``own`` and
    ``away``, weighted sums of those to its cluster and to the splinter group; ``moved``, whether it is in that. By its
    number: ``place``, where it stands; ``far_to``, its farthest points, and ``far`` their distances, falling; ``at``,
    which of them is the first in its cluster; ``bound``, no less than the distance to the farthest.
    """

    space: Space
    weight: Host
    itself: Host
    own: Host
    away: Host
    moved: Host
    place: Host
    far_to: Host
    far: Host
    at: Host
    bound: Host
    row: Host


@compiled_exactly
def division_tree(space: Space, weight: Host) -> tuple[Host, Host]:
    """Return the clusters that each split parts, (m - 1, 2), and its diameter, the last split first.

    So read, m + t is the cluster that merge t makes of its two. Writes over the points' order.
    """
    count = len(weight)
    pairs, heights = np.empty((count - 1, 2), np.int64), np.empty(count - 1)
    unit = min(1.0, np.min(weight))
    inner = np.sqrt(2 * space.squares) if space.metric == EUCLIDEAN else np.zeros(count)
    each, wide = np.arange(count), (count, FARTHEST)
    have = Parts(
        space, weight, (weight - unit) * inner, np.zeros(count), np.zeros(count), np.zeros(count, np.bool_),
        each, np.zeros(wide, np.int64), np.zeros(wide), np.zeros(count, np.int64), np.zeros(count), np.empty(count),
    )  # fmt: skip
    todo, waiting, merge = np.empty((count + 1, 5), np.int64), 1, count - 1
    todo[0] = 0, count, 2 * count, -1, 0  # from, to, points when the sums were last taken, the split above, its side
    while waiting:
        waiting -= 1
        low, high, seen, above, side = todo[waiting]
        if high - low == 1:
            pairs[above, side] = space.numbers[low]
            continue
        merge -= 1
        if above >= 0:
            pairs[above, side] = count + merge
        if 2 * (high - low) <= seen:
            seen = high - low
            take_sums(have, low, high)
        heights[merge] = diameter(have, low, high)
        split = low + 1 if heights[merge] == 0.0 else part(have, low, high, unit)
        todo[waiting] = split, high, seen, merge, 1
        todo[waiting + 1] = low, split, seen, merge, 0
        waiting += 2
    return pairs, heights


@compiled_exactly
def look(have: Parts, at: int, low: int, high: int) -> Host:
    """Return the dissimilarities of the point at a place to those from low to high; to itself it is 0."""
    space = have.space
    row = have.row[: high - low]
    unlike(space, space.columns[:, at].copy(), space.squares[at], space.numbers[at], low, high, row)
    row[at - low] = 0.0
    return row


@compiled_exactly
def take_sums(have: Parts, low: int, high: int) -> None:
    """Take a cluster's sums, and the farthest points of each of its points, anew."""
    for at in range(low, high):
        row, total = look(have, at, low, high), 0.0
        for j in range(high - low):
            total += have.weight[low + j] * row[j]
        have.own[at] = total
        keep_farthest(have, at, low, high, row)


@compiled_exactly
def keep_farthest(have: Parts, at: int, low: int, high: int, row: Host) -> None:
    """Keep the farthest points of one, by falling distance; places that stay empty have distance -1."""
    numbers = have.space.numbers
    number = numbers[at]
    far, far_to = have.far[number], have.far_to[number]
    far[:] = -1.0
    for j in range(high - low):
        if row[j] > far[FARTHEST - 1] and low + j != at:
            to = FARTHEST - 1
            while to > 0 and far[to - 1] < row[j]:
                far[to], far_to[to] = far[to - 1], far_to[to - 1]
                to -= 1
            far[to], far_to[to] = row[j], numbers[low + j]
    have.at[number], have.bound[number] = 0, far[0]


@compiled_exactly
def farthest(have: Parts, at: int, low: int, high: int) -> float:
    """Return the distance of a point to the farthest of its cluster, and keep it as the point's bound."""
    number = have.space.numbers[at]
    far, far_to = have.far[number], have.far_to[number]
    for k in range(have.at[number], FARTHEST):
        if far[k] >= 0.0 and low <= have.place[far_to[k]] < high:
            have.at[number], have.bound[number] = k, far[k]
            return far[k]
    keep_farthest(have, at, low, high, look(have, at, low, high))
    return far[0]


@compiled_exactly
def diameter(have: Parts, low: int, high: int) -> float:
    """Return the largest dissimilarity in a cluster: points are looked at whose bound is above what was found."""
    numbers, start = have.space.numbers, low
    for at in range(low, high):
        if have.bound[numbers[at]] > have.bound[numbers[start]]:
            start = at
    widest = farthest(have, start, low, high)
    for at in range(low, high):
        if have.bound[numbers[at]] > widest:
            widest = max(widest, farthest(have, at, low, high))
    return widest


@compiled_exactly
def part(have: Parts, low: int, high: int, unit: float) -> int:
    """Part a cluster, the splinter group before the rest, and return where the rest begins.

    The point of the largest mean dissimilarity goes first. Then, as long as one is nearer to the splinter group than to
    the rest, the one for which the difference of the means is largest, of ties the one of the lowest number.
    """
    have.away[low:high], have.moved[low:high] = 0.0, False
    rest, there, chosen = np.sum(have.weight[low:high]), 0.0, low
    numbers, most = have.space.numbers, -1.0
    for at in range(low, high):
        total = have.own[at] + have.itself[at]
        if total > most or (total == most and numbers[at] < numbers[chosen]):
            chosen, most = at, total
    for _ in range(high - low - 1):
        row, mass = look(have, chosen, low, high), have.weight[chosen]
        have.moved[chosen] = True
        rest, there = rest - mass, there + mass
        chosen, most = -1, 0.0
        for at in range(low, high):
            step = mass * row[at - low]
            have.own[at] -= step
            have.away[at] += step
            more = (have.own[at] + have.itself[at]) / (rest - unit) - have.away[at] / there
            tied = more == most and more > 0.0 and numbers[at] < numbers[chosen]
            if (more > most or tied) and not have.moved[at]:
                chosen, most = at, more
        if chosen < 0:
            break
    return bring_together(have, low, high)


@compiled_exactly
def bring_together(have: Parts, low: int, high: int) -> int:
    """Put the points that moved before the others, and return where these begin."""
    space, begin = have.space, low
    for at in range(low, high):
        if have.moved[at]:
            have.own[at] = have.away[at]
            swap(have.own, at, begin)
            swap(have.weight, at, begin)
            swap(have.itself, at, begin)
            swap(space.squares, at, begin)
            for f in range(space.columns.shape[0]):
                swap(space.columns[f], at, begin)
            numbers = space.numbers
            numbers[at], numbers[begin] = numbers[begin], numbers[at]
            have.place[numbers[at]], have.place[numbers[begin]] = at, begin
            begin += 1
    return begin


@compiled_exactly
def swap(values: Host, one: int, other: int) -> None:
    """Exchange two values."""
    values[one], values[other] = values[other], values[one]
