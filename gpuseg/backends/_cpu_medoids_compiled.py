"""Medoids, compiled by Numba: distances from one point to all, on demand, and the swaps that they decide.

No matrix of distances is kept: a tile of them is used while it is in the first cache. ``about`` describes the points:
``table``, (features, points), or the matrix where ``kind`` is MATRIX; ``share``, (features,), what two different
codes add in a column of categories, 0 in a column of numbers; ``thick``, (points,), the squared spread of each.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_tiles import UNROLL, compiled_exactly
from gpuseg.backends._protocol import Host

ROOT, ABSOLUTE, HALF, MATRIX = 0, 1, 2, 3
"""Kinds of distance: root of the squares, sum of the differences (or of the shares), half of the squares, as given."""
RUN = 512
"""Points of a tile: its distances and a feature of it take 8 KiB."""
ENOUGH = 1e-11
"""The share of the loss by which a swap must lower it: less may be rounding, and swaps would go round in circles."""


@compiled_exactly
def fill(about: Any, kind: int, point: int, start: int, found: Host) -> None:
    """Write the distances from a point to those from ``start`` on, squared where they are roots."""
    table, share, thick = about
    end = start + len(found)
    if kind == MATRIX:
        found[:] = table[point, start:end]
        return
    if kind == ABSOLUTE:
        absolute(table, share, point, start, found)
        return
    found[:] = 0.0
    if kind == ROOT:
        found[:] = thick[start:end]
    whole = table.shape[0] - table.shape[0] % UNROLL
    for f in range(0, whole, UNROLL):
        a, b, c, d = table[f, point], table[f + 1, point], table[f + 2, point], table[f + 3, point]
        p, q, r, s = table[f, start:end], table[f + 1, start:end], table[f + 2, start:end], table[f + 3, start:end]
        for i in range(len(found)):
            left = (p[i] - a) * (p[i] - a) + (q[i] - b) * (q[i] - b)
            found[i] += left + ((r[i] - c) * (r[i] - c) + (s[i] - d) * (s[i] - d))
    for f in range(whole, table.shape[0]):
        here, column = table[f, point], table[f, start:end]
        for i in range(len(found)):
            found[i] += (column[i] - here) * (column[i] - here)
    if kind == HALF:
        found *= 0.5


@compiled_exactly
def absolute(table: Host, share: Host, point: int, start: int, found: Host) -> None:
    """Write the sums of the differences, and of the shares where codes differ, from a point to those from ``start``."""
    found[:] = 0.0
    for f in range(table.shape[0]):
        here, column = table[f, point], table[f, start : start + len(found)]
        if share[f] > 0:
            for i in range(len(found)):
                found[i] += share[f] if column[i] != here else 0.0
        else:
            for i in range(len(found)):
                found[i] += abs(column[i] - here)


@compiled_exactly
def between(about: Any, kind: int, medoid: int, point: int, found: Host) -> float:
    """Return the distance from a medoid to one point; ``found`` has room for one number."""
    fill(about, kind, medoid, point, found[:1])
    return np.sqrt(found[0]) if kind == ROOT else found[0]


@compiled_exactly
def build(table: Host, share: Host, thick: Host, kind: int, weight: Host, count: int) -> Host:
    """Return the medoids of BUILD: each the point that lowers the loss most, of ties the first."""
    about, n, medoids, tile = (table, share, thick), len(weight), np.empty(count, np.int64), np.empty(RUN)
    near, gain = np.full(n, np.inf), np.empty(n)
    for step in range(count):
        for point in range(n):
            total = 0.0
            for start in range(0, n, RUN):
                found = tile[: min(RUN, n - start)]
                fill(about, kind, point, start, found)
                total += lowered(found, kind, start, near, weight)
            gain[point] = total
        gain[medoids[:step]] = -np.inf
        medoids[step] = np.argmax(gain)
        nearer(about, kind, medoids[step], near, tile)
    return medoids


@compiled_exactly
def lowered(found: Host, kind: int, start: int, near: Host, weight: Host) -> float:
    """Return by how much distances lower the loss of their points; without a medoid yet, from a loss of 0."""
    total = 0.0
    for i in range(len(found)):
        old = near[start + i]
        if old == np.inf:
            total -= weight[start + i] * (np.sqrt(found[i]) if kind == ROOT else found[i])
        elif found[i] < (old * old if kind == ROOT else old):
            total += weight[start + i] * (old - (np.sqrt(found[i]) if kind == ROOT else found[i]))
    return total


@compiled_exactly
def nearer(about: Any, kind: int, medoid: int, near: Host, tile: Host) -> None:
    """Lower the points' distances to those from a new medoid."""
    for start in range(0, len(near), RUN):
        found = tile[: min(RUN, len(near) - start)]
        fill(about, kind, medoid, start, found)
        for i in range(len(found)):
            away = np.sqrt(found[i]) if kind == ROOT else found[i]
            near[start + i] = min(near[start + i], away)


