"""Any table in, as Polars on the host or cuDF on the device, and results back in the caller's library.

Host tables cross to Polars through Arrow (without a copy from PyArrow): one set of semantics for
missing values, text and time zones, on every core. Files are scanned, not read: what a computation
does not need never enters memory.
"""

import os
from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl
import pyarrow as pa

from gpuseg.backends import holder
from gpuseg.engines import is_dask
from gpuseg.errors import InvalidInput, listed
from gpuseg.io.dialect import UNREADABLE, unreadable
from gpuseg.io.files import scan_files
from gpuseg.io.parted import PartedTable
from gpuseg.io.write import write_frame
from gpuseg.settings import say

Frame = nw.DataFrame[Any]
Lazy = nw.LazyFrame[Any]

CALLERS_OWN = (nw.exceptions.ColumnNotFoundError, nw.exceptions.DuplicateError, nw.exceptions.InvalidOperationError)
"""What a wrong expression raises: no fault of the file."""
NO_ARROW = (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError)
"""What a column that Arrow or Polars cannot hold raises."""


class Opened(NamedTuple):
    """A table to compute on, and the way back: a function from an eager frame to the caller's library."""

    frame: Frame | Lazy
    give_back: Callable[[Frame], Any]
    source: str

    def eager(self) -> Frame:
        """Return the table in memory; raise InvalidFile where its file turns out to be damaged."""
        return collected(self.frame, self.source) if isinstance(self.frame, nw.LazyFrame) else self.frame


def collected(frame: Lazy, source: str = "the input") -> Frame:
    """Return the rows of a lazy frame in memory; raise InvalidFile where its file turns out to be damaged.

    A file is read when its rows are needed: only then can its damage be seen. ``source`` is what
    the error names.
    """
    try:
        return frame.collect()
    except CALLERS_OWN:
        raise
    except (nw.exceptions.NarwhalsError, *UNREADABLE) as error:
        raise unreadable(source, error) from error


def open_table(source: Any, *, text: bool = False) -> Opened:
    """Return a table ready to compute on, from a path, a glob, a folder, any frame, or an Arrow stream.

    A file or a lazy frame of Polars stays lazy. ``text`` reads every column of a CSV as text, which
    spares the passes that find types. Names of columns become text; an index of pandas is left out,
    and one with a name is said; a column of pandas that mixes text and numbers is read as text, and
    said; categories of text that have an order keep it, as an Enum. Results given back to pandas have
    its default types. Raises InvalidFile for a file that cannot be read, InvalidInput for an object that is no table.

    >>> import polars as pl
    >>> open_table(pl.DataFrame({"a": [1, 2]})).eager().shape
    (2, 1)
    """
    if isinstance(source, str | os.PathLike):
        return Opened(nw.from_native(scan_files(source, text=text)), _to_polars, os.fspath(source))
    if isinstance(source, nw.DataFrame | nw.LazyFrame):
        source = source.to_native()
    if isinstance(source, PartedTable):
        return Opened(nw.from_native(source.to_polars()), _to_polars, "a table in parts")
    if is_dask(source):
        raise InvalidInput(
            f"got a Dask {type(source).__name__}; pass X.compute(), a path to its files, or a Dask array to KMeans"
        )
    where = f"a {type(source).__module__.partition('.')[0]} {type(source).__name__}"
    if isinstance(source, pl.LazyFrame):
        return Opened(nw.from_native(source), _to_polars, where)
    frame = _frame(source, where)
    if frame is None:
        return Opened(nw.from_native(_from_stream(source, where)), _to_polars, where)
    if holder(source) is not None:  # a table on a device stays there
        return Opened(frame, lambda result: result.to_native(), where)
    return Opened(nw.from_native(_in_polars(frame, where)), _giver(frame), where)


def read_table(source: Any) -> Any:
    """Return a table in memory: a path is read into Polars, any other table comes back as it is.

    >>> import polars as pl
    >>> read_table(pl.DataFrame({"a": [1, 2]})).height
    2
    """
    opened = open_table(source)
    return opened.give_back(opened.eager())


def write_table(table: Any, path: str | Path) -> Path:
    """Write a table as CSV, Parquet or Arrow by the path's ending, whole or not at all; return the path.

    Raises InvalidFile where the path cannot be written.
    """
    return write_frame(open_table(table).eager().to_polars(), Path(path).expanduser())


