"""Recency, frequency and monetary value of every customer."""

import datetime as dt
from typing import Any

from gpuseg.features._by_name import RFM, features_of
from gpuseg.features._cleaning import Cleaned, clean
from gpuseg.features._rows import named
from gpuseg.features.roles import Returns, Wishes
from gpuseg.io.tables import open_table
from gpuseg.settings import say


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
    cleaned = clean(opened, wishes, made=RFM)
    tell(cleaned)
    return opened.give_back(named(features_of(cleaned, RFM).table, cleaned))


def tell(cleaned: Cleaned) -> None:
    """Say in one line what was dropped, where something was, and how rows without an order id count."""
    if cleaned.report.kept < cleaned.report.read:
        say(cleaned.report.summary())
    if cleaned.loose:
        say(f"{cleaned.loose:,} rows have no order id; those of a customer's day count as one order")
