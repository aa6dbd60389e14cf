"""Sessions of every customer: events with no gap of more than so many minutes between them."""

import datetime as dt
import re
from numbers import Real
from typing import Any

import narwhals as nw

from gpuseg.errors import InvalidInput
from gpuseg.features._event_census import Census
from gpuseg.features._event_kinds import AWAY
from gpuseg.features._event_rows import TYPE
from gpuseg.features._rows import CUSTOMER, FITS, TIME
from gpuseg.features._typed import beside, streamed
from gpuseg.io.tables import Frame, Lazy

SESSIONS, CONVERTED, CODE = "sessions", "converted_sessions", "customer_code"
SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - times have no zone here


def gap_of(gap: dt.timedelta | float | str) -> int:
    """Return a gap in microseconds: a timedelta, a number of minutes, or text such as "30m" or "1.5h".

    >>> gap_of("30m"), gap_of(0.5), gap_of(dt.timedelta(hours=1))
    (1800000000, 30000000, 3600000000)
    """
    written = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|m|min|h|d)", gap.strip().lower()) if isinstance(gap, str) else None
    span: object = gap
    try:
        if written:
            span = dt.timedelta(seconds=float(written[1]) * SECONDS[written[2]])
        elif isinstance(gap, Real) and not isinstance(gap, bool):
            span = dt.timedelta(minutes=float(gap))
    except (OverflowError, TypeError, ValueError) as error:
        raise _no_gap(gap) from error
    if not isinstance(span, dt.timedelta) or span <= dt.timedelta(0):
        raise _no_gap(gap)
    return span // dt.timedelta(microseconds=1)


def sessions_of(kept: Frame | Lazy, census: Census, customers: Frame, gap: int) -> Frame:
    """Return customer, sessions and those with a conversion, of customers who have any.

    A customer and a time are packed into one whole number, which sorts faster than two columns and takes less memory;
    where not all fit, customers are taken in several passes. ``customers`` is in order of id.
    """
    span = _ticks(census)
    rest = min(gap // census.unit, span)
    # One tick more than the gap lies between the last moment of a customer and the first of the next.
    width = span + rest + 1
    coded = customers.select(CUSTOMER).with_row_index(CODE).with_columns(nw.col(CODE).cast(nw.Int64))
    at_once = FITS // (2 * width)
    parts = [
        _counted(_keys(kept, census, coded[start : start + at_once], width), rest, width)
        for start in range(0, len(coded), at_once)
    ]
    return coded.join(nw.concat(parts), on=CODE).select(CUSTOMER, SESSIONS, CONVERTED)


def _ticks(census: Census) -> int:
    """Return how many moments lie between the first event and the last, with both."""
    return (census.last - census.first) // dt.timedelta(microseconds=census.unit) + 1


def _keys(kept: Frame | Lazy, census: Census, coded: Frame, width: int) -> Any:
    """Return a sorted number of every event on the site: its customer, its time, and in the last bit a conversion."""
    rows = kept.filter(~nw.col(TYPE).is_in(census.types.of(sorted(AWAY))))
    first = (census.first - EPOCH) // dt.timedelta(microseconds=1)
    tick = (nw.col(TIME).dt.timestamp("us") - first) // census.unit
    converts = nw.col(TYPE).is_in(census.types.of(["conversions"])).cast(nw.Int64)
    low = int(coded[CODE].item(0))
    rows = rows.join(beside(coded, rows), on=CUSTOMER)
    key = ((nw.col(CODE) - low) * width + tick) * 2 + converts
    keys = streamed(rows.select(key.alias("key")))["key"].sort()
    return keys.to_frame().with_columns(nw.lit(low).alias("low"))


def _counted(keys: Any, rest: int, width: int) -> Frame:
    """Return the code of each customer with the number of sessions, and of those that have a conversion."""
    key = nw.col("key")
    moment = key // 2
    rows = keys.select(
        moment.alias("moment"), (key - moment * 2).alias("hit"), (moment // width + nw.col("low")).alias(CODE)
    )
    starts = (nw.col("moment") - nw.col("moment").shift(1) > rest).fill_null(value=True).cast(nw.Int64)
    rows = rows.select(CODE, "hit", starts.alias(SESSIONS)).with_columns(nw.col(SESSIONS).cum_sum().alias("session"))
    hits = rows.filter(nw.col("hit") == 1)
    fresh = (nw.col("session") != nw.col("session").shift(1)).fill_null(value=True).cast(nw.Int64)
    hits = hits.select(CODE, fresh.alias(CONVERTED)).group_by(CODE).agg(nw.col(CONVERTED).sum())
    found = rows.group_by(CODE).agg(nw.col(SESSIONS).sum()).join(hits, on=CODE, how="left")
    return found.with_columns(nw.col(CONVERTED).fill_null(0))


def _no_gap(gap: object) -> InvalidInput:
    return InvalidInput(
        f"session_gap={gap!r} is no time above 0; give minutes, a timedelta, or text such as '30m' or '2h'"
    )
