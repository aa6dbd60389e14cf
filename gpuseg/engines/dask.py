"""Many processes (one a GPU under dask-cuda): a task a block, values stay on the workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import dask.array as da
import numpy as np
from dask.delayed import Delayed, delayed
from distributed import Client, get_client

from gpuseg.backends import KNOWN, Choice, Task, attempted, choose, holder, noted
from gpuseg.engines._faults import DataLost, await_worker, check, done, keep, run, send, told
from gpuseg.engines._remote import alone, brought, known_here, offered, placing, rows_of_block
from gpuseg.engines.blocks import TOGETHER, UNKNOWN, Blocks, place
from gpuseg.engines.cluster import Connection, check_versions, connection_to
from gpuseg.errors import GpusegError, WorkersLost
from gpuseg.settings import wished_backend

T = TypeVar("T")
TRIES = 3
"""How often data is sent again that went with a worker; a worker that dies each time will not get better."""


@dataclass(frozen=True)
class DaskSite:
    """The workers of a client, or Dask's own scheduler in this process; ``held`` keeps a connection open."""

    client: Client | None
    held: Connection | None = None
    name: ClassVar[str] = "dask"

    @classmethod
    def of(cls, engine: Any) -> Self:
        """Return the site of "auto", "dask", a Client or an address."""
        held = connection_to(engine) if isinstance(engine, str) and engine not in ("auto", "dask") else None
        client = held.client if held else current() if isinstance(engine, str) else engine
        if client is not None:
            with told(client):
                check(client)
                check_versions(client)
        return cls(client, held)

    def choose(self, x: Any, backend: str = "auto", *, fit: str | None = None, task: Task | None = None) -> Choice:
        """Return the backend asked for, else the one that holds ``x``, else the best that every worker can use.

        Each worker has its share of the rows of ``task``, block by block.
        """
        if self.client is None:
            return choose(x, backend, fit=fit, task=task)
        wish, holding, attempt = wished_backend(backend), holder(x), attempted()
        free, left = wish.name == "auto", attempt.left if attempt else set()
        if free and holding is not None and holding.name not in left and not isinstance(x, np.ndarray):
            wish = wish._replace(name=holding.name, source=f"the data is held by {holding.name!r}")
        found = self._offered(wish.name, fit, task)
        common = max((name for name, _ in found), key=list(KNOWN).index)
        if any(name != common for name, _ in found):
            found = self._offered(common, fit, task)
            wish = wish._replace(name=common, source=f"auto took {common!r}, which every worker can use")
        choice = Choice(known_here(common), found[0][1] if wish.name == "auto" else wish.source)
        return noted(choice, fit=fit, task=self._share(task), free=free, remote=True)

    def collect(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return ``function``'s value of every item, in order, worked out on the workers."""
        task = delayed(function, pure=False)
        return run(self.client, [task(item) for item in items])

    def kept(self, parts: Sequence[Delayed]) -> Sequence[Delayed]:
        """Return parts of a Dask collection worked out once and held on the workers."""
        return keep(self.client, parts)

    def engine(self, blocks: Blocks, backend: str, *, keep: bool = True, thrifty: bool = False) -> "DaskEngine":
        """Return the engine that walks the blocks on the workers."""
        return DaskEngine(Placed(blocks, backend, self, keep=keep, thrifty=thrifty))

    def _share(self, task: Task | None) -> Task | None:
        """Return what there is to do for one worker."""
        client: Any = self.client
        return task and task._replace(rows=-(-task.rows // max(1, check(client))), held=None, streamed=True)

    def _offered(self, backend: str, fit: str | None, task: Task | None) -> list[tuple[str, str]]:
        """Return what each worker would choose, and why; one that died since does not answer, and others go on."""
        client: Any = self.client
        answers: list[Any] = []
        attempt = attempted()
        left = sorted(attempt.left) if attempt else []
        for _ in range(TRIES):
            with told(client):
                await_worker(client)
                share = self._share(task)
                asked = client.run(offered, backend, fit, share, left, on_error="return", asynchronous=True)
                answers = list(done(client, asked).values())
            if found := [answer for answer in answers if not isinstance(answer, Exception)]:
                return found
            for fault in (answer for answer in answers if isinstance(answer, GpusegError)):
                raise fault
        raise WorkersLost(f"no worker says which backend it can use ({answers[0]}); look at the workers' logs")


class Placed:
    """Blocks on the workers, and how to put them there again where the only copy went with a worker.

    ``thrifty``: ``values`` are the arguments of ``place``, which each task calls: Dask would hold what another one gave
    until the scheduler lets it go.
    """

    def __init__(self, blocks: Blocks, backend: str, site: DaskSite, *, keep: bool, thrifty: bool = False) -> None:
        self.blocks, self.site, self.keep, self.thrifty = blocks, site, keep, thrifty
        self.reading, self.age = blocks.read_on(backend), 0
        self.from_here = site.client is not None and any(
            isinstance(part, np.ndarray) for part in (*blocks.parts, *blocks.weights)
        )
        self.values = self._values()

    def renew(self) -> None:
        """Send the data again."""
        self.age += 1
        self.values = self._values()

    def _values(self) -> Sequence[Any]:
        task, client = delayed(place, traverse=False, pure=False), self.site.client
        parts, weights = (scattered(each, client) for each in (self.blocks.parts, self.blocks.weights))
        pairs = enumerate(zip(parts, weights, strict=True))
        given = [(i, part, weight, self.reading) for i, (part, weight) in pairs]
        if self.thrifty:
            return given
        values = [task(*each) for each in given]
        return keep(client, values) if self.keep else values


class Step(NamedTuple):
    """A function of every block, the arguments that follow, and whether its values are the blocks from then on."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    becomes: bool


class DaskEngine:
    """Placed blocks in row order, what ``become`` made of them, and what the last ``map`` put beside each."""

    name: ClassVar[str] = "dask"

    def __init__(self, placed: Placed, steps: tuple[Step, ...] = ()) -> None:
        self.placed, self.steps = placed, steps
        self._start()

    def map(self, function: Callable[..., Any], *args: Any) -> "DaskEngine":
        """Return the engine that keeps ``function``'s value beside each block."""
        return self._after(Step(function, args, becomes=False))

    def become(self, function: Callable[..., Any], *args: Any) -> "DaskEngine":
        """Return the engine whose blocks are ``function``'s values."""
        return self._after(Step(function, args, becomes=True))

    def within(self, function: Callable[..., Any], *args: Any) -> "DaskEngine":
        """Return the engine whose blocks are ``function``'s values, which the workers hold as they do the blocks."""
        return self.become(function, *args)

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every block, in block order."""
        client = self.placed.site.client
        return self._again(lambda: run(client, self._tasks(function, *args, task=brought)))

    def merge(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s values, TOGETHER at a time and on the workers, until one is left."""
        client, task = self.placed.site.client, delayed(combine, pure=False)

        def merged() -> Any:
            parts = self._tasks(partial, *args, task=brought)
            while True:
                parts = [task(parts[start : start + TOGETHER]) for start in range(0, len(parts), TOGETHER)]
                if len(parts) == 1:
                    return run(client, parts)[0]

        return self._again(merged)

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every block, in block order."""
        return combine(self.collect(partial, *args))

    def each(self, function: Callable[[Any], Any], items: Sequence[Any], *, side_by_side: bool) -> list[Any]:  # noqa: ARG002 - the workers are busy with the blocks
        """Return ``function``'s value of every item, in order."""
        return [function(item) for item in items]

    def rows(self, function: Callable[..., Any], *args: Any, dtypes: Sequence[Any], width: int | None = None) -> Any:
        """Return the arrays of ``function``, joined; lazy Dask arrays, a chunk a block, for a Dask collection alone."""
        columns = () if width is None else (width,)
        if not self.placed.blocks.lazy:
            found = zip(*self.collect(function, *args), strict=True)
            return tuple(np.concatenate(parts) for parts in found)
        sizes = [np.nan if size == UNKNOWN else size for size in self.placed.blocks.sizes]
        tasks = self._tasks(rows_of_block, function, tuple(dtypes), columns, *args)
        return tuple(
            da.concatenate(
                [
                    da.from_delayed(delayed(itemgetter(field))(task), (rows, *columns), dtype=dtype)
                    for task, rows in zip(tasks, sizes, strict=True)
                ],
                allow_unknown_chunksizes=True,
            )
            for field, dtype in enumerate(dtypes)
        )

    def _after(self, step: Step) -> "DaskEngine":
        after = DaskEngine(self.placed, (*self.steps, step))
        after.values, after.beside = self._again(lambda: self._taken(step))
        after.age = self.placed.age
        return after

    def _start(self) -> None:
        self.age, self.values = self.placed.age, self.placed.values
        self.beside: list[tuple[Any, ...]] = [()] * len(self.values)

    def _taken(self, step: Step) -> tuple[Sequence[Any], list[tuple[Any, ...]]]:
        """Return the blocks after one more step, and what is beside each."""
        found = keep(self.placed.site.client, self._tasks(step.function, *step.args))
        if step.becomes:
            return found, [()] * len(found)
        return self.values, [(value,) for value in found]

    def _tasks(self, function: Callable[..., Any], *args: Any, task: Callable[..., Any] = alone) -> list[Delayed]:
        raw = self.placed.thrifty and self.values is self.placed.values
        task = delayed(partial(placing, task) if raw else task, pure=False)
        pairs = zip(self.values, self.beside, strict=True)
        return [task(function, value, *beside, *args) for value, beside in pairs]

    def _again(self, work: Callable[[], T]) -> T:
        """Return what ``work`` does; where data that came from here went with a worker, send it and work again."""
        for _ in range(TRIES if self.placed.from_here else 0):
            try:
                self._catch_up()
                return work()
            except DataLost:
                self.placed.renew()
        self._catch_up()
        return work()

    def _catch_up(self) -> None:
        """Take the steps again where the blocks were placed anew since."""
        if self.age == self.placed.age:
            return
        self._start()
        for step in self.steps:
            self.values, self.beside = self._taken(step)


def current() -> Client | None:
    """Return the current client, None where Dask's own scheduler in this process is to work."""
    try:
        return get_client()
    except ValueError:
        return None


def scattered(parts: Sequence[Any], client: Client | None) -> Sequence[Any]:
    """Return arrays as futures on the workers, so that no graph holds data; other parts as they are."""
    if client is None or not any(isinstance(part, np.ndarray) for part in parts):
        return parts  # without a cluster Dask's own threads share this memory
    return send(client, parts)
