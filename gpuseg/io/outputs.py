"""Several outputs of one command, files or folders of parts: all of them appear, or none."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gpuseg.errors import GpusegError, InvalidFile
from gpuseg.io.write_parts import is_ours

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
            if final.exists() and not (final.is_file() or is_ours(final)):
                raise InvalidFile(f"{path} is not a regular file; give another name for the output, or move it away")
            folder = Path(tempfile.mkdtemp(prefix=".gpuseg-", dir=existing(final.parent)))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            staged[final] = folder / path.name
            return staged[final]

        try:
            yield place
        except InvalidFile as error:
            raise InvalidFile(_named(str(error), staged)) from error
        _move(staged)


def check_folder(path: Path) -> None:
    """Raise InvalidFile where a folder cannot stand or cannot be written to; call it before long work."""
    try:
        there = existing(path)
        if not there.is_dir():
            raise InvalidFile(f"{there} is not a folder; give another name for the output folder")
        tempfile.TemporaryFile(dir=there).close()
    except GpusegError:
        raise
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise InvalidFile(f"{path} cannot be written to ({why}); give a folder of yours") from error


def check_apart(output: Path, *sources: str | Path) -> None:
    """Raise InvalidFile where an output would replace one of the inputs."""
    for source in sources:
        if os.path.realpath(output) == os.path.realpath(Path(source).expanduser()):
            raise InvalidFile(f"{output} is also the input, which would be lost; give another name for the output")


def existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(p for p in (path, *path.absolute().parents) if p.exists())


def _named(sentence: str, staged: dict[Path, Path]) -> str:
    """Return a sentence about outputs with the names that they were to have, not those they had meanwhile."""
    for final, temporary in staged.items():
        sentence = sentence.replace(str(temporary), str(final))
    return sentence


def _move(staged: dict[Path, Path]) -> None:
    """Move every output into its place; where one cannot, put back what stood in the place of the others."""
    moved: list[tuple[Path, Path | None]] = []
    try:
        for final, temporary in staged.items():
            final.parent.mkdir(parents=True, exist_ok=True)
            before = _kept(final, temporary)
            try:
                temporary.replace(final)
            except OSError:
                _back(final, before)
                raise
            moved.append((final, before))
    except OSError as error:
        for place, before in reversed(moved):
            _remove(place)
            _back(place, before)
        why = os.strerror(error.errno or 0)
        raise InvalidFile(f"{final} cannot be written ({why}); choose another place for the output") from error


def _kept(final: Path, temporary: Path) -> Path | None:
    """Return what stands at ``final`` put aside, whose permissions the new file gets; None where nothing does."""
    if not final.exists():
        return None
    before = temporary.with_name(f"before-{final.name}")
    if final.is_dir() or temporary.is_dir():  # a folder gives way to no rename
        return final.rename(before)
    shutil.copymode(final, temporary)
    return Path(shutil.copy2(final, before))


def _back(place: Path, before: Path | None) -> None:
    """Put back what stood in a place that is free, or whose content is the same."""
    if before is not None:
        before.replace(place)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
