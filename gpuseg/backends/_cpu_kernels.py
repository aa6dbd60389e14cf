"""k-means' passes over a block on the CPU: what Numba compiled, under the names of neighbors/centers.py.

Nothing of Numba is loaded before the first call.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock, current_thread, main_thread
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends._exact import exact_grid
from gpuseg.backends._protocol import Host, Kernel

_compiled: set[tuple[Any, Any]] = set()
"""Loops that are compiled for a dtype."""
_written: set[int] = set()
"""The bounds that are being written to."""
_lock = Lock()


class Bounds(NamedTuple):
    """What a block keeps from step to step: of each row its centre, and by how much that is the nearest.

    Exact weighted sums and weights of the centres' rows, (k, 2, d + 1), their grids, the centres that all of it
    belongs to, and how far from the origin centres may go before all rows are looked at. It is written to in place.
    """

    label: Host
    margin: Host
    sums: Host
    grid: Host
    known: Host
    reach: Host

    def anew(self) -> "Bounds":
        """Return bounds of no step yet."""
        return no_step(len(self.label), len(self.known), self.grid, self.reach.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made: of no step yet, for Dask copies and spills also what a step is writing to."""
        return no_step, (len(self.label), len(self.known), self.grid, self.reach.dtype)


def no_step(rows: int, n_clusters: int, grid: Host, dtype: Any) -> Bounds:
    """Return bounds of no step yet."""
    width = grid.shape[1]
    return Bounds(
        label=np.full(rows, n_clusters, np.uint32),
        margin=np.empty(rows, np.float32),
        sums=np.zeros((n_clusters, 2, width)),
        grid=np.array(grid),  # writable, or Numba would compile the step once more
        known=np.zeros((n_clusters, width - 1)),
        reach=np.zeros(1, dtype),
    )


def sums_of(block: Any) -> tuple[int, float, Host]:
    """Return one block's rows, total weight and weighted sums; see ``neighbors.centers.sums_of``."""
    weight, sums = _called(_loops().sums_of, _rows(block), block.weight)
    return len(block.x), float(weight), sums


def squared_about(block: Any, mean: Host) -> tuple[Host]:
    """Return the weighted sums of squares about the mean; see ``neighbors.centers.squared_about``."""
    return (_called(_loops().squared_about, _rows(block), block.weight, mean),)


def bounds(block: Any, n_clusters: int, spread: Host) -> Bounds:
    """Return what the steps of ``lloyd_step`` keep of a block, before the first."""
    x, heaviest = _rows(block), float(np.max(block.weight))
    # No weighted square is above the heaviest weight times the sum of them, twice as much with all rounding. Roots
    # apart: the product may be beyond what float64 holds.
    wide = np.append(2 * np.sqrt(heaviest) * np.sqrt(spread), heaviest)
    return no_step(len(x), n_clusters, exact_grid(wide, len(x)), x.dtype)


def lloyd_step(block: Any, bounds: Bounds, centers: Host, offset: Host) -> tuple[Host, Host]:
    """Return one block's share of a Lloyd step; see ``neighbors.centers.lloyd_step``.

    The bounds are brought to these centres. Whatever centres they were at, the share has the same bits.
    """
    x = _rows(block)
    with alone(bounds) as held:
        _called(
            _steps().lloyd_step,
            x,
            block.weight,
            offset.astype(x.dtype),
            centers,
            *_padded(x, centers),
            (np.finfo(x.dtype).eps, np.finfo(x.dtype).tiny),
            held,
        )
        total = held.sums[:, 0] + held.sums[:, 1]
    return total[:, :-1], total[:, -1]


def nearest(block: Any, centers: Host, offset: Host) -> tuple[Host, Host]:
    """Return nearest centre and distance of each row; see ``neighbors.centers.nearest``."""
    loops, x = _loops(), _rows(block)
    label, distance = _called(loops.nearest, x, offset.astype(x.dtype), centers.astype(x.dtype), *_padded(x, centers))
    return label, distance


def inertia(block: Any, centers: Host, offset: Host) -> float:
    """Return a block's weighted sum of squared distances; see ``neighbors.centers.inertia``."""
    loops, x = _loops(), _rows(block)
    centered = centers.astype(x.dtype)
    return float(_called(loops.inertia, x, block.weight, offset.astype(x.dtype), centered, *_padded(x, centers)))


def labels(block: Any, centers: Host, offset: Host) -> tuple[Host]:
    """Return the nearest centre of each row; see ``neighbors.centers.labels``."""
    loops, x = _loops(), _rows(block)
    return (_called(loops.labels, x, offset.astype(x.dtype), *_padded(x, centers)),)


