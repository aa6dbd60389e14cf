"""Loops over the rows of a block, compiled by Numba: one thread, no GIL.

Rows are copied in tiles, feature by feature, into memory that stays in the first cache: LLVM then vectorises every
loop over the rows of a tile, also for few features. Only ``_cpu_kernels.py`` imports this file, when a table is large
enough: loading Numba takes longer than most work on small ones.
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
def scratch(x: Host, depth: int) -> tuple[Host, Host, Host, Host]:
    """Return a tile, and three numbers a row of it."""
    # Four arrays, not rows of one: LLVM must see that they do not overlap (three times slower else).
    tile = np.zeros((-(-depth // UNROLL) * UNROLL, STRIDE), x.dtype)
    return tile, np.empty(TILE, x.dtype), np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)


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
def dot(tile: Host, row: Host, first: Any, product: Host) -> None:
    """Write ``first`` plus the products of a tile's rows with ``row`` into ``product``."""
    product[:] = first
    for f in range(0, len(row), UNROLL):
        a, b, c, d = row[f], row[f + 1], row[f + 2], row[f + 3]
        for i in range(TILE):
            product[i] += tile[f, i] * a + tile[f + 1, i] * b + tile[f + 2, i] * c + tile[f + 3, i] * d


@compiled
def dots(tile: Host, row: Host, other: Host, product: Host, beside: Host) -> None:
    """Add to ``product`` and ``beside`` the products of a tile's rows with ``row`` and ``other``: each is read once."""
    for f in range(0, len(row), UNROLL):
        a, b, c, d = row[f], row[f + 1], row[f + 2], row[f + 3]
        p, q, r, s = other[f], other[f + 1], other[f + 2], other[f + 3]
        for i in range(TILE):
            u, v, w, z = tile[f, i], tile[f + 1, i], tile[f + 2, i], tile[f + 3, i]
            product[i] += u * a + v * b + w * c + z * d
            beside[i] += u * p + v * q + w * r + z * s


@compiled
def label_tile(tile: Host, doubled: Host, norms: Host, product: Host, best: Host, label: Host) -> None:
    """Write into ``label`` the nearest centre of a tile's rows, by |c|^2 - 2 c x; of ties the first.

    The last centre stands twice where their number is odd.
    """
    beside, last = np.empty_like(product), tile.shape[0] - UNROLL
    best[:] = np.inf
    for j in range(0, len(norms), 2):
        k = min(j + 1, len(norms) - 1)
        one, two = doubled[j], doubled[k]
        product[:], beside[:] = norms[j], norms[k]
        dots(tile, one[:last], two[:last], product, beside)
        a, b, c, d = one[last], one[last + 1], one[last + 2], one[last + 3]
        p, q, r, s = two[last], two[last + 1], two[last + 2], two[last + 3]
        # A label of the rows' own width keeps the selection below in vector registers.
        this, that = label.dtype.type(j), label.dtype.type(k)
        for i in range(TILE):
            u, v, w, z = tile[last, i], tile[last + 1, i], tile[last + 2, i], tile[last + 3, i]
            left = product[i] + (u * a + v * b + w * c + z * d)
            right = beside[i] + (u * p + v * q + w * r + z * s)
            new, old = min(left, right), best[i]
            nearer = that if right < left else this
            label[i] = nearer if new < old else label[i]
            best[i] = min(old, new)


@compiled
def away(tile: Host, size: int, centers: Host, label: Host, first: int, labels: Host, distance: Host) -> None:
    """Write a tile's labels and distances from ``first`` on; distances by the difference, exact also close to it."""
    place, total = labels[first : first + size], distance[first : first + size]
    for i in range(size):
        place[i], total[i] = int(label[i]), 0
    for f in range(centers.shape[1]):
        for i in range(size):
            total[i] += (tile[f, i] - centers[place[i], f]) ** 2
    for i in range(size):
        total[i] = np.sqrt(total[i])


