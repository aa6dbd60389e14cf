"""Loops over the rows of a block, compiled by Numba: one thread, no GIL.

Rows are copied in tiles, feature by feature, into memory that stays in the first cache: LLVM then vectorises every
loop over the rows of a tile, also for few features. Only ``_cpu_kernels.py`` imports this file, when a table is large
enough: loading Numba takes longer than most work on small ones.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np

from gpuseg.backends._protocol import Host

TILE = 128
"""Rows of a tile: 64 to 512 were within a tenth of each other, 128 the best or next to it."""
STRIDE = TILE + 16
"""Distance of a tile's features in memory: at a power of two they would share the lines of the first cache."""
UNROLL = 4
"""Features added up at once; tiles and centres are filled up with zeros to a multiple of it."""
FASTMATH = {"reassoc", "contract", "nsz", "nnan"}
"""Sums may be reordered, so that they run in vectors: in one and the same way each time. Rows are finite."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function compiled at its first call, or read from Numba's cache where there is a folder for one."""
    compiler = partial(numba.njit, nogil=True, error_model="numpy", fastmath=FASTMATH)
    try:
        return compiler(cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written to
        return compiler()(function)


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
def label_tile(tile: Host, doubled: Host, norms: Host, product: Host, best: Host, label: Host) -> None:
    """Write into ``label`` the nearest centre of a tile's rows, by |c|^2 - 2 c x; of ties the first."""
    best[:] = np.inf
    last = tile.shape[0] - UNROLL
    for j in range(len(norms)):
        dot(tile, doubled[j, :last], norms[j], product)
        a, b, c, d = doubled[j, last], doubled[j, last + 1], doubled[j, last + 2], doubled[j, last + 3]
        # A label of the rows' own width keeps the selection below in vector registers.
        this = label.dtype.type(j)
        for i in range(TILE):
            new, old = product[i], best[i]
            new += tile[last, i] * a + tile[last + 1, i] * b + tile[last + 2, i] * c + tile[last + 3, i] * d
            label[i] = this if new < old else label[i]
            best[i] = min(old, new)


@compiled
def lloyd_step(x: Host, weight: Host, offset: Host, doubled: Host, norms: Host) -> tuple[Host, Host]:
    """Return the weighted sums of the rows of each centre, and their weights."""
    n, d = x.shape
    tile, product, best, label = scratch(x, d)
    sums, weights = np.zeros((len(norms), d)), np.zeros(len(norms))
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        label_tile(tile, doubled, norms, product, best, label)
        for i in range(size):
            j, w = int(label[i]), np.float64(weight[start + i])
            weights[j] += w
            for f in range(d):
                sums[j, f] += w * np.float64(x[start + i, f] - offset[f])
    return sums, weights


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
def second_of_tile(tile: Host, doubled: Host, norms: Host, product: Host, second: Host, label: Host) -> None:
    """Write into ``second`` the squared distance of a tile's rows to the nearest centre but that of their label."""
    second[:] = np.inf
    for j in range(len(norms)):
        dot(tile, doubled[j], norms[j], product)
        this = label.dtype.type(j)
        for i in range(TILE):
            second[i] = product[i] if product[i] < second[i] and label[i] != this else second[i]
    for f in range(tile.shape[0]):
        for i in range(TILE):
            second[i] += tile[f, i] * tile[f, i]


@compiled
def two_nearest(x: Host, offset: Host, centers: Host, doubled: Host, norms: Host) -> tuple[Host, Host, Host]:
    """Return the nearest centre of each row, and the two least distances."""
    n, d = x.shape
    tile, product, best, label = scratch(x, d)
    labels, distance, other = np.empty(n, np.int32), np.empty(n, x.dtype), np.empty(n, x.dtype)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        label_tile(tile, doubled, norms, product, best, label)
        away(tile, size, centers, label, start, labels, distance)
        second_of_tile(tile, doubled, norms, product, best, label)
        for i in range(size):
            other[start + i] = np.sqrt(max(best[i], x.dtype.type(0)))
    return labels, distance, other


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
