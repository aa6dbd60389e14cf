"""All-points core distances, and minimum spanning trees of the mutual reachability that comes of them (DBCV)."""

from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import each

CELLS = 1 << 15
"""Distances held at a time by a thread: 256 kB, which took half the time of 1 MB and more."""
ALIKE = 1e-5
"""Edges whose lengths differ by less, as a share, are alike to the hdbscan package: the first row is joined to."""


def core_distances(rows: Array) -> Array:
    """Return the all-points core distance of each row: the mean of d^-D over the others, to the power of -1/D.

    Rows that are equal to it are left out of the sum, as in the hdbscan package.
    """
    xp, parts = array_namespace(rows), each(partial(_core_of, rows), cuts_of(rows.shape[0], rows.shape[0]))
    return xp.concat(parts, axis=0)


def _core_of(rows: Array, cut: slice) -> Array:
    xp: Any = array_namespace(rows)
    squared = _squared(rows[cut, :], rows)
    squared = xp.where(squared > 0, squared, xp.full_like(squared, xp.inf))
    least = xp.min(squared, axis=1)
    some = xp.isfinite(least)
    near = xp.where(some, least, xp.ones_like(least))
    # As shares of the nearest one's: no power of them is too large for a number.
    mean = xp.sum((near[:, None] / squared) ** (rows.shape[1] / 2), axis=1) / (rows.shape[0] - 1)
    core = xp.sqrt(near) * xp.where(some, mean, xp.ones_like(mean)) ** (-1.0 / rows.shape[1])
    return xp.where(some, core, xp.zeros_like(core))


def tree_by_first(rows: Array, core: Array) -> tuple[Host, Host]:
    """Return the edges of a minimum spanning tree, (2, n - 1), and their lengths; of like edges the first row's.

    As in the hdbscan package: which edges these are hangs on the order of the rows.
    """
    order, length = _grown(rows, core)
    return np.stack([order[1:], _joined_to(rows, core, order, length)]), length[1:]


def tree_by_nearest(rows: Array, core: Array) -> tuple[Host, Host]:
    """Return what ``tree_by_first`` does; of edges of one length that between the nearer rows, whatever their order."""
    xp: Any = array_namespace(rows)
    count, here = rows.shape[0], 0
    ends, length = np.zeros((2, count - 1), dtype=np.int64), np.zeros(count - 1)
    number, joins = xp.arange(count, device=device(rows)), xp.zeros(count, dtype=xp.int64, device=device(rows))
    columns, left = xp.asarray(rows.T, copy=True), xp.asarray(core, copy=True)
    best, gap = xp.full_like(core, xp.inf), xp.full_like(core, xp.inf)
    for edge in range(count - 1):
        own, at, row = left[here], columns[:, here], number[here]
        left[here] = best[here] = gap[here] = xp.inf
        if 2 * (count - edge - 1) < number.shape[0]:
            kept = xp.nonzero(xp.isfinite(left))[0]
            columns = xp.take(columns, kept, axis=1)
            number, joins, left, best, gap = (xp.take(field, kept) for field in (number, joins, left, best, gap))
        away = xp.sqrt(xp.sum((columns - at[:, None]) ** 2, axis=0))
        long = xp.maximum(xp.maximum(away, left), own)
        nearer = (long < best) | ((long == best) & (away < gap))
        best, gap, joins = xp.where(nearer, long, best), xp.where(nearer, away, gap), xp.where(nearer, row, joins)
        here = int(xp.argmin(xp.where(best == xp.min(best), gap, xp.full_like(gap, xp.inf))))
        ends[:, edge], length[edge] = (int(joins[here]), int(number[here])), float(best[here])
    return ends, length


def _grown(rows: Array, core: Array) -> tuple[Host, Host]:
    """Return the order in which Prim's algorithm joins the rows from the first one on, and each edge's length."""
    xp: Any = array_namespace(rows)
    count, here = rows.shape[0], 0
    order, length = np.zeros(count, dtype=np.int64), np.zeros(count)
    columns, left, number = xp.asarray(rows.T, copy=True), xp.asarray(core, copy=True), np.arange(count)
    best = xp.full_like(core, xp.inf)
    for step in range(1, count):
        own, at = left[here], columns[:, here]
        # What is joined stays infinitely far; half of the rows gone, the rest move together, in their order.
        left[here] = best[here] = xp.inf
        if 2 * (count - step) < len(number):
            kept = xp.nonzero(xp.isfinite(left))[0]
            number = number[to_host(kept)]
            columns, left, best = xp.take(columns, kept, axis=1), xp.take(left, kept), xp.take(best, kept)
        away = xp.sqrt(xp.sum((columns - at[:, None]) ** 2, axis=0))
        best = xp.minimum(best, xp.maximum(xp.maximum(away, left), own))
        here = int(xp.argmin(best))
        order[step], length[step] = number[here], float(best[here])
    return order, length


def _joined_to(rows: Array, core: Array, order: Host, length: Host) -> Host:
    """Return the row that each one after the first was joined to: the first of those that are near enough."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    on = {"device": device(rows)}
    xp = array_namespace(rows)
    given = rows, core, xp.asarray(place, **on), xp.asarray(order, **on), xp.asarray(length * (1 + ALIKE), **on)
    parts = each(partial(_first_of, given), cuts_of(len(order), len(order), start=1))
    return np.concatenate([to_host(part) for part in parts])


def _first_of(given: tuple[Array, ...], cut: slice) -> Array:
    rows, core, place, order, most = given
    xp = array_namespace(rows)
    new = order[cut]
    long = reachable(xp.take(rows, new, axis=0), xp.take(core, new), rows, core)
    near = (place[None, :] < xp.take(place, new)[:, None]) & (long <= most[cut][:, None])
    return xp.argmax(xp.astype(near, xp.int8), axis=1)


def reachable(some: Array, own: Array, rows: Array, core: Array) -> Array:
    """Return the mutual reachability of some rows and all."""
    xp = array_namespace(rows)
    return xp.maximum(xp.maximum(xp.sqrt(_squared(some, rows)), core[None, :]), own[:, None])


def _squared(some: Array, rows: Array) -> Array:
    """Return squared distances by the differences themselves: equal rows are 0 apart, and no digits are lost."""
    xp = array_namespace(rows)
    total = xp.zeros((some.shape[0], rows.shape[0]), dtype=rows.dtype, device=device(rows))
    for at in range(rows.shape[1]):
        away = some[:, at][:, None] - rows[:, at][None, :]
        away *= away
        total += away
    return total


def cuts_of(rows: int, against: int, *, start: int = 0) -> list[slice]:
    """Return runs of rows whose distances to all others are CELLS or fewer."""
    step = max(1, CELLS // against)
    return [slice(at, min(at + step, rows)) for at in range(start, rows, step)]
