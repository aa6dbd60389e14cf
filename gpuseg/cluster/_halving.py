"""Halving the rows at a node of a tree: which they are, block by block, and what is known of the halves."""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, Kernel
from gpuseg.cluster._base import Work
from gpuseg.cluster._labelled import Labelled
from gpuseg.cluster._lloyd import describe
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster._run import Run, Solver
from gpuseg.engines import Block, Engine
from gpuseg.engines.blocks import matrix_of
from gpuseg.neighbors.centers import add, nearest, squared_about, sums_of
from gpuseg.neighbors.groups import sums_by


class Part(NamedTuple):
    """A node of the tree while it grows: what is known of its rows."""

    center: Host
    weight: float
    inertia: float
    quantiles: Host
    steps: int


class Way(NamedTuple):
    """What finds the nearest centre of a block's rows, the centres less offset, and the offset."""

    search: Kernel
    centers: Host
    offset: Host


def run_of(work: Work, max_iter: int, tol: float, solver: str) -> Run:
    """Return the rows of a node, described: on workers and here their halving is to end alike."""
    data = describe(work.engine, *(work.kernel(body, 2) for body in (sums_of, squared_about)))
    return Run(None, work, data, None, max_iter, tol, solver, alike=True)


def parts_of(run: Run, count: int, n_init: int, seed: int) -> tuple[list[Part], Way]:
    """Return the parts into which k-means divides the rows of a run, none where these are all alike, and the way."""
    starts, work = run.seeds(count, n_init, seed), run.work
    way = Way(work.kernel(nearest, count), starts[0], run.data.offset)
    if len(starts[0]) < count:
        return [], way
    end = run.settled(run.best(starts))
    seen = run.labelled(end.centers)
    weights, inertias = seen.reduce(halves_of, add, work.backend.kernel_or(sums_by), count)
    found = zip(end.centers + way.offset, weights, inertias, quantiles_of(seen, work.backend, count), strict=True)
    return [Part(*part, end.n_iter) for part in found], way._replace(centers=end.centers)


def within(work: Work, placed: Engine, node: int, solver: Solver) -> Work:
    """Return the rows at a node, as one array too where the vendor is to take them; ``placed``: nodes beside blocks."""
    engine = placed.within(part_of, node)
    whole = engine.rows(matrix_of, dtypes=(np.float64,))[0] if solver.name == "vendor" else None
    return work._replace(engine=engine, whole=whole)


def at_root(block: Block) -> Array:
    """Return the node of each row before any halving: 0, int32."""
    xp = array_namespace(block.x)
    return xp.zeros(block.x.shape[0], dtype=xp.int32, device=device(block.x))


def part_of(block: Block, nodes: Array, node: int) -> Block:
    """Return a block's rows at a node; where it has none, its first one, of weight 0, for no block is without a row."""
    xp: Any = array_namespace(block.x)
    rows = xp.nonzero(nodes == node)[0]
    if rows.shape[0]:
        return block._replace(x=xp.take(block.x, rows, axis=0), weight=xp.take(block.weight, rows))
    return block._replace(x=block.x[:1, :], weight=xp.zeros_like(block.weight[:1]))


def halved(block: Block, nodes: Array, node: int, first: int, search: Kernel, centers: Host, offset: Host) -> Array:
    """Return the node of each row after a halving: of those at ``node`` that of the nearer centre, ``first`` or next.

    Centres are less offset; ``search`` is the one by which ``node`` was halved.
    """
    xp: Any = array_namespace(block.x)
    label, _ = search(part_of(block, nodes, node), centers, offset)
    mine = nodes == node
    place = xp.cumulative_sum(xp.astype(mine, xp.int64)) - 1
    half = xp.take(label, xp.where(mine, place, xp.zeros_like(place)))
    return xp.where(mine, first + half, nodes)


def halves_of(block: Labelled, sums_by: Kernel, count: int) -> tuple[Host, Host]:
    """Return the weight of each half's rows in a block, and the weighted sum of their squared distances."""
    xp = array_namespace(block.distance)
    distance, weight = (xp.astype(field, xp.float64, copy=False) for field in (block.distance, block.weight))
    return sums_by(block.label, weight, count), sums_by(block.label, weight * distance * distance, count)
