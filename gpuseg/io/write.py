"""Outputs appear whole or not at all: written beside their place under another name, then renamed."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from gpuseg.errors import GpusegError, InvalidFile, InvalidInput, listed

WRITTEN = (".csv", ".parquet", ".arrow", ".feather")


def write_frame(frame: pl.DataFrame, path: Path) -> Path:
    """Write a frame by the path's ending; return the path."""
    ending = check_writable(path)
    if ending == ".csv":
        _refuse_nested(frame, path)
    with whole(path) as file:
        if ending == ".csv":
            frame.write_csv(file)
        elif ending == ".parquet":
            frame.write_parquet(file)
        else:
            frame.write_ipc(file)
    return path


def check_writable(path: Path, endings: tuple[str, ...] = WRITTEN) -> str:
    """Return the path's ending; raise InvalidFile where a file cannot come to stand there.

    Call it before long work, so that a mistaken path is known at once.

    >>> import pathlib, tempfile
    >>> check_writable(pathlib.Path(tempfile.gettempdir(), "segments.CSV"))
    '.csv'
    """
    ending = path.suffix.lower()
    if ending not in endings:
        raise InvalidFile(f"{path} ends in {ending!r}; output is written to a name that ends in {', '.join(endings)}")
    place = _place(path)
    try:
        if not place.parent.is_dir():
            raise InvalidFile(f"{place.parent} is not a folder; make it first, or give another name for the output")
        if place.exists() and not place.is_file():
            raise InvalidFile(f"{path} is not a regular file; give another name for the output")
        if place.exists() and not os.access(place, os.W_OK):
            raise InvalidFile(f"{path} is protected from writing; give another name for the output")
        tempfile.TemporaryFile(dir=place.parent).close()
    except GpusegError:
        raise
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise InvalidFile(f"{path} cannot be written ({why}); give a name in a folder of yours") from error
    return ending


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that becomes ``path`` at the end of the block, and vanishes on any error.

    A link is followed; a file that stands there keeps its permissions, and its content until the end.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.bin")
    >>> with whole(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    place = _place(path)
    temporary = place.with_name(f".gpuseg-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:  # made as open() makes it, so that the umask holds
            yield file
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            shutil.copymode(place, temporary)
        temporary.replace(place)
    except GpusegError:
        raise
    except (OSError, pl.exceptions.PolarsError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        sentence = f"{path} cannot be written ({why}); nothing was left there"
        raise InvalidFile(f"{sentence}: free space or choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    """Return where a path leads: links followed, ``~`` taken as the user's home."""
    return Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111 - Path's own raises for an unknown user


def _refuse_nested(frame: pl.DataFrame, path: Path) -> None:
    if nested := [name for name, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Binary, pl.Object)]:
        raise InvalidInput(
            f"{listed(nested)} hold lists or bytes, which a CSV cannot; write {path.with_suffix('.parquet').name}"
        )
