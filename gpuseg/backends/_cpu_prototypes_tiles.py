"""k-prototypes' passes over a block, compiled by Numba: rows in tiles against a mean and a mode each.

Every sum is in one order, so that a row's distance has the same bits wherever the row stands.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_tiles import TILE, compiled_exactly
from gpuseg.backends._protocol import Host


@compiled_exactly
def fill(numbers: Host, codes: Host, start: int, size: int, tile: Host) -> None:
    """Write rows start..start+size into a tile, feature by feature; what is beyond keeps older rows."""
    p = numbers.shape[1]
    for i in range(size):
        for f in range(p):
            tile[f, i] = numbers[start + i, f]
        for j in range(codes.shape[1]):
            tile[p + j, i] = codes[start + i, j]


@compiled_exactly
def distances(tile: Host, means: Host, modes: Host, gamma: float, k: int, near: Host, unlike: Host) -> None:
    """Write the squared mixed distances of a tile's rows to a prototype, each added up feature by feature."""
    p = means.shape[1]
    near[:], unlike[:] = 0.0, 0.0
    for f in range(p):
        mean = means[k, f]
        for i in range(TILE):
            apart = tile[f, i] - mean
            near[i] += apart * apart
    for j in range(modes.shape[1]):
        mode = modes[k, j]
        for i in range(TILE):
            unlike[i] += 1.0 if tile[p + j, i] != mode else 0.0
    for i in range(TILE):
        near[i] += gamma * unlike[i]


@compiled_exactly
def nearest(tile: Host, means: Host, modes: Host, gamma: float, scratch: Any) -> None:
    """Write each of a tile's rows' nearest prototype, of ties the first, and the two least squared distances.

    ``scratch``: label, least, next least, and two arrays to work in.
    """
    label, least, second, near, unlike = scratch
    least[:], second[:], label[:] = np.inf, np.inf, 0.0
    for k in range(len(means)):
        distances(tile, means, modes, gamma, k, near, unlike)
        for i in range(TILE):
            new, old = near[i], least[i]
            second[i] = min(second[i], max(new, old))
            label[i] = k if new < old else label[i]
            least[i] = min(new, old)


@compiled_exactly
def workspace() -> Any:
    """Return what ``nearest`` writes into."""
    return np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE)


@compiled_exactly
def two_nearest(x: Host, means: Host, modes: Host, gamma: float, label: Host, first: Host, second: Host) -> None:
    """Write each row's nearest prototype, of ties the first, and the distances to it and to the best other."""
    p, tile, found = means.shape[1], np.zeros((x.shape[1], TILE)), workspace()
    for start in range(0, len(x), TILE):
        size = min(TILE, len(x) - start)
        fill(x[:, :p], x[:, p:], start, size, tile)
        nearest(tile, means, modes, gamma, found)
        for i in range(size):
            label[start + i] = np.int32(found[0][i])
            first[start + i], second[start + i] = np.sqrt(found[1][i]), np.sqrt(found[2][i])


@compiled_exactly
def add_exactly(value: float, grid: Host, g: int, sums: Host, at: int) -> None:
    """Add a number to a sum in two parts, each a whole multiple of a power of two; see ``_exact.exact_parts``."""
    high = (value + grid[0, g]) - grid[0, g]
    sums[0, at] += high
    sums[1, at] += ((value - high) + grid[1, g]) - grid[1, g]


@compiled_exactly
def step(x: Host, weight: Host, means: Host, modes: Host, gamma: float, grid: Host, edges: Host, sums: Host) -> None:
    """Add each row to the sums of its nearest prototype, (k, 2, p + 2 + all codes)."""
    p, tile, found = means.shape[1], np.zeros((x.shape[1], TILE)), workspace()
    for start in range(0, len(x), TILE):
        size = min(TILE, len(x) - start)
        fill(x[:, :p], x[:, p:], start, size, tile)
        nearest(tile, means, modes, gamma, found)
        for i in range(size):
            mine, w = sums[np.int64(found[0][i])], weight[start + i]
            for f in range(p):
                add_exactly(tile[f, i] * w, grid, f, mine, f)
            add_exactly(w, grid, p, mine, p)
            add_exactly(found[1][i] * w, grid, p + 1, mine, p + 1)
            for j in range(modes.shape[1]):
                add_exactly(w, grid, p, mine, p + 2 + edges[j] + np.int64(tile[p + j, i]))
