"""The standard deviation of a customer's amounts, the same in every run and for every order of rows."""

import narwhals as nw

from gpuseg.features._cleaning import Cleaned
from gpuseg.features._exact import cut, joined, scale_for
from gpuseg.features._rows import AMOUNT, CUSTOMER, short_rows
from gpuseg.features._totals import LEAST, LINES, MOST
from gpuseg.features._typed import beside, streamed
from gpuseg.io.tables import Frame

MEAN, SPAN = "mean", "span"
LARGEST_SQUARE = 2.0
"""A deviation is at most 1 of the span from least to most, but for its rounding."""
MANY = 2**24
"""Rows of a customer for which the scale is good; with more, for which is none today, it is one of its own."""


def amount_std(cleaned: Cleaned, totals: Frame) -> Frame:
    """Return customer and the sample standard deviation (ddof=1) of the amounts of purchased rows.

    A second pass squares how far each amount is from the customer's mean, in units of the customer's span, and
    sums the squares exactly as whole numbers. Relative error: 2**-50, and n * 2**-66 for n rows of a customer as long
    as none has more than 16 million; that of the mean counts squared. Equal amounts give exactly 0, one row gives a
    missing value.
    """
    known = totals.select(CUSTOMER, _inside(joined(cleaned.scale) / nw.col(LINES)).alias(MEAN), _span().alias(SPAN))
    rows = short_rows(cleaned, purchases=True, amount=True).select(CUSTOMER, AMOUNT)
    away = (nw.col(AMOUNT) - nw.col(MEAN)) / nw.col(SPAN)
    squares = rows.join(beside(known, rows), on=CUSTOMER, how="left").select(CUSTOMER, (away * away).alias("square"))
    # One scale for all, so that a customer's value is the same beside any others.
    scale = scale_for(LARGEST_SQUARE, max(int(totals[LINES].max()), MANY))
    cuts = squares.select(CUSTOMER, *cut(nw.col("square"), scale))
    sums = streamed(cuts.group_by(CUSTOMER).agg(nw.col(scale.columns).sum()))
    found = totals.select(CUSTOMER, LINES, LEAST, MOST).join(
        sums.select(CUSTOMER, joined(scale).alias("sum")), on=CUSTOMER
    )
    several, equal = nw.col(LINES) > 1, nw.col(LEAST) == nw.col(MOST)
    std = (nw.col("sum") / (nw.col(LINES) - 1)).sqrt() * _span()
    std = nw.when(equal).then(nw.lit(0.0)).otherwise(std)
    return found.select(CUSTOMER, nw.when(several).then(std).alias("amount_std"))


def _span() -> nw.Expr:
    """Return how far the most is from the least; 1 where they are equal, as it divides."""
    span = nw.col(MOST) - nw.col(LEAST)
    return nw.when(span > 0).then(span).otherwise(nw.lit(1.0))


def _inside(mean: nw.Expr) -> nw.Expr:
    """Return the mean where rounding has not moved it out of the amounts, else the nearest of them."""
    least, most = nw.col(LEAST), nw.col(MOST)
    return nw.when(mean < least).then(least).otherwise(nw.when(mean > most).then(most).otherwise(mean))
