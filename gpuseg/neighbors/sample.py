"""A random sample of rows by their numbers: the same for every engine and every block."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host


def sample_rows(n: int, sample_size: int | None, seed: int) -> Host:
    """Return the numbers of all rows, or of a random sample without repeats, in order.

    >>> sample_rows(3, 5, 0), len(sample_rows(10**12, 4, 0))
    (array([0, 1, 2]), 4)
    """
    if sample_size is None or n <= sample_size:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample_size, replace=False))


def rows_of(x: Array, picked: Array) -> Array:
    """Return the rows of these numbers, on the device of ``x``.

    >>> rows_of(np.array([[1.0], [2.0], [3.0]]), np.array([2, 0])).tolist()
    [[3.0], [1.0]]
    """
    xp: Any = array_namespace(x)
    return xp.take(x, xp.asarray(picked, device=device(x)), axis=0)
