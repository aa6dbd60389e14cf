"""The two years of the simulated shop: its days, its seasons, and times drawn from them."""

import datetime as dt

import numpy as np

from gpuseg.backends import Host

START = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - a shop's wall time
AS_OF = dt.datetime(2026, 1, 1)  # noqa: DTZ001
DAYS = (AS_OF - START).days
MONTHS = (0.80, 0.75, 0.85, 0.90, 0.95, 0.90, 0.80, 0.75, 0.95, 1.05, 1.45, 2.10)
"""How busy a day of each month is: quiet in February and August, a peak before Christmas."""
WEEKDAYS = (0.95, 0.90, 0.95, 1.00, 1.10, 1.15, 0.95)
OPEN, CLOSE = 8 * 3600, 22 * 3600
"""Seconds of the day between which people order and visit."""
DAY = 86_400
MICROSECONDS = 1_000_000


def busyness() -> Host:
    """Return how busy every day of the window is, (DAYS,)."""
    dates = [START + dt.timedelta(days=day) for day in range(DAYS)]
    return np.array([MONTHS[date.month - 1] * WEEKDAYS[date.weekday()] for date in dates])


def drawn_days(rng: np.random.Generator, first: Host, last: Host) -> Host:
    """Return a day for each pair of days, from the first to the last, more often a busy one."""
    cumulative = np.concatenate([[0.0], np.cumsum(busyness())])
    low, high = cumulative[first], cumulative[last + 1]
    days = np.searchsorted(cumulative, low + rng.random(len(first)) * (high - low), side="right") - 1
    return np.clip(days, first, last)  # rounding may lead one day off


def drawn_seconds(rng: np.random.Generator, count: int) -> Host:
    """Return seconds of the day within the opening hours, most often about midday."""
    return (OPEN + (CLOSE - OPEN) * rng.beta(2, 2, size=count)).astype(np.int64)


def moments(days: Host, seconds: Host) -> Host:
    """Return days of the window and seconds of the day as datetime64 in microseconds.

    >>> moments(np.array([1]), np.array([30]))
    array(['2024-01-02T00:00:30.000000'], dtype='datetime64[us]')
    """
    return np.datetime64(START, "us") + ((days * DAY + seconds) * MICROSECONDS).astype("timedelta64[us]")
