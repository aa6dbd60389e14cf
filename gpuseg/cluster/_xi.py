"""Segments out of the order of OPTICS: valleys of the reachability plot, by their steep sides or by one height.

Ankerst, Breunig, Kriegel and Sander, SIGMOD 1999, sections 4.3 and 3.2; the correction by predecessors is Schubert and
Gertz's, LWDA 2018. Points that stand for rows have one or two bars in the plot: what the first of the rows is reached
at, and what all others would be, which lie at the core distance behind it.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.cluster._assignment import NOISE


class Ordered(NamedTuple):
    """What OPTICS found, by point: (m,) each but ``ordering``, which has their numbers in order. Weights are rows."""

    ordering: Host
    reachability: Host
    core_distances: Host
    predecessor: Host
    weight: Host


class Plot(NamedTuple):
    """The bars of a plot: height, and a last one without end; point; rows; the bar it was reached from, -1 without."""

    height: list[float]
    point: Host
    rows: list[float]
    before: list[int]


class Slopes(NamedTuple):
    """Of each bar whether the next one is lower or higher at all, and whether by the share xi."""

    down: list[bool]
    up: list[bool]
    steep_down: list[bool]
    steep_up: list[bool]


class Descent(NamedTuple):
    """A steep area down into a valley, and the highest bar since."""

    start: int
    end: int
    between: float


class Wanted(NamedTuple):
    """The parameters: the least change that is steep, as 1 - xi, and rows."""

    complement: float
    min_samples: float
    min_cluster_size: float
    correct: bool


def by_height(found: Ordered, eps: float) -> Host:
    """Return the label of each point were the plot cut at ``eps``; -1 is noise (Ankerst et al., figure 12)."""
    far, dense = found.reachability > eps, found.core_distances <= eps
    label = np.empty(len(far), dtype=np.int64)
    label[found.ordering] = np.cumsum((far & dense)[found.ordering]) - 1
    label[far & ~dense] = NOISE
    return label


def by_steepness(found: Ordered, wanted: Wanted) -> tuple[Host, Host]:
    """Return the label of each point, and the valleys, (v, 2): first and last place in the order, smaller ones first.

    Of valleys within each other the innermost get labels; what lies in none is noise.
    """
    plot = plot_of(found)
    valleys, label = valleys_of(plot, wanted), np.full(len(plot.point), NOISE)
    count = 0
    for start, end in valleys:
        if np.all(label[start : end + 1] == NOISE):
            label[start : end + 1] = count
            count += 1
    of_point = np.empty(len(found.ordering), dtype=np.int64)
    of_point[plot.point] = label  # the last bar of a point decides: that of most of its rows
    place = np.cumsum(np.diff(plot.point, prepend=-1) != 0) - 1
    return of_point, place[np.array(valleys, dtype=np.int64).reshape(-1, 2)]


def plot_of(found: Ordered) -> Plot:
    """Return the bars, as many as points, and one more for each point that stands for more than a row."""
    weight, order = found.weight[found.ordering], found.ordering
    bars = 1 + (weight > 1)
    point, first = np.repeat(order, bars), np.cumsum(bars) - bars
    second = np.diff(point, prepend=-1) == 0
    height = np.where(second, np.minimum(found.reachability, found.core_distances)[point], found.reachability[point])
    rows = np.where(second, found.weight[point] - 1, np.minimum(found.weight[point], 1))
    place = np.full(len(order) + 1, -1)  # what was reached from nothing, -1, finds the last
    place[order] = first
    before = np.where(second & (height < found.reachability[point]), place[point], place[found.predecessor[point]])
    return Plot([*height.tolist(), np.inf], point, rows.tolist(), before.tolist())


def valleys_of(plot: Plot, wanted: Wanted) -> list[tuple[int, int]]:
    """Return the first and the last bar of each valley (Ankerst et al., figure 19)."""
    height, slopes = plot.height, slopes_of(plot.height, wanted.complement)
    starts = np.append(0.0, np.cumsum(plot.rows))
    descents: list[Descent] = []
    valleys: list[tuple[int, int]] = []
    at, between = 0, 0.0
    for steep in np.flatnonzero(np.logical_or(slopes.steep_down, slopes.steep_up)).tolist():
        if steep < at:
            continue
        highest = max(height[at : steep + 1])
        between = max(between, highest)
        descents = still_open(descents, between, height, wanted.complement)
        if slopes.steep_down[steep]:
            end = last_of(steep, slopes.steep_down, slopes.up, plot.rows, wanted.min_samples)
            descents.append(Descent(steep, end, 0.0))
        else:
            end = last_of(steep, slopes.steep_up, slopes.down, plot.rows, wanted.min_samples)
            ended = (valley(plot, descent, steep, end, wanted) for descent in reversed(descents))
            valleys += [(s, e) for s, e in ended if s <= e and starts[e + 1] - starts[s] >= wanted.min_cluster_size]
        at = end + 1
        between = height[at]
    return valleys


def slopes_of(height: list[float], complement: float) -> Slopes:
    """Return where the plot goes down and up, and where steeply (definition 9)."""
    bars = np.array(height)
    with np.errstate(invalid="ignore", divide="ignore"):  # no bar has an end, or none a height: neither up nor down
        ratio = bars[:-1] / bars[1:]
    masks = ratio > 1, ratio < 1, ratio >= 1 / complement, ratio <= complement
    return Slopes(*(mask.tolist() for mask in masks))


def still_open(descents: list[Descent], between: float, height: list[float], complement: float) -> list[Descent]:
    """Return the descents that nothing since has come near the top of, with the highest bar since."""
    if between == np.inf:
        return []
    left = (descent for descent in descents if between <= height[descent.start] * complement)
    return [descent._replace(between=max(descent.between, between)) for descent in left]


def last_of(start: int, steep: list[bool], against: list[bool], rows: list[float], most: float) -> int:
    """Return where a steep area ends (definition 10).

    At its last steep bar before a turn, or before more rows than ``most`` that are not steep.
    """
    end, level = start, 0.0
    for at in range(start + 1, len(steep)):
        level += max(rows[at] - 1, 0.0)  # rows of one bar are level among themselves
        if steep[at] and level <= most:
            end, level = at, 0.0
            continue
        level += min(rows[at], 1.0)
        if against[at] or level > most:
            break
    return end


def valley(plot: Plot, descent: Descent, up: int, end: int, wanted: Wanted) -> tuple[int, int]:
    """Return the first and the last bar between a descent and the ascent up..end; (1, 0) where they are no valley.

    Definition 11: the higher side is cut at the height of the lower one; both must keep a bar of their slope.
    """
    height, start, beyond = plot.height, descent.start, plot.height[end + 1]
    if beyond * wanted.complement < descent.between:
        return 1, 0
    top = height[start]
    if top * wanted.complement >= beyond:
        while start < descent.end and height[start + 1] > beyond:
            start += 1
    elif beyond * wanted.complement >= top:
        while end > up and height[end - 1] > top:
            end -= 1
    if wanted.correct:
        end = reached_within(plot, start, end)
    return (start, end) if end >= up else (1, 0)


def reached_within(plot: Plot, start: int, end: int) -> int:
    """Return the last bar that is lower than the first one or was reached from within; -1 where there is none."""
    height, before = plot.height, plot.before
    while start < end:
        if height[start] > height[end] or start <= before[end] < end:
            return end
        end -= 1
    return -1
