"""Find out how a text file is written: compression, encoding, line ends, delimiter, header."""

import codecs
import csv
import gzip
import io
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast

import polars as pl

from gpuseg.errors import InvalidFile, listed
from gpuseg.settings import say

DELIMITERS = (",", ";", "\t", "|")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GZIP = b"\x1f\x8b"
BLANK_LINE = {"\n": re.compile(r"(?<=\n)\r?\n"), "\r": re.compile(r"(?<=\r)\r")}
PAIRS = {"\n": ("\n\n", "\n\r\n"), "\r": ("\r\r",)}
"""Text without any of them has no blank line: they are found far faster than the pattern."""
LINES = 200
CHUNK = 1 << 20
UNREADABLE = (
    OSError,
    EOFError,
    UnicodeError,
    csv.Error,
    zlib.error,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)
"""What reading a damaged file raises, in Python and in Polars."""


class Dialect(NamedTuple):
    """How a text file is written. ``blank_lines`` are no rows; in one column they are values, and not counted."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    line_end: str = "\n"
    blank_lines: int = 0
    packed: bool = False

    @property
    def readable(self) -> bool:
        """Return whether Polars reads the file as it stands, from the disk and lazily."""
        return not self.packed and self.encoding in ("utf-8", "utf-8-sig")


def unreadable(source: object, error: BaseException, *, kind: str = "a table") -> InvalidFile:
    """Return the error for a file that is not what its ending says, or that is damaged.

    >>> print(unreadable("a.csv", EOFError("it ends too soon.")))
    a.csv cannot be read as a table (it ends too soon); give an undamaged file that you may read
    """
    why = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    if "found more fields" in why:
        why = "a line has more fields than the header"
    return InvalidFile(f"{source} cannot be read as {kind} ({why}); give an undamaged file that you may read")


def dialect_of(path: Path, *, chunks: int | None = None) -> Dialect:
    r"""Return how a CSV file is written, from one pass over its bytes; raise InvalidFile where it is no table.

    ``chunks``: of the text only so many chunks are looked at.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("id;amount\n1;2,50\n")
    >>> dialect_of(path).delimiter, dialect_of(path).columns
    (';', ('id', 'amount'))
    """
    encoding, line_end, blank_lines = _surveyed(path, chunks)
    text = next(_chunks(path, encoding), "")
    head = [line for _, line in zip(range(LINES), io.StringIO(text, newline=""), strict=False)]
    if not head or not head[0].strip():
        raise InvalidFile(f"{path} has no header line; give a CSV file whose first line names the columns")
    delimiter = max(DELIMITERS, key=lambda d: (_agreement(head, d), -DELIMITERS.index(d)))
    columns = tuple(next(csv.reader(head, delimiter=delimiter)))
    _check_header(path, columns)
    blank_lines = blank_lines if len(columns) > 1 else 0
    return Dialect(encoding, delimiter, columns, line_end, blank_lines, _is_packed(path))


def encoding_of(path: Path) -> str:
    """Return the encoding by byte-order mark, else UTF-8 where all bytes are, else Windows-1252, which is said."""
    return _surveyed(path)[0]


@contextmanager
def in_utf8(path: Path, dialect: Dialect) -> Iterator[BinaryIO]:
    """Give a nameless temporary file with the same text in UTF-8, without blank lines.

    A scan that is made of it inside the block keeps it for as long as the scan itself is kept.
    """
    chunks = _chunks(path, dialect.encoding)
    texts = (text for text, _ in _without_blank_lines(chunks, dialect.line_end)) if dialect.blank_lines else chunks
    with tempfile.TemporaryFile() as copy:
        for text in texts:
            copy.write(text.encode())
        copy.flush()
        copy.seek(0)
        yield cast("BinaryIO", copy)


def _surveyed(path: Path, chunks: int | None = None) -> tuple[str, str, int]:
    """Return the encoding, the line end, and the number of blank lines."""
    with _bytes(path) as file:
        start = file.read(CHUNK)
    marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    if marked is None and b"\0" in start:
        raise InvalidFile(f"{path} is no text file (it holds zero bytes); give a CSV file, in UTF-8 if you can")
    for name in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            line_end, blank_lines = _lines_of(path, name, chunks)
        except UnicodeError:
            continue
        if name == "cp1252":
            say(f"{path} is not UTF-8; it is read as Windows-1252")
        return name, line_end, blank_lines
    if marked:
        raise InvalidFile(f"{path} begins as {marked.upper()} and is no such text further on; save it as UTF-8")
    raise InvalidFile(f"{path} is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8")


def _lines_of(path: Path, encoding: str, chunks: int | None) -> tuple[str, int]:
    """Return the line end and the number of blank lines; decode the whole file, or so many chunks, to see them."""
    text = next(_chunks(path, encoding), "")
    line_end = "\r" if "\n" not in text and "\r" in text else "\n"
    texts = islice(_chunks(path, encoding), chunks)
    return line_end, sum(count for _, count in _without_blank_lines(texts, line_end))


def _without_blank_lines(chunks: Iterable[str], line_end: str) -> Iterator[tuple[str, int]]:
    r"""Give text without blank lines, and how many were in it; those between quotes stay.

    Every quote opens or closes, wherever it stands: so does Polars cut lines.

    >>> list(_without_blank_lines(['a,b\n\n1,"x\n', '\ny"\n'], "\n"))
    [('a,b\n1,"x', 1), ('\n\ny"', 0), ('\n', 0)]
    """
    quoted = 0
    for text in _unbroken(chunks):
        parts = text.split('"') if any(pair in text for pair in PAIRS[line_end]) else []
        mended = [
            (part, 0) if (quoted + i) % 2 else BLANK_LINE[line_end].subn("", part) for i, part in enumerate(parts)
        ]
        yield ('"'.join(part for part, _ in mended) if parts else text), sum(count for _, count in mended)
        quoted += text.count('"')


def _unbroken(chunks: Iterable[str]) -> Iterator[str]:
    """Give the same text in pieces that do not part line ends that stand together."""
    ends = ""
    for chunk in chunks:
        text = (ends + chunk).rstrip("\r\n")
        ends = (ends + chunk)[len(text) :]
        yield text
    yield ends


def _check_header(path: Path, columns: tuple[str, ...]) -> None:
    """Refuse a header with a column twice or without a name; say so where it looks like a row."""
    if twice := sorted({name for name in columns if columns.count(name) > 1 and name.strip()}):
        raise InvalidFile(f"{path} has columns of the same name, {listed(twice)}; rename one of each")
    if blank := [position for position, name in enumerate(columns, start=1) if not name.strip()]:
        raise InvalidFile(
            f"{path} has no name for column {', '.join(map(str, blank))} of {len(columns)}; name each column in the "
            "first line (pandas writes an index without a name: use to_csv(index=False))"
        )
    if all(_is_number(name) for name in columns):
        say(
            f"{path}: the first line, {listed(columns, most=4)}, holds numbers only; it is read as the names of columns"
        )


def _is_number(name: str) -> bool:
    try:
        return all(isinstance(float(part), float) for part in name.split())
    except ValueError:
        return False


def _agreement(head: list[str], delimiter: str) -> tuple[float, int]:
    """Return how many of the first lines have as many fields as the header, and that number of fields."""
    rows = [row for row in csv.reader(head, delimiter=delimiter) if row]
    width = len(rows[0])
    agreeing = sum(len(row) == width for row in rows) / len(rows)
    return (agreeing if width > 1 else 0.0, width)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if _is_packed(path) else path.open("rb")


def _chunks(path: Path, encoding: str) -> Iterator[str]:
    with _bytes(path) as file, io.TextIOWrapper(cast("BinaryIO", file), encoding=encoding, newline="") as text:
        while chunk := text.read(CHUNK):
            yield chunk
