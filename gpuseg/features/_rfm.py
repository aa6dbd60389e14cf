"""Recency, frequency and monetary value of every customer."""

import datetime as dt
from functools import reduce
from operator import add
from typing import Any

import narwhals as nw

from gpuseg.features._cleaning import Cleaned, clean
from gpuseg.features._exact import joined
from gpuseg.features._rows import (
    BACK,
    CUSTOMER,
    TIME,
    distinct,
    gap,
    named,
    order_keys,
    present_kinds,
    short_rows,
    whole_days,
)
from gpuseg.features._typed import streamed
from gpuseg.features.roles import Returns, Wishes
from gpuseg.io.tables import Frame, Lazy, open_table
from gpuseg.settings import say

MADE = ("recency", "frequency", "monetary")


def rfm(  # noqa: PLR0913 - a role each
    table: Any,
    *,
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
) -> Any:
    """Return recency, frequency and monetary value, one row a customer in order of id.

    ``recency``: whole days elapsed from the last purchase to ``as_of``. ``frequency``: distinct orders; for
    rows without an order id, distinct days. ``monetary``: sum of the amounts, less what was returned with
    returns="net". The transactions are cleaned first, and what was dropped is said: the arguments are
    those of ``clean_transactions``, which raises the same errors.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"customer_id": [1, 1, 2], "date": ["2026-01-01", "2026-01-05", "2026-01-03"],
    ...                      "amount": [10.0, 5.0, 7.0]})
    >>> rfm(rows, as_of="2026-01-10").rows()
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    [(1, 5, 2, 15.0), (2, 7, 1, 7.0)]
    """
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
    opened = open_table(table, text=True)
    cleaned = clean(opened, wishes, made=MADE)
    tell(cleaned)
    return opened.give_back(named(rfm_of(cleaned), cleaned))


def rfm_of(cleaned: Cleaned) -> Frame:
    """Return customer, recency, frequency and monetary value of cleaned rows.

    Orders are counted in a pass of their own: with the sums beside them they take twice the memory.
    """
    keys = order_keys(cleaned)
    rows = _purchases_only(short_rows(cleaned), keys) if cleaned.net else short_rows(cleaned)
    sums = streamed(rows.group_by(CUSTOMER).agg(nw.col(TIME).max(), nw.col(cleaned.scale.columns).sum()))
    found = sums.join(_orders(rows, keys, gappy=cleaned.net or len(keys) > 1), on=CUSTOMER)
    return found.select(
        CUSTOMER,
        whole_days(nw.lit(cleaned.as_of) - nw.col(TIME)).alias("recency"),
        nw.col("orders").cast(nw.Int64).alias("frequency"),
        joined(cleaned.scale).alias("monetary"),
    )


def _orders(rows: Frame | Lazy, keys: list[str], *, gappy: bool) -> Frame:
    """Return the number of distinct orders by customer; ``gappy`` where a key may be missing in some rows."""
    if not gappy:
        return streamed(rows.group_by(CUSTOMER).agg(nw.col(keys[0]).n_unique().alias("orders")))
    kinds = [aggregate for key in keys for aggregate in distinct(key)]
    found = streamed(rows.with_columns(gap(key) for key in keys).group_by(CUSTOMER).agg(*kinds))
    return found.select(CUSTOMER, reduce(add, (present_kinds(key) for key in keys)).alias("orders"))


def tell(cleaned: Cleaned) -> None:
    """Say in one line what was dropped, where something was, and how rows without an order id count."""
    if cleaned.report.kept < cleaned.report.read:
        say(cleaned.report.summary())
    if cleaned.loose:
        say(f"{cleaned.loose:,} rows have no order id; those of a customer's day count as one order")


def _purchases_only(rows: Frame | Lazy, keys: list[str]) -> Frame | Lazy:
    """Return rows where only purchases have a time and the keys of an order."""
    return rows.with_columns(nw.when(~nw.col(BACK)).then(nw.col(name)).alias(name) for name in [TIME, *keys])
