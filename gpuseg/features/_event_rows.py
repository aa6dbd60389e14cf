"""Rows of events under short names and of one type each, and which of them count."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features import _as_of
from gpuseg.features._event_kinds import Names, names_of, types_of
from gpuseg.features._flags import KEPT, first_reason
from gpuseg.features._names import safe_names
from gpuseg.features._rows import CUSTOMER, TIME
from gpuseg.features._typed import device_ids, streamed
from gpuseg.features.event_report import EVENT_REASONS
from gpuseg.features.roles import EventRoles
from gpuseg.io.tables import Frame, Lazy
from gpuseg.io.text import Scan, convert, ids, is_text
from gpuseg.io.times import times

NO_ID, BAD_TIME, LATE, NO_TYPE = range(len(EVENT_REASONS))
TYPE, CHANNEL, REASON = "type", "channel", "reason"
UNITS = (1_000_000, 1_000)
"""Microseconds of a second and of a millisecond: clocks are seldom finer."""


class Events(NamedTuple):
    """Events that count, and what one pass over all rows saw of them; ``unit`` of time in microseconds."""

    kept: Frame | Lazy
    types: Names
    channels: Names | None
    dropped: dict[str, int]
    rows: int
    without_channel: int
    as_of: dt.datetime
    first: dt.datetime
    last: dt.datetime
    unit: int


def event_rows(frame: Frame | Lazy, roles: EventRoles, time_format: str | None) -> tuple[Frame | Lazy, Any]:
    """Return customer, time, type and channel of every row, typed, and the zone that the times had."""
    safe = safe_names(frame.collect_schema().names())
    roles = roles._replace(**{role: safe.get(column, column) for role, column in roles.present().items()})
    frame = frame.rename(safe)
    if frame.implementation.is_polars():
        return _on_host(frame, roles, time_format)
    return _on_device(frame, roles), None


def census(
    rows: Frame | Lazy, zone: dt.tzinfo | None, roles: EventRoles, as_of: Any, named: dict[str, list[str]]
) -> Events:
    """Return the events that count: those with an id, a time not after ``as_of``, and a type."""
    moment = None if as_of is None else _as_of.given(as_of, zone, roles.time)
    keys = [TYPE, CHANNEL] if roles.channel else [TYPE]
    rows = rows.with_columns(_reason(moment).alias(REASON))
    groups = _groups(rows, keys)
    in_time = [g for g in groups if g[REASON] == KEPT]
    types = types_of(_counts(in_time, TYPE), named)
    stay = [g for g in in_time if g[TYPE] is not None and g[TYPE] not in types.blank]
    dropped = {name: sum(g["rows"] for g in groups if g[REASON] == at) for at, name in enumerate(EVENT_REASONS)}
    dropped[EVENT_REASONS[NO_TYPE]] = sum(g["rows"] for g in in_time) - sum(g["rows"] for g in stay)
    _refuse_nothing(stay, dropped, roles)
    channels = names_of(_counts(stay, CHANNEL)) if roles.channel else None
    return Events(
        kept=rows.filter((nw.col(REASON) == KEPT) & ~nw.col(TYPE).is_null() & ~nw.col(TYPE).is_in(types.blank)),
        types=types,
        channels=channels,
        dropped=dropped,
        rows=sum(g["rows"] for g in stay),
        without_channel=sum(g["rows"] for g in stay) - sum(channels.counts.values()) if channels else 0,
        as_of=moment or _as_of.after(max(g["last"] for g in in_time)),
        first=min(g["first"] for g in stay),
        last=max(g["last"] for g in stay),
        unit=next((unit for unit in UNITS if not any(g[f"rest_{unit}"] for g in stay)), 1),
    )


def _on_host(frame: Frame | Lazy, roles: EventRoles, time_format: str | None) -> tuple[Lazy, Any]:
    rows = frame.lazy().to_native()
    schema = rows.collect_schema()
    readings = [
        ids(roles.customer, schema[roles.customer]),
        times(Scan(rows), roles.time, schema[roles.time], time_format),
    ]
    customer, time = convert(Scan(rows), readings)
    columns = [customer.expression.alias(CUSTOMER), time.expression.alias(TIME)]
    for short, column in {TYPE: roles.type, CHANNEL: roles.channel}.items():
        if column is not None:
            columns.append(_words(column, schema[column]).alias(short))
    result = rows.select(columns)
    # What had to be parsed is kept, and parsed but once.
    if any(is_text(schema[column]) for column in (roles.customer, roles.time)):
        result = result.collect(engine="streaming").lazy()
    return nw.from_native(result), time.zone


def _words(column: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column of names as text; whole numbers have no point, as pandas makes floats of them beside a gap."""
    if not (is_text(dtype) or dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise InvalidInput(
            f"column {column!r} holds {dtype}, not names; name a column of text, or of numbers that stand for it"
        )
    value = pl.col(column)
    if not dtype.is_float():
        return value.cast(pl.String)
    whole = value.cast(pl.Int64, strict=False)
    return pl.when(whole == value).then(whole.cast(pl.String)).otherwise(value.cast(pl.String))


def _on_device(frame: Frame | Lazy, roles: EventRoles) -> Frame | Lazy:
    schema = frame.collect_schema()
    if schema[roles.time] not in (nw.Datetime, nw.Date):
        raise UnsupportedOnBackend(
            f"column {roles.time!r} of a table on a GPU holds {schema[roles.time]}, and only timestamps are taken "
            "there; convert it, or pass a table of the host"
        )
    frame = frame.with_columns(device_ids(roles.customer, schema[roles.customer]))
    columns = [nw.col(roles.customer).alias(CUSTOMER), nw.col(roles.time).cast(nw.Datetime("us")).alias(TIME)]
    for short, column in {TYPE: roles.type, CHANNEL: roles.channel}.items():
        if column is not None:
            columns.append(nw.col(column).cast(nw.String).alias(short))
    return frame.select(*columns)


def _groups(rows: Frame | Lazy, keys: list[str]) -> list[dict[str, Any]]:
    """Return rows, first and last time, and the finest part of a clock of each reason, type and channel."""
    clock = nw.col(TIME).dt.timestamp("us")
    seen = rows.with_columns((clock - clock // unit * unit).alias(f"rest_{unit}") for unit in UNITS)
    counts = [nw.len().alias("rows"), nw.col(TIME).min().alias("first"), nw.col(TIME).max().alias("last")]
    counts += [nw.col(f"rest_{unit}").max() for unit in UNITS]
    return streamed(seen.group_by(REASON, *keys).agg(*counts)).rows(named=True)


def _reason(as_of: dt.datetime | None) -> nw.Expr:
    """Return the number of the first reason that applies, -1 for none; a missing type is seen later."""
    tests = {NO_ID: nw.col(CUSTOMER).is_null(), BAD_TIME: nw.col(TIME).is_null()}
    if as_of is not None:
        tests[LATE] = nw.col(TIME) > nw.lit(as_of)
    return first_reason(tests)


def _counts(groups: Sequence[Mapping[str, Any]], key: str) -> dict[str | None, int]:
    counts: Counter[str | None] = Counter()
    for group in groups:
        counts[group[key]] += group["rows"]
    return dict(counts)


def _refuse_nothing(stay: Sequence[Any], dropped: dict[str, int], roles: EventRoles) -> None:
    read = sum(dropped.values())
    if stay:
        return
    if not read:
        raise InvalidInput("the table has no rows; give one with events")
    why, rows = max(dropped.items(), key=lambda pair: pair[1])
    raise InvalidInput(
        f"none of {read:,} events is left: {rows:,} are dropped for {why!r}; check the columns "
        f"{', '.join(f'{role}={column!r}' for role, column in roles.present().items())}, and as_of"
    )