def unique_names(names: list[str], where: str) -> None:
    """Raise InvalidInput where two columns of a table share a name."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"{where} has columns of the same name, {listed(twice)}; rename one of each")


def _frame(source: Any, where: str) -> Frame | None:
    """Return an eager frame of a library that Narwhals knows, else None."""
    try:
        frame = nw.from_native(source, pass_through=True)
        if isinstance(frame, nw.LazyFrame):
            frame = collected(frame, where)
        if not isinstance(frame, nw.DataFrame):
            return None
        unique_names([str(name) for name in frame.columns], where)
    except nw.exceptions.DuplicateError as error:
        why = " ".join(str(error).split())
        raise InvalidInput(f"{where} has columns of the same name ({why}); rename one of each") from error
    return frame


def _in_polars(frame: Frame, where: str) -> pl.DataFrame:
    native = frame.to_native()
    if isinstance(native, pl.DataFrame):
        return native
    if not isinstance(native, pa.Table):
        _say_index(native, where)
    try:
        return _from_arrow(native if isinstance(native, pa.Table) else _from_pandas(frame.to_pandas(), where))
    except NO_ARROW as error:
        why = str(error.args[-1]).splitlines()[0]  # the last one names the column, those before may quote a value
        sentence = f"{where} has a column whose values are not of one kind that a table can hold ({why})"
        raise InvalidInput(f"{sentence}; make it numbers, text, dates or true and false, or leave it out") from error


def _from_pandas(frame: Any, where: str) -> pa.Table:
    """Return a pandas frame as Arrow: NaN is missing, and a column that mixes text and numbers is text.

    Excel gives such columns: 536365 beside "C536379". They are looked for only where Arrow refuses the frame.
    """
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException:
        mixed = [name for name in frame.columns if _mixes_text_and_numbers(frame[name])]
        if not mixed:
            raise
        frame = frame.copy(deep=False)
        for name in mixed:
            frame[name] = _as_text(frame[name])
        table = pa.Table.from_pandas(frame, preserve_index=False)
        say(f"{where}: text and numbers are mixed in {listed(mixed)}, read as text")
        return table


def _mixes_text_and_numbers(column: Any) -> bool:
    if column.dtype != object:
        return False
    kinds = set(column.dropna().map(type))
    return str in kinds and all(issubclass(kind, str | Real) and kind is not bool for kind in kinds)


def _as_text(column: Any) -> Any:
    """Return a pandas column as text, missing where it was, whole numbers without a point."""
    return column.map(lambda value: str(int(value)) if _is_whole(value) else str(value), na_action="ignore")


def _is_whole(value: Any) -> bool:
    return isinstance(value, Real) and value % 1 == 0


def _from_arrow(table: pa.Table) -> pl.DataFrame:
    """Return an Arrow table as Polars; categories of text that have an order are an Enum, which keeps it."""
    frame = pl.DataFrame(table)
    named = [name for name, dtype in frame.schema.items() if dtype == pl.Categorical]
    ordered = [name for name in named if table.schema.field(name).type.ordered and table.column(name).num_chunks]
    return frame.with_columns(pl.col(name).cast(pl.Enum(_levels(table.column(name)))) for name in ordered)


def _levels(column: pa.ChunkedArray) -> list[str]:
    levels = (level for chunk in column.chunks for level in chunk.dictionary.to_pylist())
    return list(dict.fromkeys(level for level in levels if level is not None))


def _say_index(native: Any, where: str) -> None:
    """Say that a named index is left out: it may be the customers' ids."""
    if names := [name for name in getattr(getattr(native, "index", None), "names", []) if name is not None]:
        say(f"{where}: the index {listed(names)} is no column and is left out; reset_index() makes it one")


def _from_stream(source: Any, where: str) -> pl.DataFrame:
    if not (hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")):
        raise InvalidInput(
            f"got {where}, which is no table; pass a path, a pandas, Polars, PyArrow or cuDF frame, or an Arrow stream"
        )
    try:
        table = pa.table(source)
        unique_names(table.column_names, where)
        return _from_arrow(table)
    except InvalidInput:
        raise
    except NO_ARROW as error:
        raise InvalidInput(
            f"{where} gives no table through its Arrow stream ({error}); pass a stream of rows"
        ) from error


def _to_polars(result: Frame) -> pl.DataFrame:
    return result.to_polars()


def _giver(original: Frame) -> Callable[[Frame], Any]:
    library = original.implementation
    if library.is_polars():
        return _to_polars
    if library.is_pyarrow():
        return lambda result: result.to_arrow()
    if library.is_pandas():
        return lambda result: result.to_pandas()
    return lambda result: nw.from_arrow(result.to_arrow(), backend=library).to_native()
