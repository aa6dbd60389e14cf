"""Several outputs of one command: all of them appear, or none."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gpuseg.errors import InvalidFile

Place = Callable[[Path], Path]
"""Takes the path where an output is to stand at the end; returns the path to write it to meanwhile."""


@contextmanager
def together() -> Iterator[Place]:
    """Give a function from final paths to paths to write to; all move into place at the end, on an error none.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp(), "new")
    >>> with together() as place:
    ...     _ = place(folder / "a.txt").write_text("one")
    >>> (folder / "a.txt").read_text()
    'one'
    """
    staged: dict[Path, Path] = {}
    with ExitStack() as stack:

        def place(path: Path) -> Path:
            # Beside its end, so that the move is a rename; under the link's target, where the path is a link.
            final = Path(os.path.realpath(path))
            folder = Path(tempfile.mkdtemp(prefix=".gpuseg-", dir=existing(final.parent)))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            staged[final] = folder / path.name
            return staged[final]

        yield place
        _move(staged)


def check_folder(path: Path) -> None:
    """Raise InvalidFile where a folder cannot stand or cannot be written to; call it before long work."""
    there = existing(path)
    if not there.is_dir():
        raise InvalidFile(f"{there} is not a folder; give another name for the output folder")
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise InvalidFile(f"{there} cannot be written to ({why}); give a folder of yours") from error


def existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(p for p in (path, *path.absolute().parents) if p.exists())


def _move(staged: dict[Path, Path]) -> None:
    for final, temporary in staged.items():
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(final)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise InvalidFile(f"{final} cannot be written ({why}); choose another place for the output") from error
