"""Scan files lazily: CSV with its delimiter, encoding and byte-order mark found, Parquet, Arrow."""

import glob
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from gpuseg.errors import GpusegError, InvalidFile, listed, nearest_hint
from gpuseg.io.dialect import UNREADABLE, Dialect, dialect_of, encoding_of, in_utf8, unreadable
from gpuseg.settings import log

__all__ = ["dialect_of", "encoding_of", "found", "scan_csv", "scan_files"]

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
KINDS = {"Parquet": PARQUET, "Arrow": ARROW, "CSV": TEXT}
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
HEAD = 1000
LEADING_ZERO = r"^[+-]?0\d"
DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
MOMENT = DAY + r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
DATES: dict[str, pl.DataType] = {
    f"^{DAY}$": pl.Date(),
    f"^{MOMENT}$": pl.Datetime("us"),
    rf"^{MOMENT}(Z|[+-]\d{{2}}:\d{{2}})$": pl.Datetime("us", "UTC"),
}
"""ISO 8601 is the one way to write a date that reads the same everywhere."""

Schema = Mapping[str, pl.DataType]


def scan_files(source: str | os.PathLike[str], *, text: bool = False) -> pl.LazyFrame:
    """Return the rows of a file, of a folder of Parquet files, or of a glob, not yet read.

    ``text`` leaves every column of a CSV as text. Raises InvalidFile for what is missing, empty or corrupt.
    """
    kind = "a table"
    try:
        paths = found(source)
        kind = kind_of(paths[0])
        if kind == "CSV":
            return scan_csv(paths, text=text)
        return _joined(paths, _scan_arrow if kind == "Arrow" else _parquet_scan(source, paths))
    except GpusegError:
        raise
    except UNREADABLE as error:
        raise unreadable(os.fspath(source), error, kind=kind) from error


