"""Repeat purchases in the convention of the CDNOW data, the input of models such as BG/NBD and Pareto/NBD."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import narwhals as nw

from gpuseg.errors import unknown
from gpuseg.features._by_customer import customers_of
from gpuseg.features._by_name import Made
from gpuseg.features._cleaning import Cleaned
from gpuseg.features._exact import joined
from gpuseg.features._rows import BACK, CUSTOMER, DAY, TIME, short_rows, whole_days
from gpuseg.features._typed import streamed
from gpuseg.features.roles import Returns, Wishes
from gpuseg.io.tables import Frame

UNITS = {"D": 1.0, "W": 7.0}
MADE = ("frequency", "recency", "T", "monetary_value")


def repeat_purchases(  # noqa: PLR0913 - a role each
    table: Any,
    *,
    unit: Literal["D", "W"] = "D",
    customer: str | None = None,
    time: str | None = None,
    order: str | None = None,
    amount: str | None = None,
    quantity: str | None = None,
    price: str | None = None,
    product: str | None = None,
    time_format: str | None = None,
    as_of: str | dt.date | None = None,
    returns: Returns | None = None,
    cancelled_prefix: str | None = "C",
    drop_duplicates: bool = False,
    engine: Any = "auto",
) -> Any:
    """Return frequency, recency, T and monetary value of repeats, one row a customer in order of id.

    Purchases of one day are one purchase. ``frequency``: purchases without the first. ``recency``: from the
    first to the last purchase. ``T``: from the first purchase to ``as_of``. Both are whole days in ``unit``,
    "D" for days or "W" for weeks of seven. ``monetary_value``: mean value of the repeats, less what was
    returned after the first day with returns="net". A customer who bought once has 0, T apart.
    After Fader and Hardie, "Counting Your Customers" the Easy Way (2005), as in the lifetimes package.
    The other arguments and the errors are those of ``clean_transactions``; ``engine`` is that of
    ``customer_features``.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"customer_id": [1, 1, 2], "date": ["2026-01-01", "2026-01-05", "2026-01-03"],
    ...                      "amount": [10.0, 5.0, 7.0]})
    >>> repeat_purchases(rows, as_of="2026-01-10").rows()
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    [(1, 1, 4.0, 9.0, 5.0), (2, 0, 0.0, 7.0, 0.0)]
    """
    if unit not in UNITS:
        raise unknown("unit", unit, UNITS)
    wishes = Wishes(
        customer=customer,
        time=time,
        order=order,
        amount=amount,
        quantity=quantity,
        price=price,
        product=product,
        time_format=time_format,
        as_of=as_of,
        returns=returns,
        cancelled_prefix=cancelled_prefix,
        drop_duplicates=drop_duplicates,
    )
    return customers_of(table, wishes, MADE, partial(_made, UNITS[unit]), engine=engine)[0]


def _made(days: float, cleaned: Cleaned, _: Sequence[str]) -> Made:
    table = repeats_of(cleaned, days)
    return Made(table, len(table))


def repeats_of(cleaned: Cleaned, days: float) -> Frame:
    """Return repeat purchases of cleaned rows, times in units of so many days."""
    by_day, pieces = _by_day(cleaned), cleaned.scale.columns
    bought = nw.when(nw.col("bought") > 0).then(nw.col(DAY))
    spans = by_day.with_columns(bought.alias("first"), bought.alias("last"), bought.alias("purchases"))
    spans = spans.group_by(CUSTOMER).agg(
        nw.col("first").min(), nw.col("last").max(), nw.col("purchases").count().cast(nw.Int64)
    )
    later = by_day.join(spans.select(CUSTOMER, "first"), on=CUSTOMER).filter(nw.col(DAY) > nw.col("first"))
    totals = later.group_by(CUSTOMER).agg(nw.col(pieces).sum())
    table = spans.join(totals, on=CUSTOMER, how="left").with_columns(nw.col(pieces).fill_null(0))
    repeats = nw.col("purchases") - 1
    value = nw.when(repeats > 0).then(joined(cleaned.scale) / repeats).otherwise(nw.lit(0.0))
    return table.select(
        CUSTOMER,
        repeats.alias("frequency"),
        (whole_days(nw.col("last") - nw.col("first")) / days).alias("recency"),
        (whole_days(nw.lit(cleaned.as_of) - nw.col("first")) / days).alias("T"),
        value.alias("monetary_value"),
    )


def _by_day(cleaned: Cleaned) -> Frame:
    """Return the amount and the purchases of every day of a customer."""
    rows = short_rows(cleaned).with_columns(nw.col(TIME).dt.truncate("1d").alias(DAY))
    bought = (~nw.col(BACK)).cast(nw.Int64) if cleaned.net else nw.lit(1)
    rows = rows.with_columns(bought.alias("bought"))
    return streamed(rows.group_by(CUSTOMER, DAY).agg(nw.col(*cleaned.scale.columns, "bought").sum()))
