"""A table in parts on the workers of a cluster: what a computation over workers gives for files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import narwhals as nw
import polars as pl

from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput, listed
from gpuseg.html import Text, table_html
from gpuseg.io.outputs import together
from gpuseg.io.write_parts import check_parts_writable, write_parts

SHOWN = 8
"""Columns that a representation names."""


class PartedTable:
    """A table whose rows stay on the workers, in parts; pass it wherever a table is taken.

    ``columns`` are its names, ``len()`` its rows. ``to_dask()`` gives a Dask DataFrame, a partition a part, and
    ``to_polars()`` brings the rows here. The rows are held as long as the table is, and the cluster runs.

    >>> from gpuseg.engines.parts import LocalParts
    >>> PartedTable.of(LocalParts.of([pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})]))
    PartedTable(3 rows in 2 parts; columns 'a')
    """

    def __init__(self, parts: Parts, schema: Mapping[str, Any], sizes: Sequence[int]) -> None:
        self.parts = parts
        self.schema = dict(schema)
        self.sizes = tuple(sizes)

    @classmethod
    def of(cls, parts: Parts) -> "PartedTable":
        """Return the table of these parts, worked out and held where they are."""
        held = parts.kept()
        looks = held.collect(shape_of)
        return cls(held, looks[0][0], [rows for _, rows in looks])

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.schema)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(self.sizes)

    def to_polars(self) -> pl.DataFrame:
        """Return all rows here, part by part.

        >>> from gpuseg.engines.parts import LocalParts
        >>> PartedTable.of(LocalParts.of([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [3]})])).to_polars().rows()
        [(1,), (3,)]
        """
        return pl.concat(self.parts.collect(on_host))

    def write(self, path: str | Path) -> Path:
        """Write the table as a folder of Parquet files, one a part, by the workers, whole or not at all; return it.

        A manifest, ``_manifest.json``, lists parts, rows and columns. A folder that was so written is replaced.
        Raises InvalidFile where this process or a worker cannot write there.
        """
        folder = Path(path).expanduser()
        check_parts_writable(folder)
        with together() as place:
            write_parts(self.parts, place(folder))
        return folder

    def to_dask(self) -> Any:
        """Return a Dask DataFrame of pandas frames, a partition a part; they stay on the workers."""
        from gpuseg.engines.dask_frames import frame_of

        (like,) = self.parts.chosen([0]).collect(empty_in_pandas)
        return frame_of(self.parts.map(in_pandas), like)

    def __reduce__(self) -> NoReturn:
        """Raise InvalidInput: the rows are on the workers."""
        raise InvalidInput("a table on workers cannot be pickled; keep it by write(path), or pickle to_polars()")

    def __repr__(self) -> str:
        """Return how many rows, parts and columns there are."""
        return f"PartedTable({self._sentence()}; columns {listed(self.columns, most=SHOWN)})"

    def _repr_html_(self) -> str:
        """Return the columns and their types as an HTML table, for a notebook."""
        rows = [[Text(name), Text(str(kind))] for name, kind in self.schema.items()]
        remark = "to_polars() brings the rows here, to_dask() gives a Dask DataFrame"
        return table_html(f"A table of {self._sentence()}", [Text("column"), Text("type")], rows, [remark])

    def _sentence(self) -> str:
        parts = len(self.sizes)
        return f"{len(self):,} rows in {parts:,} part{'s' if parts != 1 else ''}"


def shape_of(part: nw.DataFrame[Any]) -> tuple[dict[str, Any], int]:
    """Return the types of a part, as its own library names them, and its rows."""
    native = part.to_native()
    return dict(native.schema if isinstance(native, pl.DataFrame) else part.schema), len(part)


def on_host(part: nw.DataFrame[Any]) -> pl.DataFrame:
    """Return a part as Polars."""
    return part.to_polars()


def in_pandas(part: nw.DataFrame[Any]) -> Any:
    """Return a part as pandas; one on a device stays there."""
    return part.to_pandas() if part.implementation.is_polars() else part


def empty_in_pandas(part: nw.DataFrame[Any]) -> Any:
    """Return an empty frame as the part is in pandas, or on its device."""
    return in_pandas(part.head(0))
