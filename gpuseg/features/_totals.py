"""What one pass over the rows tells of every customer: first and last purchase, rows, exact sums, extremes."""

from collections.abc import Collection

import narwhals as nw

from gpuseg.features._cleaning import Cleaned
from gpuseg.features._exact import joined
from gpuseg.features._rows import AMOUNT, BACK, CUSTOMER, TIME, order_keys, short_rows, whole_days
from gpuseg.features._typed import streamed
from gpuseg.io.tables import Frame, Lazy

FIRST, LAST, LINES, LEAST, MOST = "first", "last", "lines", "least", "most"
SUM, EXTREMES = "sum", "extremes"
NEEDS: dict[str, set[str]] = {
    "recency": {LAST},
    "tenure_days": {FIRST},
    "frequency": set(),
    "monetary": {SUM},
    "amount_mean": {SUM, LINES},
    "amount_std": {SUM, LINES, EXTREMES},
}
"""What the pass has to find for each feature."""


def totals_of(cleaned: Cleaned, features: Collection[str], *, purchases: bool = False) -> Frame:
    """Return one row a customer with what the features need; times are those of purchases.

    Sums are less what was returned with returns="net", unless ``purchases`` leaves returned rows out.
    """
    needs = set().union(*(NEEDS[name] for name in features))
    rows = bought_rows(cleaned, purchases=purchases, amount=EXTREMES in needs)
    time, amount = nw.col(TIME), nw.col(AMOUNT)
    aggregates = {
        FIRST: [time.min().alias(FIRST)],
        LAST: [time.max().alias(LAST)],
        LINES: [nw.len().alias(LINES)],
        SUM: [nw.col(cleaned.scale.columns).sum()],
        EXTREMES: [amount.min().alias(LEAST), amount.max().alias(MOST)],
    }
    wanted = [aggregate for name, made in aggregates.items() if name in needs for aggregate in made]
    return streamed(rows.group_by(CUSTOMER).agg(*wanted or aggregates[LINES]))


def columns_of(cleaned: Cleaned, features: Collection[str]) -> list[nw.Expr]:
    """Return those of the features that are made of a customer's totals alone."""
    made = {
        "recency": whole_days(nw.lit(cleaned.as_of) - nw.col(LAST)),
        "tenure_days": whole_days(nw.lit(cleaned.as_of) - nw.col(FIRST)),
        "monetary": joined(cleaned.scale),
        "amount_mean": joined(cleaned.scale) / nw.col(LINES),
    }
    return [expression.alias(name) for name, expression in made.items() if name in features]


def bought_rows(cleaned: Cleaned, *, purchases: bool = False, amount: bool = False) -> Frame | Lazy:
    """Return kept rows under short names, where only purchases have a time and the keys of an order."""
    rows = short_rows(cleaned, purchases=purchases, amount=amount)
    if purchases or not cleaned.net:
        return rows
    names = [TIME, *order_keys(cleaned)]
    return rows.with_columns(nw.when(~nw.col(BACK)).then(nw.col(name)).alias(name) for name in names)
