"""Loops over the rows of a block, compiled by Numba: one thread, no GIL.

Only ``_cpu_kernels.py`` imports this file, when a table is large enough: loading Numba takes longer than most work on
small ones.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_tiles import TILE, compiled, compiled_exactly, dot, fill, least, scratch, squares, two_least
from gpuseg.backends._protocol import Host


@compiled_exactly
def apart(x: Any, offset: Any, center: Any) -> Any:
    """Return a feature less offset, less the centre's: in this order, so that it is 0 where the row is the centre."""
    return (x - offset) - center


@compiled
def away(x: Host, start: int, offset: Host, centers: Host, label: Host, labels: Host, distance: Host) -> None:
    """Write a tile's labels and distances, by the difference: exact also close to the centre. Along rows, no gather."""
    for i in range(len(labels)):
        j, total = np.uint32(label[i]), x.dtype.type(0)
        for f in range(x.shape[1]):
            total += apart(x[start + i, f], offset[f], centers[j, f]) ** 2
        labels[i], distance[i] = j, np.sqrt(total)


@compiled
def nearest(x: Host, offset: Host, centers: Host, doubled: Host, norms: Host) -> tuple[Host, Host]:
    """Return the nearest centre of each row, and the distance to it."""
    n, d = x.shape
    tile, products = scratch(x, d)
    best, label = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    labels, distance = np.empty(n, np.int32), np.empty(n, x.dtype)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        least(tile, doubled, norms, products, best, label)
        end = start + size
        away(x, start, offset, centers, label, labels[start:end], distance[start:end])
    return labels, distance


@compiled
def inertia(x: Host, weight: Host, offset: Host, centers: Host, doubled: Host, norms: Host) -> float:
    """Return the weighted sum of squared distances to the nearest centre."""
    n, d = x.shape
    tile, products = scratch(x, d)
    best, label = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    labels, distance, found = np.empty(TILE, np.int32), np.empty(TILE, x.dtype), 0.0
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        least(tile, doubled, norms, products, best, label)
        away(x, start, offset, centers, label, labels[:size], distance[:size])
        for i in range(size):
            found += np.float64(weight[start + i]) * np.float64(distance[i]) ** 2
    return found


@compiled
def labels(x: Host, offset: Host, doubled: Host, norms: Host) -> Host:
    """Return the nearest centre of each row."""
    n, d = x.shape
    tile, products = scratch(x, d)
    best, label = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    found = np.empty(n, np.int32)
    for start in range(0, n, TILE):
        size = min(TILE, n - start)
        fill(x, start, size, offset, tile)
        least(tile, doubled, norms, products, best, label)
        for i in range(size):
            found[start + i] = int(label[i])
    return found


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
    tile, products = scratch(x, d)
    best, label = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    second, close, at = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype), np.empty(TILE, np.uint64)
    segment, distance, confidence, novelty = np.empty(n, np.int32), np.empty(n), np.empty(n), np.empty(n)
    for start in range(0, n, TILE):
        end = min(TILE + start, n)
        size = end - start
        fill(x, start, size, offset, tile)
        two_least(tile, doubled, norms, products, best, second, label)
        squares(tile, products[0])
        away(x, start, offset, centers, label, segment[start:end], close[:size])
        for i in range(size):
            first, other = np.float64(close[i]), np.sqrt(np.float64(max(second[i] + products[0][i], x.dtype.type(0))))
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
    tile, (product, _, _, _) = scratch(x, d)
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
    tile, (total, _, _, _) = scratch(x, d)
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


@compiled
def masses_of(distance: Host, label: Host, weight: Host, count: int) -> tuple[Host, Host, float]:
    """Return each cluster's weight and sum of distances, and the sum of all squared distances."""
    weights, distances, squares = np.zeros(count), np.zeros(count), 0.0
    for i in range(len(label)):
        j, away, w = np.uint32(label[i]), np.float64(distance[i]), np.float64(weight[i])
        weights[j] += w
        distances[j] += w * away
        squares += w * away * away
    return weights, distances, squares
