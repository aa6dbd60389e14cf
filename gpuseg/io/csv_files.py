"""CSV files: how each is written is found, then the type of every column, in all rows of all files."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from gpuseg.io.dialect import Dialect, dialect_of, in_utf8
from gpuseg.io.schemas import Schema, escaped, exactly, same_columns
from gpuseg.settings import log

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


def scan_csv(paths: Sequence[Path], *, text: bool = False) -> pl.LazyFrame:
    """Return the rows of CSV files, not yet read; what is not plain UTF-8 goes through a temporary copy.

    Types are found in all rows of all files. Whole numbers with a leading zero stay text, for an
    identifier would lose it; dates are ISO 8601 or stay text. A short line ends in missing values.
    """
    dialects = [dialect_of(path) for path in paths]
    for path, dialect in zip(paths, dialects, strict=True):
        log.info("%s: %s, delimiter %r", path, dialect.encoding, dialect.delimiter)
        same_columns(paths[0], dialects[0].columns, path, dialect.columns)
    with ExitStack() as copies:
        scans = [_opened(path, dialect, copies) for path, dialect in zip(paths, dialects, strict=True)]
        types = {} if text else common([_types(source, dialect) for source, dialect in scans])
        frames = [_rows(source, dialect, types) for source, dialect in scans]
    return pl.concat([frame.select(exactly(*dialects[0].columns)) for frame in frames]) if frames[1:] else frames[0]


class CsvLook(NamedTuple):
    """What one look at all of a CSV file tells: how it is written, its types and rows.

    ``plain``: Polars reads it as it stands. A column of no values is Null.
    """

    dialect: Dialect
    plain: bool
    types: Schema
    rows: int


def look_at_csv(path: Path, *, text: bool = False) -> CsvLook:
    """Return how a CSV file is written, the type of each column, of text alone where asked, and its rows."""
    dialect = dialect_of(path)
    with ExitStack() as copies:
        source, opened = _opened(path, dialect, copies)
        types = dict.fromkeys(dialect.columns, pl.String()) if text else _types(source, opened)
        rows = int(_rows(source, opened, types).select(pl.len()).collect().item())
    return CsvLook(dialect, isinstance(source, str), types, rows)


def csv_rows(path: Path, look: CsvLook, types: Schema) -> pl.LazyFrame:
    """Return the rows of a CSV file that was looked at, with the types, not yet read."""
    if look.plain:
        return _rows(escaped(path), look.dialect, types)
    with in_utf8(path, look.dialect) as copy:
        return _rows(copy, look.dialect._replace(blank_lines=0), types)


def _opened(path: Path, dialect: Dialect, copies: ExitStack) -> tuple[Any, Dialect]:
    """Return what to scan: the file, or a copy in UTF-8.

    Polars reads a blank line as it reads a row of empty fields: where a file has both, a copy has no blank line.
    """
    if dialect.readable:
        without_value = _check_lines(escaped(path), dialect)
        if dialect.blank_lines in (0, without_value):
            return escaped(path), dialect
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
    zeros = [exactly(name).str.contains(LEADING_ZERO).any() for name in whole]
    nothing = [exactly(name).is_null().all() for name in words]
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
    held = [_holds(exactly(name), form).alias(str(number)) for number, (name, form) in enumerate(looks)]
    return [look for look, holds in zip(looks, rows.select(held).collect().row(0), strict=True) if holds]


def _holds(column: pl.Expr, form: str) -> pl.Expr:
    is_day = column.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).is_not_null()
    return column.is_not_null().any() & (column.is_null() | (column.str.contains(form) & is_day)).all()


def common(schemas: Sequence[Schema]) -> Schema:
    """Return the types that hold the values of all CSV files; a column without values is text."""
    wide = {name: reduce(_wider, (schema[name] for schema in schemas)) for name in schemas[0]}
    return {name: pl.String() if kind == pl.Null else kind for name, kind in wide.items()}


def _wider(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    if other in (one, pl.Null):
        return one
    if one == pl.Null:
        return other
    return pl.Float64() if one.is_numeric() and other.is_numeric() else pl.String()
