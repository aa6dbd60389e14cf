"""Placing rows by the nearest of the points that a model keeps, each of a segment."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Backend, Host, to_host
from gpuseg.cluster._assignment import NOISE, confidence, novelty
from gpuseg.cluster._training import nothing_near
from gpuseg.engines import Block
from gpuseg.neighbors.rows import nearest_group, nearest_of_group, nearest_other_group


class Kept(NamedTuple):
    """Distinct points in the order of their coordinates, and the segment of each."""

    rows: Host
    segments: Host


def group_search(backend: Backend, kept: Kept, within: float = np.inf) -> Any:
    """Return the search ``x -> (segment, distance)`` for the nearest point."""
    if len(kept.rows) == 0:
        return nothing_near
    return backend.kernel_or(nearest_group)(kept.rows, kept.segments, within=within)


def other_search(backend: Backend, kept: Kept) -> Any:
    """Return the search ``(x, segment) -> distance`` for the nearest point of any other segment, None without."""
    if len(kept.rows) == 0:
        return None
    return backend.kernel_or(nearest_other_group)(kept.rows, kept.segments)


def apart(backend: Backend, kept: Kept) -> Host:
    """Return each point's distance to the nearest other one of its segment, inf where it is alone."""
    if len(kept.rows) == 0:
        return np.zeros(0)
    search = backend.kernel_or(nearest_of_group)(kept.rows, kept.segments, skip=1)
    _, distance = search(backend.to_device(kept.rows), backend.to_device(kept.segments))
    return to_host(distance)


class Placing(NamedTuple):
    """What ``group_search``, ``other_search`` and ``apart`` are of a metric."""

    group: Callable[[Backend, Kept], Any]
    other: Callable[[Backend, Kept], Any]
    apart: Callable[[Backend, Kept], Host]


EUCLIDEAN = Placing(group_search, other_search, apart)


def label_block(block: Block, search: Any) -> tuple[Array, ...]:
    """Return a block's segments and the distances to the nearest points."""
    segment, distance = search(block.x)
    xp = array_namespace(segment)
    return xp.astype(segment, xp.int32), distance


def assign_block(block: Block, search: Any, other: Any, eps: float, quantiles: Host) -> tuple[Array, ...]:
    """Return the fields of a block's Assignment."""
    xp: Any = array_namespace(block.x)
    segment, first = search(block.x)
    near, sure = first <= eps, xp.zeros_like(first)
    rows = xp.nonzero(near)[0]
    if rows.shape[0]:
        own, of = xp.take(segment, rows), xp.take(first, rows)
        found = confidence(of, other(xp.take(block.x, rows, axis=0), own))
        place = xp.cumulative_sum(xp.astype(near, xp.int64)) - 1
        sure = xp.where(near, xp.take(found, xp.where(near, place, xp.zeros_like(place))), sure)
    label = xp.astype(xp.where(near, segment, xp.full_like(segment, NOISE)), xp.int32)
    return label, first, sure, novelty(segment, first, quantiles)
