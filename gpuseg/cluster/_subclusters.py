"""Subclusters of rows in blocks, tree by tree, and rows at their nearest subclusters as those of segments."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.backends._protocol import Fit
from gpuseg.cluster._labelled import Labelled
from gpuseg.cluster._training import distinct
from gpuseg.engines import Block
from gpuseg.errors import InvalidInput


def in_segments(block: Labelled, segments: Host, held: Host, apart: Host) -> Labelled:
    """Return a block's rows at their nearest means as those of segments, with distances as of new rows.

    Of each mean: its segment, what the rows weigh that are nearest to it, and how far the next one of the segment is.
    """
    xp, there = array_namespace(block.distance), device(block.distance)
    taken = (xp.take(xp.asarray(field, device=there), block.label) for field in (segments, held, apart))
    segment, weight, away = taken
    return Labelled(xp.astype(segment, xp.int32), without_itself(block.distance, weight, away), block.weight)


def without_itself(distance: Array, weight: Array, apart: Array) -> Array:
    """Return how far rows would be from the nearest mean if they had not moved their own, at most.

    ``distance``: to the mean of rows that weigh ``weight``, the row itself counted as one. ``apart``: from that mean to
    the next one of the segment, inf where there is none.

    >>> without_itself(np.array([1.0, 0.0, 0.0]), np.array([2.0, 1.0, 1.0]), np.array([5.0, 3.0, np.inf]))
    array([2., 3., 0.])
    """
    xp, alone = array_namespace(distance), weight <= 1
    moved = distance * weight / xp.where(alone, xp.ones_like(weight), weight - 1.0)
    others = xp.where(alone, xp.full_like(distance, xp.inf), moved)
    nearest = xp.minimum(others, distance + apart)
    return xp.where(xp.isfinite(nearest), nearest, distance)


def subclusters_of(block: Block, grow: Fit, seed: int) -> Mapping[str, Any]:
    """Return the subclusters of a block, whose rows enter in a drawn order, equal ones together."""
    x, weight = to_host(block.x).astype(np.float64, copy=False), to_host(block.weight).astype(np.float64)
    found = distinct(x)
    order = np.random.default_rng((seed, block.number)).permutation(len(found.first))
    return grow(x[found.first[order]], sample_weight=np.bincount(found.place, weight)[order])


def joined(parts: Sequence[Mapping[str, Any]], grow: Fit) -> Mapping[str, Any]:
    """Return the subclusters of several trees as those of one, which they enter in order."""
    if len(parts) == 1:
        return parts[0]
    mean, weight, radius = (np.concatenate([part[name] for part in parts]) for name in ("mean", "weight", "radius"))
    return grow(mean, sample_weight=weight, radius=radius, least=max(part["threshold"] for part in parts))


def subclusters(fit: Fit, most: float, x: Host, **given: Any) -> Mapping[str, Any]:
    """Return what a tree leaves of rows; raise InvalidInput for more subclusters than are joined to segments."""
    found = fit(x, **given)
    if (many := len(found["weight"])) > most:
        raise InvalidInput(
            f"threshold={found['threshold']:g} leaves {many:,} subclusters, and at most {most:,} are joined to "
            "segments; give a larger threshold, 'auto', or n_clusters=None"
        )
    return found
