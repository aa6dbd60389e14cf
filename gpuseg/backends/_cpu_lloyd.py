"""Lloyd's step with bounds, compiled by Numba: rows whose nearest centre cannot have changed are passed over.

A row keeps by how much its nearest centre is nearer than any other (Hamerly 2010, both bounds as their difference).
Each step takes off what the centres moved; while something is left, the row stays where it is, and is not even read.
Sums are exact (below), so that a row that moves takes away precisely what it brought: however a row is reached, by
all steps or by the last one alone, labels and sums have the same bits.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_compiled import TILE, UNROLL, compiled, compiled_exactly, dot, scratch
from gpuseg.backends._protocol import Host

RUN = 8 * TILE
"""Rows whose margins are looked at in one go: those to be looked at themselves then fill tiles."""
AWAY = 4
"""Roundings beside one a feature, in a squared distance and its row's norm."""
REACH = 2
"""How far from the origin centres may go, as a multiple of the farthest, before all rows are looked at anew."""


@compiled
def gather(x: Host, start: int, at: Host, offset: Host, tile: Host) -> None:
    """Write the rows ``at`` from ``start`` on, less offset, into ``tile``; what is beyond keeps older rows."""
    whole = x.shape[1] - x.shape[1] % UNROLL
    for f in range(0, whole, UNROLL):
        a, b, c, d = offset[f], offset[f + 1], offset[f + 2], offset[f + 3]
        for i in range(len(at)):
            row = start + at[i]
            tile[f, i] = x[row, f] - a
            tile[f + 1, i] = x[row, f + 1] - b
            tile[f + 2, i] = x[row, f + 2] - c
            tile[f + 3, i] = x[row, f + 3] - d
    for f in range(whole, x.shape[1]):
        for i in range(len(at)):
            tile[f, i] = x[start + at[i], f] - offset[f]


@compiled
def four_dots(tile: Host, rows: Host, first: Host, p: Host, q: Host, r: Host, s: Host) -> None:
    """Write ``first`` plus the products of a tile's rows with four ``rows`` into p, q, r, s: each is read once."""
    p[:], q[:], r[:], s[:] = first[0], first[1], first[2], first[3]
    for f in range(0, rows.shape[1], UNROLL):
        a0, a1, a2, a3 = rows[0, f], rows[0, f + 1], rows[0, f + 2], rows[0, f + 3]
        b0, b1, b2, b3 = rows[1, f], rows[1, f + 1], rows[1, f + 2], rows[1, f + 3]
        c0, c1, c2, c3 = rows[2, f], rows[2, f + 1], rows[2, f + 2], rows[2, f + 3]
        d0, d1, d2, d3 = rows[3, f], rows[3, f + 1], rows[3, f + 2], rows[3, f + 3]
        for i in range(TILE):
            u, v, w, z = tile[f, i], tile[f + 1, i], tile[f + 2, i], tile[f + 3, i]
            p[i] += u * a0 + v * a1 + w * a2 + z * a3
            q[i] += u * b0 + v * b1 + w * b2 + z * b3
            r[i] += u * c0 + v * c1 + w * c2 + z * c3
            s[i] += u * d0 + v * d1 + w * d2 + z * d3


@compiled
def two_least(
    tile: Host,
    doubled: Host,
    norms: Host,
    products: tuple[Host, Host, Host, Host],
    best: Host,
    second: Host,
    label: Host,
) -> None:
    """Write the nearest centre of a tile's rows, of ties the first, and the two least of |c|^2 - 2 c x."""
    p, q, r, s = products
    best[:], second[:] = np.inf, np.inf
    fours = len(norms) - len(norms) % 4
    for j in range(0, fours, 4):
        four_dots(tile, doubled[j : j + 4], norms[j : j + 4], p, q, r, s)
        # A label of the rows' own width keeps the selections below in vector registers.
        l0, l1, l2, l3 = label.dtype.type(j), label.dtype.type(j + 1), label.dtype.type(j + 2), label.dtype.type(j + 3)
        for i in range(TILE):
            old = best[i]
            left, right = min(p[i], q[i]), min(r[i], s[i])
            new = min(left, right)
            other = min(max(left, right), max(p[i], q[i]), max(r[i], s[i]))
            on_left, on_right = l1 if q[i] < p[i] else l0, l3 if s[i] < r[i] else l2
            nearer = on_right if right < left else on_left
            label[i] = nearer if new < old else label[i]
            second[i] = min(max(new, old), other, second[i])
            best[i] = min(new, old)
    for j in range(fours, len(norms)):
        dot(tile, doubled[j], norms[j], p)
        this = label.dtype.type(j)
        for i in range(TILE):
            new, old = p[i], best[i]
            second[i] = min(second[i], max(new, old))
            label[i] = this if new < old else label[i]
            best[i] = min(new, old)


