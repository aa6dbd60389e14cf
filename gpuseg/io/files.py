"""Scan files lazily: CSV with its delimiter, encoding and byte-order mark found, Parquet, Arrow."""

import csv
import glob
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from gpuseg.errors import InvalidFile, listed
from gpuseg.settings import log, say

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
TEXT = (".csv", ".tsv", ".txt")
DELIMITERS = (",", ";", "\t", "|")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
SAMPLE = 200
CHUNK = 1 << 20


class Dialect(NamedTuple):
    """How a text file is written."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]


def scan_files(source: str | Path, *, text: bool = False) -> pl.LazyFrame:
    """Return the rows of a file, of a folder of Parquet files, or of a glob, not yet read.

    ``text`` leaves every column of a CSV as text. Raises InvalidFile for what is missing, empty or corrupt.
    """
    paths = found(source)
    ending = paths[0].suffix.lower()
    if ending in TEXT:
        scans = [scan_csv(path, text=text) for path in paths]
        return scans[0] if len(scans) == 1 else pl.concat(scans)
    scan = pl.scan_parquet if ending in PARQUET else pl.scan_ipc
    frame = scan([str(path) for path in paths])
    try:
        names = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        what = "Parquet" if ending in PARQUET else "Arrow"
        raise InvalidFile(f"{source} cannot be read as {what} ({_first_line(error)}); give an undamaged file") from error
    if not names:
        raise InvalidFile(f"{source} has no columns; give a file with a table in it")
    return frame


def found(source: str | Path) -> list[Path]:
    """Return the files that a path, a folder or a glob names, in order of name."""
    path = Path(source)
    if path.is_dir():
        paths = sorted(p for p in path.rglob("*") if p.suffix.lower() in PARQUET)
        if not paths:
            raise InvalidFile(f"{source} is a folder without a Parquet file; give a file, or a folder that holds some")
    elif path.exists():
        paths = [path]
    else:
        paths = sorted(Path(p) for p in glob.glob(str(source), recursive=True))  # noqa: PTH207 - the user's own pattern
        if not paths:
            raise InvalidFile(f"{source} does not exist; check the path{_neighbours(path)}")
    endings = {p.suffix.lower() for p in paths}
    known = PARQUET + ARROW + TEXT
    if not endings <= set(known) or len(endings) > 1:
        raise InvalidFile(f"{source} ends in {listed(sorted(endings))}; give files of one kind, of {listed(known)}")
    if empty := [p for p in paths if p.stat().st_size == 0]:
        raise InvalidFile(f"{empty[0]} is empty; give a file with a header and rows")
    return paths


def scan_csv(path: Path, *, text: bool) -> pl.LazyFrame:
    """Return the rows of a CSV file, not yet read; another encoding than UTF-8 goes through a temporary copy."""
    dialect = dialect_of(path)
    log.info("%s: %s, delimiter %r", path, dialect.encoding, dialect.delimiter)
    source = path if dialect.encoding in ("utf-8", "utf-8-sig") else _in_utf8(path, dialect.encoding)
    try:
        frame = pl.scan_csv(
            source,
            separator=dialect.delimiter,
            infer_schema=not text,
            infer_schema_length=None,
            null_values=NULLS,
            try_parse_dates=not text,
            truncate_ragged_lines=False,
        )
        frame.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise InvalidFile(f"{path} cannot be read as CSV ({_first_line(error)}); mend the file") from error
    return frame


def dialect_of(path: Path) -> Dialect:
    """Return encoding, delimiter and column names of a CSV file, from its bytes and first lines."""
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as lines:
        head = [line for _, line in zip(range(SAMPLE), lines, strict=False)]
    if not head or not head[0].strip():
        raise InvalidFile(f"{path} has no header line; give a CSV file whose first line names the columns")
    delimiter = max(DELIMITERS, key=lambda d: (_agreement(head, d), -DELIMITERS.index(d)))
    columns = next(csv.reader(head, delimiter=delimiter))
    return Dialect(encoding, delimiter, tuple(columns))


def encoding_of(path: Path) -> str:
    """Return the encoding by byte-order mark, else UTF-8 where all bytes are, else Windows-1252, which is said."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name
    if b"\0" in start:
        raise InvalidFile(f"{path} is no text file (it starts with {start!r}); give a CSV file")
    for name in ("utf-8", "cp1252"):
        if _decodes(path, name):
            if name == "cp1252":
                say(f"{path} is not UTF-8; it is read as Windows-1252")
            return name
    raise InvalidFile(f"{path} is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8")


def _agreement(head: list[str], delimiter: str) -> tuple[float, int]:
    """Return how many of the first lines have as many fields as the header, and that number of fields."""
    rows = [row for row in csv.reader(head, delimiter=delimiter) if row]
    width = len(rows[0])
    agreeing = sum(len(row) == width for row in rows) / len(rows)
    return (agreeing if width > 1 else 0.0, width)


def _decodes(path: Path, encoding: str) -> bool:
    try:
        for _ in _chunks(path, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _chunks(path: Path, encoding: str) -> Iterator[str]:
    with path.open(encoding=encoding, newline="") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _in_utf8(path: Path, encoding: str) -> io.BufferedRandom:
    """Return a nameless temporary file with the same text in UTF-8; it goes when it is closed."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the scan that reads it
    for chunk in _chunks(path, encoding):
        copy.write(chunk.encode())
    copy.seek(0)
    return copy  # type: ignore[return-value]


def _neighbours(path: Path) -> str:
    from gpuseg.errors import nearest_hint

    folder = path.parent
    return nearest_hint(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
