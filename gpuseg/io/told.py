"""What files say of themselves before their rows are read: columns, how many rows, between which ids."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from gpuseg.io.dialect import CHUNK, GZIP, UNREADABLE, dialect_of, unreadable
from gpuseg.io.files import Source, found, kind_of, said, scan_files
from gpuseg.io.schemas import same_columns

PACKED = 31
"""zlib's word for the header of gzip."""


class Told(NamedTuple):
    """Columns, rows, files and their bytes; ``exact``: the rows stand in the files, and are not guessed by size."""

    columns: tuple[str, ...]
    rows: int
    exact: bool
    files: tuple[Path, ...]
    bytes: int


def told_of(source: Source) -> Told:
    r"""Return what the files of a path, a folder or a glob say of themselves; of a CSV only the beginning is read.

    Raises InvalidFile for what is missing, empty or no such file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("id,x\n1,2\n3,4\n")
    >>> told_of(path)[:3]
    (('id', 'x'), 2, False)
    """
    paths = found(source)
    size = sum(path.stat().st_size for path in paths)
    if kind_of(paths[0]) == "CSV":
        names = [dialect_of(path, chunks=1).columns for path in paths]
        for path, own in zip(paths, names, strict=True):
            same_columns(paths[0], names[0], path, own)
        return Told(names[0], sum(map(_lines, paths)), exact=False, files=tuple(paths), bytes=size)
    rows = scan_files(source)
    try:
        count = int(rows.select(pl.len()).collect().item())
    except UNREADABLE as error:
        raise unreadable(said(source), error) from error
    return Told(tuple(rows.collect_schema()), count, exact=True, files=tuple(paths), bytes=size)


def ends_of(paths: Sequence[Path], column: str) -> tuple[int, int] | None:
    """Return the least and the greatest whole number of a column, where the footers of Parquet files say them.

    None where one does not, and for files of another kind.
    """
    if any(kind_of(path) != "Parquet" for path in paths):
        return None
    ends = [end for path in paths for end in _footer_ends(path, column)]
    if not all(isinstance(least, int) and isinstance(most, int) for least, most in ends):
        return None
    return min((least for least, _ in ends), default=0), max((most for _, most in ends), default=0)


def _footer_ends(path: Path, column: str) -> Iterator[tuple[Any, Any]]:
    """Give the least and the greatest value of a column in each row group with rows, as the footer says, else None."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            about = file.metadata
    except (OSError, ArrowException) as error:
        raise unreadable(path, error, kind="Parquet") from error
    for group in (about.row_group(number) for number in range(about.num_row_groups)):
        chunks = (group.column(number) for number in range(group.num_columns))
        found = next((chunk.statistics for chunk in chunks if chunk.path_in_schema == column), None)
        if group.num_rows:
            yield (found.min, found.max) if found is not None and found.has_min_max else (None, None)


def _lines(path: Path) -> int:
    """Return about how many lines follow the header: as many for each byte as there are at the beginning."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = read = file.read(CHUNK)
    if head.startswith(GZIP):
        try:
            head = zlib.decompressobj(PACKED).decompress(read)
        except zlib.error as error:
            raise unreadable(path, error, kind="CSV") from error
    ends = head.count(b"\n") or head.count(b"\r")
    return max(round(size / len(read) * (ends + (size == len(read) and not head.endswith((b"\n", b"\r"))))) - 1, 0)
