"""Sums of rows by a whole number beside each, in the array API; a kernel of the same name may replace it."""

from typing import Any

from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host


def sums_by(label: Array, weight: Array | None, count: int) -> Host:
    """Return the weight of the rows of each label from 0 to ``count`` - 1, float64; the rows where no weight is given.

    >>> import numpy as np
    >>> sums_by(np.array([2, 0, 2, -1]), np.array([1.0, 2.0, 4.0, 8.0]), 3)
    array([2., 0., 5.])
    """
    xp: Any = array_namespace(label)
    order = xp.argsort(label)
    edges = xp.searchsorted(xp.take(label, order), xp.arange(count + 1, dtype=label.dtype, device=device(label)))
    if weight is None:
        return to_host(xp.astype(edges[1:] - edges[:-1], xp.float64))
    rising = xp.cumulative_sum(xp.astype(xp.take(weight, order), xp.float64), include_initial=True)
    return to_host(xp.take(rising, edges[1:]) - xp.take(rising, edges[:-1]))
