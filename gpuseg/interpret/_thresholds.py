"""Thresholds that people can read: the shortest number, or the plainest day, between two values."""

import math

import numpy as np

DIGITS = 17
"""Significant digits that tell every two floats apart."""
CLOCK = (1.0, 24.0, 1_440.0, 86_400.0)
"""How many there are in a day of: days, hours, minutes, seconds."""


def shortest(low: float, high: float, near: float, *, whole: bool = False) -> float:
    """Return the number of the fewest digits that is at least ``low`` and below ``high``; of several the nearest.

    ``low`` itself where there is no shorter one. ``whole``: whole numbers alone are asked for, and ``low`` is one.

    >>> shortest(412.37, 418.2, 416.0), shortest(28.0, 33.0, 28.0, whole=True), shortest(-3.0, 5.0, 1.0)
    (415.0, 30.0, 0.0)
    """
    if low <= 0 < high:
        return 0.0
    largest = math.floor(math.log10(max(abs(low), abs(high))))
    for power in range(largest, largest - DIGITS, -1):
        for digit, finer in ((1, power), (5, power - 1)):  # tens, then fives, then ones
            if whole and finer < 0:
                return low
            if (found := _multiple(low, high, near, digit, finer)) is not None:
                return found
    return low


def _multiple(low: float, high: float, near: float, digit: int, power: int) -> float | None:
    """Return the multiple of ``digit * 10 ** power`` in [low, high) that is nearest to ``near``, None without one."""
    step = float(f"{digit}e{power}")
    first, last = math.ceil(low / step), math.ceil(high / step) - 1
    if last < first or max(abs(first), abs(last)) > 10**DIGITS:
        return None
    times = min(max(round(near / step), first), last)
    found = float(f"{times * digit}e{power}")  # read from its digits: the product of floats would have more of them
    return found if low <= found < high else None


def plainest_day(low: float, high: float, near: float) -> float:
    """Return the first of a month in [low, high), days since 1970-01-01, else a midnight, an hour, a minute, a second.

    Of several the nearest; ``low`` itself where there is none.

    >>> plainest_day(20.2, 40.0, 25.0), plainest_day(20.2, 22.0, 20.2), plainest_day(0.3, 0.4, 0.3)
    (31.0, 21.0, 0.333...)
    """
    months = np.arange(_month_of(low), _month_of(high) + 2).astype("datetime64[M]").astype("datetime64[D]")
    firsts = months.astype(np.int64).astype(np.float64)
    firsts = firsts[(firsts >= low) & (firsts < high)]
    if len(firsts):
        return float(firsts[np.argmin(np.abs(firsts - near))])
    for parts in CLOCK:
        first, last = math.ceil(low * parts), math.ceil(high * parts) - 1
        found = min(max(round(near * parts), first), last) / parts
        if last >= first and low <= found < high:
            return found
    return low


def _month_of(day: float) -> int:
    return int(np.datetime64(math.floor(day), "D").astype("datetime64[M]").astype(np.int64))
