"""Metrics of methods that look at pairs: what rows they allow, and how a row is placed by its nearest point."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Backend, Host
from gpuseg.cluster._nearest import EUCLIDEAN, Kept, Placing, apart, group_search, other_search
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.centers import beside

CELLS = 1 << 20
"""Distances held at a time."""
ROUNDED = 1e-9
"""The share of the largest distance by which the two halves of a precomputed matrix may differ."""
Search = Any
"""``x -> (segment, distance)`` or ``(x, segment) -> distance``; it can be pickled."""


def unit(x: Array) -> Array:
    """Return rows over their length, in float64; raise InvalidInput where a row has none.

    >>> unit(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    xp = array_namespace(x)
    x = xp.astype(x, xp.float64)
    largest = xp.max(xp.abs(x), axis=1, keepdims=True)
    if without := int(xp.sum(xp.astype(largest == 0, xp.int64))):
        raise InvalidInput(
            f"metric='cosine' got {without} rows of zeros, which have no direction; leave them out or use 'euclidean'"
        )
    x = x / largest
    return x / xp.sqrt(xp.sum(x**2, axis=1, keepdims=True))


def refuse_matrix(x: Host) -> None:
    """Raise InvalidInput unless ``x`` can be a matrix of distances between its rows."""
    rows, columns = x.shape
    if rows != columns:
        raise InvalidInput(
            f"metric='precomputed' got X of shape {x.shape}; give a square matrix of the distances between all rows"
        )
    if np.min(x) < 0 or np.any(np.diagonal(x) != 0):
        raise InvalidInput("metric='precomputed' got distances below 0 or not 0 to the row itself; give none of them")
    allowed, step = ROUNDED * np.max(x), max(1, CELLS // rows)
    for start in range(0, rows, step):
        cut = slice(start, start + step)
        if np.any(np.abs(x[cut] - x[:, cut].T) > allowed):
            raise InvalidInput(
                "metric='precomputed' got a matrix that is not symmetric; give one distance a pair, as (x + x.T) / 2"
            )


def nearest_given(x: Host) -> Host:
    """Return the distance of each row of a square matrix to the nearest other one, inf where there is none."""
    nearest = np.full(len(x), np.inf)
    for at, row in enumerate(x):
        nearest[at] = min(np.min(row[:at], initial=np.inf), np.min(row[at + 1 :], initial=np.inf))
    return nearest


def _cosine_group(backend: Backend, kept: Kept) -> Search:
    return partial(_half_squared, group_search(backend, kept._replace(rows=unit(kept.rows))))


def _cosine_other(backend: Backend, kept: Kept) -> Search:
    return partial(_half_squared_other, other_search(backend, kept._replace(rows=unit(kept.rows))))


def _cosine_apart(backend: Backend, kept: Kept) -> Host:
    return apart(backend, kept._replace(rows=unit(kept.rows))) ** 2 / 2


def _half_squared(search: Search, x: Array) -> tuple[Array, Array]:
    segment, distance = search(unit(x))
    return segment, distance**2 / 2


def _half_squared_other(search: Search, x: Array, own: Array) -> Array:
    return search(unit(x), own) ** 2 / 2


def _city_group(backend: Backend, kept: Kept) -> Search:  # noqa: ARG001 - the signature of a Placing
    return partial(_nearest, _city, kept.rows, kept.segments)


def _city_other(backend: Backend, kept: Kept) -> Search:  # noqa: ARG001 - the signature of a Placing
    return partial(_nearest_other, _city, kept.rows, kept.segments)


def _city_apart(backend: Backend, kept: Kept) -> Host:  # noqa: ARG001 - the signature of a Placing
    away, numbers = np.empty(len(kept.rows)), np.arange(len(kept.rows))
    for cut, distance in _city(kept.rows, kept.rows):
        distance[(kept.segments[cut, None] != kept.segments) | (numbers[cut, None] == numbers)] = np.inf
        away[cut] = np.min(distance, axis=1)
    return away


def _given_group(backend: Backend, kept: Kept) -> Search:  # noqa: ARG001 - the signature of a Placing
    return partial(_nearest, _given, kept.rows, kept.segments)


def _given_other(backend: Backend, kept: Kept) -> Search:  # noqa: ARG001 - the signature of a Placing
    return partial(_nearest_other, _given, kept.rows, kept.segments)


def _given_apart(backend: Backend, kept: Kept) -> Host:
    """Raise: a model has not the matrix, so what ``nearest_given`` told at the fit has to do."""
    raise NotImplementedError


def _city(x: Array, rows: Host) -> Iterator[tuple[slice, Array]]:
    """Give runs of ``x`` and the sums of their absolute differences to all rows."""
    xp = array_namespace(x)
    placed, step = beside(xp.astype(x, xp.float64), rows), max(1, CELLS // len(rows))
    for start in range(0, x.shape[0], step):
        cut = slice(start, min(start + step, x.shape[0]))
        run = xp.astype(x[cut, :], xp.float64)
        distance = xp.zeros((run.shape[0], len(rows)), dtype=xp.float64, device=device(x))
        for feature in range(x.shape[1]):
            distance += xp.abs(run[:, feature][:, None] - placed[:, feature][None, :])
        yield cut, distance


def _given(x: Array, rows: Host) -> Iterator[tuple[slice, Array]]:  # noqa: ARG001 - as _city
    xp = array_namespace(x)
    yield slice(0, x.shape[0]), xp.astype(x, xp.float64)


def _nearest(distances: Any, rows: Host, groups: Host, x: Array) -> tuple[Array, Array]:
    """Return the group of the nearest row, of ties the first, and its distance."""
    xp = array_namespace(x)
    group, found = xp.asarray(groups, dtype=xp.int64, device=device(x)), []
    for _, distance in distances(x, rows):
        found.append((xp.take(group, xp.argmin(distance, axis=1)), xp.min(distance, axis=1)))
    segment, away = (xp.concat(list(field)) for field in zip(*found, strict=True))
    return segment, away


def _nearest_other(distances: Any, rows: Host, groups: Host, x: Array, own: Array) -> Array:
    """Return the distance to the nearest row of another group than ``own``, inf where there is none."""
    xp = array_namespace(x)
    group, found = xp.asarray(groups, dtype=xp.int64, device=device(x)), []
    for cut, distance in distances(x, rows):
        mine = group[None, :] == own[cut][:, None]
        found.append(xp.min(xp.where(mine, xp.full_like(distance, xp.inf), distance), axis=1))
    return xp.concat(found)


PLACING: Mapping[str, Placing] = {
    "euclidean": EUCLIDEAN,
    "manhattan": Placing(_city_group, _city_other, _city_apart),
    "cosine": Placing(_cosine_group, _cosine_other, _cosine_apart),
    "precomputed": Placing(_given_group, _given_other, _given_apart),
}
"""Every metric by its name; "precomputed": what comes is the distances to the rows of the fit."""
