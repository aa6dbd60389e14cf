"""Blocks of labelled rows: what they weigh, and their labels by other numbers."""

from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.cluster._assignment import NOISE
from gpuseg.neighbors.groups import sums_by


class Labelled(NamedTuple):
    """A block's segments, -1 for noise, the distances to what represents them, the weights, and strengths if any."""

    label: Array
    distance: Array
    weight: Array
    strength: Array | None = None


def masses_of(block: Labelled, count: int) -> tuple[Host, Host, float]:
    """Return each cluster's weight and sum of distances in a block, and the sum of all squared distances."""
    xp = array_namespace(block.distance)
    distance, weight = (xp.astype(field, xp.float64, copy=False) for field in (block.distance, block.weight))
    weights, distances = (sums_by(block.label, field, count) for field in (weight, weight * distance))
    return weights, distances, float(weight @ (distance * distance))


def renumbered(block: Labelled, number: Host) -> tuple[Array, ...]:
    """Return the segments of a block by their new numbers, noise as it is, and the strengths if any.

    >>> renumbered(Labelled(np.array([0, 1, -1]), np.zeros(3), np.ones(3)), np.array([1, 0]))
    (array([ 1,  0, -1], dtype=int32),)
    """
    xp = array_namespace(block.label)
    numbers = xp.asarray(np.append(number, NOISE).astype(np.int32), device=device(block.label))
    label = xp.take(numbers, xp.where(block.label < 0, xp.full_like(block.label, len(number)), block.label))
    return (label,) if block.strength is None else (label, block.strength)