@compiled_exactly
def place(about: Any, kind: int, medoids: Host, placed: Any) -> None:
    """Write each point's nearest and second nearest medoid, by their numbers, and the distances; of ties the first."""
    own, other, first, second, bound = placed
    first[:], second[:] = np.inf, np.inf
    tile = np.empty(RUN)
    for j in range(len(medoids)):
        for start in range(0, len(own), RUN):
            found = tile[: min(RUN, len(own) - start)]
            fill(about, kind, medoids[j], start, found)
            for i in range(len(found)):
                at, away = start + i, np.sqrt(found[i]) if kind == ROOT else found[i]
                if away < first[at]:
                    other[at], second[at] = own[at], first[at]
                    own[at], first[at] = j, away
                elif away < second[at]:
                    other[at], second[at] = j, away
    for at in range(len(own)):
        bound[at] = second[at] * second[at] if kind == ROOT else second[at]


@compiled_exactly
def removal(weight: Host, placed: Any, lost: Host) -> None:
    """Write what the loss gains where a medoid is taken away and its points go to their second nearest."""
    own, _, first, second, _ = placed
    lost[:] = 0.0
    for at in range(len(own)):
        lost[own[at]] += weight[at] * (second[at] - first[at])


@compiled_exactly
def change(about: Any, kind: int, weight: Host, placed: Any, point: int, tile: Host, changes: Host) -> float:
    """Add what a point as a medoid changes in the place of each; return what it changes whichever it replaces."""
    own, _, first, second, bound = placed
    shared, near = 0.0, np.empty(RUN, np.int64)
    for start in range(0, len(own), RUN):
        found = tile[: min(RUN, len(own) - start)]
        fill(about, kind, point, start, found)
        count = 0
        for i in range(len(found)):  # without a branch, which would be guessed wrong for one point in some
            near[count] = i
            count += 1 if found[i] < bound[start + i] else 0
        for i in near[:count]:
            at = start + i
            away = np.sqrt(found[i]) if kind == ROOT else found[i]
            shared += weight[at] * min(away - first[at], 0.0)
            changes[own[at]] += weight[at] * (max(away, first[at]) - second[at])
    return shared


@compiled_exactly
def summed(weight: Host, first: Host) -> float:
    """Return the loss: the weighted sum of the distances to the nearest medoid."""
    total = 0.0
    for at in range(len(weight)):
        total += weight[at] * first[at]
    return total


@compiled_exactly
def begun(about: Any, kind: int, weight: Host, medoids: Host) -> tuple[Any, Host, Host]:
    """Return what swaps keep: each point's two nearest medoids, what each medoid is worth, and which points are one."""
    n = len(weight)
    placed = np.zeros(n, np.int64), np.zeros(n, np.int64), np.empty(n), np.empty(n), np.empty(n)
    place(about, kind, medoids, placed)
    lost, taken = np.empty(len(medoids)), np.zeros(n, np.bool_)
    removal(weight, placed, lost)
    taken[medoids] = True
    return placed, lost, taken


