"""Any table in parts for workers: files that they read, a Dask DataFrame, a frame of this process cut up."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl

from gpuseg.engines import check_engine, is_dask, is_files, site_of
from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput
from gpuseg.io.files import found, is_keyed, said
from gpuseg.io.parted import PartedTable, empty_in_pandas, in_pandas, shape_of
from gpuseg.io.pieces import ROWS, SMALL, Look, fitted, joined, load, look_at, types_of
from gpuseg.io.schemas import agreed
from gpuseg.io.tables import Frame, open_table
from gpuseg.io.text import Look as TextLook
from gpuseg.io.text import Scan, combined
from gpuseg.settings import say


class OpenedParts(NamedTuple):
    """A table in parts, none empty; its columns, and the way back: from parts to what the caller's kind of table is.

    ``schema`` has Polars' types, Narwhals' for parts on a device; ``sizes`` are the rows of each part. ``reload``
    gives the parts with some columns.
    """

    parts: Parts
    names: tuple[str, ...]
    give_back: Callable[[Parts], Any]
    source: str
    schema: dict[str, Any]
    sizes: tuple[int, ...]
    reload: Callable[[Sequence[str]], Parts]

    @property
    def on_host(self) -> bool:
        """Return whether the parts are Polars frames."""
        return all(isinstance(kind, pl.DataType) for kind in self.schema.values())

    def only(self, names: Sequence[str]) -> "OpenedParts":
        """Return the table with these columns: of files no others are read."""
        schema = {name: self.schema[name] for name in names}
        return self._replace(parts=self.reload(names), names=tuple(names), schema=schema)


class PartRows(NamedTuple):
    """The rows of parts on the host, to be looked at where they are."""

    parts: Parts

    def see(self, looks: Sequence[TextLook]) -> dict[str, Any]:
        """Return the value of every look by its name, from one walk."""
        values = [look.value.alias(look.name) for look in looks]
        return combined(looks, self.parts.collect(_seen, values)) if looks else {}

    def first(self, value: pl.Expr, count: int) -> pl.Series:
        """Return the first present values of an expression, at most ``count``, from no more parts than it takes."""
        found: list[pl.Series] = []
        for number in range(self.parts.count):
            (values,) = self.parts.chosen([number]).collect(_first, value, count)
            found.append(values)
            if sum(map(len, found)) >= count:
                break
        return pl.concat(found).head(count)


def in_parts(source: Any, engine: Any) -> bool:
    """Return whether a table is worked on in parts: where the engine is Dask, or "auto" and the table on workers.

    Raises as ``engines.site_of`` does.

    >>> in_parts("a.parquet", "auto"), in_parts("a.parquet", "dask")
    (False, True)
    """
    away = isinstance(source, PartedTable) or is_dask(source)
    check_engine(engine)
    if engine == "local" and isinstance(source, PartedTable):
        raise InvalidInput("engine='local' got a table on workers; use engine='auto', or pass its to_polars()")
    return engine not in ("auto", "local") or site_of(engine, lazy=away).name == "dask"


def open_parts(source: Any, engine: Any = "auto", *, text: bool = False) -> OpenedParts:
    """Return a table in parts that Dask works on: paths, a Dask DataFrame, a ``PartedTable``, any frame in memory.

    The input alone decides the parts: of Parquet a run of row groups of at most a million rows, of CSV and
    Arrow a file, small neighbours joined; of a Dask DataFrame a partition, of a frame in memory a million rows.
    Files are listed here, and read by the workers. ``text`` reads every column of a CSV as text. ``give_back`` makes
    a ``PartedTable`` for paths and for one, a Dask DataFrame for one, and brings the rows here for a frame of this
    process.

    Raises InvalidFile for a path that is missing here or that a worker cannot see, for a file that cannot be
    read, and where parts differ in columns or types; InvalidInput where there is no table, or no row.
    """
    site = site_of(engine, lazy=True)
    if isinstance(source, PartedTable):
        return _of_parts(source.parts, PartedTable.of, "a table in parts", source.schema, source.sizes)
    if isinstance(source, os.PathLike) or is_files(source):
        return _of_files(source, site, text=text)
    if is_dask(source):
        return _of_dask(source, site)
    return _of_memory(source, site)


def _of_files(source: Any, site: Any, *, text: bool) -> OpenedParts:
    from gpuseg.engines.dask_parts import DaskParts

    paths = found(source)
    look = partial(look_at, keyed=is_keyed(source, paths), text=text)
    looks: list[Look] = DaskParts.of(look, [str(path.absolute()) for path in paths], site=site).collect(itself)
    types = types_of([str(path) for path in paths], looks)
    pieces = [piece for one in looks for piece in one.pieces]
    for piece in pieces:
        if piece.csv is not None and piece.csv.dialect.encoding == "cp1252":
            say(f"{piece.path} is not UTF-8; it is read as Windows-1252")

    parts = _some_rows(joined(pieces, SMALL), said(source))

    def reload(names: Sequence[str]) -> Parts:
        return DaskParts.of(partial(load, columns=tuple(names), types=dict(types)), parts, site=site)

    sizes = tuple(sum(piece.rows for piece in part) for part in parts)
    return OpenedParts(reload(list(types)), tuple(types), PartedTable.of, said(source), dict(types), sizes, reload)


def _of_dask(source: Any, site: Any) -> OpenedParts:
    from gpuseg.engines.dask_parts import DaskParts

    where = f"a Dask {type(source).__name__}"
    if not hasattr(source, "to_delayed") or not hasattr(source, "columns"):
        raise InvalidInput(f"got {where}; pass a Dask DataFrame, or a Dask array to KMeans")
    from gpuseg.engines.dask_frames import frame_of, partitions_of

    values, like = partitions_of(source)
    open_table(like)  # says what of its index is left out, and refuses names that stand twice
    parts = DaskParts.of(_adopted, values, site=site)
    looks = parts.collect(shape_of)
    filled = [number for number, (_, rows) in enumerate(looks) if rows]
    schemas = [looks[number][0] for number in filled]
    _some_rows(filled, where)
    if all(isinstance(kind, pl.DataType) for schema in schemas for kind in schema.values()):
        types = dict(agreed([f"part {number}" for number in filled], schemas))
        parts = parts.map(_fitted, types)
    else:
        types = schemas[0]

    def give_back(made: Parts) -> Any:
        (empty,) = made.chosen([0]).collect(empty_in_pandas)
        return frame_of(made.map(in_pandas), empty)

    sizes = [rows for _, rows in looks if rows]
    return _of_parts(parts.chosen(filled), give_back, where, types, sizes)


def _of_memory(source: Any, site: Any) -> OpenedParts:
    from gpuseg.engines.dask_parts import DaskParts

    opened = open_table(source)
    frame = opened.eager()
    cuts = [frame[start : start + ROWS] for start in range(0, len(frame), ROWS)]
    parts = DaskParts.holding([nw.to_native(cut) for cut in _some_rows(cuts, opened.source)], site=site)

    def give_back(made: Parts) -> Any:
        return opened.give_back(nw.concat([nw.from_native(part) for part in made.collect(itself)]))

    schema, _ = shape_of(frame)
    return _of_parts(parts, give_back, opened.source, schema, [len(cut) for cut in cuts])


def _of_parts(
    parts: Parts, give_back: Callable[[Parts], Any], source: str, schema: dict[str, Any], sizes: Sequence[int]
) -> OpenedParts:
    def reload(names: Sequence[str]) -> Parts:
        return parts.map(_chosen, tuple(names))

    return OpenedParts(parts, tuple(schema), give_back, source, dict(schema), tuple(sizes), reload)


def _some_rows(parts: Sequence[Any], source: str) -> Sequence[Any]:
    if not parts:
        raise InvalidInput(f"{source} has no rows; give a table with some")
    return parts


def _seen(part: Frame, values: list[pl.Expr]) -> dict[str, Any]:
    return part.to_native().lazy().select(values).collect(engine="streaming").row(0, named=True)


def _first(part: Frame, value: pl.Expr, count: int) -> pl.Series:
    return Scan(part.to_native().lazy()).first(value, count)


def _adopted(partition: Any) -> Frame:
    """Return a partition as Polars; one on a device stays there."""
    return open_table(partition).eager()


def _fitted(part: Frame, types: dict[str, Any]) -> pl.DataFrame:
    return fitted(part.to_polars().lazy(), list(types), types).collect()


def _chosen(part: Frame, names: Sequence[str]) -> Frame:
    return part.select(*(part[name] for name in names))