def found(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files that a path, a folder or a glob names, in order of name; ``~`` is the user's home."""
    path = Path(os.path.expanduser(source))  # noqa: PTH111 - Path's own raises for a user that is not there
    if path.is_dir():
        paths = _parquet_in(path)
        if not paths:
            raise InvalidFile(f"{source} is a folder without a Parquet file; give a file, or a folder that holds some")
    elif path.exists():
        paths = [path]
    else:
        hits = [Path(hit) for hit in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - any pattern
        paths = list(dict.fromkeys(p for hit in hits for p in (_parquet_in(hit) if hit.is_dir() else [hit])))
        if not paths:
            raise InvalidFile(f"{source} does not exist; check the path{_neighbours(path)}")
    endings = sorted({ending_of(p) for p in paths})
    if len({kind_of(p) for p in paths}) > 1 or kind_of(paths[0]) == "":
        known = [ending for kind in KINDS.values() for ending in kind]
        raise InvalidFile(
            f"{source} ends in {listed(endings)}; give files of one kind, of {listed(known, most=len(known))}"
        )
    if empty := [p for p in paths if p.stat().st_size == 0]:
        raise InvalidFile(f"{empty[0]} is empty; give a file with a header and rows")
    return paths


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


def scan_csv(paths: Sequence[Path], *, text: bool = False) -> pl.LazyFrame:
    """Return the rows of CSV files, not yet read; what is not plain UTF-8 goes through a temporary copy.

    Types are found in all rows of all files. Whole numbers with a leading zero stay text, for an
    identifier would lose it; dates are ISO 8601 or stay text. A short line ends in missing values.
    """
    dialects = [dialect_of(path) for path in paths]
    for path, dialect in zip(paths, dialects, strict=True):
        log.info("%s: %s, delimiter %r", path, dialect.encoding, dialect.delimiter)
        _same_columns(paths[0], dialects[0].columns, path, dialect.columns)
    with ExitStack() as copies:
        scans = [_opened(path, dialect, copies) for path, dialect in zip(paths, dialects, strict=True)]
        types = {} if text else _common([_types(source, dialect) for source, dialect in scans])
        frames = [_rows(source, dialect, types) for source, dialect in scans]
    return pl.concat([frame.select(_exactly(*dialects[0].columns)) for frame in frames]) if frames[1:] else frames[0]


def _opened(path: Path, dialect: Dialect, copies: ExitStack) -> tuple[Any, Dialect]:
    """Return what to scan: the file, or a copy in UTF-8.

    Polars reads a blank line as it reads a row of empty fields: where a file has both, a copy has no blank line.
    """
    if dialect.readable:
        without_value = _check_lines(_escaped(path), dialect)
        if dialect.blank_lines in (0, without_value):
            return _escaped(path), dialect
    copy, dialect = copies.enter_context(in_utf8(path, dialect)), dialect._replace(blank_lines=0)
    _check_lines(copy, dialect)
    return copy, dialect


def _check_lines(source: Any, dialect: Dialect) -> int:
    """Parse all columns of all lines once, and return how many hold no value.

    Asked for some columns only, Polars passes over a line that is too long: its values stand one column off.
    """
    empty = pl.all_horizontal(pl.all().is_null())
    return int(_scan(source, dialect, infer_schema=False).select(empty.sum()).collect().item())


def _rows(source: Any, dialect: Dialect, types: Schema) -> pl.LazyFrame:
    frame = _scan(source, dialect, infer_schema=False, schema_overrides=dict(types))
    return frame.filter(~pl.all_horizontal(pl.all().is_null())) if dialect.blank_lines else frame


def _scan(source: Any, dialect: Dialect, **options: Any) -> pl.LazyFrame:
    return pl.scan_csv(source, separator=dialect.delimiter, eol_char=dialect.line_end, null_values=NULLS, **options)


def _types(source: Any, dialect: Dialect) -> Schema:
    """Return the type of each column of a CSV file: Polars' guess over all rows, corrected by a second look.

    Polars' own search for dates takes 02/01/2020 for one, and twenty times as long. A column of no values is Null.
    """
    guess = dict(_scan(source, dialect, infer_schema_length=None).collect_schema())
    rows = _scan(source, dialect, infer_schema=False)
    whole = [name for name, kind in guess.items() if kind.is_integer()]
    words = [name for name, kind in guess.items() if kind == pl.String]
    zeros = [_exactly(name).str.contains(LEADING_ZERO).any() for name in whole]
    nothing = [_exactly(name).is_null().all() for name in words]
    found_so = rows.select(*zeros, *nothing).collect().row(0, named=True) if whole or words else {}
    huge = {name: pl.String() for name, kind in guess.items() if kind == pl.Int128}
    padded = {name: pl.String() for name in whole if found_so[name]}
    missing = {name: pl.Null() for name in words if found_so[name]}
    looks = _holding([(name, form) for name in words for form in DATES], rows.head(HEAD))
    return guess | huge | padded | missing | {name: DATES[form] for name, form in _holding(looks, rows)}


def _holding(looks: list[tuple[str, str]], rows: pl.LazyFrame) -> list[tuple[str, str]]:
    """Return the pairs of column and form where all values, of at least one, have the form and are days."""
    if not looks:
        return []
    held = [_holds(_exactly(name), form).alias(str(number)) for number, (name, form) in enumerate(looks)]
    return [look for look, holds in zip(looks, rows.select(held).collect().row(0), strict=True) if holds]


def _holds(column: pl.Expr, form: str) -> pl.Expr:
    is_day = column.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).is_not_null()
    return column.is_not_null().any() & (column.is_null() | (column.str.contains(form) & is_day)).all()


def _common(schemas: Sequence[Schema]) -> Schema:
    """Return the types that hold the values of all files; a column without values is text."""
    wide = {name: reduce(_wider, (schema[name] for schema in schemas)) for name in schemas[0]}
    return {name: pl.String() if kind == pl.Null else kind for name, kind in wide.items()}


def _wider(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    if other in (one, pl.Null):
        return one
    if one == pl.Null:
        return other
    return pl.Float64() if one.is_numeric() and other.is_numeric() else pl.String()


def _joined(paths: list[Path], scan: Callable[[Path], pl.LazyFrame]) -> pl.LazyFrame:
    """Return the rows of files one after the other; whole numbers and decimals may meet in a column."""
    scans = [scan(path) for path in paths]
    schemas = [frame.collect_schema() for frame in scans]
    if not schemas[0]:
        raise InvalidFile(f"{paths[0]} has no columns; give a file with a table in it")
    for path, schema in zip(paths, schemas, strict=True):
        _same_columns(paths[0], schemas[0].names(), path, schema.names())
        _same_types(paths[0], schemas[0], path, schema)
    if len(scans) == 1:
        return scans[0]
    how = "vertical" if all(a == b for a, b in pairwise(schemas)) else "vertical_relaxed"
    return pl.concat([frame.select(_exactly(*schemas[0])) for frame in scans], how=how)  # type: ignore[arg-type]


def _same_columns(first: Path, expected: Sequence[str], path: Path, names: Sequence[str]) -> None:
    if differing := sorted(set(expected) ^ set(names)):
        raise InvalidFile(f"{path} and {first} differ in the columns {listed(differing)}; give files of one table")


def _same_types(first: Path, expected: Schema, path: Path, types: Schema) -> None:
    for name, kind in types.items():
        was = expected[name]
        alike = kind.base_type() == was.base_type() or (kind.is_numeric() and was.is_numeric())
        if not alike and pl.Null not in (kind, was):
            raise InvalidFile(f"{name!r} is {kind} in {path} and {was} in {first}; write both with one type")


def _parquet_scan(source: str | os.PathLike[str], paths: list[Path]) -> Callable[[Path], pl.LazyFrame]:
    """Return the scan of one Parquet file; folders named ``key=value`` below the source are a column."""
    depth = len(Path(os.path.expanduser(source)).parts)  # noqa: PTH111
    keyed = any("=" in part for path in paths for part in path.parts[depth:-1])
    return lambda path: pl.scan_parquet(_escaped(path), hive_partitioning=keyed)


def _scan_arrow(path: Path) -> pl.LazyFrame:
    """Return the rows of an Arrow file; those of the stream format are mapped into memory."""
    with path.open("rb") as file:
        if file.read(6) == b"ARROW1":
            return pl.scan_ipc(_escaped(path))
    try:
        return pl.DataFrame(pa.ipc.open_stream(pa.memory_map(str(path))).read_all()).lazy()
    except pa.ArrowInvalid as error:
        raise unreadable(path, error, kind="Arrow") from error


def _parquet_in(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder, without those that a writer hides or left behind half done."""
    paths = (p for p in folder.rglob("*") if p.suffix.lower() in PARQUET and p.is_file())
    return sorted(p for p in paths if not any(part[0] in "._" for part in p.relative_to(folder).parts))


def _exactly(*names: str) -> pl.Expr:
    """Return columns by name alone: ``pl.col`` takes a name such as "^a$" or "*" for a pattern."""
    return cs.by_name(*names).as_expr()


def _escaped(path: Path) -> str:
    return glob.escape(str(path))


def _neighbours(path: Path) -> str:
    folder = path.parent
    return nearest_hint(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ""
