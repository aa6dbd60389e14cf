"""Several tables with ids that can be compared: of one type, none missing, none twice."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput, UnsupportedOnBackend, listed, missing_column, unknown
from gpuseg.features._names import safe_names
from gpuseg.features._rows import CUSTOMER
from gpuseg.features._typed import device_ids
from gpuseg.features.roles import find_customer
from gpuseg.io.tables import Frame, open_table
from gpuseg.io.text import Scan, convert, ids
from gpuseg.settings import say


class Keyed(NamedTuple):
    """A table in memory: its column of ids, as the caller names it; the ids are a series of their own."""

    frame: Frame
    on: str
    ids: nw.Series[Any]
    give_back: Any


def keyed_tables(tables: Mapping[str, Any], on: str | Mapping[str, str] | None) -> dict[str, Keyed]:
    """Return the tables with their ids, in memory, all ids of one type.

    Raises InvalidInput for fewer than two tables, and for ids that are not found, missing or there twice.
    """
    if not isinstance(tables, Mapping) or len(tables) < 2:  # noqa: PLR2004 - a join is of two
        raise InvalidInput(
            f"got {_what(tables)}; give two tables or more by name, as in {{'orders': orders, 'events': events}}"
        )
    if odd := [name for name in tables if not isinstance(name, str) or not name.strip()]:
        raise InvalidInput(f"a table is named {odd[0]!r}; give each table a name of text")
    if isinstance(on, Mapping) and (strange := [name for name in on if name not in tables]):
        raise unknown("a table in on", strange[0], tables)
    found = {
        name: _keyed(name, table, on.get(name) if isinstance(on, Mapping) else on) for name, table in tables.items()
    }
    _same_place(found)
    return _one_type(found)


def _what(tables: object) -> str:
    return f"{'one' if tables else 'no'} table" if isinstance(tables, Mapping) else f"a {type(tables).__name__}"


def _keyed(name: str, table: Any, on: str | None) -> Keyed:
    opened = open_table(table)
    frame = opened.eager()
    if not frame.columns:
        raise InvalidInput(f"table {name!r} has no columns; give one of one row a customer")
    column = _id_column(name, frame.columns, on)
    rename = safe_names(frame.columns)
    values = _ids(frame.rename(rename), rename.get(column, column))
    if gaps := int(values.is_null().sum()):
        raise InvalidInput(
            f"table {name!r} has no id in {gaps:,} of {len(values):,} rows of {column!r}; leave these rows out first"
        )
    if twice := len(values) - values.n_unique():
        raise InvalidInput(
            f"table {name!r} has {len(values):,} rows for {len(values) - twice:,} ids in {column!r}; give a table of "
            "one row a customer, as rfm and events make it"
        )
    return Keyed(frame, column, values, opened.give_back)


def _id_column(name: str, columns: list[str], on: str | None) -> str:
    if on is not None:
        if on not in columns:
            raise missing_column(f"table {name!r}: on", on, columns)
        return on
    if (found := find_customer(columns)) is None:
        raise InvalidInput(
            f"no column of table {name!r} is the customer by its name among {listed(columns)}; "
            f"name it, as in on='...' or on={{{name!r}: '...'}}"
        )
    say(f"ids of {name!r} are in {found!r}, by its name")
    return found


def _ids(frame: Frame, column: str) -> nw.Series[Any]:
    """Return ids as whole numbers where all of them are, else as text."""
    if not frame.implementation.is_polars():
        return frame.select(device_ids(column, frame.schema[column]).alias(CUSTOMER))[CUSTOMER]
    rows = frame.to_native().lazy()
    (converted,) = convert(Scan(rows), [ids(column, frame.to_native().schema[column])])
    return nw.from_native(rows.select(converted.expression.alias(CUSTOMER)).collect())[CUSTOMER]


def _same_place(found: Mapping[str, Keyed]) -> None:
    places = {name: keyed.frame.implementation for name, keyed in found.items()}
    first, *others = places
    if away := [name for name in others if places[name] != places[first]]:
        raise UnsupportedOnBackend(
            f"table {first!r} is in {places[first].value} and {away[0]!r} in {places[away[0]].value}; "
            "bring both to one side, as with to_pandas()"
        )


def _one_type(found: dict[str, Keyed]) -> dict[str, Keyed]:
    words = [name for name, keyed in found.items() if keyed.ids.dtype == nw.String]
    whole = [name for name in found if name not in words]
    if words and whole:
        say(f"ids are whole numbers in {listed(whole)} and text in {listed(words)}; all are compared as text")
    large = any(keyed.ids.dtype == nw.UInt64 for keyed in found.values())
    negative = any(keyed.ids.dtype == nw.Int64 and bool((keyed.ids < 0).any()) for keyed in found.values())
    if large and negative and not words:
        say("ids are below 0 in one table and beyond 2**63 in another; all are compared as text")
    kind = nw.String() if words or (large and negative) else nw.UInt64() if large else nw.Int64()
    return {name: keyed._replace(ids=keyed.ids.cast(kind)) for name, keyed in found.items()}
