"""Placing rows by the nearest medoid: by the kernels of centres where distances are Euclidean, else by array code."""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, Kernel
from gpuseg.cluster._assignment import Assignment, assigned, confidence, novelty
from gpuseg.engines import Block
from gpuseg.neighbors.centers import labels, nearest
from gpuseg.neighbors.measures import Measure, prepared, two_nearest_groups


class Placing(NamedTuple):
    """What block functions are given of the medoids, how many there are, and the functions: ``f(block, *args)``."""

    args: tuple[Any, ...]
    medoids: int
    nearest: Kernel
    labels: Kernel
    assigned: Kernel


def placing_of(rows: Host | None, numbers: Host, measure: Measure) -> Placing:
    """Return how rows are placed by medoids: rows of X, or their numbers in it where distances are given."""
    others = medoid_nearest, medoid_labels, medoid_assigned
    if rows is None or measure.metric == "precomputed":
        return Placing((numbers[:, None], measure), len(numbers), *others)
    if measure.metric != "euclidean":
        return Placing((prepared(rows, measure), measure), len(rows), *others)
    centers = rows.astype(np.float64)
    # Rounded, it is one number in float32 and in float64: rows and medoids lose the same.
    offset = np.mean(centers, axis=0).astype(np.float32).astype(np.float64)
    offset = np.where(np.isfinite(offset), offset, 0.0)
    return Placing((centers - offset, offset), len(rows), nearest, labels, assigned)


def medoid_nearest(block: Block, medoids: Host, measure: Measure) -> tuple[Array, Array]:
    """Return the nearest medoid of each row, int32, of ties the first, and the distance to it."""
    return _two_nearest(block, medoids, measure)[:2]


def medoid_labels(block: Block, medoids: Host, measure: Measure) -> tuple[Array]:
    """Return the nearest medoid of each row, int32."""
    return _two_nearest(block, medoids, measure)[:1]


def medoid_assigned(block: Block, medoids: Host, measure: Measure, quantiles: Host) -> Assignment:
    """Return one block's assignment to medoids, on its device."""
    segment, first, second = _two_nearest(block, medoids, measure)
    return Assignment(segment, first, confidence(first, second), novelty(segment, first, quantiles))


def _two_nearest(block: Block, medoids: Host, measure: Measure) -> tuple[Array, Array, Array]:
    segment, first, second = two_nearest_groups(block.x, medoids, np.arange(len(medoids)), measure)
    xp = array_namespace(segment)
    return xp.astype(segment, xp.int32), first, second


def losses_of(block: Any, searches: list[Any]) -> tuple[float, ...]:
    """Return a block's weighted sum of the distances to the nearest medoid, of each search."""
    losses = []
    for search, *args in searches:
        _, distance = search(block, *args)
        xp = array_namespace(distance)
        weight, away = (xp.astype(field, xp.float64, copy=False) for field in (block.weight, distance))
        losses.append(float(weight @ away))
    return tuple(losses)
