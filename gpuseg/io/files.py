"""Scan files lazily: CSV with its delimiter, encoding and byte-order mark found, Parquet, Arrow."""

import glob
import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa

from gpuseg.errors import GpusegError, InvalidFile, listed, nearest_hint
from gpuseg.io.csv_files import scan_csv
from gpuseg.io.dialect import UNREADABLE, unreadable
from gpuseg.io.schemas import agreed, escaped, exactly
from gpuseg.io.write_parts import check_whole

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
KINDS = {"Parquet": PARQUET, "Arrow": ARROW, "CSV": TEXT}
Source = str | os.PathLike[str]


def scan_files(source: Source, *, text: bool = False) -> pl.LazyFrame:
    """Return the rows of a file, of a folder of Parquet files, or of a glob, not yet read.

    ``text`` leaves every column of a CSV as text. Raises InvalidFile for what is missing, empty or corrupt.
    """
    kind = "a table"
    try:
        paths = found(source)
        kind = kind_of(paths[0])
        if kind == "CSV":
            return scan_csv(paths, text=text)
        parquet = partial(scan_parquet, keyed=is_keyed(source, paths))
        return _joined(paths, scan_arrow if kind == "Arrow" else parquet)
    except GpusegError:
        raise
    except UNREADABLE as error:
        raise unreadable(os.fspath(source), error, kind=kind) from error


def found(source: Source | Sequence[Source]) -> list[Path]:
    """Return the files that a path, a folder or a glob names, or a list of such, in order of name.

    ``~`` is the user's home. Raises InvalidFile where nothing is found, and where the files are not of one kind.
    """
    sources = [source] if isinstance(source, str | os.PathLike) else source
    paths = list(dict.fromkeys(path for one in sources for path in _named(one)))
    endings = sorted({ending_of(p) for p in paths})
    if len({kind_of(p) for p in paths}) > 1 or kind_of(paths[0]) == "":
        known = [ending for kind in KINDS.values() for ending in kind]
        raise InvalidFile(
            f"{said(source)} ends in {listed(endings)}; give files of one kind, of {listed(known, most=len(known))}"
        )
    if empty := [p for p in paths if p.stat().st_size == 0]:
        raise InvalidFile(f"{empty[0]} is empty; give a file with a header and rows")
    return paths


def said(source: Source | Sequence[Source]) -> str:
    """Return the words for a path, or for a list of paths.

    >>> said(["a.csv", "b.csv", "c.csv"])
    'a.csv and 2 more'
    """
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return os.fspath(source[0]) + (f" and {len(source) - 1} more" if source[1:] else "")


def _named(source: Source) -> list[Path]:
    path = Path(os.path.expanduser(source))  # noqa: PTH111 - Path's own raises for a user that is not there
    if path.is_dir():
        if paths := _parquet_in(path):
            check_whole(path)
            return paths
        raise InvalidFile(f"{source} is a folder without a Parquet file; give a file, or a folder that holds some")
    if path.exists():
        return [path]
    hits = [Path(hit) for hit in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - any pattern
    if paths := list(dict.fromkeys(p for hit in hits for p in (_parquet_in(hit) if hit.is_dir() else [hit]))):
        return paths
    raise InvalidFile(f"{source} does not exist; check the path{_neighbours(path)}")


def ending_of(path: Path) -> str:
    """Return the ending of a name in lower case, that of a packed file with what is packed.

    >>> ending_of(Path("2024.sales.CSV.gz"))
    '.csv.gz'
    """
    parts = [part.lower() for part in path.suffixes[-2:]]
    return "".join(parts) if parts[-1:] == [".gz"] else "".join(parts[-1:])


def kind_of(path: Path) -> str:
    """Return "Parquet", "Arrow" or "CSV" by the ending of a name, else nothing."""
    return next((kind for kind, endings in KINDS.items() if ending_of(path) in endings), "")


def _joined(paths: list[Path], scan: Callable[[Path], pl.LazyFrame]) -> pl.LazyFrame:
    """Return the rows of files one after the other; whole numbers and decimals may meet in a column."""
    scans, schemas = zip(*(_looked_at(path, scan) for path in paths), strict=True)
    names = list(agreed(paths, schemas))
    if len(scans) == 1:
        return scans[0]
    how = "vertical" if all(a == b for a, b in pairwise(schemas)) else "vertical_relaxed"
    return pl.concat([frame.select(exactly(*names)) for frame in scans], how=how)  # type: ignore[arg-type]


def _looked_at(path: Path, scan: Callable[[Path], pl.LazyFrame]) -> tuple[pl.LazyFrame, pl.Schema]:
    """Return the rows of one of the files, not yet read, and their types; raise InvalidFile with its name."""
    try:
        frame = scan(path)
        return frame, frame.collect_schema()
    except UNREADABLE as error:
        raise unreadable(path, error, kind=kind_of(path)) from error


def is_keyed(source: Source | Sequence[Source], paths: Sequence[Path]) -> bool:
    """Return whether folders below the source are named ``key=value``, and are a column of the rows in them."""
    if not isinstance(source, str | os.PathLike):
        return False
    depth = len(Path(os.path.expanduser(source)).parts)  # noqa: PTH111
    return any("=" in part for path in paths for part in path.parts[depth:-1])


def scan_parquet(path: Path, *, keyed: bool = False) -> pl.LazyFrame:
    """Return the rows of one Parquet file, not yet read."""
    return pl.scan_parquet(escaped(path), hive_partitioning=keyed)


def scan_arrow(path: Path) -> pl.LazyFrame:
    """Return the rows of an Arrow file; those of the stream format are mapped into memory."""
    with path.open("rb") as file:
        if file.read(6) == b"ARROW1":
            return pl.scan_ipc(escaped(path))
    try:
        return pl.DataFrame(pa.ipc.open_stream(pa.memory_map(str(path))).read_all()).lazy()
    except pa.ArrowInvalid as error:
        raise unreadable(path, error, kind="Arrow") from error


def _parquet_in(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder, without those that a writer hides or left behind half done."""
    paths = (p for p in folder.rglob("*") if p.suffix.lower() in PARQUET and p.is_file())
    return sorted(p for p in paths if not any(part[0] in "._" for part in p.relative_to(folder).parts))


def _neighbours(path: Path) -> str:
    folder = path.parent
    return nearest_hint(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ""
