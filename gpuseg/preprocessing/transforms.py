"""What is done to the numbers of a block, and undone: fill, winsorise, bend. One body for every array library."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host

LARGEST = 1e90
"""Numbers beyond this size count as infinite: their cubes, summed, would leave float64."""
NONE, LOG, POWER = range(3)
STEEPEST = 207.0
"""Exponents beyond this, the logarithm of LARGEST, are cut."""


class Preparation(NamedTuple):
    """What is done to each column before it is scaled; every field has an entry a column.

    ``low`` and ``high`` are the winsor limits, infinite where there are none; ``method`` is NONE,
    LOG or POWER, and ``power`` the lambda of Yeo-Johnson; x / ``unit`` is what is bent; ``bottom`` and
    ``top`` are the column's extremes.
    """

    fill: Host
    low: Host
    high: Host
    method: Host
    power: Host
    unit: Host
    bottom: Host
    top: Host

    def of(self, columns: Host) -> "Preparation":
        """Return the entries of some columns."""
        return Preparation(*(field[columns] for field in self))


def beside(x: Array, host: Host) -> Array:
    """Return a host array in the namespace and on the device of ``x``."""
    return array_namespace(x).asarray(host, device=device(x))


def taken(x: Array, columns: Host) -> Array:
    """Return some columns of ``x`` in the order of ``columns``, as float64, the values of a column side by side.

    One number a column against all rows is several times faster in that layout, and sums are pairwise.
    """
    xp = array_namespace(x)
    rows = xp.take(xp.permute_dims(x, (1, 0)), beside(x, np.asarray(columns, dtype=np.int64)), axis=0)
    return xp.permute_dims(xp.astype(rows, xp.float64), (1, 0))


def finite(x: Array) -> Array:
    """Return ``x`` with NaN for what is infinite."""
    xp = array_namespace(x)
    return xp.where(xp.abs(x) <= LARGEST, x, xp.full_like(x, xp.nan))


def prepared(x: Array, preparation: Preparation) -> Array:
    """Return columns without gaps, winsorised and bent, ready to be scaled."""
    xp = array_namespace(x)
    x = xp.where(xp.isnan(x), beside(x, preparation.fill)[None, :], x)
    return bent(limited(x, preparation), preparation)


def limited(x: Array, preparation: Preparation) -> Array:
    """Return ``x`` with what lies beyond the winsor limits put on them."""
    xp = array_namespace(x)
    low, high = (beside(x, limit)[None, :] for limit in (preparation.low, preparation.high))
    x = xp.where(x < low, low, x)
    return xp.where(x > high, high, x)


def bent(x: Array, preparation: Preparation) -> Array:
    """Return every column after its own method against skew."""
    return _grouped(x, preparation, (_same, _log, _yeo_johnson))


def unbent(y: Array, preparation: Preparation) -> Array:
    """Return what ``bent`` made ``y`` from."""
    return _grouped(y, preparation, (_same, _log_inverse, _yeo_johnson_inverse))


def signed_log1p(x: Array) -> Array:
    """Return log(1 + |x|) with the sign of x.

    >>> import numpy as np
    >>> signed_expm1(signed_log1p(np.array([-3.0, 0.0]))).tolist()
    [-3.0, 0.0]
    """
    xp = array_namespace(x)
    return xp.sign(x) * xp.log1p(xp.abs(x))


def signed_expm1(y: Array) -> Array:
    """Return what ``signed_log1p`` made ``y`` from."""
    xp = array_namespace(y)
    return xp.sign(y) * xp.expm1(xp.abs(y))


def yeo_johnson(x: Array, power: Array) -> Array:
    """Return Yeo and Johnson's transform (2000, equation 2.1) with one lambda a column.

    Both branches are sign(x) * ((1 + |x|)^s - 1) / s, with s = lambda above zero and 2 - lambda below.

    >>> import numpy as np
    >>> yeo_johnson(np.array([[3.0], [-3.0]]), np.array([0.5])).round(3).ravel().tolist()
    [2.0, -4.667]
    """
    xp = array_namespace(x)
    return yeo_johnson_of_sizes(xp.log1p(xp.abs(x)), x < 0, power)


def yeo_johnson_of_sizes(sizes: Array, negative: Array, power: Array) -> Array:
    """Return Yeo and Johnson's transform from log(1 + |x|), which many lambdas share, and where x is below zero."""
    xp = array_namespace(sizes)
    above, below = (_powered(sizes, slope) for slope in (power, 2.0 - power))
    return xp.where(negative, -below, above)


def yeo_johnson_inverse(y: Array, power: Array, bottom: Array, top: Array) -> Array:
    """Return what ``yeo_johnson`` made ``y`` from; ``bottom`` or ``top`` where no value is mapped so far out."""
    xp = array_namespace(y)
    slope = _slope(y, power)
    straight = xp.abs(slope) < _FLAT
    base = slope * xp.abs(y)
    inside = straight | (base > -1)
    base = xp.where(inside, base, xp.zeros_like(y))
    sizes = xp.where(straight, xp.abs(y), xp.log1p(base) / xp.where(straight, xp.ones_like(y), slope))
    size = xp.expm1(sizes)
    return xp.where(inside, xp.where(y < 0, -size, size), xp.where(y < 0, bottom[None, :], top[None, :]))


_FLAT = 1e-12


def _powered(sizes: Array, slope: Array) -> Array:
    """Return (exp(slope * size) - 1) / slope, the size itself where the slope is 0."""
    xp = array_namespace(sizes)
    straight = xp.abs(slope) < _FLAT
    divisor = xp.where(straight, xp.ones_like(slope), slope)
    exponent = divisor[None, :] * sizes
    exponent = xp.where(exponent > STEEPEST, xp.full_like(exponent, STEEPEST), exponent)
    return xp.where(straight[None, :], sizes, xp.expm1(exponent) / divisor[None, :])


def _slope(x: Array, power: Array) -> Array:
    return array_namespace(x).where(x < 0, 2.0 - power[None, :], power[None, :])


def _same(x: Array, _: Preparation) -> Array:
    return x


def _log(x: Array, preparation: Preparation) -> Array:
    return signed_log1p(x / beside(x, preparation.unit))


def _log_inverse(y: Array, preparation: Preparation) -> Array:
    return signed_expm1(y) * beside(y, preparation.unit)


def _yeo_johnson(x: Array, preparation: Preparation) -> Array:
    return yeo_johnson(x / beside(x, preparation.unit), beside(x, preparation.power))


def _yeo_johnson_inverse(y: Array, preparation: Preparation) -> Array:
    unit, power, bottom, top = (
        beside(y, field) for field in (preparation.unit, preparation.power, preparation.bottom, preparation.top)
    )
    return yeo_johnson_inverse(y, power, bottom / unit, top / unit) * unit


def _grouped(x: Array, preparation: Preparation, functions: Sequence[Callable[[Array, Preparation], Array]]) -> Array:
    """Return the columns of ``x``, each after the function of its method; one call a method."""
    groups = [np.flatnonzero(preparation.method == method) for method in range(len(functions))]
    used = [(group, function) for group, function in zip(groups, functions, strict=True) if len(group)]
    if len(used) == 1:
        return used[0][1](x, preparation)
    if not used:
        return x
    parts = [function(taken(x, group), preparation.of(group)) for group, function in used]
    order = np.argsort(np.concatenate([group for group, _ in used]))
    return taken(array_namespace(x).concat(parts, axis=1), order)
