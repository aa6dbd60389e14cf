"""Web, app and e-mail events in, one row a customer out: here in one go, or by workers in shards of customers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gpuseg.engines.shards import count_for, cut_by, stacked
from gpuseg.errors import InvalidInput
from gpuseg.features import _as_of
from gpuseg.features._event_census import Census, Group, census_of, groups_of, kept_of
from gpuseg.features._event_counts import made_columns
from gpuseg.features._event_features import MADE, Wanted, features_of, left_out_of, wanted
from gpuseg.features._event_kinds import KINDS, check_kinds
from gpuseg.features._event_rows import EventTypes, event_rows, event_types
from gpuseg.features._names import check_free
from gpuseg.features._rows import CUSTOMER
from gpuseg.features._sessions import gap_of
from gpuseg.features._typed import Source, streamed
from gpuseg.features.event_report import EventReport
from gpuseg.features.roles import EventRoles, resolve_events
from gpuseg.io.parts import OpenedParts, in_parts, open_parts
from gpuseg.io.tables import Frame, Opened, open_table
from gpuseg.settings import say


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
    engine: Any = "auto",
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
    ``engine`` is that of ``customer_features``: with Dask all events of a customer meet in a shard, in which customers
    are in order of id, and every value is that of one process.
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
        engine=engine,
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
    engine: Any = "auto",
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
    wishes = {"customer": customer, "time": time, "type": type, "channel": channel}
    asked = Asked(wishes, gap_of(session_gap), check_kinds(kinds), time_format, as_of)
    if in_parts(table, engine):
        return _over_parts(open_parts(table, engine, text=True), asked)
    return _here(open_table(table, text=True), asked)


class Asked(NamedTuple):
    """What a caller asks for: columns by role, microseconds between two sessions, types by kind, and how to read."""

    columns: dict[str, str | None]
    gap: int
    kinds: dict[str, list[str]]
    time_format: str | None
    as_of: str | dt.date | None


def _here(opened: Opened, asked: Asked) -> tuple[Any, EventReport]:
    roles = _roles_of(opened.frame.collect_schema().names(), asked)
    types = event_types(Source.of(opened.frame), roles, asked.time_format)
    rows, moment = event_rows(opened.frame, types), _moment(types, roles, asked)
    census = _census(groups_of(rows, moment), roles, moment, asked)
    left_out = left_out_of(census)
    features = features_of(kept_of(rows, census), wanted(census, asked.gap, left_out))
    report = _report(census, roles, len(features), left_out)
    return opened.give_back(_named(features, roles.customer)), report


def _over_parts(opened: OpenedParts, asked: Asked) -> tuple[Any, EventReport]:
    """Return what ``_here`` does of a table in parts: rows are counted in one walk, and in the next go to shards."""
    roles = _roles_of(list(opened.names), asked)
    opened = opened.only(list(dict.fromkeys(roles.present().values())))
    types = event_types(Source.of_parts(opened), roles, asked.time_format)
    moment = _moment(types, roles, asked)
    groups = [group for part in opened.parts.collect(_counted, types, moment) for group in part]
    census = _census(groups, roles, moment, asked)
    left_out = left_out_of(census)
    shards = opened.parts.exchange(_cut, stacked, count_for(census.rows), types, census)
    made = shards.map(_made, wanted(census, asked.gap, left_out)).kept()
    sizes = made.collect(_size)
    report = _report(census, roles, sum(sizes), left_out)
    made = made.chosen([number for number, size in enumerate(sizes) if size])
    return opened.give_back(made.map(_named, roles.customer)), report


def _roles_of(names: list[str], asked: Asked) -> EventRoles:
    if not names:
        raise InvalidInput("the table has no columns; give one with events")
    roles = resolve_events(names, asked.columns)
    check_free("customer", roles.customer, MADE)
    return roles


def _moment(types: EventTypes, roles: EventRoles, asked: Asked) -> dt.datetime | None:
    return None if asked.as_of is None else _as_of.given(asked.as_of, types.zone, roles.time)


def _census(groups: Sequence[Group], roles: EventRoles, moment: dt.datetime | None, asked: Asked) -> Census:
    """Return what all events say; raise InvalidInput where a column of counts would have the customer's name."""
    census = census_of(groups, roles, moment, asked.kinds)
    check_free("customer", roles.customer, made_columns(census))
    return census


def _counted(part: Frame, types: EventTypes, moment: dt.datetime | None) -> list[Group]:
    return groups_of(event_rows(part, types), moment)


def _cut(part: Frame, count: int, types: EventTypes, census: Census) -> list[Frame]:
    """Return the events of a part that count as a piece for each shard."""
    return cut_by(streamed(kept_of(event_rows(part, types), census)), count, CUSTOMER)


def _made(rows: Frame, wish: Wanted) -> Frame | None:
    """Return the features of a shard's customers, None where it has none."""
    if not len(rows):
        return None
    return features_of(rows.lazy() if rows.implementation.is_polars() else rows, wish)


def _size(made: Frame | None) -> int:
    return 0 if made is None else len(made)


def _named(features: Frame, customer: str) -> Frame:
    return features.rename({CUSTOMER: customer})


def _report(census: Census, roles: EventRoles, customers: int, left_out: dict[str, str]) -> EventReport:
    """Return the report, and say what was dropped where something was."""
    report = EventReport(
        read=census.rows + sum(census.dropped.values()),
        kept=census.rows,
        dropped=census.dropped,
        customers=customers,
        as_of=census.as_of,
        first=census.first,
        last=census.last,
        roles=roles.present(),
        kinds={kind: types for kind in KINDS if (types := census.types.of([kind]))},
        types=census.types.counts,
        channels=census.channels.counts if census.channels else {},
        without_channel=census.without_channel,
        left_out=left_out,
    )
    if report.kept < report.read:
        say(report.summary())
    return report
