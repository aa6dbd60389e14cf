"""Exact sums: numbers cut into two parts, whole multiples of powers of two, whose sums have the same bits in any order.

Demmel and Nguyen, Parallel Reproducible Summation, IEEE Transactions on Computers 64, 2015.
"""

from typing import Any

import numpy as np

from gpuseg.backends._protocol import Host


def exact_grid(wide: Host, rows: int) -> Host:
    """Return the numbers that round to the two grids of exact sums of so many numbers, none above ``wide``."""
    spare = int(rows).bit_length() + 1 - np.finfo(np.float64).nmant
    _, top = np.frexp(wide)
    first = top + spare
    return 1.5 * np.exp2(np.stack([first, first - 1 + spare]) + float(np.finfo(np.float64).nmant))


def exact_parts(values: Any, coarse: Any, fine: Any) -> tuple[Any, Any]:
    """Return the two parts of numbers; ``coarse`` and ``fine`` are what ``exact_grid`` gives for them.

    >>> grid = exact_grid(np.array([1.0]), 1000)
    >>> high, low = exact_parts(np.full(1000, 0.1), *grid)
    >>> float(np.sum(high) + np.sum(low))
    100.0
    """
    high = (values + coarse) - coarse
    return high, ((values - high) + fine) - fine
