"""Nearest rows among those that a model keeps, in the array API; a backend's twin of the same name may replace it.

Each function prepares a search over NumPy rows, once a call whatever the blocks, and returns it as a function of
a block's ``x``. Rows are told apart by |x|^2 - 2xy + |y|^2 in float64 and centred; the distances given are of
the differences themselves, unsquared. What a search returns lies where ``x`` does. It can be pickled.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.neighbors.centers import beside, squared_distances, tiles

Search = Callable[..., tuple[Array, Array]]
SPARE = 8
"""Rows kept beyond those asked for until their exact distances are known."""
ROUNDING = 16 * float(np.finfo(np.float64).eps)
"""The error of an expanded squared distance, as a share of the squared norms."""


def nearest_rows(rows: Host, count: int) -> Search:
    """Return the search ``x -> (numbers, distances)`` for the ``count`` nearest rows, nearest first, (n, count).

    >>> nearest_rows(np.array([[0.0], [5.0], [6.0]]), 2)(np.array([[4.0]]))
    (array([[1, 2]]), array([[1., 2.]]))
    """
    return partial(_nearest_rows, rows, min(count, len(rows)))


def nearest_group(rows: Host, groups: Host, *, within: float = np.inf) -> Search:
    """Return the search ``x -> (group, distance)`` for the nearest row, of equally near ones the lowest number.

    Where none lies ``within`` that distance, group is -1 and distance inf. ``groups``: numbers from 0 on, (rows,).

    >>> search = nearest_group(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]), within=2.0)
    >>> [field.tolist() for field in search(np.array([[3.0], [6.0]]))]
    [[0, -1], [2.0, inf]]
    """
    return partial(_nearest_group, rows, groups, float(within))


def nearest_other_group(rows: Host, groups: Host) -> Callable[[Array, Array], Array]:
    """Return the search ``(x, group) -> distance`` for the nearest row of any other group; inf where there is none.

    >>> nearest_other_group(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]))(np.array([[3.0]]), np.array([0]))
    array([6.])
    """
    return partial(_nearest_other_group, rows, groups)


def nearest_of_group(rows: Host, groups: Host, *, skip: int = 0) -> Search:
    """Return the search ``(x, wanted) -> (group, distance)`` for the nearest row of the wanted group.

    ``wanted`` is a group a row of ``x``; -1 stands for any group, and ``group`` says which was found. The nearest
    ``skip`` rows are passed over: 1 where the rows of ``x`` are among ``rows`` themselves. inf where none is left.

    >>> search = nearest_of_group(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]))
    >>> [field.tolist() for field in search(np.array([[3.0], [6.0]]), np.array([1, -1]))]
    [[1, 1], [6.0, 3.0]]
    """
    return partial(_nearest_of_group, rows, groups, skip)


def reranked(x: Array, rows: Array, numbers: Array, count: int) -> tuple[Array, Array]:
    """Return the ``count`` nearest of the rows ``numbers`` (n, c) and their exact distances; ties by number."""
    xp = array_namespace(x)
    numbers = xp.sort(numbers, axis=1)
    candidates = xp.reshape(xp.take(rows, xp.reshape(numbers, (-1,)), axis=0), (*numbers.shape, x.shape[1]))
    distance = xp.sqrt(xp.sum((x[:, None, :] - candidates) ** 2, axis=2))
    order = xp.argsort(distance, axis=1)[:, :count]
    return xp.take_along_axis(numbers, order, axis=1), xp.take_along_axis(distance, order, axis=1)


def _squared(x: Array, rows: Host) -> Iterator[tuple[slice, Array, Array, Array]]:
    """Give runs of ``x`` in float64, their squared distances to all rows, and what rounding may add to these."""
    xp, mean = array_namespace(x), np.asarray(np.mean(rows, axis=0, dtype=np.float64))
    centred = beside(x, rows - mean)
    largest = ROUNDING * xp.max(xp.sum(centred**2, axis=1))
    for cut, tile in tiles(x, mean, len(rows)):
        rounding = ROUNDING * xp.sum(tile**2, axis=1) + largest
        yield cut, x[cut, :], squared_distances(tile, centred), rounding


def _placed(x: Array, rows: Host, groups: Host) -> tuple[Any, Array, Array, Array]:
    """Return the namespace, ``x`` and the rows in float64, and the groups, all where ``x`` is."""
    xp = array_namespace(x)
    x = xp.astype(x, xp.float64)
    return xp, x, beside(x, rows), xp.asarray(groups, dtype=xp.int64, device=device(x))


def _nearest_rows(rows: Host, count: int, x: Array) -> tuple[Array, Array]:
    xp, x, placed, _ = _placed(x, rows, np.zeros(0))
    width = min(count + SPARE, len(rows))
    found = [reranked(tile, placed, xp.argsort(d2, axis=1)[:, :width], count) for _, tile, d2, _ in _squared(x, rows)]
    return _joined(found)


def _nearest_group(rows: Host, groups: Host, within: float, x: Array) -> tuple[Array, Array]:
    xp, x, placed, groups = _placed(x, rows, groups)
    found = []
    for _, tile, d2, rounding in _squared(x, rows):
        # The first of those that rounding cannot tell apart: ties must not hang on how the rows were cut.
        tied = d2 <= (xp.min(d2, axis=1) + rounding)[:, None]
        nearest = xp.argmax(xp.astype(tied, xp.int8), axis=1)
        group, away = xp.take(groups, nearest, axis=0), _away(tile, placed, nearest)
        near = away <= within
        found.append((xp.where(near, group, -xp.ones_like(group)), xp.where(near, away, xp.full_like(away, xp.inf))))
    return _joined(found)


def _nearest_other_group(rows: Host, groups: Host, x: Array, own: Array) -> Array:
    xp, x, placed, groups = _placed(x, rows, groups)
    found = []
    for cut, tile, d2, _ in _squared(x, rows):
        other = _without(d2, groups[None, :] == own[cut][:, None])
        found.append((_away(tile, placed, xp.argmin(other, axis=1), other),))
    return _joined(found)[0]


def _nearest_of_group(rows: Host, groups: Host, skip: int, x: Array, wanted: Array) -> tuple[Array, Array]:
    xp, x, placed, groups = _placed(x, rows, groups)
    numbers, found = xp.arange(len(rows), device=device(x)), []
    for cut, tile, d2, _ in _squared(x, rows):
        want = wanted[cut][:, None]
        left = _without(d2, (groups[None, :] != want) & (want >= 0))
        for _ in range(skip):
            left = _without(left, numbers[None, :] == xp.argmin(left, axis=1)[:, None])
        nearest = xp.argmin(left, axis=1)
        found.append((xp.take(groups, nearest, axis=0), _away(tile, placed, nearest, left)))
    return _joined(found)


def _without(d2: Array, left_out: Array) -> Array:
    xp = array_namespace(d2)
    return xp.where(left_out, xp.full_like(d2, xp.inf), d2)


def _away(x: Array, rows: Array, numbers: Array, d2: Array | None = None) -> Array:
    """Return the exact distance of each row of ``x`` to the row of its number; inf where all of ``d2`` is."""
    xp = array_namespace(x)
    away = xp.sqrt(xp.sum((x - xp.take(rows, numbers, axis=0)) ** 2, axis=1))
    return away if d2 is None else xp.where(xp.isfinite(xp.min(d2, axis=1)), away, xp.full_like(away, xp.inf))


def _joined(found: Sequence[tuple[Array, ...]]) -> Any:
    xp = array_namespace(found[0][0])
    return tuple(xp.concat(list(field), axis=0) for field in zip(*found, strict=True))
