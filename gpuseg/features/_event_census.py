"""Which events count, and what is known of all of them: counted part by part, decided once."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput
from gpuseg.features import _as_of
from gpuseg.features._event_kinds import AWAY, Names, names_of, types_of
from gpuseg.features._event_rows import CHANNEL, TYPE
from gpuseg.features._flags import KEPT, first_reason
from gpuseg.features._rows import CUSTOMER, TIME
from gpuseg.features._typed import streamed
from gpuseg.features.event_report import EVENT_REASONS
from gpuseg.features.roles import EventRoles
from gpuseg.io.tables import Frame, Lazy

NO_ID, BAD_TIME, LATE, NO_TYPE = range(len(EVENT_REASONS))
REASON = "reason"
UNITS = (1_000_000, 1_000)
"""Microseconds of a second and of a millisecond: clocks are seldom finer."""

Group = Mapping[str, Any]
"""Rows of one reason, type and channel: how many, from when to when, and the finest part of their clock."""


class Census(NamedTuple):
    """What the rows of all events say: their names, how many are dropped, the time they span.

    ``moment`` is the ``as_of`` that was given, None where it was not; ``unit`` of time in microseconds. ``on_site``:
    events that count and that happened on the site.
    """

    types: Names
    channels: Names | None
    dropped: dict[str, int]
    rows: int
    on_site: int
    without_channel: int
    moment: dt.datetime | None
    as_of: dt.datetime
    first: dt.datetime
    last: dt.datetime
    unit: int


def groups_of(rows: Frame | Lazy, moment: dt.datetime | None) -> list[Group]:
    """Return the counts of rows by reason, type and channel, from one pass."""
    keys = [name for name in (TYPE, CHANNEL) if name in rows.collect_schema().names()]
    clock = nw.col(TIME).dt.timestamp("us")
    seen = rows.with_columns((clock - clock // unit * unit).alias(f"rest_{unit}") for unit in UNITS)
    counts = [nw.len().alias("rows"), nw.col(TIME).min().alias("first"), nw.col(TIME).max().alias("last")]
    counts += [nw.col(f"rest_{unit}").max() for unit in UNITS]
    grouped = seen.with_columns(_reason(moment).alias(REASON)).group_by(REASON, *keys).agg(*counts)
    return list(streamed(grouped).rows(named=True))


def census_of(
    groups: Sequence[Group], roles: EventRoles, moment: dt.datetime | None, named: dict[str, list[str]]
) -> Census:
    """Return what the counts of all rows decide, those of one part after those of another; some event must count."""
    in_time = [g for g in groups if g[REASON] == KEPT]
    types = types_of(_counts(in_time, TYPE), named)
    stay = [g for g in in_time if g[TYPE] is not None and g[TYPE] not in types.blank]
    rows = _rows(stay)
    dropped = {name: _rows([g for g in groups if g[REASON] == at]) for at, name in enumerate(EVENT_REASONS)}
    dropped[EVENT_REASONS[NO_TYPE]] = _rows(in_time) - rows
    _refuse_nothing(rows, dropped, roles)
    channels = names_of(_counts(stay, CHANNEL)) if roles.channel else None
    away = types.of(sorted(AWAY))
    return Census(
        types=types,
        channels=channels,
        dropped=dropped,
        rows=rows,
        on_site=_rows([g for g in stay if g[TYPE] not in away]),
        without_channel=rows - sum(channels.counts.values()) if channels else 0,
        moment=moment,
        as_of=moment or _as_of.after(max(g["last"] for g in in_time)),
        first=min(g["first"] for g in stay),
        last=max(g["last"] for g in stay),
        unit=next((unit for unit in UNITS if not any(g[f"rest_{unit}"] for g in stay)), 1),
    )


def kept_of(rows: Frame | Lazy, census: Census) -> Frame | Lazy:
    """Return the events that count: those with an id, a time not after ``as_of``, and a type."""
    typed = ~nw.col(TYPE).is_null() & ~nw.col(TYPE).is_in(census.types.blank)
    return rows.filter((_reason(census.moment) == KEPT) & typed)


def _reason(moment: dt.datetime | None) -> nw.Expr:
    """Return the number of the first reason that applies, -1 for none; a missing type is seen later."""
    tests = {NO_ID: nw.col(CUSTOMER).is_null(), BAD_TIME: nw.col(TIME).is_null()}
    if moment is not None:
        tests[LATE] = nw.col(TIME) > nw.lit(moment)
    return first_reason(tests)


def _rows(groups: Sequence[Group]) -> int:
    return sum(group["rows"] for group in groups)


def _counts(groups: Sequence[Group], key: str) -> dict[str | None, int]:
    counts: Counter[str | None] = Counter()
    for group in groups:
        counts[group[key]] += group["rows"]
    return dict(counts)


def _refuse_nothing(rows: int, dropped: dict[str, int], roles: EventRoles) -> None:
    if rows:
        return
    if not (read := sum(dropped.values())):
        raise InvalidInput("the table has no rows; give one with events")
    why, most = max(dropped.items(), key=lambda pair: pair[1])
    raise InvalidInput(
        f"none of {read:,} events is left: {most:,} are dropped for {why!r}; check the columns "
        f"{', '.join(f'{role}={column!r}' for role, column in roles.present().items())}, and as_of"
    )
