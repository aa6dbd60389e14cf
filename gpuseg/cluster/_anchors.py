"""Placing rows by the nearest dense point of a segment, each with a bound of its own, beyond which all is noise."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Backend, Host, to_host
from gpuseg.cluster._assignment import NOISE
from gpuseg.cluster._nearest import Kept, apart, assignment_of, group_search
from gpuseg.cluster._training import distinct
from gpuseg.engines import Block


class Anchors(NamedTuple):
    """Distinct points in the order of their coordinates, the segment of each, and how far it holds rows."""

    rows: Host
    segments: Host
    bounds: Host


def anchors_of(rows: Host, segments: Host, bounds: Host) -> Anchors:
    """Return points that differ; of equal ones in several segments, that of the first by bound, then by segment."""
    order = np.lexsort((segments, -bounds))
    first = order[distinct(rows[order]).first]
    return Anchors(rows[first], segments[first], bounds[first])


def anchor_search(backend: Backend, anchors: Anchors) -> Any:
    """Return the search ``x -> (segment of the nearest anchor, distance, whether it is within the anchor's bound)``."""
    numbers = Kept(anchors.rows, np.arange(len(anchors.rows)))
    return partial(_nearest_anchor, group_search(backend, numbers), anchors.segments, anchors.bounds)


def within_block(block: Block, search: Any) -> tuple[Array, ...]:
    """Return a block's segments, -1 beyond the bounds, and the distances to the nearest anchors."""
    segment, distance, near = search(block.x)
    xp = array_namespace(segment)
    return xp.astype(xp.where(near, segment, xp.full_like(segment, NOISE)), xp.int32), distance


def assign_within(block: Block, search: Any, other: Any, quantiles: Host) -> tuple[Array, ...]:
    """Return the fields of a block's Assignment."""
    return assignment_of(block, search(block.x), other, quantiles)


def training_distances(backend: Backend, anchors: Anchors, rows: Host) -> Host:
    """Return each row's distance to the nearest anchor, of an anchor itself to the next one of its segment."""
    _, distance, _ = anchor_search(backend, anchors)(backend.to_device(rows))
    away = np.minimum(apart(backend, Kept(anchors.rows, anchors.segments)), anchors.bounds)
    away[np.isinf(away)] = 0.0  # alone, and without a bound
    distance = np.array(to_host(distance))
    itself = np.flatnonzero(distance == 0)
    numbers, _ = group_search(backend, Kept(anchors.rows, np.arange(len(anchors.rows))))(
        backend.to_device(rows[itself])
    )
    distance[itself] = away[to_host(numbers)] if itself.size else 0.0
    return distance


def _nearest_anchor(search: Any, segments: Host, bounds: Host, x: Array) -> tuple[Array, Array, Array]:
    number, distance = search(x)
    xp, there = array_namespace(number), device(x)
    if not len(segments):
        return number, distance, number >= 0
    segment, bound = (xp.take(xp.asarray(field, device=there), number, axis=0) for field in (segments, bounds))
    return segment, distance, distance <= bound
