"""Prototypes, a mean and a mode each: rows against them, in the array API, and the steps that move them.

Rows hold p numbers, then q codes of categories. Distances are added up feature by feature and sums are exact, so that
neither blocks nor the order of rows change a bit. A backend's kernel of the same name may replace what is named mixed_.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, Kernel, exact_grid, exact_parts, to_host
from gpuseg.cluster._assignment import Assignment, confidence, novelty, tie_order
from gpuseg.cluster._labelled import Labelled
from gpuseg.engines import Block, Engine
from gpuseg.neighbors.centers import CELLS, add
from gpuseg.neighbors.groups import sums_by


class Prototypes(NamedTuple):
    """The prototypes of k segments: means, (k, p), codes of the modes, (k, q), and what a category that differs counts.

    ``gamma`` is in squared units of the numbers.
    """

    means: Host
    modes: Host
    gamma: float

    def in_order(self) -> tuple[Host, "Prototypes"]:
        """Return the order in which they are searched, and the prototypes in it."""
        order = tie_order(np.hstack([self.means, self.modes]))
        return order, self._replace(means=self.means[order], modes=self.modes[order])


class Sums(NamedTuple):
    """What exact sums of rows need: the grids, (2, p + 1), of numbers times weight and of the weight; column edges.

    ``edges``: where the codes of each column begin among those of all, (q + 1,). ``wide``: the largest number of each
    column, (p,), and the largest weight. ``rows``: how many there are in all blocks.
    """

    grid: Host
    edges: Host
    wide: Host
    rows: int

    @classmethod
    def of(cls, wide: Host, levels: Sequence[int], rows: int) -> Self:
        """Return what sums need of so many rows with so many levels a column."""
        edges = np.concatenate([[0], np.cumsum(levels)]).astype(np.int64)
        return cls(exact_grid(np.append(wide[:-1] * wide[-1], wide[-1:]), rows), edges, wide, rows)

    def with_cost(self, prototypes: Prototypes) -> Host:
        """Return the grids, (2, p + 2), with that of the rows' costs at these prototypes, in the last place."""
        farthest = self.wide[:-1] + np.max(np.abs(prototypes.means), axis=0, initial=0.0)
        apart = np.sum(farthest**2) + prototypes.gamma * (len(self.edges) - 1)
        return np.hstack([self.grid, exact_grid(self.wide[-1:] * apart, self.rows)])


class Masses(NamedTuple):
    """What the rows nearest to each prototype weigh, cost and are on average, with the weight of each code.

    ``counts``: (k, all codes).
    """

    weight: Host
    cost: Host
    means: Host
    counts: Host


def mixed_two_nearest(block: Block, prototypes: Prototypes) -> tuple[Array, Array, Array]:
    """Return nearest prototype, int32, of ties the first, distance to it, and to the best other, inf if none."""
    xp, found = array_namespace(block.x), []
    for squared in _squared(block.x, prototypes):
        label = xp.argmin(squared, axis=1)
        taken = label[:, None] == xp.arange(squared.shape[1], device=device(squared))[None, :]
        second = xp.min(xp.where(taken, xp.full_like(squared, xp.inf), squared), axis=1)
        found.append((xp.astype(label, xp.int32), xp.sqrt(xp.min(squared, axis=1)), xp.sqrt(second)))
    label, first, second = (xp.concat(list(field), axis=0) for field in zip(*found, strict=True))
    return label, first, second


