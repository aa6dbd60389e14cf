"""Lloyd's step with bounds, compiled by Numba: rows whose nearest centre cannot have changed are passed over.

A row keeps by how much its nearest centre is nearer than any other (Hamerly 2010, both bounds as their difference).
Each step takes off what the centres moved; while something is left, the row stays where it is, and is not even read.
Sums are exact (below), so that a row that moves takes away precisely what it brought: however a row is reached, by
all steps or by the last one alone, labels and sums have the same bits.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_tiles import TILE, compiled, compiled_exactly, gather, scratch, squares, two_least
from gpuseg.backends._protocol import Host

RUN = 32 * TILE
"""Rows whose margins are looked at in one go: those to be looked at themselves then fill tiles."""
AWAY = 4
"""Roundings beside one a feature, in a squared distance and its row's norm."""
ROUNDED = 2 * np.finfo(np.float32).eps
"""More than a rounding of a margin, as a share of it: margins are float32 whatever the rows are, and rounded down."""
LEAST = np.finfo(np.float32).tiny
"""More than a margin or a loss is rounded by where it is so small that float32 has few digits for it."""
LARGEST = 1e30
"""A margin at most: far from what float32 cannot hold."""
REACH = 2
"""How far from the origin centres may go, as a multiple of the farthest, before all rows are looked at anew."""


@compiled
def margins(best: Host, second: Host, norms: Host, reach: Any, slack: Any, of: Any, margin: Host) -> None:
    """Write by how much each row's nearest centre is nearer than the next, less all that rounding may do.

    ``norms`` are the rows' squared ones; each of them and of |c|^2 - 2 c x is off by half of ``slack`` at most, as a
    share of (|x| + reach)^2: so much must be left between the squares when the bounds have come closest. ``of``: what
    a number's digits end at, and the least one with all digits, above all that squares of smaller ones are off by.
    """
    number, (eps, tiny) = best.dtype.type, of
    less, more = number(1) - number(4) * eps, number(1) + number(8) * eps
    for i in range(TILE):
        size = np.sqrt(norms[i]) + reach
        off = slack * size * size + tiny
        near = max(best[i] + norms[i], number(0)) + off
        far = np.sqrt(max(second[i] + norms[i] - off, number(0)))
        left = min(far * less - np.sqrt(near + off) * more, number(LARGEST))
        margin[i] = np.float32(left) * np.float32(1 - ROUNDED) - LEAST


@compiled_exactly
def move(x: Host, weight: Host, offset: Host, grid: Host, rows: Host, old: Host, new: Host, sums: Host) -> None:
    """Take rows, less offset and times weight, off the sums of their ``old`` centres and add them to the ``new``.

    Each number goes in two parts, whole multiples of 2**g and of 2**h: sums of them are exact, whatever the order
    (Demmel and Nguyen 2015). ``grid`` holds the numbers that round to such multiples when they are added and taken off.
    """
    d = x.shape[1]
    high, low = np.empty(d + 1), np.empty(d + 1)
    for i in range(len(rows)):
        row, w = rows[i], np.float64(weight[rows[i]])
        for f in range(d):
            value = w * np.float64(x[row, f] - offset[f])
            high[f] = (value + grid[0, f]) - grid[0, f]
            low[f] = ((value - high[f]) + grid[1, f]) - grid[1, f]
        high[d] = (w + grid[0, d]) - grid[0, d]
        low[d] = ((w - high[d]) + grid[1, d]) - grid[1, d]
        to, of = new[i], old[i]
        for f in range(d + 1):
            sums[to, 0, f] += high[f]
        for f in range(d + 1):
            sums[to, 1, f] += low[f]
        if of < len(sums):
            for f in range(d + 1):
                sums[of, 0, f] -= high[f]
            for f in range(d + 1):
                sums[of, 1, f] -= low[f]


@compiled
def lost(centers: Host, known: Host, loss: Host) -> None:
    """Write what the margin of each centre's rows loses: its own move, and the farthest one of another."""
    moved, first, second = np.empty(len(centers)), 0.0, 0.0
    for j in range(len(centers)):
        total = 0.0
        for f in range(centers.shape[1]):
            total += (centers[j, f] - known[j, f]) ** 2
        moved[j] = np.sqrt(total)
        second = max(second, min(first, moved[j]))
        first = max(first, moved[j])
    for j in range(len(centers)):
        loss[j] = (moved[j] + (second if moved[j] == first else first)) * (1 + ROUNDED) + LEAST


@compiled
def look(margin: Host, label: Host, loss: Host, at: Host) -> int:
    """Take what was lost off the margins; write into ``at`` the rows without any left, and return how many they are."""
    less = np.float32(1 - ROUNDED)
    for i in range(len(margin)):
        margin[i] = (margin[i] - loss[label[i]]) * less
    count = 0
    for i in range(len(margin)):
        at[count] = i
        count += 0 if margin[i] > np.float32(0) else 1
    return count


@compiled
def lloyd_step(
    x: Host, weight: Host, offset: Host, centers: Host, doubled: Host, norms: Host, of: Any, bounds: Any
) -> None:
    """Bring ``bounds`` to these centres; ``of``: see ``margins``."""
    n, d = x.shape
    label, margin, sums, grid, known, reach = bounds
    tile, products = scratch(x, d)
    best, second, nearest = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    left, at, loss = np.empty(TILE, np.float32), np.empty(RUN, np.uint32), np.zeros(len(norms) + 1, np.float32)
    rows, old, new = np.empty(TILE, np.int64), np.empty(TILE, np.uint32), np.empty(TILE, np.uint32)
    slack, farthest = x.dtype.type(2 * (d + AWAY)) * of[0], np.sqrt(np.max(norms))
    if farthest >= reach[0]:
        margin[:] = -1
        reach[0] = REACH * farthest
    else:
        lost(centers, known, loss)
    known[:] = centers
    for start in range(0, n, RUN):
        end = min(start + RUN, n)
        count = look(margin[start:end], label[start:end], loss, at)
        for first in range(0, count, TILE):
            these = at[first : min(first + TILE, count)]
            gather(x, start, these, offset, tile)
            two_least(tile, doubled, norms, products, best, second, nearest)
            squares(tile, products[0])
            margins(best, second, products[0], reach[0], slack, of, left)
            moved = 0
            for i in range(len(these)):
                row = start + np.int64(these[i])
                rows[moved], old[moved], new[moved] = row, label[row], np.uint32(nearest[i])
                label[row], margin[row] = new[moved], left[i]
                moved += 1 if old[moved] != new[moved] else 0
            if moved:
                move(x, weight, offset, grid, rows[:moved], old[:moved], new[:moved], sums)
