"""Recency, frequency and monetary value of every customer."""

import datetime as dt
from typing import Any

from gpuseg.features._by_customer import customers_of
from gpuseg.features._by_name import RFM, features_of
from gpuseg.features.roles import Returns, Wishes


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
    engine: Any = "auto",
) -> Any:
    """Return recency, frequency and monetary value, one row a customer in order of id.

    ``recency``: whole days elapsed from the last purchase to ``as_of``. ``frequency``: distinct orders; for
    rows without an order id, distinct days. ``monetary``: sum of the amounts, less what was returned with
    returns="net". The transactions are cleaned first, and what was dropped is said: the arguments are
    those of ``clean_transactions``, which raises the same errors. ``engine`` is that of ``customer_features``.

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
    return customers_of(table, wishes, RFM, features_of, engine=engine)[0]