@compiled
def margins(tile: Host, best: Host, second: Host, reach: Any, eps: Any, squares: Host, margin: Host) -> None:
    """Write by how much each row's nearest centre is nearer than the next, less all that rounding may do.

    Each of |c|^2 - 2 c x and |x|^2 is off by half of ``slack`` at most: between the squares of the two distances that
    much must be left when the bounds on them have come closest.
    """
    number = tile.dtype.type
    squares[:] = 0
    for f in range(tile.shape[0]):
        for i in range(TILE):
            squares[i] += tile[f, i] * tile[f, i]
    part, less, more = (
        number(2 * (tile.shape[0] + AWAY)) * eps,
        number(1) - number(4) * eps,
        number(1) + number(8) * eps,
    )
    for i in range(TILE):
        size = np.sqrt(squares[i]) + reach
        slack = part * size * size
        near = max(best[i] + squares[i], number(0)) + slack
        far = np.sqrt(max(second[i] + squares[i] - slack, number(0)))
        margin[i] = far * less - np.sqrt(near + slack) * more


@compiled_exactly
def move(x: Host, row: int, weight: float, offset: Host, grid: Host, sums: Host, sign: float) -> None:
    """Add a row, less offset, times its weight to ``sums``, and the weight as the last; or take it off again.

    Each number goes in two parts, whole multiples of 2**g and of 2**h: sums of them are exact, whatever the order
    (Demmel and Nguyen 2015). ``grid`` holds the numbers that round to such multiples when they are added and taken off.
    """
    d = x.shape[1]
    for f in range(d + 1):
        value = weight * np.float64(x[row, f] - offset[f]) if f < d else weight
        high = (value + grid[0, f]) - grid[0, f]
        low = ((value - high) + grid[1, f]) - grid[1, f]
        sums[0, f] += sign * high
        sums[1, f] += sign * low


@compiled
def lost(centers: Host, known: Host, loss: Host, more: Any) -> None:
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
        loss[j] = loss.dtype.type(moved[j] + (second if moved[j] == first else first)) * more


@compiled
def look(margin: Host, label: Host, loss: Host, less: Any, at: Host) -> int:
    """Take what was lost off the margins; write into ``at`` the rows without any left, and return how many they are."""
    zero = margin.dtype.type(0)
    for i in range(len(margin)):
        margin[i] = (margin[i] - loss[label[i]]) * less
    count = 0
    for i in range(len(margin)):
        at[count] = i
        count += 0 if margin[i] > zero else 1
    return count


@compiled
def lloyd_step(
    x: Host, weight: Host, offset: Host, centers: Host, doubled: Host, norms: Host, eps: Any, bounds: Any
) -> None:
    """Bring ``bounds`` to these centres."""
    n, d = x.shape
    label, margin, sums, grid, known, reach = bounds
    tile, p, q, r = scratch(x, d)
    _, s, best, second = scratch(x, 0)
    nearest, left = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    number, at, loss = x.dtype.type, np.empty(RUN, np.uint32), np.zeros(len(norms) + 1, x.dtype)
    less, more = number(1) - number(2) * eps, number(1) + number(2) * eps
    farthest = np.sqrt(np.max(norms))
    if farthest >= reach[0]:
        margin[:] = -1
        reach[0] = number(REACH) * farthest
    else:
        lost(centers, known, loss, more)
    known[:] = centers
    for start in range(0, n, RUN):
        end = min(start + RUN, n)
        count = look(margin[start:end], label[start:end], loss, less, at)
        for first in range(0, count, TILE):
            these = at[first : min(first + TILE, count)]
            gather(x, start, these, offset, tile)
            two_least(tile, doubled, norms, (p, q, r, s), best, second, nearest)
            margins(tile, best, second, reach[0], eps, p, left)
            for i in range(len(these)):
                row, new = start + these[i], np.uint32(nearest[i])
                old, margin[row] = label[row], left[i]
                if new != old:
                    label[row], w = new, np.float64(weight[row])
                    if old < len(norms):
                        move(x, row, w, offset, grid, sums[old], -1.0)
                    move(x, row, w, offset, grid, sums[new], 1.0)


@compiled
def widest(x: Host, weight: Host, offset: Host) -> Host:
    """Return the largest |row less offset| times the largest weight, a feature, and the largest weight."""
    n, d = x.shape
    found = np.zeros(d + 1)
    for i in range(n):
        found[d] = max(found[d], np.float64(weight[i]))
        for f in range(d):
            found[f] = max(found[f], np.float64(abs(x[i, f] - offset[f])))
    found[:d] *= found[d]
    return found
