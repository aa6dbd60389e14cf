"""One block against a few medoids in any metric, in the array API: what placing rows by medoids stands on.

Euclidean rows are placed by neighbors/centers.py, which has kernels. Distances here are float64.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.engines import Block
from gpuseg.neighbors.centers import CELLS, beside

METRICS = ("euclidean", "manhattan", "cosine", "gower", "precomputed")


class Measure(NamedTuple):
    """A metric and, for "gower", what it takes from the training rows; else both arrays are empty.

    ``scale``: (features,), what a column is multiplied with. ``share``: (features,), what two different categories
    add to the distance, 0 in a column of numbers.
    """

    metric: str
    scale: Host = np.zeros(0)
    share: Host = np.zeros(0)


def prepared(x: Array, measure: Measure) -> Array:
    """Return rows in float64 between which the metric is plain: of length 1 for "cosine", scaled for "gower".

    >>> prepared(np.array([[3.0, 4.0]]), Measure("cosine"))
    array([[0.6, 0.8]])
    """
    xp: Any = array_namespace(x)
    x = xp.astype(x, xp.float64, copy=False)
    if measure.metric == "gower":
        return x * beside(x, measure.scale)[None, :]
    if measure.metric != "cosine":
        return x
    # By the largest number first: squares of tiny ones would be 0.
    largest = xp.max(xp.abs(x), axis=1, keepdims=True)
    x = x / xp.where(largest > 0, largest, xp.ones_like(largest))
    length = xp.sqrt(xp.sum(x * x, axis=1, keepdims=True))
    return x / xp.where(length > 0, length, xp.ones_like(length))


def nearest_medoid(block: Block, medoids: Host, measure: Measure) -> tuple[Array, Array]:
    """Return the nearest medoid of each row, int32, of ties the first, and the distance to it.

    ``medoids``: (k, features), as ``prepared`` gives them; of "precomputed" their numbers, (k, 1), and a block's rows
    are the distances to all training rows.
    """
    return two_nearest_medoids(block, medoids, measure)[:2]


def two_nearest_medoids(block: Block, medoids: Host, measure: Measure) -> tuple[Array, Array, Array]:
    """Return nearest medoid, distance to it, and distance to the best other (inf if none), a row each.

    >>> block = Block(0, np.array([[0.0, 0.0], [4.0, 2.0]]), np.ones(2))
    >>> found = two_nearest_medoids(block, np.array([[1.0, 1.0], [4.0, 4.0]]), Measure("manhattan"))
    >>> [field.tolist() for field in found]
    [[0, 1], [2.0, 2.0], [8.0, 4.0]]
    """
    xp = array_namespace(block.x)
    found = [_two_nearest(prepared(run, measure), medoids, measure) for run in _runs(block.x)]
    return tuple(xp.concat(list(field), axis=0) for field in zip(*found, strict=True))


def _runs(x: Array) -> Iterator[Array]:
    """Give runs of rows so short that rows x features stays within CELLS."""
    rows = max(1, CELLS // max(x.shape[1], 1))
    for start in range(0, x.shape[0], rows):
        yield x[start : min(start + rows, x.shape[0]), :]


def _two_nearest(x: Array, medoids: Host, measure: Measure) -> tuple[Array, Array, Array]:
    xp, there = array_namespace(x), device(x)
    first = xp.full(x.shape[0], xp.inf, dtype=xp.float64, device=there)
    second, label = first, xp.zeros(x.shape[0], dtype=xp.int32, device=there)
    for number, medoid in enumerate(medoids):
        away = DISTANCES[measure.metric](x, medoid, measure)
        nearer = away < first
        second = xp.where(nearer, first, xp.minimum(second, away))
        label = xp.where(nearer, xp.full_like(label, number), label)
        first = xp.minimum(first, away)
    return label, first, second


def _euclidean(x: Array, medoid: Host, measure: Measure) -> Array:  # noqa: ARG001 - one signature for all
    xp = array_namespace(x)
    return xp.sqrt(xp.sum((x - beside(x, medoid)[None, :]) ** 2, axis=1))


def _manhattan(x: Array, medoid: Host, measure: Measure) -> Array:  # noqa: ARG001 - one signature for all
    xp = array_namespace(x)
    return xp.sum(xp.abs(x - beside(x, medoid)[None, :]), axis=1)


def _cosine(x: Array, medoid: Host, measure: Measure) -> Array:  # noqa: ARG001 - one signature for all
    xp: Any = array_namespace(x)
    # 1 - cos of two rows of length 1, without loss of digits where they are close; a row of zeros has no direction.
    half = xp.sum((x - beside(x, medoid)[None, :]) ** 2, axis=1) / 2
    return xp.where(xp.any(x != 0, axis=1), half, xp.ones_like(half))


def _gower(x: Array, medoid: Host, measure: Measure) -> Array:
    xp, share = array_namespace(x), beside(x, measure.share)[None, :]
    away = xp.abs(x - beside(x, medoid)[None, :])
    unlike = xp.where(away > 0, share + xp.zeros_like(away), xp.zeros_like(away))
    return xp.sum(xp.where(share > 0, unlike, away), axis=1)


def _given(x: Array, medoid: Host, measure: Measure) -> Array:  # noqa: ARG001 - one signature for all
    return x[:, int(medoid[0])]


DISTANCES: Mapping[str, Callable[[Array, Host, Measure], Array]] = {
    "euclidean": _euclidean,
    "manhattan": _manhattan,
    "cosine": _cosine,
    "gower": _gower,
    "precomputed": _given,
}
"""The distances of prepared rows to one medoid; a new metric is a function and a row here."""
