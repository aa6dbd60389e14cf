"""Any table in, as Polars on the host or cuDF on the device, and results back in the caller's library.

Host tables cross to Polars through Arrow (without a copy from PyArrow): one set of semantics for
missing values, text and time zones, on every core. Files are scanned, not read: what a computation
does not need never enters memory.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl
import pyarrow as pa

from gpuseg.backends import holder
from gpuseg.errors import InvalidInput
from gpuseg.io.files import scan_files
from gpuseg.io.write import write_frame

Frame = nw.DataFrame[Any]
Lazy = nw.LazyFrame[Any]


class Opened(NamedTuple):
    """A table to compute on, and the way back: a function from an eager frame to the caller's library."""

    frame: Frame | Lazy
    give_back: Callable[[Frame], Any]
    source: str

    def eager(self) -> Frame:
        """Return the table in memory."""
        return self.frame.collect() if isinstance(self.frame, nw.LazyFrame) else self.frame


def open_table(source: Any, *, text: bool = False) -> Opened:
    """Return a table ready to compute on, from a path, a glob, a folder, any frame, or an Arrow stream.

    A file or a lazy frame stays lazy. ``text`` reads every column of a CSV as text, which spares the
    pass that infers types. Raises InvalidFile for a file that cannot be read, InvalidInput for an
    object that is no table.

    >>> import polars as pl
    >>> open_table(pl.DataFrame({"a": [1, 2]})).eager().shape
    (2, 1)
    """
    if isinstance(source, str | Path):
        return Opened(nw.from_native(scan_files(source, text=text)), _to_polars, str(source))
    if isinstance(source, nw.DataFrame | nw.LazyFrame):
        source = source.to_native()
    where = f"a {type(source).__module__.partition('.')[0]} {type(source).__name__}"
    if isinstance(source, pl.LazyFrame):
        return Opened(nw.from_native(source), _to_polars, where)
    frame = nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        unique_names(frame.columns, where)
        if holder(source) is not None:  # a table on a device stays there
            return Opened(frame, lambda result: result.to_native(), where)
        return Opened(nw.from_native(_in_polars(frame)), _giver(frame), where)
    if hasattr(source, "__arrow_c_stream__"):
        return Opened(nw.from_native(_from_stream(source, where)), _to_polars, where)
    raise InvalidInput(
        f"got {where}, which is no table; pass a path, a pandas, Polars, PyArrow or cuDF frame, or an Arrow stream"
    )


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
    return write_frame(open_table(table).eager().to_polars(), Path(path))


def unique_names(names: list[str], where: str) -> None:
    """Raise InvalidInput where two columns of a table share a name."""
    if twice := sorted({str(name) for name in names if names.count(name) > 1}):
        raise InvalidInput(f"{where} has columns of the same name, {', '.join(map(repr, twice))}; rename one of each")


def _in_polars(frame: Frame) -> pl.DataFrame:
    native = frame.to_native()
    if isinstance(native, pl.DataFrame):
        return native
    try:
        # pandas' float NaN stands for a missing value, and so it is one here.
        table = native if isinstance(native, pa.Table) else pa.Table.from_pandas(frame.to_pandas(), preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        sentence = str(error).splitlines()[0]
        raise InvalidInput(f"a column mixes kinds of values ({sentence}); make each column of one kind") from error
    return pl.DataFrame(table)


def _from_stream(source: Any, where: str) -> pl.DataFrame:
    try:
        return pl.DataFrame(pa.table(source))
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError) as error:
        raise InvalidInput(f"{where} gives no table through its Arrow stream ({error}); pass a stream of rows") from error


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
