"""Several tables of one row a customer in, one out, with a report of who is in which."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput, listed, missing_column, unknown
from gpuseg.features._event_counts import CHANNELS, COUNTED, EVENTS, TYPES
from gpuseg.features._rows import CUSTOMER
from gpuseg.features._same_ids import Keyed, keyed_tables
from gpuseg.features._sessions import SESSIONS
from gpuseg.features.join_report import JoinReport
from gpuseg.io.tables import Frame
from gpuseg.settings import say

COUNTS = frozenset({"frequency", "monetary", "products", EVENTS, SESSIONS, *COUNTED})
"""Columns of gpuseg that are 0 for a customer of whom nothing is known there."""
HOW = ("outer", "inner", "left")
INSIDE, ID = "in_", "id"
EXACT = 2**53
"""Whole numbers up to it are exact as floats."""


def join_features(
    tables: Mapping[str, Any],
    *,
    on: str | Mapping[str, str] | None = None,
    how: Literal["outer", "inner", "left"] = "outer",
    fill: Literal["counts", "none"] | Mapping[str, float] = "counts",
) -> tuple[Any, JoinReport]:
    """Return several tables of one row a customer as one, in order of id, and the report of who is in which.

    ``tables``: tables or paths by name, in the order of their columns; the result is of the first one's library and
    has its name for the ids. ``on``: the column of ids, one name for all or a name by table; left out, it is found by
    common names, and said. Ids that are whole numbers in one table and text in another are compared as text,
    which is said. ``how``: "outer" takes every customer, "inner" those in all tables, "left" those of the first.

    ``fill``: what stands where a table has no row for a customer. "counts" puts 0 in the columns that gpuseg makes
    by counting or summing (frequency, monetary, products, events, visits, clicks, opens, sent, conversions, sessions,
    ``count_...``, ``channel_...``), and leaves recencies, means and shares missing. A mapping gives values by column
    of the result in place of that, "none" fills nothing. Values that are missing in a table stay so.

    Columns that several tables have get the table's name in front, ``web_recency``, which is said. Raises InvalidInput
    where a table has a missing or repeated id, no column of ids, or a column that would come twice.

    >>> import polars as pl
    >>> orders = pl.DataFrame({"id": [1, 2], "recency": [5, 9], "frequency": [2, 1]})
    >>> web = pl.DataFrame({"id": [2, 3], "event_recency": [1, 4], "visits": [8, 2]})
    >>> table, report = join_features({"orders": orders, "web": web}, on="id")
    >>> table.rows()
    [(1, 5, 2, None, 0), (2, 9, 1, 1, 8), (3, None, 0, 4, 2)]
    >>> report.combinations
    {('orders',): 1, ('orders', 'web'): 1, ('web',): 1}
    """
    if how not in HOW:
        raise unknown("how", how, HOW)
    if not isinstance(fill, Mapping) and fill not in ("counts", "none"):
        raise unknown("fill", fill, ("counts", "none"))
    keyed = keyed_tables(tables, on)
    first = next(iter(keyed.values()))
    columns = _columns(keyed, first.on)
    presence = _presence(keyed)
    combinations = _combinations(presence, list(keyed))
    if not any(len(names) > 1 for names in combinations):
        say(f"no customer is in two of the tables {listed(keyed)}; check that their ids are of one kind")
    table = _joined(_wanted(presence, keyed, how), keyed, columns)
    values = _values(table, columns, fill)
    filled = {column.final: int((table[INSIDE + column.table] == 0).sum()) for column in values}
    report = JoinReport(
        customers=len(table),
        how=how,
        tables={name: len(one.frame) for name, one in keyed.items()},
        combinations=combinations,
        on={name: one.on for name, one in keyed.items()},
        filled={name: count for name, count in filled.items() if count},
        renamed=_renamed(columns),
    )
    table = table.with_columns(_fill(column, value) for column, value in values.items())
    named = {CUSTOMER: first.on} | {column.inner: column.final for column in columns}
    return first.give_back(table.select(*named).rename(named)), report


class Column(NamedTuple):
    """A column of one of the tables: its own name, a harmless one to compute with, and that in the result."""

    table: str
    own: str
    inner: str
    final: str


def _columns(keyed: Mapping[str, Keyed], id_name: str) -> list[Column]:
    """Return the columns of all tables but their ids; the names of the result are each there once."""
    own = [(table, name) for table, one in keyed.items() for name in one.frame.columns if name != one.on]
    times = Counter(name for _, name in own) + Counter([id_name])
    finals = [f"{table}_{name}" if times[name] > 1 else name for table, name in own]
    both = [f"{name!r} of {table!r}" for table, name in own if times[name] > 1]
    if twice := sorted(name for name, count in Counter([id_name, *finals]).items() if count > 1):
        raise InvalidInput(f"the result would have {listed(twice)} twice; rename a column, or give tables other names")
    if both:
        say(f"columns of the same name have their table's name in front: {', '.join(both)}")
    return [
        Column(table, name, f"column_{at}", final)
        for at, ((table, name), final) in enumerate(zip(own, finals, strict=True))
    ]


def _presence(keyed: Mapping[str, Keyed]) -> Frame:
    """Return every id of any table in order, and for each table whether it has the id, as 1 or 0."""
    inside = [
        one.ids.to_frame().with_columns(nw.lit(int(name == other)).alias(INSIDE + other) for other in keyed)
        for name, one in keyed.items()
    ]
    flags = [INSIDE + name for name in keyed]
    return nw.concat(inside).group_by(CUSTOMER).agg(nw.col(flags).sum()).sort(CUSTOMER)


def _combinations(presence: Frame, names: list[str]) -> dict[tuple[str, ...], int]:
    """Return customers by the tables that they are in, those of most customers first."""
    groups = presence.group_by(*(INSIDE + name for name in names)).agg(nw.len().alias("customers")).rows(named=True)
    found = {tuple(name for name in names if group[INSIDE + name]): int(group["customers"]) for group in groups}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], [names.index(name) for name in pair[0]])))


def _wanted(presence: Frame, keyed: Mapping[str, Keyed], how: str) -> Frame:
    needed = {"outer": [], "inner": list(keyed), "left": list(keyed)[:1]}[how]
    return reduce(lambda left, name: left.filter(nw.col(INSIDE + name) == 1), needed, presence)


def _joined(wanted: Frame, keyed: Mapping[str, Keyed], columns: Sequence[Column]) -> Frame:
    """Return the wanted ids with the columns of every table, under harmless names."""
    for name, one in keyed.items():
        inner = {column.own: column.inner for column in columns if column.table == name}
        part = one.frame.rename(inner | {one.on: ID}).with_columns(one.ids).select(CUSTOMER, *inner.values())
        wanted = wanted.join(part, on=CUSTOMER, how="left")
    return wanted


def _values(table: Frame, columns: Sequence[Column], fill: str | Mapping[str, float]) -> dict[Column, float]:
    """Return what stands in a column for a customer whom its table does not have."""
    if isinstance(fill, str):
        counts = [column for column in columns if _is_count(column.own) and table.schema[column.inner].is_numeric()]
        return dict.fromkeys(counts, 0) if fill == "counts" else {}
    by_name = {column.final: column for column in columns}
    for name in fill:
        if name not in by_name:
            raise missing_column("fill", name, by_name)
        if not table.schema[by_name[name].inner].is_numeric():
            raise InvalidInput(f"fill names column {name!r}, which holds no numbers; name columns of numbers")
    return {by_name[name]: _number(name, value) for name, value in fill.items()}


def _number(name: str, value: object) -> float:
    """Return a value to fill as a plain number, which a value of NumPy is not; whole numbers stay whole."""
    try:
        number = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"fill gives {value!r} for column {name!r}; give a finite number")
    return int(number) if isinstance(value, Integral) and abs(number) <= EXACT else number


def _is_count(name: str) -> bool:
    return name in COUNTS or name.startswith((TYPES, CHANNELS))


def _fill(column: Column, value: float) -> nw.Expr:
    there = nw.col(INSIDE + column.table) == 1
    return nw.when(there).then(nw.col(column.inner)).otherwise(nw.lit(value)).alias(column.inner)


def _renamed(columns: Sequence[Column]) -> dict[str, dict[str, str]]:
    renamed: dict[str, dict[str, str]] = {}
    for column in columns:
        if column.own != column.final:
            renamed.setdefault(column.table, {})[column.own] = column.final
    return renamed
