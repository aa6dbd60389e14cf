"""How every customer buys: baskets, gaps, products, returns, trend, days of the week and parts of the day."""

import datetime as dt
from typing import Any

from gpuseg.features._by_customer import customers_of
from gpuseg.features._by_name import BEHAVIOUR, features_of
from gpuseg.features.roles import Returns, Wishes


def behaviour(  # noqa: PLR0913 - a role each
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
    """Return how every customer buys, one row a customer in order of id; what is left out is said, and why.

    An order is an order id, or a day for rows without one; its time is that of its first row.

    - ``tenure_days``: whole days from the first purchase to ``as_of``
    - ``basket_mean``, ``_median``, ``_std``: amount of an order; the last is missing for one order
    - ``gap_days_mean``, ``_median``, ``_std``: days between an order and the next, with fractions; missing
      where there are no two orders, the last where there are no three
    - ``products``: distinct products bought
    - ``return_rate``: share of the customer's rows that were cancelled or returned, in [0, 1]; with
      ``drop_duplicates``, of the distinct rows
    - ``spend_trend``: the time from the first purchase to ``as_of`` is halved; (later - earlier) / both, in
      [-1, 1], an order at half-time being early; missing where there are no two orders, as one alone is always
      early, and where nothing was paid
    - ``share_monday`` ... ``share_sunday``: shares of orders by day of the week
    - ``share_night`` (from 0:00), ``share_morning`` (from 6:00), ``share_afternoon`` (from 12:00),
      ``share_evening`` (from 18:00): shares of orders by part of the day

    Amounts are those of purchases, also with returns="net". The arguments and the errors are those of
    ``clean_transactions``; ``engine`` is that of ``customer_features``.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"customer_id": [1, 1], "date": ["2026-01-01", "2026-01-05"], "amount": [10.0, 5.0]})
    >>> behaviour(rows, as_of="2026-01-11").select("tenure_days", "basket_mean", "gap_days_mean").rows()
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    products is left out: no column names the product
    return_rate is left out: no row is a return
    share_night ... share_evening is left out: every order is at midnight, so that its part of the day is not known
    [(10, 7.5, 4.0)]
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
    return customers_of(table, wishes, BEHAVIOUR, features_of, engine=engine)[0]
