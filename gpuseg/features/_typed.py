"""Any table in, its columns found and of one type each: ids, times, numbers."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features._names import check_free, safe_names
from gpuseg.features.roles import FLAG, Roles, Wishes, resolve
from gpuseg.io.tables import Frame, Lazy
from gpuseg.io.text import BLANKS, Converted, Reading, convert, ids, is_text, numbers, stripped
from gpuseg.io.times import times
from gpuseg.settings import say

AMOUNTS = ("amount", "computed_amount", "amount computed by gpuseg")
"""What a computed amount is called: the first name that is free."""
NUMBERS = ("amount", "quantity", "price")
IDS = ("customer", "order")


class Typed(NamedTuple):
    """A table with typed columns; ``roles.amount`` is always there, named, or made of quantity and price.

    ``own_names`` are the caller's names of columns that have a safe name here.
    """

    frame: Frame | Lazy
    roles: Roles
    computed: bool
    flagged: bool
    zone: dt.tzinfo | None
    own_names: dict[str, str]

    def own_roles(self) -> dict[str, str]:
        """Return the columns by role, as the caller names them."""
        return {role: self.own_names.get(column, column) for role, column in self.roles.present().items()}


def typed(frame: Frame | Lazy, wishes: Wishes, *, made: Sequence[str] = (), narrow: bool = False) -> Typed:
    """Return a table with its columns found and converted; nothing but what must be seen is read.

    Ids become whole numbers or text, times lose their zone, text of numbers becomes numbers, and the
    amount is quantity times price where no column holds it. ``made``: the columns that will stand beside the
    customer. ``narrow``: only the columns that have a role are wanted; where they had to be parsed from text,
    they are kept in memory, and parsed but once.
    """
    names = frame.collect_schema().names()
    if not names:
        raise InvalidInput("the table has no columns; give one with transactions")
    roles = resolve(names, wishes)
    check_free("customer", roles.customer, made)
    safe = safe_names(names)
    frame = frame.rename(safe)
    roles = roles._replace(**{role: safe.get(column, column) for role, column in roles.present().items()})
    if frame.implementation.is_polars():
        frame, zone = _on_host(frame, roles, wishes, narrow=narrow and not wishes.drop_duplicates)
    else:
        frame, zone = _on_device(frame, roles), None
    flagged = FLAG not in roles.present().values() and frame.collect_schema().get(FLAG) == nw.Boolean
    if computed := roles.amount is None:
        roles = roles._replace(amount=next(name for name in AMOUNTS if name not in names))
    own_names = {name: own for own, name in safe.items()}
    return Typed(frame.with_columns(_amount(roles, computed=computed)), roles, computed, flagged, zone, own_names)


def streamed(frame: Frame | Lazy) -> Frame:
    """Return a frame in memory; a lazy one is computed in batches of rows.

    >>> import polars as pl
    >>> streamed(nw.from_native(pl.LazyFrame({"a": [1]}))).shape
    (1, 1)
    """
    return frame.collect(engine="streaming") if isinstance(frame, nw.LazyFrame) else frame


def beside(table: Frame, rows: Frame | Lazy) -> Any:
    """Return a table in memory as one that can be joined to rows: lazy where they are."""
    return table.lazy() if isinstance(rows, nw.LazyFrame) else table


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
    if FLAG in schema and FLAG not in roles.present().values() and is_text(schema[FLAG]):
        readings[FLAG] = _flag()
    converted = dict(zip(readings, convert(rows, list(readings.values())), strict=True))
    for notice in filter(None, (c.notice for c in converted.values())):
        say(notice)
    result = rows.with_columns(c.expression for c in converted.values())
    own = roles.present()
    if narrow and any(is_text(schema[own[role]]) for role in (*NUMBERS, "time") if role in own):
        wanted = [column for column in schema if column in own.values() or column == FLAG]
        result = result.select(wanted).collect(engine="streaming").lazy()
    return nw.from_native(result), converted["time"].zone


def _flag() -> Reading:
    """Return how a text column of the flag's name is read: as true and false where it says nothing else."""
    text = stripped(FLAG).str.to_lowercase()
    looks = (
        text.is_in(["true", "false"]).all(ignore_nulls=True).alias(f"{FLAG}: plain"),
        text.count().alias(f"{FLAG}: said"),
    )

    def settle(seen: dict[str, Any]) -> Converted:
        is_flag = seen[f"{FLAG}: plain"] and seen[f"{FLAG}: said"]
        return Converted((text == "true").alias(FLAG) if is_flag else pl.col(FLAG))

    return Reading(looks, settle)


def _on_device(frame: Frame | Lazy, roles: Roles) -> Frame | Lazy:
    """Return a table of a device with its columns checked: text is not parsed there."""
    schema = frame.collect_schema()
    columns: list[nw.Expr] = []
    for role, column in roles.present().items():
        if role in NUMBERS and not schema[column].is_numeric():
            raise _not_there(column, schema[column], "numbers")
        if role in IDS:
            columns.append(device_ids(column, schema[column]))
    if schema[roles.time] not in (nw.Datetime, nw.Date):
        raise _not_there(roles.time, schema[roles.time], "timestamps")
    return frame.with_columns(*columns, nw.col(roles.time).cast(nw.Datetime("us")))


def device_ids(column: str, dtype: Any) -> nw.Expr:
    """Return ids of a table of a device as whole numbers or text; what stands for no id is missing."""
    if dtype != nw.String:
        return nw.col(column).cast(nw.Int64)
    text = nw.col(column).str.strip_chars()
    return nw.when(~text.is_in(BLANKS)).then(text).alias(column)


def _not_there(column: str, dtype: object, what: str) -> UnsupportedOnBackend:
    return UnsupportedOnBackend(
        f"column {column!r} of a table on a GPU holds {dtype}, and only {what} are taken there; "
        "convert it, or pass a table of the host"
    )
