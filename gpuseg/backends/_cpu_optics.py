"""The walk of OPTICS, compiled by Numba: from point to the nearest one yet to come, by reachability.

Points lie in blocks of neighbours. A block is passed over where its bounding box says that no point of it can come
nearer: so most distances are never taken, and none is kept.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host

BLOCK = 128
"""Points of a block: 64 to 256 were within a twentieth of each other at 20,000 x 6, 32 took a third longer."""
MARGIN = 1e-9
"""By how much more than by rounding alone a bound is off, as a share: it decides what is looked at, no result."""
DIGITS = 1e15
"""Distances are rounded to as many decimals as scikit-learn rounds them: those that are equal but for their last
bits are ties, which go by the number of the point."""


@compiled_exactly
def rounded(distance: float) -> float:
    """Return a distance without its last bits, by the operations of NumPy's ``around``."""
    scaled = distance * DIGITS
    return np.rint(scaled) / DIGITS if scaled < np.inf else distance


@compiled_exactly
def nearer_to(tile: Host, at: Host, squared: Host) -> None:
    """Write the squared distances of a block's points to ``at``: summed feature by feature, all points at once."""
    squared[:] = 0.0
    for f in range(tile.shape[0]):
        here = at[f]
        for i in range(tile.shape[1]):
            apart = tile[f, i] - here
            squared[i] += apart * apart


@compiled_exactly
def box_distance(low: Host, high: Host, at: Host) -> float:
    """Return a distance that no point of a box is nearer to ``at`` than."""
    total = 0.0
    for f in range(len(at)):
        apart = max(low[f] - at[f], at[f] - high[f], 0.0)
        total += apart * apart
    return np.sqrt(total) * (1.0 - MARGIN)


@compiled_exactly
def ends(reach: Host, number: Host, bounds: Host, first: Host, block: int) -> None:
    """Write a block's least and largest reachability of points to come, and the first number at the least."""
    least, most, lowest = np.inf, -1.0, np.iinfo(np.int64).max
    for i in range(len(reach)):
        if reach[i] >= 0.0:
            most = max(most, reach[i])
            if reach[i] < least or (reach[i] == least and number[i] < lowest):
                least, lowest = reach[i], number[i]
    bounds[block, 0], bounds[block, 1], first[block] = least, most, lowest


@compiled_exactly
def reached(
    squared: Host, extent: Host, from_extent: float, core: float, max_eps: float, point: int, reach: Host, by: Host
) -> bool:
    """Bring down what a point reaches in a block, and say whether there was any; -1 is a point that has its place."""
    found = False
    for i in range(len(reach)):
        reaching = from_extent + extent[i]
        within = (reach[i] + reaching) * (1.0 + MARGIN)
        # Most points end here, without a root.
        if reach[i] < 0.0 or squared[i] > within * within:
            continue
        away = max(np.sqrt(squared[i]) - reaching, 0.0) if reaching > 0.0 else np.sqrt(squared[i])
        near = squared[i] <= max_eps * max_eps if reaching == 0.0 else away <= max_eps
        new = rounded(max(away, core))
        if near and new < reach[i]:
            reach[i], by[i], found = new, point, True
    return found


@compiled_exactly
def next_block(bounds: Host, first: Host) -> int:
    """Return the block of the next point: of least reachability, of equal ones the lowest number."""
    best = 0
    for b in range(1, len(first)):
        if bounds[b, 0] < bounds[best, 0] or (bounds[b, 0] == bounds[best, 0] and first[b] < first[best]):
            best = b
    return best


@compiled_exactly
def walk(tiles: Host, boxes: Any, number: Host, place: Host, core: Host, extent: Host, max_eps: float) -> Any:
    """Return the order of the points, the reachability of each and the point that it was reached from.

    ``tiles``: (blocks, d, BLOCK). ``number``: what each place of a block holds, (blocks, BLOCK), -1 where nothing;
    ``place`` is its inverse. ``core`` and ``extent`` go by number, with ``most`` of each block's extents in ``boxes``.
    """
    low, high, most, extents = boxes
    blocks, points = len(tiles), len(place)
    reach, by = np.where(number >= 0, np.inf, -1.0), np.full(number.shape, -1)
    bounds, first = np.empty((blocks, 2)), np.empty(blocks, np.int64)
    for b in range(blocks):
        ends(reach[b], number[b], bounds, first, b)
    order, found, squared = np.empty(points, np.int64), np.empty(points), np.empty(tiles.shape[2])
    for step in range(points):
        home = next_block(bounds, first)
        point = first[home]
        at = place[point] - home * tiles.shape[2]
        order[step], found[point], reach[home, at] = point, reach[home, at], -1.0
        ends(reach[home], number[home], bounds, first, home)
        if core[point] == np.inf:
            continue
        here = np.ascontiguousarray(tiles[home, :, at])
        for b in range(blocks):
            # -1 where all points of a block have their place.
            if core[point] >= bounds[b, 1]:
                continue
            least = box_distance(low[b], high[b], here) - extent[point] - most[b]
            if rounded(max(least, core[point])) >= bounds[b, 1] or least > max_eps:
                continue
            nearer_to(tiles[b], here, squared)
            if reached(squared, extents[b], extent[point], core[point], max_eps, point, reach[b], by[b]):
                ends(reach[b], number[b], bounds, first, b)
    return order, found, by
