"""Rows ready for k-means: seeds drawn on them, a start brought to its end, a sample of them.

Several numbers of clusters share one: the rows are opened, checked and described once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.cluster._base import FLOATS, Dispatch, Work
from gpuseg.cluster._labelled import masses_of
from gpuseg.cluster._lloyd import Data, Steps, label_block, lloyd, masses_at
from gpuseg.cluster._seeding import Passes, seed_centers
from gpuseg.engines import Block, Engine
from gpuseg.errors import UnsupportedOnBackend
from gpuseg.neighbors.centers import add, inertia, labels, lloyd_step, nearest
from gpuseg.neighbors.draws import Seed
from gpuseg.neighbors.sample import sampled
from gpuseg.progress import bar
from gpuseg.summary.coreset import coreset, masses

AT_REST = 1e-9
"""The squared shift, as a share of the mean variance, that is no more than what rounding moves centres by."""
SIDE_BY_SIDE = 1 << 20
"""Rows times starts that seeding works on at once: 8 MiB of D^2. Few rows take as long to call as to work on."""


class Solution(NamedTuple):
    """The end of one start: centres less offset, steps taken, inertia, and whether sums were in a fixed order.

    The inertia is NaN where it was not asked for.
    """

    centers: Host
    n_iter: int
    inertia: float
    exact: bool = True


class Solver(NamedTuple):
    """Who brings starts to their ends, "vendor" or "lloyd", and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Run:
    """Open rows, what is known of them, and how a start is to be brought to its end.

    ``given``: the rows as the caller has them. ``alike``: whether ends on workers and here are to be the same, where
    the backend has a loop of its own for that.
    """

    given: Any
    work: Work
    data: Data
    names: Host | None
    max_iter: int
    tol: float
    solver: str
    alike: bool = False

    @property
    def side_by_side(self) -> bool:
        """Return whether several starts are brought to their ends at once: where the rows are few."""
        return self.work.backend.fits_side_by_side and len(self.work.blocks.sizes) == 1

    @property
    def total(self) -> float:
        """Return the sum of squared distances to the mean: the inertia of one cluster."""
        return self.data.variance * len(self.data.offset) * self.data.weight

    def seeds(self, n_clusters: int, n_init: int, seed: int) -> list[Host]:
        """Return ``n_init`` starts by greedy k-means++, less offset; the first k rows of each are a start for k."""
        together = max(1, SIDE_BY_SIDE // max(self.data.rows, 1))
        runs = [range(first, min(first + together, n_init)) for first in range(0, n_init, together)]
        keys = ([(seed, start) for start in run] for run in bar(runs, "k-means++"))
        return [start for some in keys for start in self.grown(None, n_clusters, some)]

    def grown(self, centers: Host | None, n_clusters: int, keys: Sequence[tuple[int, int]]) -> list[Host]:
        """Return a start of ``n_clusters`` a key: these centres, less offset, if any, and more by greedy k-means++."""
        passes, seeds = Passes.of(partial(self.work.kernel, n_clusters=n_clusters)), [Seed(*key) for key in keys]
        return seed_centers(self.work.engine, passes, n_clusters, self.data.offset, seeds, known=centers)

    def solve(self, starts: Sequence[Host], *, max_iter: int | None = None, compared: bool = True) -> list[Solution]:
        """Return where starts, less offset, end, or where they are after ``max_iter`` steps.

        ``compared``: whether the inertia is asked for, which may take a walk of its own.
        """
        most = self.max_iter if max_iter is None else min(max_iter, self.max_iter)
        solved = partial(self._solved, max_iter=most, compared=compared)
        return self.work.engine.each(solved, starts, side_by_side=self.side_by_side)

    def best(self, starts: Sequence[Host]) -> Solution:
        """Return the best of the ends of starts, less offset."""
        if self.side_by_side and self.chosen(len(starts[0])).name == "vendor":
            return self._vendor(starts, max_iter=self.max_iter)
        together = [starts] if self.side_by_side else [[start] for start in starts]
        ends = [self.solve(some, compared=len(starts) > 1) for some in bar(together, "k-means starts")]
        return min(chain.from_iterable(ends), key=lambda end: end.inertia)

    def settled(self, solution: Solution) -> Solution:
        """Return a solution with the same bits whatever threads or float32 left in its last ones.

        Steps of sums in float64 and in block order do that: one, or more where float32 ended outside of ``tol``.
        """
        if solution.exact:
            return solution
        steps = self._steps(len(solution.centers))
        left, tolerance = max(1, self.max_iter - solution.n_iter), max(self.tol, AT_REST) * self.data.variance
        centers, _ = lloyd(self.work.engine, steps, solution.centers, self.data, max_iter=left, tolerance=tolerance)
        return solution._replace(centers=centers, exact=True)

    def labelled(self, centers: Host) -> Engine:
        """Return the engine whose blocks are each row's nearest centre, distance to it, and weight."""
        search = self.work.kernel(nearest, len(centers))
        return self.work.engine.become(label_block, search, centers, self.data.offset)

    def masses(self, centers: Host) -> tuple[Host, Host, float]:
        """Return each cluster's weight and sum of distances, and the inertia, in one walk that keeps nothing."""
        search, sums = (self.work.kernel(body, len(centers)) for body in (nearest, masses_of))
        weights, distances, squares = self.work.engine.reduce(masses_at, add, search, centers, self.data.offset, sums)
        return weights, distances, squares

    def labels(self, centers: Host) -> Host:
        """Return each row's nearest centre."""
        search = self.work.kernel(labels, len(centers))
        return to_host(self.work.engine.rows(search, centers, self.data.offset, dtypes=(np.int32,))[0])

    def sample(self, rows: int, seed: int) -> Array:
        """Return a random sample of the rows without repeats, in order: the same on every engine."""
        return sampled(self.work.engine, self.work.blocks.sizes, rows, seed)[0]

    def block_weights(self) -> Host:
        """Return the weight of each block."""
        weights: Host = self._masses[:, 0]
        return weights

    def tail(self) -> float:
        """Return how heavy the rows' tails are: the mean squared square of their distance to the mean over its square.

        1 + 2/d for d normal features; in the hundreds where few far rows make up most of the variance.
        """
        weight, far, farther = np.sum(self._masses, axis=0)
        return float(weight * farther / far**2) if far > 0 else 1.0

    def coreset(self, rows: int, seed: int) -> tuple[Array, Host]:
        """Return random rows that stand for all, and the weight of each: the same on every engine."""
        return coreset(self.work.engine, self.data.offset, rows, seed, self._masses)

    def chosen(self, n_clusters: int) -> Solver:
        """Return who brings starts of ``n_clusters`` to their ends: as asked for, else the faster one."""
        backend, width = self.work.backend, n_clusters * self.work.blocks.n_features
        can = "kmeans" in backend.fits and self.work.whole is not None
        if self.solver == "vendor" and not can:
            raise UnsupportedOnBackend(
                f"solver='vendor' needs rows in memory and a k-means of backend {backend.name!r}; use solver='lloyd'"
            )
        if self.solver != "auto":
            return Solver(self.solver, "solver asked for by name")
        if can and self.alike and lloyd_step.__name__ in backend.kernels:
            return Solver("lloyd", "our loop over blocks ends alike here and on workers")
        size = f"{self.data.rows} rows and n_clusters * n_features = {width}"
        if can and backend.vendor_lloyd_wins(self.data.rows, n_clusters, self.work.blocks.n_features):
            return Solver("vendor", f"the vendor's loop is faster at {size}")
        return Solver("lloyd", f"our loop over blocks is faster at {size}" if can else "our loop over blocks")

    def dispatch(self, n_clusters: int) -> Dispatch:
        """Return who worked, and why."""
        solver = self.chosen(n_clusters)
        reason = f"{self.work.reason}; {solver.reason}"
        return Dispatch(self.work.backend.name, self.work.engine.name, solver.name, reason, self.work.steps)

    def _solved(self, start: Host, *, max_iter: int, compared: bool) -> Solution:
        if self.chosen(len(start)).name == "vendor":
            return self._vendor([start], max_iter=max_iter)
        return self._lloyd(start, max_iter=max_iter, compared=compared)

    def _lloyd(self, start: Host, *, max_iter: int, compared: bool) -> Solution:
        """Return the end by our loop over blocks."""
        engine, offset = self.work.engine, self.data.offset
        steps, share = self._steps(len(start)), self.work.kernel(inertia, len(start))
        tolerance = self.tol * self.data.variance
        centers, n_iter = lloyd(engine, steps, start, self.data, max_iter=max_iter, tolerance=tolerance)
        return Solution(centers, n_iter, sum(engine.collect(share, centers, offset)) if compared else np.nan)

    def _steps(self, n_clusters: int) -> Steps:
        return Steps.of(partial(self.work.kernel, n_clusters=n_clusters))

    def _vendor(self, starts: Sequence[Host], *, max_iter: int) -> Solution:
        """Return the best end by the backend's library."""
        x, weight = self._joined
        fit, offset = self.work.backend.fits["kmeans"], self.data.offset
        found = fit(x, starts=starts, offset=offset, sample_weight=weight, max_iter=max_iter, tol=self.tol)
        return Solution(found["centers"], int(found["n_iter"]), found["inertia"], found["exact"])

    @cached_property
    def _masses(self) -> Host:
        """Return what ``masses`` says of every block, a row a block."""
        return masses(self.work.engine, self.data.offset)

    @cached_property
    def _joined(self) -> tuple[Array, Array]:
        """Return rows and weights as one array each, for the vendor."""
        (weight,) = self.work.engine.rows(weight_of, dtypes=FLOATS[:1])
        return self.work.whole, weight


def weight_of(block: Block) -> tuple[Array]:
    """Return a block's weights, to be joined."""
    return (block.weight,)