@compiled
def nearest(x: Host, offset: Host, centers: Host, doubled: Host, norms: Host) -> tuple[Host, Host]:
    """Return the nearest centre of each row, and the distance to it."""
    n, d = x.shape
    tile, product, best, label = scratch(x, d)
    labels, distance = np.empty(n, np.int32), np.empty(n, x.dtype)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        label_tile(tile, doubled, norms, product, best, label)
        away(tile, size, centers, label, start, labels, distance)
    return labels, distance


@compiled
def inertia(x: Host, weight: Host, offset: Host, centers: Host, doubled: Host, norms: Host) -> float:
    """Return the weighted sum of squared distances to the nearest centre."""
    n, d = x.shape
    tile, product, best, label = scratch(x, d)
    labels, distance, found = np.empty(TILE, np.int32), np.empty(TILE, x.dtype), 0.0
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        label_tile(tile, doubled, norms, product, best, label)
        away(tile, size, centers, label, 0, labels, distance)
        for i in range(size):
            found += np.float64(weight[start + i]) * np.float64(distance[i]) ** 2
    return found


@compiled
def labels(x: Host, offset: Host, doubled: Host, norms: Host) -> Host:
    """Return the nearest centre of each row."""
    n, d = x.shape
    tile, product, best, label = scratch(x, d)
    found = np.empty(n, np.int32)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        label_tile(tile, doubled, norms, product, best, label)
        for i in range(size):
            found[start + i] = int(label[i])
    return found


@compiled
def two_of_tile(tile: Host, doubled: Host, norms: Host, product: Host, best: Host, second: Host, label: Host) -> None:
    """Write as ``label_tile`` does, and into ``second`` the squared distance to the best other centre."""
    best[:], second[:] = np.inf, np.inf
    for j in range(len(norms)):
        dot(tile, doubled[j], norms[j], product)
        this = label.dtype.type(j)
        for i in range(TILE):
            new, old = product[i], best[i]
            second[i] = min(second[i], max(new, old))
            label[i] = this if new < old else label[i]
            best[i] = min(old, new)
    for f in range(tile.shape[0]):
        for i in range(TILE):
            second[i] += tile[f, i] * tile[f, i]


@compiled
def rank(knots: Host, width: int, last: int, segment: Host, distance: Host, at: Host, ranks: Host) -> None:
    """Write the rank of each distance among its segment's knots 0..last: ascending, equally far apart in rank.

    ``knots`` are filled up with infinity to ``width`` a segment, a power of two above their number.
    """
    for i in range(len(at)):
        at[i] = segment[i] * width
    step = width // 2
    while step:
        # How many knots are below, by halves: no branch, which could not be foreseen, and all rows of a tile at once.
        for i in range(len(at)):
            at[i] += step if knots[at[i] + np.uint64(step - 1)] < distance[i] else 0
        step //= 2
    for i in range(len(at)):
        below = np.int64(at[i]) - segment[i] * width
        ranks[i] = 1.0 if below else 0.0
        if 0 < below <= last:
            low, high = knots[at[i] - np.uint64(1)], knots[at[i]]
            ranks[i] = (below - (high - distance[i]) / (high - low)) / last


@compiled
def assigned(
    x: Host, offset: Host, centers: Host, knots: Host, width: int, last: int, doubled: Host, norms: Host
) -> tuple[Host, Host, Host, Host]:
    """Return the nearest centre of each row, the distance to it, 1 - d1/d2, and the rank of the distance."""
    n, d = x.shape
    tile, product, best, label = scratch(x, d)
    second, close, at = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype), np.empty(TILE, np.uint64)
    segment, distance, confidence, novelty = np.empty(n, np.int32), np.empty(n), np.empty(n), np.empty(n)
    for start in range(0, n, TILE):
        end = min(TILE + start, n)
        size = end - start
        fill(x, start, size, offset, tile)
        two_of_tile(tile, doubled, norms, product, best, second, label)
        away(tile, size, centers, label, 0, segment[start:end], close)
        for i in range(size):
            first, other = np.float64(close[i]), np.sqrt(np.float64(max(second[i], x.dtype.type(0))))
            distance[start + i] = first
            confidence[start + i] = 1.0 - min(first / other, 1.0) if other > 0 else 0.0
        rank(knots, width, last, segment[start:end], distance[start:end], at[:size], novelty[start:end])
    return segment, distance, confidence, novelty


