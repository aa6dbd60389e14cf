"""Outputs appear whole or not at all: written beside their place under another name, then renamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from gpuseg.errors import InvalidFile

WRITTEN = (".csv", ".parquet", ".arrow", ".feather")


def write_frame(frame: pl.DataFrame, path: Path) -> Path:
    """Write a frame by the path's ending; return the path."""
    ending = check_writable(path)
    with whole(path) as file:
        if ending == ".csv":
            frame.write_csv(file)
        elif ending == ".parquet":
            frame.write_parquet(file)
        else:
            frame.write_ipc(file)
    return path


def check_writable(path: Path, endings: tuple[str, ...] = WRITTEN) -> str:
    """Return the path's ending; raise InvalidFile where a file cannot come to stand there."""
    ending = path.suffix.lower()
    if ending not in endings:
        raise InvalidFile(f"{path} ends in {ending!r}; output is written to a name that ends in {', '.join(endings)}")
    if path.exists() and not path.is_file():
        raise InvalidFile(f"{path} is not a regular file; give another name for the output")
    if not path.parent.is_dir():
        raise InvalidFile(f"{path.parent} is not a folder; make it first, or give another name for the output")
    if not os.access(path.parent, os.W_OK):
        raise InvalidFile(f"{path.parent} cannot be written to; give an output in a folder of yours")
    return ending


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that becomes ``path`` at the end of the block, and vanishes on any error."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield file  # type: ignore[misc]
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101 - as open() would have made it
        temporary.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InvalidFile(f"{path} cannot be written ({why}); nothing was left there; free space or choose another place") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
