"""Sums of floats that do not depend on the order of rows, on threads or on blocks.

Every value is cut into two whole numbers, 2**-power and 2**-(power + 32) apart, whose sums are exact
(after Demmel and Nguyen, Parallel Reproducible Summation, 2015): a customer's total has the same bits
in every run, which a parallel sum of floats has not.
"""

import math

import narwhals as nw

HIGH, LOW = "gpuseg_high", "gpuseg_low"
STEP = 32
FARTHEST = 900  # 2.0**900 is still a float


def power_for(largest: float, rows: int) -> int:
    """Return the power of two with which no sum of so many values up to ``largest`` leaves 64 bits.

    >>> power_for(1000.0, 1)
    50
    """
    return max(-FARTHEST, min(FARTHEST, 61 - math.frexp(largest)[1] - max(rows, 1).bit_length()))


def cut(values: nw.Expr, power: int) -> tuple[nw.Expr, nw.Expr]:
    """Return values as two columns of whole numbers to sum."""
    scaled = values * 2.0**power
    high = scaled.floor().cast(nw.Int64)
    return high.alias(HIGH), ((scaled - high) * 2.0**STEP).floor().cast(nw.Int64).alias(LOW)


def joined(power: int) -> nw.Expr:
    """Return the sums of the two columns as one float.

    >>> import polars as pl
    >>> rows = nw.from_native(pl.DataFrame({"x": [0.1] * 10}))
    >>> high, low = cut(nw.col("x"), power_for(0.1, 10))
    >>> rows.select(high.sum(), low.sum()).select(joined(power_for(0.1, 10)).alias("x")).to_dict(as_series=False)
    {'x': [1.0]}
    """
    return (nw.col(HIGH).cast(nw.Float64) + nw.col(LOW).cast(nw.Float64) * 2.0**-STEP) * 2.0**-power