@compiled
def squared_norms(x: Host, offset: Host) -> Host:
    """Return each row's squared norm."""
    n, d = x.shape
    found = np.empty(n, x.dtype)
    for i in range(n):
        total = x.dtype.type(0)
        for f in range(d):
            total += (x[i, f] - offset[f]) ** 2
        found[i] = total
    return found


@compiled
def costs_with(x: Host, weight: Host, norms: Host, d2: Host, offset: Host, doubled: Host, squares: Host) -> Host:
    """Return the sum of weight * D^2 were each candidate the next centre."""
    n, d = x.shape
    tile, product, _, _ = scratch(x, d)
    costs = np.zeros(len(squares))
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        for j in range(len(squares)):
            dot(tile, doubled[j], squares[j], product)
            total = 0.0
            for i in range(size):
                new, old = product[i] + norms[start + i], d2[start + i]
                total += np.float64(weight[start + i]) * np.float64(min(old, new))
            costs[j] += total
    return costs


@compiled
def nearer(x: Host, d2: Host, offset: Host, center: Host) -> Host:
    """Return each row's D^2 after one more centre."""
    n, d = x.shape
    tile, total, _, _ = scratch(x, d)
    found = np.empty(n, x.dtype)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        # Offset and centre are taken off one after the other, as in the array body: D^2 is 0 at the row itself.
        fill(x, start, size, offset, tile)
        total[:] = 0
        for f in range(d):
            for i in range(TILE):
                total[i] += (tile[f, i] - center[f]) ** 2
        for i in range(size):
            found[start + i] = min(total[i], d2[start + i])
    return found


@compiled
def sums_of(x: Host, weight: Host) -> tuple[float, Host]:
    """Return the total weight and the weighted sums."""
    total, sums = 0.0, np.zeros(x.shape[1])
    for i in range(x.shape[0]):
        w = np.float64(weight[i])
        total += w
        for f in range(x.shape[1]):
            sums[f] += w * np.float64(x[i, f])
    return total, sums


@compiled
def squared_about(x: Host, weight: Host, mean: Host) -> Host:
    """Return the weighted sums of squares about the mean."""
    sums = np.zeros(x.shape[1])
    for i in range(x.shape[0]):
        w = np.float64(weight[i])
        for f in range(x.shape[1]):
            sums[f] += w * (np.float64(x[i, f]) - mean[f]) ** 2
    return sums


@compiled
def bins_of(distance: Host, label: Host, weight: Host, starts: Host, scales: Host, each: int) -> Host:
    """Return the bin of each row: a segment's pieces, as many as a power of two, are ``each`` bins a piece."""
    n, pieces = len(label), starts.shape[1]
    place, at = np.empty(n, np.int32), np.empty(TILE, np.uint64)
    flat, scale, last = starts.ravel(), scales.ravel(), np.float64(each - 1)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        for i in range(size):
            at[i] = max(label[start + i], 0) * pieces
        step = pieces // 2
        while step:
            for i in range(size):
                at[i] += step if flat[at[i] + np.uint64(step)] <= distance[start + i] else 0
            step //= 2
        for i in range(size):
            within = np.floor((np.float64(distance[start + i]) - flat[at[i]]) * scale[at[i]])
            found = np.int64(at[i]) * each + np.int64(min(max(within, 0.0), last))
            counts = label[start + i] >= 0 and weight[start + i] > 0
            place[start + i] = found if counts else len(flat) * each
    return place