@compiled_exactly
def rivals(about: Any, kind: int, medoids: Host, at: int, placed: Any, one: Host) -> None:
    """Bring the second nearest medoid of a point up to date, where it may be any but its nearest."""
    own, other, _, second, _ = placed
    for rival in range(len(medoids)):
        if rival not in (own[at], other[at]):
            beyond = between(about, kind, medoids[rival], at, one)
            if beyond < second[at]:
                other[at], second[at] = rival, beyond


@compiled_exactly
def swap(about: Any, kind: int, medoids: Host, j: int, point: int, placed: Any, taken: Host) -> None:
    """Put a point in the place of the ``j``-th medoid, and bring every point's two nearest up to date."""
    own, other, first, second, bound = placed
    taken[medoids[j]], taken[point] = False, True
    medoids[j] = point
    tile, one = np.empty(RUN), np.empty(1)
    for start in range(0, len(own), RUN):
        found = tile[: min(RUN, len(own) - start)]
        fill(about, kind, point, start, found)
        for i in range(len(found)):
            at, away = start + i, np.sqrt(found[i]) if kind == ROOT else found[i]
            if own[at] == j and away <= second[at]:
                first[at] = away
            elif own[at] != j and away < first[at]:
                other[at], second[at] = own[at], first[at]
                own[at], first[at] = j, away
            elif own[at] == j or other[at] == j:
                if own[at] == j:
                    own[at], first[at] = other[at], second[at]
                other[at], second[at] = j, away
                rivals(about, kind, medoids, at, placed, one)
            elif away < second[at]:
                other[at], second[at] = j, away
            bound[at] = second[at] * second[at] if kind == ROOT else second[at]


@compiled_exactly
def fasterpam(
    table: Host, share: Host, thick: Host, kind: int, weight: Host, medoids: Host, order: Host, max_iter: int
) -> tuple[int, float]:
    """Swap medoids for points, each as soon as it lowers the loss; return the rounds over all points, and the loss.

    ``order``: all points, as they are visited.
    """
    about, n, rounds, since = (table, share, thick), len(weight), 0, 0
    placed, lost, taken = begun(about, kind, weight, medoids)
    changes, tile = np.empty(len(medoids)), np.empty(RUN)
    loss = summed(weight, placed[2])
    while rounds < max_iter and since < n:
        rounds += 1
        for point in order:
            since += 1
            if not taken[point]:
                changes[:] = lost
                shared = change(about, kind, weight, placed, point, tile, changes)
                j = np.argmin(changes)
                if changes[j] + shared < -ENOUGH * loss:
                    swap(about, kind, medoids, j, point, placed, taken)
                    removal(weight, placed, lost)
                    loss, since = summed(weight, placed[2]), 0
            if since >= n:
                break
    return rounds, loss


@compiled_exactly
def clarans(
    table: Host, share: Host, thick: Host, kind: int, weight: Host, medoids: Host, drawn: Host, most: int, since: int
) -> tuple[int, float]:
    """Try each drawn point in the place of the medoid it replaces best, if the loss falls, until ``most`` fail.

    They fail in a row. Return how many did last, ``since`` of them before, and the loss.
    """
    about = table, share, thick
    placed, lost, taken = begun(about, kind, weight, medoids)
    changes, tile, loss = np.empty(len(medoids)), np.empty(RUN), summed(weight, placed[2])
    for point in drawn:
        if since >= most:
            break
        if taken[point]:
            continue
        since += 1
        changes[:] = lost
        shared = change(about, kind, weight, placed, point, tile, changes)
        j = np.argmin(changes)
        if changes[j] + shared < -ENOUGH * loss:
            swap(about, kind, medoids, j, point, placed, taken)
            removal(weight, placed, lost)
            loss, since = summed(weight, placed[2]), 0
    return since, loss
