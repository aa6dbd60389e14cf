"""Customer tables in parts, one where the table is in memory: opened, and their ids checked."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl
from array_api_compat import is_array_api_obj

from gpuseg.backends import to_host
from gpuseg.cluster import Assignment
from gpuseg.engines import is_dask, is_files
from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import LocalParts, Parts
from gpuseg.engines.shards import count_for, cut_by, stacked
from gpuseg.errors import InvalidInput, listed, missing_column
from gpuseg.io import open_table
from gpuseg.io.parted import PartedTable
from gpuseg.io.parts import in_parts, open_parts
from gpuseg.io.tables import Frame

EXAMPLES = 3
"""Ids that repeat, of which an error tells."""


class Customers(NamedTuple):
    """A customer table in parts, one where it is here; what a Preprocessor takes; the way back to the caller's kind.

    ``sizes`` are the rows of each part; ``give_back`` takes frames in parts, ``give_small`` one frame.
    """

    parts: Parts
    table: Any
    names: Sequence[str]
    sizes: Sequence[int]
    give_back: Callable[[Parts], Any]
    give_small: Callable[[pl.DataFrame], Any]

    @property
    def here(self) -> bool:
        """Return whether the rows are in this process."""
        return self.parts.name == "local"


def opened_customers(x: Any, engine: Any = "auto") -> Customers:
    """Return a customer table ready to be worked on; an array of numbers gets columns x0, x1, ..."""
    if is_array_api_obj(x) and not is_dask(x):
        values = np.asarray(to_host(x))
        if values.ndim != 2:  # noqa: PLR2004 - a table
            raise InvalidInput(f"X has shape {values.shape}; pass two dimensions, customers and columns")
        x = pl.DataFrame(values, schema=[f"x{i}" for i in range(values.shape[1])])
    return _on_workers(x, engine) if in_parts(x, engine) else _here(x)


def _on_workers(x: Any, engine: Any) -> Customers:
    opened = open_parts(x, engine)
    # The tasks of a collection may be any work; files are read again instead.
    parts = opened.parts.kept() if is_dask(x) else opened.parts
    table = PartedTable(parts, opened.schema, opened.sizes)

    def give_small(table: pl.DataFrame) -> Any:
        if isinstance(x, PartedTable | os.PathLike) or is_files(x):
            return table
        return table.to_pandas() if is_dask(x) else opened.give_back(LocalParts.of([table]))

    return Customers(parts, table, opened.names, opened.sizes, opened.give_back, give_small)


def _here(x: Any) -> Customers:
    opened = open_table(x)
    frame = opened.eager()

    def give_back(parts: Parts) -> Any:
        (table,) = parts.collect(nw.to_native)
        return opened.give_back(nw.from_native(table))

    def give_small(table: pl.DataFrame) -> Any:
        return opened.give_back(nw.from_native(table))

    return Customers(LocalParts.of([frame]), frame, frame.columns, [len(frame)], give_back, give_small)


def some_of(customers: Customers, parts: Parts) -> Customers:
    """Return some of the customers; ``parts`` are those of their table with no more than their rows."""
    held = parts.kept()
    sizes: list[int] = held.collect(len)
    if customers.here:
        (frame,) = held.collect(itself)
        return customers._replace(parts=held, table=nw.from_native(frame), sizes=sizes)
    there = [at for at, rows in enumerate(sizes) if rows]
    chosen, sizes = held.chosen(there), [sizes[at] for at in there]
    return customers._replace(parts=chosen, table=PartedTable(chosen, customers.table.schema, sizes), sizes=sizes)


def check_ids(customers: Customers, id_column: str | None) -> None:
    """Raise InvalidInput where there are no customers, or where an id is missing or stands twice."""
    rows = sum(customers.sizes)
    if not rows:
        raise InvalidInput("the customer table has no rows; give one with customers")
    if id_column is None:
        return
    if id_column in Assignment._fields:
        raise InvalidInput(f"id_column={id_column!r} is also a column of the result; rename the column of ids")
    if id_column not in customers.names:
        raise missing_column("id_column", id_column, customers.names)
    ids = customers.parts.map(ids_of, id_column)
    if missing := ids.reduce(_without_id, sum):
        raise InvalidInput(f"column {id_column!r} is missing in {missing:,} of {rows:,} rows; give each row an id")
    apart = ids if ids.count == 1 else ids.map(_hashable).exchange(cut_by, stacked, count_for(rows), id_column)
    met: list[Repeats] = apart.collect(_repeats)
    if twice := sum(part.rows for part in met):
        examples = listed([example for part in met for example in part.examples][:EXAMPLES])
        raise InvalidInput(
            f"column {id_column!r} repeats ids in {twice:,} of {rows:,} rows, such as {examples}; "
            "keep one row a customer"
        )


def check_value(customers: Customers, value_column: str | None) -> None:
    """Raise InvalidInput where what customers are worth is no column of numbers."""
    if value_column is None:
        return
    if value_column not in customers.names:
        raise missing_column("value_column", value_column, customers.names)
    customers.parts.chosen([0]).collect(_refuse_words, value_column)  # parts have one type


class Repeats(NamedTuple):
    """How many rows repeat the id of another, and some of these ids."""

    rows: int
    examples: list[Any]


def ids_of(frame: Frame, id_column: str) -> Frame:
    """Return the column of ids; raise InvalidInput where it is of a kind that cannot be compared."""
    ids = frame[id_column]
    if ids.dtype.is_nested():
        raise InvalidInput(f"column {id_column!r} holds {ids.dtype}; give a column of numbers or text as ids")
    return ids.to_frame()


def _without_id(ids: Frame) -> int:
    return int(_gaps(ids[ids.columns[0]]).sum())


def _hashable(ids: Frame) -> Frame:
    """Return ids as whole numbers or text, equal where they were."""
    kind = ids[ids.columns[0]].dtype
    return ids if kind.is_integer() or kind == nw.String else ids.select(nw.all().cast(nw.String))


def _repeats(ids: Frame) -> Repeats:
    column = ids[ids.columns[0]]
    if not (rows := len(column) - column.n_unique()):
        return Repeats(0, [])
    return Repeats(rows, column.filter(column.is_duplicated()).unique(maintain_order=True).head(EXAMPLES).to_list())


def _refuse_words(frame: Frame, value_column: str) -> None:
    if not (kind := frame[value_column].dtype).is_numeric():
        raise InvalidInput(f"column {value_column!r} holds {kind}; give a column of numbers as value_column")


def _gaps(ids: nw.Series[Any]) -> nw.Series[Any]:
    """Return where an id is missing: null, not a number, or blank."""
    if ids.dtype == nw.String:
        return ids.is_null() | (ids.str.strip_chars() == "").fill_null(value=True)
    return ids.is_null() | ids.is_nan().fill_null(value=True) if ids.dtype.is_float() else ids.is_null()