def mixed_step(block: Block, prototypes: Prototypes, grid: Host, edges: Host) -> tuple[Host]:
    """Return the exact sums of the rows nearest to each prototype, (2, k, p + 2 + all codes), in two parts.

    They are of the numbers times weight, of the weight, of the cost times weight, and of the weight of each code.
    """
    xp, (k, p) = array_namespace(block.x), prototypes.means.shape
    x, weight = (xp.astype(field, xp.float64, copy=False) for field in (block.x, block.weight))
    squared = list(_squared(x, prototypes))
    label = xp.concat([xp.argmin(run, axis=1) for run in squared], axis=0)
    cost = xp.concat([xp.min(run, axis=1) for run in squared], axis=0)
    values = [*(x[:, f] * weight for f in range(p)), weight, cost * weight]
    sums = np.zeros((2, k, p + 2 + int(edges[-1])))
    for f, value in enumerate(values):
        for part, amount in enumerate(exact_parts(value, *map(float, grid[:, f]))):
            sums[part, :, f] = sums_by(label, amount, k)
    heavy = exact_parts(weight, *map(float, grid[:, p]))
    for j in range(len(edges) - 1):
        low, high = int(edges[j]), int(edges[j + 1])
        place = label * (high - low) + xp.astype(x[:, p + j], label.dtype)
        for part, amount in enumerate(heavy):
            sums[part, :, p + 2 + low : p + 2 + high] = np.reshape(sums_by(place, amount, k * (high - low)), (k, -1))
    return (sums,)


def masses_in(sums: Host, p: int) -> Masses:
    """Return the masses of exact sums; the mean of a prototype without rows is 0."""
    total = sums[0] + sums[1]
    weight = total[:, p]
    means = total[:, :p] / np.where(weight > 0, weight, 1.0)[:, None]
    return Masses(weight, total[:, p + 1], means, total[:, p + 2 :])


def moved(masses: Masses, prototypes: Prototypes, edges: Host) -> Prototypes:
    """Return the mean and the modes, of ties the first code, of each prototype's rows; one without rows stays."""
    some = masses.weight[:, None] > 0
    modes = [np.argmax(masses.counts[:, low:high], axis=1) for low, high in pairwise(edges)]
    found = np.stack(modes, axis=1) if modes else prototypes.modes
    return prototypes._replace(
        means=np.where(some, masses.means, prototypes.means), modes=np.where(some, found, prototypes.modes)
    )


def descent(
    engine: Engine, step: Kernel, search: Kernel, prototypes: Prototypes, sums: Sums, *, max_iter: int
) -> tuple[Prototypes, float, int]:
    """Return where prototypes come to rest, or are after ``max_iter`` steps, the cost one step before, and the steps.

    Each step moves all of them to their rows; one without rows goes to the row that lies farthest from its prototype.
    """
    n_iter, cost = 0, np.inf
    while n_iter < max_iter:
        n_iter, masses = n_iter + 1, masses_at(engine, step, prototypes, sums)
        after, cost = moved(masses, prototypes, sums.edges), float(np.sum(masses.cost))
        if (empty := np.flatnonzero(masses.weight == 0)).size:
            after = _filled(after, empty, engine, search, prototypes)
        if all(np.array_equal(old, new) for old, new in zip(prototypes[:2], after[:2], strict=True)):
            break
        prototypes = after
    return prototypes, cost, n_iter


def masses_at(engine: Engine, step: Kernel, prototypes: Prototypes, sums: Sums) -> Masses:
    """Return the masses of all rows at these prototypes, in one walk."""
    (total,) = engine.reduce(step, add, prototypes, sums.with_cost(prototypes), sums.edges)
    return masses_in(total, prototypes.means.shape[1])


def _filled(after: Prototypes, empty: Host, engine: Engine, search: Kernel, before: Prototypes) -> Prototypes:
    """Return prototypes of which those numbered ``empty`` are the rows that lay farthest; ties by their coordinates."""
    parts = engine.collect(farthest, search, before, len(empty))
    away, rows = (np.concatenate(field) for field in zip(*parts, strict=True))
    order = np.lexsort((*rows.T[::-1], -away))[: len(empty)]
    order, p = order[away[order] > 0], before.means.shape[1]
    means, modes = after.means.copy(), after.modes.copy()
    means[empty[: len(order)]], modes[empty[: len(order)]] = rows[order, :p], rows[order, p:]
    return after._replace(means=means, modes=modes)


