"""What a row gets from a fitted model, and the order in which segments are numbered."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.engines import Block
from gpuseg.neighbors.centers import two_nearest

NOISE = -1
NOVEL = 0.99
"""A row whose novelty is above this counts as unlike the training rows of its segment."""
DIGITS = 12
RANKS = np.linspace(0.0, 1.0, 201)


class Assignment(NamedTuple):
    """What ``assign`` gives, one value a row.

    ``segment``: int32, -1 for noise. ``distance``: unsquared, in the units of the matrix, to what
    represents the segment. ``confidence``: in [0, 1]. ``novelty``: the rank in [0, 1] of the distance
    among the training rows of that segment.
    """

    segment: Array
    distance: Array
    confidence: Array
    novelty: Array


ASSIGNED: tuple[Any, ...] = (np.int32, np.float64, np.float64, np.float64)
"""The dtypes of an Assignment's fields."""


def order_ids(centers: Host, weights: Host) -> Host:
    """Return the clusters by falling weight, ties by the centre's coordinates in order.

    >>> order_ids(np.array([[5.0], [1.0], [9.0]]), np.array([2.0, 2.0, 3.0]))
    array([2, 1, 0])
    """
    return np.lexsort((*_to_digits(centers).T[::-1], -_to_digits(weights)))


def tie_order(centers: Host) -> Host:
    """Return the order in which centres are searched, int32: of equally near ones the first by coordinates has a row.

    It is the same before segments have numbers and after, so that the rows of a fit get their own labels again.

    >>> tie_order(np.array([[5.0, 1.0], [1.0, 7.0], [1.0, 2.0]]))
    array([2, 1, 0], dtype=int32)
    """
    return np.lexsort(centers.T[::-1]).astype(np.int32)


def by_number(block: Block, order: Host, search: Callable[..., tuple[Array, ...]], *args: Any) -> tuple[Array, ...]:
    """Return what a search among centres in this order gives, its first field by the centres' own numbers."""
    place, *rest = search(block, *args)
    xp = array_namespace(place)
    return (xp.take(xp.asarray(order, device=device(place)), place), *rest)


def _to_digits(values: Host) -> Host:
    """Return values as shares of the largest, to DIGITS: what differs in its last bits alone is a tie."""
    largest = np.max(np.abs(values), axis=0, initial=0.0)
    return np.round(values / np.where(largest > 0, largest, 1.0), DIGITS)


def by_segment(label: Host) -> Iterator[tuple[int, Host]]:
    """Give each segment in ``label`` but noise, and the numbers of its rows."""
    # Short integers are sorted by counting, which is many times faster.
    short = label.astype(np.int16) if label.size and label.max() <= np.iinfo(np.int16).max else label
    order = np.argsort(short, kind="stable")
    ends = np.cumsum(np.bincount(label - NOISE))
    for segment, members in enumerate(np.split(order, ends)[1:-1]):
        if len(members):
            yield segment, members


def novelty(label: Array, distance: Array, quantiles: Host) -> Array:
    """Return the rank in [0, 1] of each distance among its segment's; of equal distances the lowest rank, of noise 1.

    >>> novelty(np.array([0, 0, 0]), np.array([0.5, 1.0, 2.0]), np.linspace(1.0, 3.0, 201)[None, :])
    array([0. , 0. , 0.5])
    """
    xp: Any = array_namespace(distance)
    away, segments = xp.astype(distance, xp.float64, copy=False), label >= 0
    if not len(quantiles):
        return xp.ones_like(away)
    count, last = quantiles.shape[1], quantiles.shape[1] - 1
    width = 1 << count.bit_length()
    padded = np.pad(quantiles, ((0, 0), (0, width - count)), constant_values=np.inf).ravel()
    knots, first = (
        xp.asarray(padded, device=device(distance)),
        xp.astype(xp.where(segments, label, xp.zeros_like(label)), xp.int64),
    )
    at, step = first * width, width // 2
    while step:  # how many knots are below, by halves
        at = at + step * xp.astype(xp.take(knots, at + (step - 1)) < away, xp.int64)
        step //= 2
    below = at - first * width
    inside = (below > 0) & (below <= last)
    at = xp.where(inside, at, first * width + 1)
    away = xp.where(inside, away, xp.take(knots, at))
    low, high = xp.take(knots, at - 1), xp.take(knots, at)
    share = (high - away) / xp.where(inside, high - low, xp.ones_like(away))
    beyond = xp.astype((below > 0) | ~segments, xp.float64)
    return xp.where(inside & segments, (xp.astype(below, xp.float64) - share) / last, beyond)


def confidence(first: Array, second: Array) -> Array:
    """Return 1 - d1/d2: 1 where there is no other segment, 0 where both distances are 0.

    >>> confidence(np.array([1.0, 0.0, 3.0]), np.array([4.0, 0.0, np.inf]))
    array([0.75, 0.  , 1.  ])
    """
    xp = array_namespace(first)
    ratio = xp.where(second > 0, first / xp.where(second > 0, second, xp.ones_like(second)), xp.ones_like(first))
    return 1.0 - xp.where(ratio < 1, ratio, xp.ones_like(ratio))


def assigned(block: Block, centers: Host, offset: Host, quantiles: Host) -> Assignment:
    """Return one block's assignment to centres less offset, on its device; a kernel of this name may replace it."""
    segment, first, second = two_nearest(block, centers, offset)
    xp = array_namespace(segment)
    away, other = (xp.astype(field, xp.float64, copy=False) for field in (first, second))
    return Assignment(segment, away, confidence(away, other), novelty(segment, away, quantiles))
