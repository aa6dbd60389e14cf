"""The pieces of files that workers read: looked at where they are, each then loaded by itself.

A piece of Parquet is a run of row groups, of CSV and Arrow a file; small neighbours are a part together.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from gpuseg.engines.sites import unseen
from gpuseg.errors import GpusegError
from gpuseg.io.csv_files import CsvLook, common, csv_rows, look_at_csv
from gpuseg.io.dialect import UNREADABLE, unreadable
from gpuseg.io.files import kind_of, scan_arrow, scan_parquet
from gpuseg.io.schemas import Schema, agreed, exactly

ROWS = 1_000_000
"""Rows of a piece at most, where row groups allow it: with ten columns of numbers it takes 80 MB."""
SMALL = 100_000
"""Rows up to which neighbouring pieces are joined to a part: fewer are not worth a part of their own.

Of 100 files with 2,100 transactions each, over two workers, a part cost as much time as 10,000 to 20,000 rows.
"""


class Piece(NamedTuple):
    """Rows of one file: from where, and how many; ``csv`` says how a CSV file is written."""

    path: str
    kind: str
    start: int
    rows: int
    keyed: bool = False
    csv: CsvLook | None = None


class Look(NamedTuple):
    """What a file holds: its types, and its pieces."""

    types: Schema
    pieces: list[Piece]


def look_at(path: str, *, keyed: bool, text: bool) -> Look:
    """Return the types and the pieces of a file; only a CSV is read for it.

    Raises InvalidFile where the file cannot be seen from here, or is not what its ending says.
    """
    place, kind = seen(path), kind_of(Path(path))
    try:
        if kind == "CSV":
            look = look_at_csv(place, text=text)
            return Look(look.types, [Piece(path, kind, 0, look.rows, csv=look)] if look.rows else [])
        scan = scan_arrow(place) if kind == "Arrow" else scan_parquet(place, keyed=keyed)
        types = dict(scan.collect_schema())
        if kind == "Arrow":
            rows = int(scan.select(pl.len()).collect().item())
            return Look(types, [Piece(path, kind, 0, rows)] if rows else [])
        return Look(types, [Piece(path, kind, start, rows, keyed) for start, rows in _runs(_groups(place))])
    except GpusegError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error, kind=kind) from error


def types_of(paths: Sequence[str], looks: Sequence[Look]) -> Schema:
    """Return the types that hold the rows of all files; raise InvalidFile where their columns or types differ."""
    schemas = [look.types for look in looks]
    if kind_of(Path(paths[0])) == "CSV":
        agreed(paths, [dict.fromkeys(schema, pl.String()) for schema in schemas])  # the same names
        return common(schemas)
    return agreed(paths, schemas)


def joined(pieces: Sequence[Piece], most: int) -> list[tuple[Piece, ...]]:
    """Return pieces by the part that they are read into, in order: neighbours of ``most`` rows at most are one.

    >>> pieces = [Piece("", "CSV", 0, rows) for rows in (6, 4, 1, 90, 7, 3)]
    >>> [[piece.rows for piece in part] for part in joined(pieces, 10)]
    [[6, 4], [1], [90], [7, 3]]
    """
    parts: list[list[Piece]] = []
    rows = 0
    for piece in pieces:
        rows += piece.rows
        if parts and rows <= most:
            parts[-1].append(piece)
        else:
            parts.append([piece])
            rows = piece.rows
    return [tuple(part) for part in parts]


def load(part: Sequence[Piece], *, columns: Sequence[str], types: Schema) -> pl.DataFrame:
    """Return the columns of the pieces of a part, of these types, in memory."""
    return pl.concat([_loaded(piece, columns, types) for piece in part])


def fitted(rows: pl.LazyFrame, columns: Sequence[str], types: Schema) -> pl.LazyFrame:
    """Return the columns of rows, cast where their types are others."""
    own = rows.collect_schema()
    casts = {name: types[name] for name in columns if own[name] != types[name]}
    return rows.select(exactly(*columns)).cast(casts)  # type: ignore[arg-type]


def seen(path: str) -> Path:
    """Return a path; raise InvalidFile where it is not to be seen from here."""
    place = Path(path)
    if not place.exists():
        raise unseen(path)
    return place


def _loaded(piece: Piece, columns: Sequence[str], types: Schema) -> pl.DataFrame:
    place = seen(piece.path)
    try:
        if piece.csv is not None:
            rows = csv_rows(place, piece.csv, types)
        elif piece.kind == "Arrow":
            rows = scan_arrow(place)
        else:
            rows = scan_parquet(place, keyed=piece.keyed).slice(piece.start, piece.rows)
        return fitted(rows, columns, types).collect()
    except UNREADABLE as error:
        raise unreadable(piece.path, error, kind=piece.kind) from error


def _groups(path: Path) -> list[int]:
    """Return the rows of every row group of a Parquet file."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            return [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    except ArrowException as error:
        raise unreadable(path, error, kind="Parquet") from error


def _runs(groups: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give where runs of row groups begin, and how many rows they have, empty ones left out.

    >>> list(_runs([400_000, 0, 500_000, 300_000, 2_000_000]))
    [(0, 900000), (900000, 300000), (1200000, 2000000)]
    """
    start = rows = 0
    for group in groups:
        if rows and rows + group > ROWS:
            yield start, rows
            start, rows = start + rows, 0
        rows += group
    if rows:
        yield start, rows
