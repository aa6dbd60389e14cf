"""What a table of a customer's orders tells: baskets, gaps, trend, days of the week and parts of the day."""

import datetime as dt
from collections.abc import Collection

import narwhals as nw

from gpuseg.features import _shares
from gpuseg.features._cleaning import Cleaned
from gpuseg.features._exact import joined
from gpuseg.features._rows import CUSTOMER, TIME, order_keys, short_rows
from gpuseg.features._totals import FIRST
from gpuseg.features._typed import streamed
from gpuseg.io.tables import Frame

BASKET, GAP = "basket", "gap_days"
SPREAD = {f"{name}_{kind}": (name, kind) for name in (BASKET, GAP) for kind in ("mean", "median", "std")}
BY_ORDER = (*SPREAD, "spend_trend", *_shares.weekdays(), *_shares.parts_of_day())
DAY_SECONDS = 86400


def order_features(cleaned: Cleaned, asked: Collection[str]) -> tuple[list[Frame], dict[tuple[str, ...], str]]:
    """Return tables by customer with the features asked for, and which of them say nothing, and why.

    The first table has ``FIRST``.
    """
    orders = _orders(cleaned)
    tables = [_first(orders)]
    left_out: dict[tuple[str, ...], str] = {}
    for column, made_of in {BASKET: lambda: orders, GAP: lambda: _gaps(orders)}.items():
        if names := [name for name in asked if name in SPREAD and SPREAD[name][0] == column]:
            tables.append(_spread(made_of(), names))
    if "spend_trend" in asked:
        tables.append(_trend(orders, cleaned.as_of))
    parts = {name: test for name, test in _shares.parts_of_day().items() if name in asked}
    if parts and not _shares.has_clock(orders):
        left_out[tuple(parts)] = "every order is at midnight, so that its part of the day is not known"
    tests = parts | {name: test for name, test in _shares.weekdays().items() if name in asked}
    return [*tables, _shares.of(orders, tests)] if tests else tables, left_out


def _orders(cleaned: Cleaned) -> Frame:
    """Return one row an order of purchases: customer, time and amount, in order of customer and time."""
    keys = order_keys(cleaned)
    rows = short_rows(cleaned, purchases=True)
    orders = streamed(rows.group_by(CUSTOMER, *keys).agg(nw.col(TIME).min(), nw.col(cleaned.scale.columns).sum()))
    return orders.select(CUSTOMER, TIME, *keys, joined(cleaned.scale).alias(BASKET)).sort(CUSTOMER, TIME, BASKET)


def _first(orders: Frame) -> Frame:
    return orders.group_by(CUSTOMER).agg(nw.col(TIME).min().alias(FIRST))


def _spread(rows: Frame, names: list[str]) -> Frame:
    """Return mean, median or standard deviation of a column, by customer; as many as are named."""
    columns = [nw.col(SPREAD[name][0]).alias(name) for name in names]
    made = [getattr(nw.col(name), SPREAD[name][1])() for name in names]
    return rows.with_columns(*columns).group_by(CUSTOMER).agg(*made)


def _gaps(orders: Frame) -> Frame:
    """Return the days between an order and the one before it of the same customer."""
    pairs = orders.with_columns(nw.col(CUSTOMER, TIME).shift(1).name.suffix("_before"))
    pairs = pairs.filter(nw.col(CUSTOMER) == nw.col(f"{CUSTOMER}_before"))
    span = (nw.col(TIME) - nw.col(f"{TIME}_before")).dt.total_seconds()
    return pairs.select(CUSTOMER, (span / DAY_SECONDS).alias(GAP))


def _trend(orders: Frame, as_of: dt.datetime) -> Frame:
    rows = orders.select(CUSTOMER, TIME, BASKET).join(_first(orders), on=CUSTOMER, how="left")
    early = (nw.col(TIME) - nw.col(FIRST)) <= (nw.lit(as_of) - nw.col(TIME))
    rows = rows.with_columns(nw.when(early).then(-nw.col(BASKET)).otherwise(nw.col(BASKET)).alias("signed"))
    grouped = rows.sort(CUSTOMER, TIME, BASKET).group_by(CUSTOMER)
    sums = grouped.agg(nw.col("signed", BASKET).sum(), nw.len().alias("orders"))
    trend = nw.when((nw.col("orders") > 1) & (nw.col(BASKET) > 0)).then(nw.col("signed") / nw.col(BASKET))
    return sums.select(CUSTOMER, trend.alias("spend_trend"))
