"""A sample of distinct rows, each with the weight of all equal ones: those of the least keys, which are hashes.

It depends on the rows alone: neither on their order, nor on how often they are repeated, nor on the blocks. Rows that
are few are all in it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Host, exact_parts, to_host
from gpuseg.cluster._training import row_order
from gpuseg.engines import Block
from gpuseg.neighbors.keys import row_keys


class Extent(NamedTuple):
    """How many rows there are, how many weigh anything, and of these the largest numbers and the largest weight."""

    rows: int
    heavy: int
    wide: Host
    heaviest: float


class Sketch(NamedTuple):
    """Distinct rows by rising key, their weights in two exact parts, (2, m), and whether no row is left out."""

    keys: Host
    rows: Host
    weight: Host
    whole: bool


def extent_of(block: Block) -> Extent:
    """Return the extent of a block."""
    xp = array_namespace(block.x)
    x, weight = (xp.astype(field, xp.float64, copy=False) for field in (block.x, block.weight))
    counts = xp.abs(x) * xp.astype(weight > 0, xp.float64)[:, None]
    wide = to_host(xp.max(counts, axis=0)) if x.shape[0] else np.zeros(x.shape[1])
    return Extent(x.shape[0], int(xp.sum(xp.astype(weight > 0, xp.int64))), wide, float(xp.max(weight)))


def widest(parts: Sequence[Extent]) -> Extent:
    """Return the extent of several blocks."""
    rows, heavy, wide, heaviest = zip(*parts, strict=True)
    return Extent(sum(rows), sum(heavy), np.max(wide, axis=0), max(heaviest))


def sketch_of(block: Block, most: int, seed: int, grid: Host) -> Sketch:
    """Return at most so many distinct rows of a block that weigh anything; ``grid``: that of the weights, (2,)."""
    weight = to_host(block.weight).astype(np.float64)
    some = weight > 0
    rows = to_host(block.x)[some].astype(np.float64) + 0.0  # of zero's two signs one
    parts = np.stack(exact_parts(weight[some], *grid))
    return lowest([Sketch(row_keys(rows, seed), rows, parts, whole=True)], most=most)


def lowest(parts: Sequence[Sketch], *, most: int) -> Sketch:
    """Return the distinct rows of least key of several parts.

    >>> rows = np.array([[1.0], [2.0], [1.0]])
    >>> part = Sketch(np.array([5, 2, 5]), rows, np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]]), True)
    >>> found = lowest([part], most=2)
    >>> found.rows.ravel().tolist(), found.weight[0].tolist(), found.whole
    ([2.0, 1.0], [1.0, 3.0], True)
    """
    keys, rows = (np.concatenate(field) for field in ([part.keys for part in parts], [part.rows for part in parts]))
    weight = np.concatenate([part.weight for part in parts], axis=1)
    order = np.argsort(keys, kind="stable")
    keys, rows, weight = keys[order], rows[order], weight[:, order]
    new = np.ones(len(keys), dtype=bool)
    tied = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    new[tied] = np.any(rows[tied] != rows[tied - 1], axis=1)
    first = np.flatnonzero(new)
    weight = np.add.reduceat(weight, first, axis=1) if len(first) else weight
    whole = len(first) <= most and all(part.whole for part in parts)
    return Sketch(keys[first[:most]], rows[first[:most]], weight[:, :most], whole)


def in_order(sketch: Sketch) -> tuple[Host, Host]:
    """Return the rows of a sketch in the order of their coordinates, and their weights."""
    order = row_order(sketch.rows)
    return sketch.rows[order], np.sum(sketch.weight, axis=0)[order]
