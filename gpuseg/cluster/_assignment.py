"""What a row gets from a fitted model, and the order in which segments are numbered."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, Host

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
    order = np.argsort(label, kind="stable")
    values, starts = np.unique(label[order], return_index=True)
    for segment, members in zip(values.tolist(), np.split(order, starts)[1:], strict=True):
        if segment >= 0:
            yield segment, members


def distance_quantiles(label: Host, distance: Host, weight: Host, segments: int) -> Host:
    """Return each segment's distances at RANKS by weight, (segments, 201).

    >>> distance_quantiles(np.array([0, 0, -1]), np.array([1.0, 3.0, 9.0]), np.ones(3), 1)[0, [0, 100, 200]]
    array([1., 1., 3.])
    """
    quantiles = np.zeros((segments, len(RANKS)))
    for segment, rows in by_segment(label):
        members = rows[np.argsort(distance[rows], kind="stable")]
        mass = weight[members] if np.any(weight[members] > 0) else np.ones(len(members))
        share, away = np.cumsum(mass), distance[members]
        quantiles[segment] = np.interp(RANKS, np.append(0.0, share / share[-1]), np.append(away[0], away))
    return quantiles


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