def assigned(block: Any, centers: Host, offset: Host, quantiles: Host) -> tuple[Host, Host, Host, Host]:
    """Return a block's assignment; see ``cluster._assignment.assigned``."""
    loops, x = _loops(), _rows(block)
    number = quantiles.shape[1]
    width = 1 << number.bit_length()
    knots = np.pad(quantiles, ((0, 0), (0, width - number)), constant_values=np.inf).ravel()
    segment, distance, confidence, novelty = _called(
        loops.assigned,
        x,
        offset.astype(x.dtype),
        centers.astype(x.dtype),
        knots,
        width,
        number - 1,
        *_padded(x, centers),
    )
    return segment, distance, confidence, novelty


def squared_norms(block: Any, offset: Host) -> Host:
    """Return each row's squared norm less offset; see ``neighbors.centers.squared_norms``."""
    loops, x = _loops(), _rows(block)
    found: Host = _called(loops.squared_norms, x, offset.astype(x.dtype))
    return found


def costs_with(block: Any, norms: Host, d2: Host, candidates: Host, offset: Host) -> tuple[Host]:
    """Return a block's costs with each candidate; see ``neighbors.centers.costs_with``."""
    x = _rows(block)
    known = x, block.weight, norms
    pairs = zip(d2, candidates, strict=True)
    costs = [
        _called(_loops().costs_with, *known, near, offset.astype(x.dtype), *_padded(x, some)) for near, some in pairs
    ]
    return (np.stack(costs),)


def nearer(block: Any, d2: Host, centers: Host, offset: Host) -> Host:
    """Return each row's D^2 after one more centre a start; see ``neighbors.centers.nearer``."""
    x, shift = _rows(block), offset.astype(block.x.dtype)
    pairs = zip(d2, centers.astype(x.dtype), strict=True)
    return np.stack([_called(_loops().nearer, x, near, shift, center) for near, center in pairs])


@contextmanager
def alone(bounds: Bounds) -> Iterator[Bounds]:
    """Give bounds that nobody else writes to: others, of no step yet, where a task that was given up still does."""
    key = id(bounds.label)
    with _lock:
        free = key not in _written
        if free:
            _written.add(key)
    try:
        yield bounds if free else bounds.anew()
    finally:
        if free:
            _written.discard(key)


def _steps() -> Any:
    """Return the compiled step with bounds, loaded here for the first time."""
    from gpuseg.backends import _cpu_lloyd

    return _cpu_lloyd


def sums_by(label: Host, weight: Host | None, count: int) -> Host:
    """Return the weight of the rows of each label; see ``neighbors.groups.sums_by``."""
    rows = None if weight is None else weight.astype(np.float64, copy=False)
    # Labels from -1 up: noise has the first place.
    return np.bincount(label + 1, rows, count + 1)[1 : count + 1].astype(np.float64, copy=False)


def masses_of(block: Any, count: int) -> tuple[Host, Host, float]:
    """Return each cluster's weight, sum of distances and the sum of squares; see ``cluster._lloyd.masses_of``."""
    weights, distances, squares = _called(_loops().masses_of, block.distance, block.label, block.weight, count)
    return weights, distances, float(squares)


def bins_of(label: Host, distance: Host, weight: Host, bins: Any) -> Host:
    """Return the bin of each row; see ``cluster._quantiles.bins_of``."""
    flat = (np.ascontiguousarray(field) for field in (distance, label, weight))
    found: Host = _called(_loops().bins_of, *flat, bins.starts, bins.scales, bins.each)
    return found


def _loops() -> Any:
    """Return the compiled loops, loaded here for the first time."""
    from gpuseg.backends import _cpu_compiled

    return _cpu_compiled


def _called(loop: Any, x: Host, *args: Any) -> Any:
    """Return what a loop gives for rows; it is compiled in a thread, as Numba would lose an interrupt of this one."""
    known = (loop, x.dtype)
    if known in _compiled or current_thread() is not main_thread():
        return loop(x, *args)
    with ThreadPoolExecutor(1) as aside:
        value = aside.submit(loop, x, *args).result()
    _compiled.add(known)
    return value


def _rows(block: Any) -> Host:
    """Return the rows one after the other in memory: one compiled version a dtype serves all."""
    return np.ascontiguousarray(block.x)


def _padded(x: Host, centers: Host) -> tuple[Host, Host]:
    """Return -2c with features filled up to a whole UNROLL, and |c|^2, in the rows' dtype."""
    from gpuseg.backends._cpu_tiles import UNROLL

    k, d = centers.shape
    doubled = np.zeros((k, -(-d // UNROLL) * UNROLL), x.dtype)
    doubled[:, :d] = -2 * centers
    return doubled, np.sum(centers**2, axis=1).astype(x.dtype)


KERNELS: Mapping[str, Kernel] = {
    body.__name__: body
    for body in (
        sums_of,
        squared_about,
        bounds,
        lloyd_step,
        nearest,
        inertia,
        labels,
        assigned,
        squared_norms,
        costs_with,
        nearer,
        sums_by,
        masses_of,
        bins_of,
    )
}
"""Every pass by the name of its array body."""
