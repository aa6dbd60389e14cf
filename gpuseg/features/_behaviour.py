"""How every customer buys: baskets, gaps, products, returns, trend, days of the week and parts of the day."""

import datetime as dt
from dataclasses import replace
from functools import reduce
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.features import _shares
from gpuseg.features._cleaning import Cleaned, clean
from gpuseg.features._exact import joined
from gpuseg.features._flags import RETURNED
from gpuseg.features._rfm import tell
from gpuseg.features._rows import (
    CUSTOMER,
    PRODUCT,
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
from gpuseg.io.tables import Frame, open_table
from gpuseg.settings import say

BASKET, GAP = "basket", "gap_days"
SPREAD = ("mean", "median", "std")
MADE = (
    "tenure_days",
    *(f"{name}_{kind}" for name in (BASKET, GAP) for kind in SPREAD),
    *("products", "return_rate", "spend_trend"),
    *_shares.weekdays(),
    *_shares.parts_of_day(),
)
DAY_SECONDS = 86400


class Behaviour(NamedTuple):
    """The features, one row a customer, and those that the columns do not allow, with the reason."""

    table: Frame
    left_out: dict[str, str]


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
    ``clean_transactions``.

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
    opened = open_table(table, text=True)
    cleaned = clean(opened, wishes, made=MADE)
    tell(cleaned)
    return opened.give_back(named(behaviour_of(cleaned).table, cleaned))


def behaviour_of(cleaned: Cleaned) -> Behaviour:
    """Return how the customers of cleaned rows buy, and say what is left out."""
    orders = _orders(cleaned)
    parts = [_spans(orders, cleaned.as_of), _spread(orders, BASKET), _spread(_gaps(orders), GAP)]
    left_out: dict[str, str] = {}
    if cleaned.roles.product is None:
        left_out["products"] = "no column names the product"
    else:
        parts.append(_products(cleaned))
    if (rate := _return_rate(cleaned)) is None:
        left_out["return_rate"] = "no row is a return"
    else:
        parts.append(rate)
    parts += [_trend(orders, cleaned.as_of), _shares.of(orders, _shares.weekdays())]
    if _shares.has_clock(orders):
        parts.append(_shares.of(orders, _shares.parts_of_day()))
    else:
        left_out["share_night ... share_evening"] = (
            "every order is at midnight, so that its part of the day is not known"
        )
    for name, why in left_out.items():
        say(f"{name} is left out: {why}")
    # A customer without two orders has no gap: the left side has every customer.
    return Behaviour(reduce(lambda left, right: left.join(right, on=CUSTOMER, how="left"), parts), left_out)


def reported(cleaned: Cleaned, left_out: dict[str, str], customers: int) -> Cleaned:
    """Return cleaned rows whose report says how many customers there are and what is left out."""
    return cleaned._replace(report=replace(cleaned.report, left_out=left_out, customers=customers))


def _orders(cleaned: Cleaned) -> Frame:
    """Return one row an order of purchases: customer, time and amount, in order of customer and time."""
    keys = order_keys(cleaned)
    rows = short_rows(cleaned, purchases=True)
    orders = streamed(rows.group_by(CUSTOMER, *keys).agg(nw.col(TIME).min(), nw.col(cleaned.scale.columns).sum()))
    return orders.select(CUSTOMER, TIME, *keys, joined(cleaned.scale).alias(BASKET)).sort(CUSTOMER, TIME, BASKET)


def _spans(orders: Frame, as_of: dt.datetime) -> Frame:
    first = orders.group_by(CUSTOMER).agg(nw.col(TIME).min())
    return first.select(CUSTOMER, whole_days(nw.lit(as_of) - nw.col(TIME)).alias("tenure_days"))


def _spread(rows: Frame, name: str) -> Frame:
    """Return mean, median and standard deviation of a column, by customer."""
    columns = [nw.col(name).alias(f"{name}_{kind}") for kind in SPREAD]
    return (
        rows.with_columns(*columns)
        .group_by(CUSTOMER)
        .agg(nw.col(f"{name}_mean").mean(), nw.col(f"{name}_median").median(), nw.col(f"{name}_std").std())
    )


def _gaps(orders: Frame) -> Frame:
    """Return the days between an order and the one before it of the same customer."""
    pairs = orders.with_columns(nw.col(CUSTOMER, TIME).shift(1).name.suffix("_before"))
    pairs = pairs.filter(nw.col(CUSTOMER) == nw.col(f"{CUSTOMER}_before"))
    span = (nw.col(TIME) - nw.col(f"{TIME}_before")).dt.total_seconds()
    return pairs.select(CUSTOMER, (span / DAY_SECONDS).alias(GAP))


def _products(cleaned: Cleaned) -> Frame:
    rows = short_rows(cleaned, purchases=True, product=True).select(CUSTOMER, PRODUCT).with_columns(gap(PRODUCT))
    found = streamed(rows.group_by(CUSTOMER).agg(*distinct(PRODUCT)))
    return found.select(CUSTOMER, present_kinds(PRODUCT).alias("products"))


def _return_rate(cleaned: Cleaned) -> Frame | None:
    """Return the share of returned rows by customer; None where no row is one."""
    rows = cleaned.rows.select(nw.col(cleaned.roles.customer).alias(CUSTOMER), returned=nw.col(RETURNED).cast(nw.Int64))
    found = streamed(rows.group_by(CUSTOMER).agg(nw.col("returned").sum(), nw.len().alias("rows")))
    if not found["returned"].sum():
        return None
    return found.select(CUSTOMER, (nw.col("returned") / nw.col("rows")).alias("return_rate"))


def _trend(orders: Frame, as_of: dt.datetime) -> Frame:
    first = orders.group_by(CUSTOMER).agg(nw.col(TIME).min().alias("first"))
    rows = orders.select(CUSTOMER, TIME, BASKET).join(first, on=CUSTOMER, how="left")
    early = (nw.col(TIME) - nw.col("first")) <= (nw.lit(as_of) - nw.col(TIME))
    rows = rows.with_columns(nw.when(early).then(-nw.col(BASKET)).otherwise(nw.col(BASKET)).alias("signed"))
    grouped = rows.sort(CUSTOMER, TIME, BASKET).group_by(CUSTOMER)
    sums = grouped.agg(nw.col("signed", BASKET).sum(), nw.len().alias("orders"))
    trend = nw.when((nw.col("orders") > 1) & (nw.col(BASKET) > 0)).then(nw.col("signed") / nw.col(BASKET))
    return sums.select(CUSTOMER, trend.alias("spend_trend"))
