"""Sums of floats that do not depend on the order of rows, on threads or on blocks.

Every value is cut into two whole numbers, three where amounts are far apart, whose sums are exact (after
Demmel and Nguyen, Parallel Reproducible Summation, 2015): a customer's total has the same bits in every
run, which a parallel sum of floats has not.
"""

import math
from typing import NamedTuple

import narwhals as nw

LARGEST = 1e15
"""Amounts beyond it are refused: three pieces hold it and what a cent beside it holds."""
PIECES = ("gpuseg_high", "gpuseg_middle", "gpuseg_low")
STEP = 32
FINE = 48  # no row is off by 2.0**-48 or more, up to a hundred million rows
FARTHEST = 900  # 2.0**900 is still a float


class Scale(NamedTuple):
    """How values are cut: the first piece counts steps of 2**-power, each next one steps finer by 2**-32."""

    power: int
    columns: tuple[str, ...]


def scale_for(largest: float, rows: int) -> Scale:
    """Return the scale with which no sum of so many values up to ``largest`` leaves 64 bits.

    >>> scale_for(1000.0, 1)
    Scale(power=50, columns=('gpuseg_high', 'gpuseg_middle'))
    >>> scale_for(1e15, 100_000_000)
    Scale(power=-16, columns=('gpuseg_high', 'gpuseg_middle', 'gpuseg_low'))
    """
    power = max(-FARTHEST, min(FARTHEST, 61 - math.frexp(largest)[1] - max(rows, 1).bit_length()))
    return Scale(power, PIECES[:2] if power + STEP >= FINE else PIECES)


def cut(values: nw.Expr, scale: Scale) -> list[nw.Expr]:
    """Return values as columns of whole numbers to sum."""
    rest, pieces = values * 2.0**scale.power, []
    for name in scale.columns:
        whole = rest.floor()
        pieces.append(whole.cast(nw.Int64).alias(name))
        rest = (rest - whole) * 2.0**STEP
    return pieces


def joined(scale: Scale) -> nw.Expr:
    """Return the sums of the columns as one float.

    >>> import polars as pl
    >>> rows, scale = nw.from_native(pl.DataFrame({"x": [0.1] * 10})), scale_for(0.1, 10)
    >>> sums = rows.select(cut(nw.col("x"), scale)).select(nw.col(scale.columns).sum())
    >>> sums.select(joined(scale).alias("x")).to_dict(as_series=False)
    {'x': [1.0]}
    """
    *coarser, finest = (nw.col(name).cast(nw.Float64) for name in scale.columns)
    total = finest
    for piece in reversed(coarser):
        total = piece + total * 2.0**-STEP
    return total * 2.0**-scale.power
