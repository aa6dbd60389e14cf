"""Shares of a customer's orders by day of the week and by part of the day."""

import narwhals as nw

from gpuseg.features._rows import CUSTOMER, TIME
from gpuseg.io.tables import Frame

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS = {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}  # hour of its start; six hours each
HOURS = 6


def weekdays() -> dict[str, nw.Expr]:
    """Return, by the name of its share, whether an order was on a day of the week."""
    return {f"share_{day}": nw.col(TIME).dt.weekday() == number for number, day in enumerate(WEEKDAYS, 1)}


def parts_of_day() -> dict[str, nw.Expr]:
    """Return, by the name of its share, whether an order was in a part of the day."""
    hour = nw.col(TIME).dt.hour()
    return {f"share_{part}": (hour >= start) & (hour < start + HOURS) for part, start in PARTS.items()}


def has_clock(orders: Frame) -> bool:
    """Return whether any order has a time of day."""
    return bool(orders.select((nw.col(TIME) != nw.col(TIME).dt.truncate("1d")).any()).item())


def of(orders: Frame, tests: dict[str, nw.Expr]) -> Frame:
    """Return the share of each customer's orders that pass each test.

    >>> import datetime as dt, polars as pl
    >>> orders = nw.from_native(pl.DataFrame({"customer": [1, 1], "time": [dt.datetime(2026, 1, d) for d in (5, 6)]}))
    >>> of(orders, weekdays()).select("share_monday", "share_tuesday", "share_sunday").rows()
    [(0.5, 0.5, 0.0)]
    """
    counted = orders.select(CUSTOMER, *(test.cast(nw.Int64).alias(name) for name, test in tests.items()))
    sums = counted.group_by(CUSTOMER).agg(nw.col(*tests).sum(), nw.len().alias("orders"))
    return sums.select(CUSTOMER, *(nw.col(name) / nw.col("orders") for name in tests))
