"""Central moments of columns: partial on a block, merged in block order, safe far from zero.

Pebay (2008), Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
statistical moments, SAND2008-6212, equations 2.1 and 3.1: a block is centred on its own mean, and
two blocks are merged by the difference of their means, so no large squares are ever subtracted.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host


class Moments(NamedTuple):
    """Rows with a value, extremes, mean and the sums of squared and cubed deviations, an entry a column."""

    rows: Host
    low: Host
    high: Host
    mean: Host
    second: Host
    third: Host


def moments_of(x: Array) -> Moments:
    """Return the moments of the columns of ``x`` (rows, columns), float64; NaN is left out.

    >>> import numpy as np
    >>> moments_of(np.array([[1.0], [3.0], [np.nan]])).mean.tolist()
    [2.0]
    """
    xp = array_namespace(x)
    if not x.shape[0]:
        x = xp.full((1, x.shape[1]), xp.nan, dtype=x.dtype, device=device(x))
    there = ~xp.isnan(x)
    nothing = xp.zeros_like(x)
    count = xp.sum(xp.astype(there, xp.float64), axis=0)
    some = xp.where(count > 0, count, xp.ones_like(count))
    mean = xp.sum(xp.where(there, x, nothing), axis=0) / some
    centred = xp.where(there, x - mean[None, :], nothing)
    rest = xp.sum(centred, axis=0) / some  # what rounding left of the mean
    centred = xp.where(there, centred - rest[None, :], nothing)
    square = centred * centred
    fields = (
        count,
        xp.min(xp.where(there, x, xp.full_like(x, xp.inf)), axis=0),
        xp.max(xp.where(there, x, xp.full_like(x, -xp.inf)), axis=0),
        mean + rest,
        xp.sum(square, axis=0),
        xp.sum(square * centred, axis=0),
    )
    return Moments(*(to_host(field) for field in fields))


def merged(a: Moments, b: Moments) -> Moments:
    """Return the moments of two runs of rows together."""
    total = np.maximum(a.rows + b.rows, 1.0)
    delta = b.mean - a.mean
    share = a.rows * b.rows / total
    third = delta**3 * share * ((a.rows - b.rows) / total)
    third = third + 3 * delta * ((a.rows * b.second - b.rows * a.second) / total)
    return Moments(
        a.rows + b.rows,
        np.minimum(a.low, b.low),
        np.maximum(a.high, b.high),
        a.mean + delta * (b.rows / total),
        a.second + b.second + delta * delta * share,
        a.third + b.third + third,
    )


def combined(parts: Sequence[Moments]) -> Moments:
    """Return the moments of all blocks, merged in their order."""
    return functools.reduce(merged, parts)


def deviation(moments: Moments) -> Host:
    """Return the population's standard deviation of every column."""
    return np.sqrt(moments.second / np.maximum(moments.rows, 1.0))


def skewness(moments: Moments) -> Host:
    """Return the skewness of every column, 0 where all its values are equal."""
    spread = moments.second > 0
    ratio = moments.third / np.where(spread, moments.second, 1.0)
    scale = np.sqrt(np.maximum(moments.rows, 1.0) / np.where(spread, moments.second, 1.0))
    return np.where(spread, ratio * scale, 0.0)
