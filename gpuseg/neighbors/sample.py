"""A random sample of rows by their numbers: the same for every engine and every block."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.engines import Block, Engine


def sample_rows(n: int, sample_size: int | None, seed: int) -> Host:
    """Return the numbers of all rows, or of a random sample without repeats, in order.

    >>> sample_rows(3, 5, 0), len(sample_rows(10**12, 4, 0))
    (array([0, 1, 2]), 4)
    """
    if sample_size is None or n <= sample_size:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample_size, replace=False))


def rows_of(x: Array, picked: Array) -> Array:
    """Return the rows of these numbers, on the device of ``x``.

    >>> rows_of(np.array([[1.0], [2.0], [3.0]]), np.array([2, 0])).tolist()
    [[3.0], [1.0]]
    """
    xp: Any = array_namespace(x)
    return xp.take(x, xp.asarray(picked, device=device(x)), axis=0)


def sampled(engine: Engine, sizes: Sequence[int], rows: int, seed: int) -> tuple[Array, Array]:
    """Return a random sample of rows without repeats, in order, and their weights; ``sizes`` are the blocks'."""
    starts = np.cumsum([0, *sizes])
    parts = engine.collect(rows_at, sample_rows(int(starts[-1]), rows, seed), starts)
    xp = array_namespace(*(x for x, _ in parts))
    return xp.concat([x for x, _ in parts], axis=0), xp.concat([weight for _, weight in parts], axis=0)


def rows_at(block: Block, picked: Host, starts: Host) -> tuple[Array, Array]:
    """Return the rows of a block that are among those picked by number; ``starts`` are the blocks' first numbers."""
    first, end = starts[block.number], starts[block.number + 1]
    here = picked[np.searchsorted(picked, first) : np.searchsorted(picked, end)] - first
    return rows_of(block.x, here), rows_of(block.weight, here)
