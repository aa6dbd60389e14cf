"""Any table in, its columns found and of one type each: ids, times, numbers."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features._names import check_free, safe_names
from gpuseg.features.roles import FLAG, Roles, Wishes, resolve
from gpuseg.io.parts import OpenedParts, PartRows
from gpuseg.io.tables import Frame, Lazy
from gpuseg.io.text import (
    BLANKS,
    Converted,
    Reading,
    Rows,
    Scan,
    convert,
    every,
    ids,
    is_text,
    numbers,
    stripped,
    total,
)
from gpuseg.io.times import times
from gpuseg.settings import say

AMOUNTS = ("amount", "computed_amount", "amount computed by gpuseg")
"""What a computed amount is called: the first name that is free."""
NUMBERS = ("amount", "quantity", "price")
IDS = ("customer", "order")


class Types(NamedTuple):
    """How the columns of a table are read, as one look at all rows decided: ``typed`` does it for any of them.

    ``roles`` have safe names in place of the caller's; ``roles.amount`` is always there, named, or made of quantity
    and price. ``values`` are the columns of a host table that are converted, None for a table on a device.
    ``parsed``: numbers or times were text.
    """

    safe: dict[str, str]
    roles: Roles
    values: tuple[pl.Expr, ...] | None
    zone: dt.tzinfo | None
    computed: bool
    flagged: bool
    parsed: bool

    @property
    def own_names(self) -> dict[str, str]:
        """Return the caller's names of columns that have a safe name here."""
        return {name: own for own, name in self.safe.items()}

    def own_roles(self) -> dict[str, str]:
        """Return the columns by role, as the caller names them."""
        return {role: self.own_names.get(column, column) for role, column in self.roles.present().items()}


class Source(NamedTuple):
    """A table whose types are to be found: the types that it has, of Polars or of Narwhals, and rows to look at.

    ``rows`` gives them with columns renamed, and is None for a table on a device, where text is not parsed.
    """

    schema: Mapping[str, Any]
    rows: Callable[[dict[str, str]], Rows] | None

    @classmethod
    def of(cls, frame: Frame | Lazy) -> Self:
        """Return what a table is to whoever finds its types."""
        if not frame.implementation.is_polars():
            return cls(frame.collect_schema(), None)
        native = frame.lazy().to_native()
        return cls(native.collect_schema(), lambda safe: Scan(native.rename(safe)))

    @classmethod
    def of_parts(cls, opened: OpenedParts) -> Self:
        """Return what a table in parts is to whoever finds its types; its rows are looked at where they are."""
        if not opened.on_host:
            return cls(opened.schema, None)
        return cls(opened.schema, lambda safe: PartRows(opened.parts.map(_renamed, safe)))


def roles_of(names: Sequence[str], wishes: Wishes, *, made: Sequence[str] = ()) -> Roles:
    """Return the columns by role, as the caller names them; ``made`` will stand beside the customer."""
    if not names:
        raise InvalidInput("the table has no columns; give one with transactions")
    roles = resolve(list(names), wishes)
    check_free("customer", roles.customer, made)
    return roles


def types_of(source: Source, roles: Roles, wishes: Wishes) -> Types:
    """Return how the columns of a table are read; nothing but what must be seen is looked at.

    Ids become whole numbers or text, times lose their zone, text of numbers becomes numbers, and the amount is
    quantity times price where no column holds it.
    """
    names = list(source.schema)
    safe = safe_names(names)
    roles = roles._replace(**{role: safe.get(column, column) for role, column in roles.present().items()})
    schema = {safe.get(name, name): kind for name, kind in source.schema.items()}
    own = roles.present()
    values, zone = None, None
    if source.rows is not None:
        values, zone = _read_as(source.rows(safe), schema, roles, wishes)
    flag = schema.get(FLAG)
    if values is not None and flag is not None:
        flag = pl.LazyFrame(schema=schema).with_columns(values).collect_schema()[FLAG]
    if computed := roles.amount is None:
        roles = roles._replace(amount=next(name for name in AMOUNTS if name not in names))
    return Types(
        safe=safe,
        roles=roles,
        values=values,
        zone=zone,
        computed=computed,
        flagged=FLAG not in own.values() and flag in (pl.Boolean, nw.Boolean),
        parsed=any(is_text(schema[own[role]]) for role in (*NUMBERS, "time") if role in own and values is not None),
    )


def typed(frame: Frame | Lazy, types: Types, *, narrow: bool = False) -> Frame | Lazy:
    """Return rows with their columns converted, lazy on the host.

    ``narrow``: only the columns that have a role are wanted; where they had to be parsed from text, they are kept in
    memory, and parsed but once.
    """
    frame = frame.rename(types.safe)
    if types.values is None:
        frame = _on_device(frame, types.roles._replace(amount=None) if types.computed else types.roles)
    else:
        rows = frame.lazy().to_native().with_columns(types.values)
        if narrow and types.parsed:
            own = {*types.roles.present().values(), FLAG}
            rows = rows.select(name for name in rows.collect_schema() if name in own)
            rows = rows.collect(engine="streaming").lazy()
        frame = nw.from_native(rows)
    return frame.with_columns(_amount(types))


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


def _renamed(part: Frame, safe: dict[str, str]) -> Frame:
    return part.rename(safe)


def _amount(types: Types) -> nw.Expr:
    roles = types.roles
    if types.computed:
        quantity, price = nw.col(str(roles.quantity)), nw.col(str(roles.price))
        return (quantity.cast(nw.Float64) * price.cast(nw.Float64)).alias(str(roles.amount))
    return nw.col(str(roles.amount)).cast(nw.Float64)


def _read_as(
    rows: Rows, schema: Mapping[str, pl.DataType], roles: Roles, wishes: Wishes
) -> tuple[tuple[pl.Expr, ...], dt.tzinfo | None]:
    """Return the columns of a host table converted, and the zone that its times had."""
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
    return tuple(c.expression for c in converted.values()), converted["time"].zone


def _flag() -> Reading:
    """Return how a text column of the flag's name is read: as true and false where it says nothing else."""
    text = stripped(FLAG).str.to_lowercase()
    looks = (every(f"{FLAG}: plain", text.is_in(["true", "false"])), total(f"{FLAG}: said", text.count()))

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
