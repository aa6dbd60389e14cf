"""The moment that recency and tenure are counted to: given, else the midnight after the newest row."""

import datetime as dt
from typing import Any

from gpuseg.errors import InvalidInput
from gpuseg.settings import say


def given(as_of: Any, zone: dt.tzinfo | None, column: str) -> dt.datetime:
    """Return what the caller gave, text, a date or a datetime, as wall time of the column's zone.

    >>> given("2011-12-10", None, "InvoiceDate")
    datetime.datetime(2011, 12, 10, 0, 0)
    """
    try:
        moment = dt.datetime.fromisoformat(str(as_of))
    except ValueError as error:
        raise InvalidInput(f"as_of={as_of!r} is no date; give one as in as_of='2011-12-10'") from error
    if moment.tzinfo is None:
        return moment
    if zone is None:
        raise InvalidInput(f"as_of={as_of!s} has a time zone and column {column!r} has none; give as_of without one")
    return moment.astimezone(zone).replace(tzinfo=None)


def after(newest: dt.datetime) -> dt.datetime:
    """Return the midnight after the newest row, and say so.

    >>> after(dt.datetime(2011, 12, 9, 12, 50))
    as_of=2011-12-10, the day after the newest row; give as_of to count to another day
    datetime.datetime(2011, 12, 10, 0, 0)
    """
    try:
        midnight = dt.datetime.combine(newest.date() + dt.timedelta(days=1), dt.time.min)
    except OverflowError as error:
        raise InvalidInput(f"the newest row is of {newest:%Y-%m-%d}, a day with none after it; give as_of") from error
    say(f"as_of={midnight:%Y-%m-%d}, the day after the newest row; give as_of to count to another day")
    return midnight
