"""Blocks of labelled rows: what they weigh, and their labels by other numbers."""

from typing import NamedTuple

from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.neighbors.groups import sums_by


class Labelled(NamedTuple):
    """A block's segments, -1 for noise, the distances to what represents them, and the weights."""

    label: Array
    distance: Array
    weight: Array


def masses_of(block: Labelled, count: int) -> tuple[Host, Host, float]:
    """Return each cluster's weight and sum of distances in a block, and the sum of all squared distances."""
    xp = array_namespace(block.distance)
    distance, weight = (xp.astype(field, xp.float64, copy=False) for field in (block.distance, block.weight))
    weights, distances = (sums_by(block.label, field, count) for field in (weight, weight * distance))
    return weights, distances, float(weight @ (distance * distance))


def renumbered(block: Labelled, number: Host) -> tuple[Array]:
    """Return the segments of a block by their new numbers."""
    xp = array_namespace(block.label)
    return (xp.take(xp.asarray(number, device=device(block.label)), block.label),)
