"""Where the work of a call is done, this process or the workers of a cluster: the user names it, or the data does."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from gpuseg.backends import Choice, Task, choose
from gpuseg.engines.blocks import Blocks, Engine
from gpuseg.engines.local import LocalEngine, each
from gpuseg.errors import InvalidFile, InvalidInput, UnsupportedOnBackend, unknown

ENGINES = ("auto", "local", "dask")
HERE = "this process"
"""The words of ``here`` for what is no worker."""
ADDRESS = re.compile(r"[a-z][a-z0-9+]*://\S+")
"""How the address of a scheduler looks, as in tcp://host:8786."""


class Site(Protocol):
    """A place of work: who is there, which backend they can use, and the engine that walks blocks there."""

    @property
    def name(self) -> str:
        """Return "local" or "dask"."""

    def choose(self, x: Any, backend: str = "auto", *, fit: str | None = None, task: Task | None = None) -> Choice:
        """Return the backend that ``backends.choose`` takes there."""

    def collect(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return ``function``'s value of every item, in order, worked out there."""

    def kept(self, parts: Sequence[Any]) -> Sequence[Any]:
        """Return parts of a Dask collection worked out once and held there."""

    def engine(self, blocks: Blocks, backend: str, *, keep: bool = True, thrifty: bool = False) -> Engine:
        """Return the engine that walks the blocks there.

        Without ``keep`` workers hold nothing: results stay lazy, and hang off the caller's own graph. ``thrifty``:
        blocks come to their devices anew at each walk, to that of this process one after another.
        """


class LocalSite:
    """This process."""

    name: ClassVar[str] = "local"

    def choose(self, x: Any, backend: str = "auto", *, fit: str | None = None, task: Task | None = None) -> Choice:
        """Return the backend that ``backends.choose`` takes here."""
        return choose(x, backend, fit=fit, task=task)

    def collect(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return ``function``'s value of every item, in order."""
        return each(function, items)

    def kept(self, parts: Sequence[Any]) -> Sequence[Any]:
        """Return the parts, which are here."""
        return parts

    def engine(self, blocks: Blocks, backend: str, *, keep: bool = True, thrifty: bool = False) -> Engine:  # noqa: ARG002 - memory is here
        """Return the engine that walks the blocks in this process."""
        return LocalEngine.of(blocks, backend, thrifty=thrifty)


def site_of(engine: Any = "auto", *, lazy: bool = False) -> Site:
    """Return where to work: ``engine`` is "auto", "local", "dask", a distributed Client or a scheduler's address.

    ``lazy``: whether the data is in a Dask collection; "auto" is Dask for that alone. "dask" is the current client,
    else Dask's own scheduler in this process. An address is connected to, and the connection is closed with the last
    engine that uses it (``cluster.connected`` says when). Raises InvalidInput for any other name, and WorkersLost
    where nobody listens or workers are of another version.

    >>> site_of().name, site_of(lazy=True).name
    ('local', 'dask')
    """
    check_engine(engine)
    if engine == "local" and lazy:
        raise InvalidInput("engine='local' got a Dask collection; use engine='dask', or pass X.compute()")
    if engine == "local" or (engine == "auto" and not lazy):
        return LocalSite()
    try:
        from gpuseg.engines.dask import DaskSite
    except ModuleNotFoundError as error:
        raise UnsupportedOnBackend(f"engine={engine!r} needs {error.name}; install gpuseg[dask]") from error
    return DaskSite.of(engine)


def check_engine(engine: Any) -> None:
    """Raise InvalidInput for what names no engine."""
    if is_client(engine) or (isinstance(engine, str) and (engine in ENGINES or ADDRESS.fullmatch(engine))):
        return
    if isinstance(engine, str):
        known = unknown("engine", engine, ENGINES)
        raise InvalidInput(f"{known}; a distributed Client and an address such as 'tcp://host:8786' are allowed too")
    raise InvalidInput(
        f"engine is a {type(engine).__name__}; give 'auto', 'local', 'dask', a distributed Client, or an address such "
        "as 'tcp://host:8786'"
    )


def is_client(engine: Any) -> bool:
    """Return whether ``engine`` is a Client of distributed, without importing it."""
    return any(base.__module__.partition(".")[0] == "distributed" and base.__name__ == "Client"
               for base in type(engine).__mro__)  # fmt: skip


def plain_engine(engine: Any) -> str:
    """Return the word for an engine that can be stored and shown: a Client and an address are "dask".

    >>> plain_engine("tcp://host:8786"), plain_engine("local")
    ('dask', 'local')
    """
    return engine if isinstance(engine, str) and engine in ENGINES else "dask"


def here() -> str:
    """Return the words for where a function runs.

    >>> here()
    'this process'
    """
    if "distributed" not in sys.modules:
        return HERE
    from distributed import get_worker

    try:
        return f"the worker at {get_worker().address}"
    except ValueError:
        return HERE


def unseen(path: object) -> InvalidFile:
    """Return the error for a file that is not to be seen from where a function runs.

    >>> unseen("a.parquet")
    InvalidFile('a.parquet does not exist; check the path')
    """
    if (place := here()) == HERE:
        return InvalidFile(f"{path} does not exist; check the path")
    return InvalidFile(f"{place} cannot see {path}; put it where every worker can read it, under the same path")
