"""Web, app and e-mail events in, one row a customer out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from gpuseg.errors import InvalidInput
from gpuseg.features._event_counts import COUNTED, EVENTS, ON_SITE, counts_of, made_columns
from gpuseg.features._event_kinds import KINDS, check_kinds
from gpuseg.features._event_rows import Events, census, event_rows
from gpuseg.features._names import check_free
from gpuseg.features._rows import CUSTOMER, TIME, whole_days
from gpuseg.features._sessions import CONVERTED, SESSIONS, gap_of, sessions_of
from gpuseg.features.event_report import EventReport
from gpuseg.features.roles import EventRoles, resolve_events
from gpuseg.io.tables import Frame, open_table
from gpuseg.settings import say

RECENCY, PER_SESSION, CONVERSION, OPEN_RATE = "event_recency", "events_per_session", "conversion_rate", "open_rate"
MADE = (RECENCY, EVENTS, *COUNTED, SESSIONS, PER_SESSION, CONVERSION, OPEN_RATE)


def events(
    table: Any,
    *,
    customer: str | None = None,
    time: str | None = None,
    type: str | None = None,  # noqa: A002 - the column's word
    channel: str | None = None,
    session_gap: dt.timedelta | float | str = "30m",
    kinds: Mapping[str, str | Sequence[str]] | None = None,
    time_format: str | None = None,
    as_of: str | dt.date | None = None,
) -> Any:
    """Return how every customer visits, clicks and reads, one row a customer in order of id.

    - ``event_recency``: whole days from the last event to ``as_of``
    - ``events``, ``visits``, ``clicks``, ``opens``, ``sent``, ``conversions``: numbers of events, all and by kind
    - ``sessions``: runs of events on the site with no gap of more than ``session_gap`` between them (a timedelta,
      minutes, or text such as "30m"); what happens to a message (opens, sent, deliveries) is in none
    - ``events_per_session``: events on the site / sessions; missing where there is no session
    - ``conversion_rate``: share of sessions with a conversion; missing where there is no session
    - ``open_rate``: opens / sent, above 1 where messages are opened again; missing where none was sent
    - ``count_<type>``, ``channel_<name>``: events by type and by channel, in small letters with underscores. The
      20 types and channels of the most events have a column each, the rest share "other"

    ``customer`` ... ``channel`` name columns; what is not named is found by common names, and said. So are the kinds
    of types, such as "page_view", "email_open" or "purchase"; ``kinds`` names them in place of the words known, as in
    ``kinds={"conversions": ["signup", "order"]}``, for visits, clicks, opens, sent, conversions and deliveries. A kind
    without a type, and what needs it, is left out, and that is said.

    Dropped and counted are rows without an id, with a bad timestamp, after ``as_of``, and without a type. Times,
    ``time_format`` and ``as_of`` are as in ``clean_transactions``. Every value is the same whatever the order of rows.
    Raises InvalidInput where a column is missing, ambiguous or of the wrong kind, and where no event is left.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"user_id": [1, 1, 1], "type": ["page_view", "order", "page_view"],
    ...                      "time": ["2026-01-01 10:00", "2026-01-01 10:20", "2026-01-01 10:51"]})
    >>> found = events(rows)
    columns taken by their names: customer='user_id', time='time', type='type'
    types taken by their names: visits='page_view'; conversions='order'
    as_of=2026-01-02, the day after the newest row; give as_of to count to another day
    clicks, opens, sent, open_rate are left out: no type of event is one of clicks, opens, sent
    >>> found.select("visits", "sessions", "events_per_session", "conversion_rate", "count_order").rows()
    [(2, 2, 1.5, 0.5, 1)]
    """
    return event_features(
        table,
        customer=customer,
        time=time,
        type=type,
        channel=channel,
        session_gap=session_gap,
        kinds=kinds,
        time_format=time_format,
        as_of=as_of,
    )[0]


def event_features(
    table: Any,
    *,
    customer: str | None = None,
    time: str | None = None,
    type: str | None = None,  # noqa: A002 - the column's word
    channel: str | None = None,
    session_gap: dt.timedelta | float | str = "30m",
    kinds: Mapping[str, str | Sequence[str]] | None = None,
    time_format: str | None = None,
    as_of: str | dt.date | None = None,
) -> tuple[Any, EventReport]:
    """Return what ``events`` returns, and the report of what was read, dropped and taken for what.

    The arguments and the errors are those of ``events``.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"user_id": [1, None], "type": ["visit", "visit"], "time": ["2026-01-01", "2026-01-02"]})
    >>> customers, report = event_features(rows, as_of="2026-02-01")
    columns taken by their names: customer='user_id', time='time', type='type'
    ...
    >>> report.summary()
    '1 of 2 events kept; dropped: 1 no id'
    """
    gap, named = gap_of(session_gap), check_kinds(kinds)
    opened = open_table(table, text=True)
    wishes = {"customer": customer, "time": time, "type": type, "channel": channel}
    if not (names := opened.frame.collect_schema().names()):
        raise InvalidInput("the table has no columns; give one with events")
    roles = resolve_events(names, wishes)
    check_free("customer", roles.customer, MADE)
    rows, zone = event_rows(opened.frame, roles, time_format)
    found = census(rows, zone, roles, as_of, named)
    check_free("customer", roles.customer, made_columns(found))
    features, left_out = _features(found, gap)
    report = _report(found, roles, len(features), left_out)
    if report.kept < report.read:
        say(report.summary())
    return opened.give_back(features.sort(CUSTOMER).rename({CUSTOMER: roles.customer})), report


def _features(found: Events, gap: int) -> tuple[Frame, dict[str, str]]:
    counts = counts_of(found).sort(CUSTOMER)
    counts = counts.join(sessions_of(found, counts, gap), on=CUSTOMER, how="left")
    counts = counts.with_columns(nw.col(SESSIONS, CONVERTED).fill_null(0))
    sessions, sent = nw.col(SESSIONS), nw.col("sent")
    rates = [
        whole_days(nw.lit(found.as_of) - nw.col(TIME)).alias(RECENCY),
        nw.when(sessions > 0).then(nw.col(ON_SITE) / sessions).alias(PER_SESSION),
        nw.when(sessions > 0).then(nw.col(CONVERTED) / sessions).alias(CONVERSION),
        nw.when(sent > 0).then(nw.col("opens") / sent).alias(OPEN_RATE),
    ]
    left_out = _left_out(found, has_sessions=bool(counts[SESSIONS].sum()))
    columns = [name for name in MADE if name not in left_out]
    return counts.with_columns(*rates).select(CUSTOMER, *columns, *made_columns(found)), left_out


def _left_out(found: Events, *, has_sessions: bool) -> dict[str, str]:
    """Return why features are left out, by name, and say it."""
    absent = [kind for kind in COUNTED if not found.types.where(kinds=[kind])]
    needs = {**{kind: {kind} for kind in COUNTED}, CONVERSION: {"conversions"}, OPEN_RATE: {"opens", "sent"}}
    kindless = [name for name, kinds in needs.items() if kinds.intersection(absent)]
    why = f"no type of event is one of {', '.join(absent)}"
    left_out = dict.fromkeys(kindless, why)
    if kindless:
        say(f"{', '.join(kindless)} {'are' if kindless[1:] else 'is'} left out: {why}")
    if not has_sessions:
        without = "no event is on the site: all happen to messages"
        left_out |= dict.fromkeys((SESSIONS, PER_SESSION, CONVERSION), without)
        say(f"{SESSIONS}, {PER_SESSION}, {CONVERSION} are left out: {without}")
    return left_out


def _report(found: Events, roles: EventRoles, customers: int, left_out: dict[str, str]) -> EventReport:
    kinds = {kind: types for kind in KINDS if (types := found.types.of([kind]))}
    return EventReport(
        read=found.rows + sum(found.dropped.values()),
        kept=found.rows,
        dropped=found.dropped,
        customers=customers,
        as_of=found.as_of,
        first=found.first,
        last=found.last,
        roles=roles.present(),
        kinds=kinds,
        types=found.types.counts,
        channels=found.channels.counts if found.channels else {},
        without_channel=found.without_channel,
        left_out=left_out,
    )
