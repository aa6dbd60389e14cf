"""Rows that medoids are chosen from: all of them, or random samples drawn from blocks, as points with weights."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host, to_host
from gpuseg.cluster._base import Work
from gpuseg.cluster._training import Distinct, distinct, weights_of
from gpuseg.engines import Block
from gpuseg.neighbors.measures import Measure, prepared
from gpuseg.neighbors.sample import rows_of
from gpuseg.summary import MicroClusters


class Points(NamedTuple):
    """Points to choose from, ``prepared`` for a measure, the rows of X that they are, and the numbers of these.

    ``row_numbers``: rising, of all rows of X that points stand for; ``row_points``: the point of each of these.
    """

    points: MicroClusters
    rows: Host
    numbers: Host
    row_numbers: Host
    row_points: Host


class Drawn(NamedTuple):
    """Some rows of a block or of several, by their random keys, with weights, and where they stand."""

    keys: Host
    rows: Host
    weight: Host
    block: Host
    place: Host


def positive(block: Block) -> int:
    """Return how many rows of a block weigh anything."""
    return int(np.sum(to_host(block.weight) > 0))


def gathered(work: Work, measure: Measure, size: int, key: tuple[int, int]) -> Points:
    """Return ``size`` of the rows that weigh anything, or all where there are no more, as points.

    Each row draws a number, by ``key`` and its block, and those of the least numbers are taken: the same on any engine.
    """
    sample: Drawn = work.engine.merge(drawn, partial(lowest, size=size), size, key)
    starts = np.cumsum([0, *work.engine.collect(height)])
    points, found = merged(sample.rows, sample.weight)
    numbers = starts[sample.block] + sample.place
    points = points._replace(rows=prepared(points.rows, measure))
    return Points(points, sample.rows[found.first], numbers[found.first], numbers, found.place)


def matrix_points(work: Work) -> Points:
    """Return the points of a matrix of distances: the rows that weigh anything, in their order."""
    matrix, weight = to_host(work.whole), weights_of(work.blocks, work.whole.shape[0])
    kept = np.flatnonzero(weight > 0)
    within = matrix if len(kept) == len(matrix) else matrix[np.ix_(kept, kept)]
    points = MicroClusters(within, weight[kept], np.zeros(len(kept)))
    return Points(points, kept[:, None], kept, kept, np.arange(len(kept)))


def merged(rows: Host, weight: Host) -> tuple[MicroClusters, Distinct]:
    """Return the distinct rows in the order of their coordinates, each with the weight of all, and which they are.

    >>> points, found = merged(np.array([[2.0], [1.0], [2.0]]), np.array([1.0, 1.0, 3.0]))
    >>> points.rows.ravel(), points.weight, found.first
    (array([1., 2.]), array([1., 4.]), array([1, 0]))
    """
    found = distinct(rows)
    # Weights are added up by size: sums are then the same whatever the order of the rows.
    order = np.lexsort((weight, found.place))
    total = np.add.reduceat(weight[order], np.searchsorted(found.place[order], np.arange(len(found.first))))
    return MicroClusters(rows[found.first].astype(np.float64), total, np.zeros(len(total))), found


def height(block: Block) -> int:
    """Return how many rows a block has."""
    return int(block.x.shape[0])


def drawn(block: Block, size: int, key: tuple[int, int]) -> Drawn:
    """Return the ``size`` rows of a block that weigh anything and drew the least numbers."""
    weight = to_host(block.weight).astype(np.float64)
    place = np.flatnonzero(weight > 0)
    keys = np.random.default_rng((*key, block.number)).random(len(place))
    if len(place) > size:
        picked = np.sort(np.argsort(keys, kind="stable")[:size])
        place, keys = place[picked], keys[picked]
    rows = to_host(rows_of(block.x, place))
    return Drawn(keys, rows, weight[place], np.full(len(place), block.number), place)


def lowest(parts: Sequence[Drawn], *, size: int) -> Drawn:
    """Return the ``size`` rows of several parts that drew the least numbers, in their order."""
    found = Drawn(*(np.concatenate(field) for field in zip(*parts, strict=True)))
    if len(found.keys) <= size:
        return found
    picked = np.sort(np.argsort(found.keys, kind="stable")[:size])
    return Drawn(*(field[picked] for field in found))
