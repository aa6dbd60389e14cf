"""Kept rows under short names, and what is counted within a customer: purchases, orders, exact sums."""

from typing import Any

import narwhals as nw

from gpuseg.features._cleaning import Cleaned
from gpuseg.features._exact import cut
from gpuseg.features._flags import RETURNED
from gpuseg.io.tables import Frame, Lazy

CUSTOMER, TIME, ORDER, DAY = "customer", "time", "order", "day"
PRODUCT, BACK, AMOUNT = "product", "back", "amount"
FITS = 2**62
"""Numbers that two columns are packed into stay below it: 64 bits with room for a sign."""


def short_rows(
    cleaned: Cleaned, *, purchases: bool = False, product: bool = False, amount: bool = False
) -> Frame | Lazy:
    """Return customer, time, order keys and the cut amount of the kept rows, of purchases alone where asked.

    The keys of an order are its id and, for rows without one, the day; ``back`` is there for returns.
    """
    roles = cleaned.roles
    frame = cleaned.kept.filter(~nw.col(RETURNED)) if purchases and cleaned.net else cleaned.kept
    time = nw.col(roles.time)
    columns = [nw.col(roles.customer).alias(CUSTOMER), time.alias(TIME), *cut(nw.col(str(roles.amount)), cleaned.scale)]
    if roles.order is not None:
        columns.append(nw.col(roles.order).alias(ORDER))
    if DAY in order_keys(cleaned):
        day: Any = time.dt.truncate("1d")
        columns.append((nw.when(nw.col(roles.order).is_null()).then(day) if roles.order else day).alias(DAY))
    if cleaned.net and not purchases:
        columns.append(nw.col(RETURNED).alias(BACK))
    if product and roles.product is not None:
        columns.append(nw.col(roles.product).alias(PRODUCT))
    if amount:
        columns.append(nw.col(str(roles.amount)).alias(AMOUNT))
    return frame.select(*columns)


def order_keys(cleaned: Cleaned) -> list[str]:
    """Return the columns that tell one order of a customer from another."""
    if cleaned.roles.order is None:
        return [DAY]
    return [ORDER, DAY] if cleaned.loose else [ORDER]


def distinct(column: str) -> list[nw.Expr]:
    """Return the aggregates that give the number of distinct present values of a column."""
    return [nw.col(column).n_unique().alias(f"{column}_kinds"), nw.col(f"{column}_gap").max()]


def gap(column: str) -> nw.Expr:
    """Return the column beside ``column`` from which ``distinct`` sees whether a value is missing."""
    return nw.col(column).is_null().cast(nw.Int64).alias(f"{column}_gap")


def present_kinds(column: str) -> nw.Expr:
    """Return the number of distinct present values: a missing value is one kind too many."""
    return nw.col(f"{column}_kinds").cast(nw.Int64) - nw.col(f"{column}_gap")


def whole_days(span: nw.Expr) -> nw.Expr:
    """Return how many whole days a span of time has.

    >>> import datetime as dt, polars as pl
    >>> spans = nw.from_native(pl.DataFrame({"span": [dt.timedelta(days=2, hours=23)]}))
    >>> spans.select(whole_days(nw.col("span"))).item()
    2
    """
    return span.dt.total_seconds() // 86400
