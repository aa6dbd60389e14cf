"""Any table in, its columns found and of one type each: ids, times, numbers."""

import datetime as dt
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features.roles import FLAG, Roles, Wishes, resolve
from gpuseg.io.tables import Frame, Lazy
from gpuseg.io.text import BLANKS, Reading, convert, ids, is_text, numbers
from gpuseg.io.times import times
from gpuseg.settings import say

AMOUNT = "amount"
NUMBERS = ("amount", "quantity", "price")
IDS = ("customer", "order")


class Typed(NamedTuple):
    """A table with typed columns; ``roles.amount`` is always there, named, or made of quantity and price."""

    frame: Frame | Lazy
    roles: Roles
    computed: bool
    flagged: bool
    zone: dt.tzinfo | None


def typed(frame: Frame | Lazy, wishes: Wishes, *, narrow: bool = False) -> Typed:
    """Return a table with its columns found and converted; nothing but what must be seen is read.

    Ids become whole numbers or text, times lose their zone, text of numbers becomes numbers, and the
    amount is quantity times price where no column holds it. ``narrow``: only the columns that have a role
    are wanted; where they had to be parsed from text, they are kept in memory, and parsed but once.
    """
    names = frame.collect_schema().names()
    if not names:
        raise InvalidInput("the table has no columns; give one with transactions")
    roles = resolve(names, wishes)
    flagged = frame.collect_schema().get(FLAG) == nw.Boolean
    if frame.implementation.is_polars():
        frame, zone = _on_host(frame, roles, wishes, narrow=narrow and not wishes.drop_duplicates)
    else:
        frame, zone = _on_device(frame, roles), None
    if computed := roles.amount is None:
        roles = roles._replace(amount=AMOUNT if AMOUNT not in roles.present().values() else "computed_amount")
    return Typed(frame.with_columns(_amount(roles, computed=computed)), roles, computed, flagged, zone)


def streamed(frame: Frame | Lazy) -> Frame:
    """Return a frame in memory; a lazy one is computed in batches of rows.

    >>> import polars as pl
    >>> streamed(nw.from_native(pl.LazyFrame({"a": [1]}))).shape
    (1, 1)
    """
    return frame.collect(engine="streaming") if isinstance(frame, nw.LazyFrame) else frame


def _amount(roles: Roles, *, computed: bool) -> nw.Expr:
    if computed:
        quantity, price = nw.col(str(roles.quantity)), nw.col(str(roles.price))
        return (quantity.cast(nw.Float64) * price.cast(nw.Float64)).alias(str(roles.amount))
    return nw.col(str(roles.amount)).cast(nw.Float64)


def _on_host(frame: Frame | Lazy, roles: Roles, wishes: Wishes, *, narrow: bool) -> tuple[Lazy, dt.tzinfo | None]:
    rows = frame.lazy().to_native()
    schema = rows.collect_schema()
    readings: dict[str, Reading] = {}
    for role, column in roles.present().items():
        if role in NUMBERS:
            readings[role] = numbers(column, schema[column])
        elif role in IDS:
            readings[role] = ids(column, schema[column], whole=role == "customer")
    readings["time"] = times(rows, roles.time, schema[roles.time], wishes.time_format)
    converted = dict(zip(readings, convert(rows, list(readings.values())), strict=True))
    for notice in filter(None, (c.notice for c in converted.values())):
        say(notice)
    result = rows.with_columns(c.expression for c in converted.values())
    if narrow and any(is_text(schema[roles.present()[role]]) for role in (*NUMBERS, "time") if role in readings):
        wanted = [column for column in schema if column in roles.present().values() or column == FLAG]
        result = result.select(wanted).collect(engine="streaming").lazy()
    return nw.from_native(result), converted["time"].zone


def _on_device(frame: Frame | Lazy, roles: Roles) -> Frame | Lazy:
    """Return a table of a device with its columns checked: text is not parsed there."""
    schema = frame.collect_schema()
    columns: list[nw.Expr] = []
    for role, column in roles.present().items():
        if role in NUMBERS and not schema[column].is_numeric():
            raise _not_there(column, schema[column], "numbers")
        if role in IDS:
            columns.append(_device_ids(column, schema[column]))
    if schema[roles.time] not in (nw.Datetime, nw.Date):
        raise _not_there(roles.time, schema[roles.time], "timestamps")
    return frame.with_columns(*columns, nw.col(roles.time).cast(nw.Datetime("us")))


def _device_ids(column: str, dtype: Any) -> nw.Expr:
    if dtype != nw.String:
        return nw.col(column).cast(nw.Int64)
    text = nw.col(column).str.strip_chars()
    return nw.when(~text.is_in(BLANKS)).then(text).alias(column)


def _not_there(column: str, dtype: object, what: str) -> UnsupportedOnBackend:
    return UnsupportedOnBackend(
        f"column {column!r} of a table on a GPU holds {dtype}, and only {what} are taken there; "
        "convert it, or pass a table of the host"
    )