def farthest(block: Block, search: Kernel, prototypes: Prototypes, count: int) -> tuple[Host, Host]:
    """Return the distances and rows of the ``count`` different rows of a block that lie farthest, 0 without weight."""
    x = to_host(block.x).astype(np.float64)
    away = np.where(to_host(block.weight) > 0, to_host(search(block, prototypes)[1]), 0.0)
    least = np.partition(away, -min(count, len(away)))[-min(count, len(away))]
    some = np.unique(np.hstack([-away[:, None], x])[away >= least], axis=0)[:count]
    return -some[:, 0], some[:, 1:]


def placed_block(block: Block, search: Kernel, prototypes: Prototypes) -> tuple[Array, Array]:
    """Return a block's segments and the distances to their prototypes."""
    label, distance, _ = search(block, prototypes)
    return label, distance


def labelled_block(block: Block, search: Kernel, prototypes: Prototypes) -> Labelled:
    """Return a block's segments, the distances to their prototypes, and the weights."""
    return Labelled(*placed_block(block, search, prototypes), block.weight)


def assigned_block(block: Block, search: Kernel, prototypes: Prototypes, quantiles: Host) -> Assignment:
    """Return one block's assignment by the mixed distance, on its device."""
    label, first, second = search(block, prototypes)
    return Assignment(label, first, confidence(first, second), novelty(label, first, quantiles))


def _squared(x: Array, prototypes: Prototypes) -> Iterator[Array]:
    """Give the squared mixed distances of runs of rows to all prototypes, (rows, k), float64."""
    xp: Any = array_namespace(x)
    (k, p), there = prototypes.means.shape, device(x)
    means, modes = (xp.asarray(np.asarray(of, np.float64), device=there) for of in prototypes[:2])
    step = max(1, CELLS // k)
    for start in range(0, x.shape[0], step):
        run = xp.astype(x[start : min(start + step, x.shape[0]), :], xp.float64, copy=False)
        near, unlike = (xp.zeros((run.shape[0], k), dtype=xp.float64, device=there) for _ in range(2))
        for f in range(p):
            apart = run[:, f][:, None] - means[:, f][None, :]
            near += apart * apart
        for j in range(modes.shape[1]):
            unlike += xp.astype(run[:, p + j][:, None] != modes[:, j][None, :], xp.float64)
        yield near + prototypes.gamma * unlike


def deviations(engine: Engine, sums: Sums) -> Host:
    """Return the standard deviation by weight of each column of numbers, (p,)."""
    wide, heaviest = sums.wide[:-1], sums.wide[-1:]
    mean = _average(engine, np.zeros(len(wide)), 1, sums.grid)
    grid = exact_grid(np.append(heaviest * (2 * wide) ** 2, heaviest), sums.rows)
    return np.sqrt(_average(engine, mean, 2, grid))


def _average(engine: Engine, about: Host, power: int, grid: Host) -> Host:
    (total,) = engine.reduce(moments_of, add, about, power, grid)
    found = np.sum(total, axis=0)
    return np.asarray(found[:-1] / found[-1])


def moments_of(block: Block, about: Host, power: int, grid: Host) -> tuple[Host]:
    """Return exact sums, (2, p + 1): of weight * (x - about)**power of each column of numbers, and of the weight."""
    xp: Any = array_namespace(block.x)
    weight, sums = xp.astype(block.weight, xp.float64, copy=False), np.zeros(grid.shape)
    apart = [xp.astype(block.x[:, f], xp.float64, copy=False) - float(shift) for f, shift in enumerate(about)]
    values = [weight * (away if power == 1 else away * away) for away in apart]
    for f, value in enumerate([*values, weight]):
        sums[:, f] = [float(xp.sum(part)) for part in exact_parts(value, *map(float, grid[:, f]))]
    return (sums,)
