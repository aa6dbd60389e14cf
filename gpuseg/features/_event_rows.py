"""Rows of events under short names and of one type each, however a table has them."""

import datetime as dt
from typing import NamedTuple

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features._names import safe_names
from gpuseg.features._rows import CUSTOMER, TIME
from gpuseg.features._typed import Source, device_ids
from gpuseg.features.roles import EventRoles
from gpuseg.io.tables import Frame, Lazy
from gpuseg.io.text import convert, ids, is_text
from gpuseg.io.times import times
from gpuseg.settings import say

TYPE, CHANNEL = "type", "channel"


class EventTypes(NamedTuple):
    """How the columns of a table are read, as one look at all rows decided: ``event_rows`` does it for any of them.

    ``roles`` have safe names in place of the caller's. ``values`` are the short columns of a host table, None for a
    table on a device. ``parsed``: ids or times were text.
    """

    safe: dict[str, str]
    roles: EventRoles
    values: tuple[pl.Expr, ...] | None
    zone: dt.tzinfo | None
    parsed: bool


def event_types(source: Source, roles: EventRoles, time_format: str | None) -> EventTypes:
    """Return how the columns of a table are read; nothing but what must be seen is looked at."""
    safe = safe_names(list(source.schema))
    roles = roles._replace(**{role: safe.get(column, column) for role, column in roles.present().items()})
    if source.rows is None:
        return EventTypes(safe, roles, None, None, parsed=False)
    schema = {safe.get(name, name): kind for name, kind in source.schema.items()}
    rows = source.rows(safe)
    readings = [
        ids(roles.customer, schema[roles.customer]),
        times(rows, roles.time, schema[roles.time], time_format),
    ]
    customer, time = convert(rows, readings)
    for notice in filter(None, (customer.notice, time.notice)):
        say(notice)
    values = [customer.expression.alias(CUSTOMER), time.expression.alias(TIME)]
    for short, column in {TYPE: roles.type, CHANNEL: roles.channel}.items():
        if column is not None:
            values.append(_words(column, schema[column]).alias(short))
    parsed = any(is_text(schema[column]) for column in (roles.customer, roles.time))
    return EventTypes(safe, roles, tuple(values), time.zone, parsed)


def event_rows(frame: Frame | Lazy, types: EventTypes) -> Frame | Lazy:
    """Return customer, time, type and channel of every row, typed; on the host they are lazy."""
    frame = frame.rename(types.safe)
    if types.values is None:
        return _on_device(frame, types.roles)
    rows = frame.lazy().to_native().select(types.values)
    # What had to be parsed is kept, and parsed but once.
    return nw.from_native(rows.collect(engine="streaming").lazy() if types.parsed else rows)


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
