"""A random sample of rows by their numbers: the same for every engine and every block."""

import numpy as np

from gpuseg.backends import Host


def sample_rows(n: int, sample_size: int | None, seed: int) -> Host:
    """Return the numbers of all rows, or of a random sample without repeats, in order.

    >>> sample_rows(3, 5, 0), len(sample_rows(10**12, 4, 0))
    (array([0, 1, 2]), 4)
    """
    if sample_size is None or n <= sample_size:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample_size, replace=False))
