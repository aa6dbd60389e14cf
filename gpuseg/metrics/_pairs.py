"""Distances of all pairs of rows, tile by tile: memory does not grow with the square of the rows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import each
from gpuseg.engines.blocks import runs_of

ROWS, COLUMNS = 64, 4096
"""Rows and columns of a tile of distances: 2 MiB, which a core's cache holds, so that a root of it costs little."""

Distances = Callable[[slice, slice], Array]
"""What gives the distances of a run of rows to another run, (rows of the one, rows of the other), float64."""


def times(distances: Distances, right: Array, runs: Sequence[slice]) -> Host:
    """Return the distances of the rows of all runs to all rows, times a matrix of a row a row: float64, on the host.

    >>> times(euclidean(np.array([[0.0], [1.0], [5.0]])), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), [slice(3)])
    array([[1., 5.],
           [1., 4.],
           [9., 0.]])
    """
    if not runs:
        return np.zeros((0, right.shape[1]))
    return np.concatenate(each(partial(_times, distances, right), runs))


def every(end: int, step: int = 1, start: int = 0) -> list[slice]:
    """Return runs of ROWS rows of every ``step``-th row from ``start`` to ``end``.

    >>> every(5, 3)
    [slice(0, 5, 3)]
    """
    runs = runs_of(-(-(end - start) // step), ROWS)
    return [slice(start + run.start * step, min(start + run.stop * step, end), step) for run in runs]


def euclidean(x: Array) -> Distances:
    """Return what gives the Euclidean distances between the rows of ``x``, float64."""
    xp = array_namespace(x)
    x = xp.astype(x, xp.float64, copy=False)
    x = x - xp.mean(x, axis=0)[None, :]
    norms, ones = xp.sum(x * x, axis=1)[:, None], xp.ones((x.shape[0], 1), dtype=x.dtype, device=device(x))
    # |a|^2 + |b|^2 - 2ab as one product: a pass over all pairs less for each term.
    return partial(_euclidean, xp.concat([-2 * x, norms, ones], axis=1), xp.concat([x, ones, norms], axis=1))


def _times(distances: Distances, right: Array, run: slice) -> Host:
    parts = [distances(run, columns) @ right[columns, :] for columns in runs_of(right.shape[0], COLUMNS)]
    return to_host(sum(parts[1:], start=parts[0]))


def _euclidean(left: Array, right: Array, rows: slice, columns: slice) -> Array:
    xp: Any = array_namespace(left)
    squared = left[rows, :] @ right[columns, :].T
    return xp.sqrt(xp.maximum(squared, xp.zeros((1, 1), dtype=squared.dtype, device=device(squared))))
