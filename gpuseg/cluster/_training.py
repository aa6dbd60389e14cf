"""What density methods keep of their training rows: one of equals, numbers of segments, quantiles of distance."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Backend, Host, to_host
from gpuseg.cluster._assignment import NOISE, RANKS, order_ids
from gpuseg.cluster._base import in_callers_library
from gpuseg.engines import Block, Blocks


class Distinct(NamedTuple):
    """The distinct rows in the order of their coordinates, by their first number, and each row's place among them."""

    first: Host
    place: Host


def distinct(rows: Host) -> Distinct:
    """Return which rows differ, whatever the order they came in.

    >>> distinct(np.array([[2.0], [1.0], [2.0]]))
    Distinct(first=array([1, 0]), place=array([1, 0, 1]))
    """
    order = np.lexsort(rows.T[::-1])
    new = np.ones(len(rows), dtype=bool)
    new[1:] = np.any(rows[order[1:]] != rows[order[:-1]], axis=1)
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    return Distinct(order[new], place)


def weights_of(blocks: Blocks, rows: int) -> Host:
    """Return the rows' weights as float64, 1 where none were given."""
    if blocks.weights[0] is None:
        return np.ones(rows)
    return np.concatenate([to_host(part) for part in blocks.weights]).astype(np.float64)


def by_segment(label: Host) -> Iterator[tuple[int, Host]]:
    """Give each segment in ``label`` but noise, and the numbers of its rows."""
    order = np.argsort(label, kind="stable")
    values, starts = np.unique(label[order], return_index=True)
    for segment, members in zip(values.tolist(), np.split(order, starts)[1:], strict=True):
        if segment >= 0:
            yield segment, members


def numbered(label: Host, rows: Host, weight: Host, count: int) -> tuple[Host, Host]:
    """Return the new number of each of ``count`` old ones, and of noise, -1, in the last place; and the weights.

    Segments go by falling weight, ties by their rows' mean; an old number without rows gets -1. Sums are taken in
    the order of the coordinates: the order of the rows changes nothing.
    """
    numbers = np.full(count + 1, -1, dtype=np.int32)
    order = np.lexsort((weight, *rows.T[::-1]))
    found = list(by_segment(label[order]))
    if not found:
        return numbers, np.zeros(0)
    weights = np.array([np.sum(weight[order[members]]) for _, members in found])
    means = np.stack([np.mean(rows[order[members]], axis=0, dtype=np.float64) for _, members in found])
    ranked = order_ids(means, weights)
    numbers[np.array([segment for segment, _ in found])[ranked]] = np.arange(len(found))
    return numbers, weights[ranked]


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


def rank(label: Host, distance: Host, quantiles: Host) -> Host:
    """Return the rank in [0, 1] of each distance among its segment's; of equal distances the lowest rank.

    >>> rank(np.array([0, 0, 0]), np.array([0.5, 1.0, 2.0]), np.linspace(1.0, 3.0, 201)[None, :])
    array([0. , 0. , 0.5])
    """
    ranks = np.ones(len(label))
    for segment, members in by_segment(label):
        # np.interp takes the last of equal knots: negated and reversed, that is the lowest rank.
        ranks[members] = np.interp(-distance[members], -quantiles[segment][::-1], RANKS[::-1])
    return ranks


def given_back(values: Host, backend: Backend, blocks: Blocks) -> Array:
    """Return row-long host values as the caller works: on the device for device data, else NumPy."""
    return in_callers_library((backend.to_device(values),), blocks)[0]


def placed(block: Block, *fields: Host) -> tuple[Array, ...]:
    """Return host arrays where a block is."""
    xp = array_namespace(block.x)
    return tuple(xp.asarray(field, device=device(block.x)) for field in fields)


def alike(rows: Host, label: Host, strength: Host) -> tuple[Host, Host]:
    """Return labels and strengths in which equal rows have those of the strongest among them.

    >>> alike(np.array([[1.0], [2.0], [1.0]]), np.array([-1, 0, 3]), np.array([0.0, 0.9, 0.5]))
    (array([3, 0, 3]), array([0.5, 0.9, 0.5]))
    """
    found = distinct(rows)
    order = np.lexsort((label, -strength, found.place))
    _, first = np.unique(found.place[order], return_index=True)
    best = order[first][found.place]
    return label[best], strength[best]


def nothing_near(x: Array, *_: Array) -> tuple[Host, Host]:
    """Return noise and an infinite distance for each row: the search of a model without a segment."""
    return np.full(x.shape[0], NOISE), np.full(x.shape[0], np.inf)
