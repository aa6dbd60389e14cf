"""Metrics of methods that look at pairs: how a row is placed by its nearest point in each."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Backend, Host
from gpuseg.cluster._measure import refuse_directionless
from gpuseg.cluster._nearest import EUCLIDEAN, Kept, Placing, apart, group_search, other_search
from gpuseg.neighbors.measures import Measure, distances, prepared, two_nearest_groups

Search = Any
"""``x -> (segment, distance)`` or ``(x, segment) -> distance``; it can be pickled."""


def unit(x: Array) -> Array:
    """Return rows over their length, in float64; raise InvalidInput where a row has none.

    >>> unit(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    xp = array_namespace(x)
    refuse_directionless(int(xp.sum(xp.astype(~xp.any(x != 0, axis=1), xp.int64))))
    return prepared(x, Measure("cosine"))


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


def _group(measure: Measure, backend: Backend, kept: Kept) -> Search:  # noqa: ARG001 - the signature of a Placing
    return partial(_nearest, kept, measure)


def _other(measure: Measure, backend: Backend, kept: Kept) -> Search:  # noqa: ARG001 - the signature of a Placing
    return partial(_nearest_other, kept, measure)


def _apart(measure: Measure, backend: Backend, kept: Kept) -> Host:  # noqa: ARG001 - the signature of a Placing
    away, numbers = np.empty(len(kept.rows)), np.arange(len(kept.rows))
    for cut, distance in distances(kept.rows, kept.rows, measure):
        distance[(kept.segments[cut, None] != kept.segments) | (numbers[cut, None] == numbers)] = np.inf
        away[cut] = np.min(distance, axis=1)
    return away


def _given_apart(backend: Backend, kept: Kept) -> Host:
    """Raise: a model has not the matrix, so what ``nearest_given`` told at the fit has to do."""
    raise NotImplementedError


def _nearest(kept: Kept, measure: Measure, x: Array) -> tuple[Array, Array]:
    """Return the segment of the nearest point, of ties the first, and its distance."""
    return two_nearest_groups(x, kept.rows, kept.segments, measure)[:2]


def _nearest_other(kept: Kept, measure: Measure, x: Array, own: Array) -> Array:
    """Return the distance to the nearest point of another segment than ``own``, inf where there is none."""
    segment, first, second = two_nearest_groups(x, kept.rows, kept.segments, measure)
    return array_namespace(x).where(segment == own, second, first)


CITY, GIVEN = Measure("manhattan"), Measure("precomputed")
PLACING: Mapping[str, Placing] = {
    "euclidean": EUCLIDEAN,
    "manhattan": Placing(partial(_group, CITY), partial(_other, CITY), partial(_apart, CITY)),
    "cosine": Placing(_cosine_group, _cosine_other, _cosine_apart),
    "precomputed": Placing(partial(_group, GIVEN), partial(_other, GIVEN), _given_apart),
}
"""Every metric by its name; "precomputed": points are the numbers of rows of the fit, and what comes is the distances
to all of these."""
