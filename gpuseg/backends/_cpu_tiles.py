"""Tiles of rows against a few centres, compiled by Numba: what the loops over a block are made of.

Rows are copied in tiles, feature by feature, into memory that stays in the first cache: LLVM then vectorises every
loop over the rows of a tile, also for few features.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache

from gpuseg.backends._protocol import Host

TILE = 128
"""Rows of a tile: 64 to 512 were within a tenth of each other, 128 the best or next to it."""
STRIDE = TILE + 16
"""Distance of a tile's features in memory: at a power of two they would share the lines of the first cache."""
UNROLL = 4
"""Features added up at once; tiles and centres are filled up with zeros to a multiple of it."""
Products = tuple[Host, Host, Host, Host]
"""Four numbers a row of a tile: arrays of their own, or LLVM would not see that they do not overlap."""
FASTMATH = {"reassoc", "contract", "nsz", "nnan"}
"""Sums may be reordered, so that they run in vectors: in one and the same way each time. Rows are finite."""


class Cache(FunctionCache):
    """Numba's cache, for which a disk without room is no error: what was compiled is used all the same."""

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for later processes, where that can be written."""
        with suppress(OSError):
            super().save_overload(sig, data)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function compiled at its first call, or read from Numba's cache where there is a folder for one."""
    return _compiled(function, FASTMATH)


def compiled_exactly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function compiled as it is written: every rounding is the one of its line."""
    return _compiled(function, set())


def _compiled(function: Callable[..., Any], fastmath: set[str]) -> Callable[..., Any]:
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
    with suppress(RuntimeError):  # neither the package's folder nor the user's can be written to
        dispatcher._cache = Cache(function)  # noqa: SLF001 - what cache=True does, with a cache of ours
    return dispatcher


@compiled
def scratch(x: Host, depth: int) -> tuple[Host, Products]:
    """Return a tile, and four numbers a row of it."""
    # Not rows of one array: LLVM must see that they do not overlap (three times slower else).
    tile = np.zeros((-(-depth // UNROLL) * UNROLL, STRIDE), x.dtype)
    return tile, (np.empty(TILE, x.dtype), np.empty(TILE, x.dtype), np.empty(TILE, x.dtype), np.empty(TILE, x.dtype))


@compiled
def fill(x: Host, start: int, size: int, offset: Host, tile: Host) -> None:
    """Write rows start..start+size less offset into ``tile``; what is beyond keeps older rows."""
    whole = x.shape[1] - x.shape[1] % UNROLL
    for f in range(0, whole, UNROLL):
        a, b, c, d = offset[f], offset[f + 1], offset[f + 2], offset[f + 3]
        for i in range(size):
            tile[f, i] = x[start + i, f] - a
            tile[f + 1, i] = x[start + i, f + 1] - b
            tile[f + 2, i] = x[start + i, f + 2] - c
            tile[f + 3, i] = x[start + i, f + 3] - d
    for f in range(whole, x.shape[1]):
        for i in range(size):
            tile[f, i] = x[start + i, f] - offset[f]


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
def dot(tile: Host, row: Host, first: Any, product: Host) -> None:
    """Write ``first`` plus the products of a tile's rows with ``row`` into ``product``."""
    product[:] = first
    for f in range(0, len(row), UNROLL):
        a, b, c, d = row[f], row[f + 1], row[f + 2], row[f + 3]
        for i in range(TILE):
            product[i] += tile[f, i] * a + tile[f + 1, i] * b + tile[f + 2, i] * c + tile[f + 3, i] * d


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
def least(tile: Host, doubled: Host, norms: Host, products: Products, best: Host, label: Host) -> None:
    """Write into ``label`` the nearest centre of a tile's rows, by |c|^2 - 2 c x; of ties the first."""
    p, q, r, s = products
    best[:] = np.inf
    fours = len(norms) - len(norms) % 4
    for j in range(0, fours, 4):
        four_dots(tile, doubled[j : j + 4], norms[j : j + 4], p, q, r, s)
        # A label of the rows' own width keeps the selections below in vector registers.
        l0, l1, l2, l3 = label.dtype.type(j), label.dtype.type(j + 1), label.dtype.type(j + 2), label.dtype.type(j + 3)
        for i in range(TILE):
            old, left, right = best[i], min(p[i], q[i]), min(r[i], s[i])
            on_left, on_right = l1 if q[i] < p[i] else l0, l3 if s[i] < r[i] else l2
            new, nearer = min(left, right), on_right if right < left else on_left
            label[i] = nearer if new < old else label[i]
            best[i] = min(new, old)
    for j in range(fours, len(norms)):
        dot(tile, doubled[j], norms[j], p)
        this = label.dtype.type(j)
        for i in range(TILE):
            label[i] = this if p[i] < best[i] else label[i]
            best[i] = min(p[i], best[i])


@compiled
def two_least(
    tile: Host,
    doubled: Host,
    norms: Host,
    products: Products,
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
def squares(tile: Host, found: Host) -> None:
    """Write the squared norms of a tile's rows."""
    found[:] = 0
    for f in range(tile.shape[0]):
        for i in range(TILE):
            found[i] += tile[f, i] * tile[f, i]
