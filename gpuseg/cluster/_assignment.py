"""What a row gets from a fitted model, and the order in which segments are numbered."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
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


def _to_digits(values: Host) -> Host:
    """Return values as shares of the largest, to DIGITS: what differs in its last bits alone is a tie."""
    largest = np.max(np.abs(values), axis=0)
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


def novelty(label: Host, distance: Host, quantiles: Host) -> Host:
    """Return the rank in [0, 1] of each distance among its segment's; of equal distances the lowest rank.

    >>> novelty(np.array([0, 0, 0]), np.array([0.5, 1.0, 2.0]), np.linspace(1.0, 3.0, 201)[None, :])
    array([0. , 0. , 0.5])
    """
    ranks = np.ones(len(label))
    for segment, members in by_segment(label):
        # np.interp takes the last of equal knots: negated and reversed, that is the lowest rank.
        ranks[members] = np.interp(-distance[members], -quantiles[segment][::-1], RANKS[::-1])
    return ranks


def confidence(first: Host, second: Host) -> Host:
    """Return 1 - d1/d2: 1 where there is no other segment, 0 where both distances are 0.

    >>> confidence(np.array([1.0, 0.0, 3.0]), np.array([4.0, 0.0, np.inf]))
    array([0.75, 0.  , 1.  ])
    """
    ratio = np.divide(first, second, out=np.ones_like(first, dtype=np.float64), where=second > 0)
    return 1.0 - np.minimum(ratio, 1.0)


def assigned(block: Block, centers: Host, offset: Host, quantiles: Host) -> Assignment:
    """Return one block's assignment to centres less offset, on its device; a kernel of this name may replace it."""
    segment, first, second = two_nearest(block, centers, offset)
    xp = array_namespace(segment)
    near, away, other = to_host(segment), to_host(first).astype(np.float64), to_host(second).astype(np.float64)
    values = (away, confidence(away, other), novelty(near, away, quantiles))
    return Assignment(segment, *(xp.asarray(value, device=device(segment)) for value in values))
