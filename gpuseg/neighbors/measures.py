"""Rows against kept ones in any metric, in the array API: against medoids, or against the points of a tree.

Euclidean rows are placed by centers.py and rows.py, which have kernels. Distances here are float64.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.neighbors.centers import beside

METRICS = ("euclidean", "manhattan", "cosine", "gower", "precomputed")
CELLS = 1 << 20
"""Distances worked on at a time, in some four arrays of 8 MiB."""


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


def two_nearest_groups(x: Array, rows: Host, groups: Host, measure: Measure) -> tuple[Array, Array, Array]:
    """Return the group of each row's nearest kept one, of ties the first, its distance, and that of any other group.

    ``rows``: (m, features), as ``prepared`` gives them; of "precomputed" their numbers, (m, 1), and ``x`` holds the
    distances to all training rows. ``groups``: (m,). The other distance is inf where there is no other group.

    >>> found = two_nearest_groups(
    ...     np.array([[0.0, 0.0], [4.0, 2.0]]), np.array([[1.0, 1.0], [4.0, 4.0]]), np.arange(2), Measure("manhattan")
    ... )
    >>> [field.tolist() for field in found]
    [[0, 1], [2.0, 2.0], [8.0, 4.0]]
    """
    xp: Any = array_namespace(x)
    numbers, found = xp.asarray(groups, dtype=xp.int64, device=device(x)), []
    for _, away in distances(x, rows, measure):
        group = xp.take(numbers, xp.argmin(away, axis=1))
        mine = numbers[None, :] == group[:, None]
        second = xp.min(xp.where(mine, xp.full_like(away, xp.inf), away), axis=1)
        found.append((group, xp.min(away, axis=1), second))
    group, first, second = (xp.concat(list(field), axis=0) for field in zip(*found, strict=True))
    return group, first, second


def distances(x: Array, rows: Host, measure: Measure) -> Iterator[tuple[slice, Array]]:
    """Give runs of ``x`` and the distances of their rows to all kept ones; see ``two_nearest_groups``."""
    step = max(1, CELLS // max(len(rows), x.shape[1]))
    for start in range(0, x.shape[0], step):
        cut = slice(start, min(start + step, x.shape[0]))
        yield cut, _distances(prepared(x[cut, :], measure), rows, measure)


def _distances(x: Array, rows: Host, measure: Measure) -> Array:
    """Return the distances of all pairs, (rows of x, kept rows), feature by feature."""
    xp: Any = array_namespace(x)
    if measure.metric == "precomputed":
        return xp.take(x, xp.asarray(rows[:, 0], dtype=xp.int64, device=device(x)), axis=1)
    kept, total = beside(x, rows), xp.zeros((x.shape[0], len(rows)), dtype=xp.float64, device=device(x))
    for f in range(x.shape[1]):
        apart = xp.abs(x[:, f][:, None] - kept[:, f][None, :])
        if measure.metric == "cosine":
            apart = apart * apart / 2
        elif measure.metric == "gower" and measure.share[f] > 0:
            apart = xp.astype(apart > 0, xp.float64) * float(measure.share[f])
        total += apart
    if measure.metric != "cosine":
        return total
    # 1 - cos of two rows of length 1, without loss of digits where they are close; a row of zeros has no direction.
    return xp.where(xp.any(x != 0, axis=1)[:, None], total, xp.ones_like(total))
