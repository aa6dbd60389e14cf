"""Run tasks on a cluster, watched: what can go wrong there is one sentence, and never a hang."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from time import sleep, time
from typing import Any, NoReturn
from weakref import ref

from dask.base import compute, persist
from dask.delayed import Delayed
from distributed import Client, Future, futures_of
from distributed.client import ClosedClientError, FutureCancelledError, FuturesCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from gpuseg.backends import RanOut, attempted, ran_out
from gpuseg.errors import GpusegError, OutOfMemory, WorkersLost
from gpuseg.settings import log

LOOK = 5.0
"""Seconds of waiting after which the scheduler is asked whether it lives."""
ANSWER = 20.0
"""Seconds that the scheduler has for its answer: with ``LOOK`` and a second try well under a minute."""
ALONE = 300.0
"""Seconds without a single worker after which the work is given up: a cluster that grows on demand takes minutes."""
MOMENT = 0.02
"""Seconds between two looks at what is soon over."""
MEMORY = "worker-restart-memory"
"""The topic under which Dask's nannies log that they ended a worker for the memory it took."""


class DataLost(WorkersLost):
    """What the workers held is gone, with one of them or cancelled by somebody, and no task can make it again."""


def run(client: Client | None, tasks: Sequence[Delayed]) -> list[Any]:
    """Return the tasks' values, in order, worked out on the cluster, or by Dask's own scheduler in this process.

    An exception of a task arrives as itself. Raises OutOfMemory where workers ran out of memory, and WorkersLost
    where the scheduler does not answer or workers die. An interrupt releases the tasks.
    """
    with told(client):
        if client is None:
            return list(compute(*tasks))
        futures = client.compute(list(tasks))
        try:
            return _awaited(client, futures)
        finally:
            for future in futures:
                future.release()


def keep(client: Client | None, tasks: Sequence[Delayed]) -> list[Delayed]:
    """Return the tasks with their values being worked out and held where they are."""
    with told(client):
        if client is None:
            return list(persist(*tasks))
        kept = list(client.persist(list(tasks)))
        if (attempt := attempted()) is not None:
            attempt.pending.append(partial(_let_go, client, [ref(future) for future in futures_of(kept)]))
        return kept


def _let_go(client: Client, held: Sequence[ref[Future]]) -> None:
    """Release what a fit that failed had on the workers, and wait until it is gone: the next try needs the room.

    An error can hold futures for longer than it is of use.
    """
    futures = [future for each in held if (future := each()) is not None]
    for future in futures:
        future.release()
    until, keys = time() + LOOK, [future.key for future in futures]
    while any(done(client, client.scheduler.who_has(keys=keys)).values()) and time() < until:
        sleep(MOMENT)


def send(client: Client, values: Sequence[Any]) -> list[Future]:
    """Return values of this process as futures: they are on the workers, and gone with the worker that holds them."""
    with told(client):
        await_worker(client)
        return list(done(client, client.scatter(list(values), hash=False, asynchronous=True)))


@contextmanager
def told(client: Client | None) -> Iterator[None]:
    """Raise gpuseg's own errors, one sentence each, for what a cluster's faults raise inside a ``with`` block."""
    since = time()
    try:
        yield
    except GpusegError:
        raise
    except (MemoryError, RuntimeError) as error:  # libraries of the GPU raise either
        if not ran_out(error):
            raise
        raise RanOut(
            f"a block of the work does not fit in memory ({error}); use smaller blocks, or workers with more memory"
        ) from error
    except KilledWorker as error:
        _say_memory(client, since, error)
        raise WorkersLost(
            f"one piece of work ended {error.allowed_failures + 1} workers, the last at {error.last_worker.address}; "
            "look at their logs: the system ends a process that takes too much memory"
        ) from error
    except (FutureCancelledError, FuturesCancelledError) as error:
        _say_memory(client, since, error)
        _say_cancelled(client, error)
    except (CommClosedError, ClosedClientError) as error:
        raise _silent(client, str(error)) from error


def check(client: Client) -> int:
    """Return how many workers there are; raise WorkersLost where the scheduler does not say."""
    if client.status not in ("running", "connecting"):
        raise _silent(client, f"the client is {client.status}")
    try:
        return len(client.sync(client.scheduler.ncores, callback_timeout=ANSWER))
    except (OSError, TimeoutError, RuntimeError) as error:
        raise _silent(client, str(error) or f"no answer in {ANSWER:.0f} s") from error


def await_worker(client: Client) -> None:
    """Wait until there is a worker: a cluster that grows on demand may have none yet."""
    seen = time()
    while not check(client):
        seen = _last_seen(client, seen)
        sleep(1)


def done(client: Client, work: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine of the client gives; raise WorkersLost where the scheduler falls silent meanwhile."""
    pending = asyncio.run_coroutine_threadsafe(work, client.loop.asyncio_loop)

    def result() -> Any:
        if not wait([pending], timeout=LOOK).done:
            raise Empty
        return pending.result()

    try:
        return _watched(client, result)
    finally:
        pending.cancel()


def _awaited(client: Client, futures: Sequence[Future]) -> list[Any]:
    """Return the futures' values; look at the scheduler again and again while they take their time."""
    ended: SimpleQueue[Future] = SimpleQueue()
    for future in futures:
        future.add_done_callback(ended.put)
    for _ in futures:
        future = _watched(client, lambda: ended.get(timeout=LOOK))
        if future.status != "finished":
            future.result()  # raises; gathering many that failed leaves noise in the log
    return list(done(client, client.gather(list(futures), asynchronous=True)))


def _watched(client: Client, take: Callable[[], Any]) -> Any:
    """Return what ``take`` gives; where it has nothing yet, ask whether the scheduler lives, and try again."""
    seen = time()
    while True:
        try:
            return take()
        except Empty:
            seen = _last_seen(client, seen)


def _last_seen(client: Client, seen: float) -> float:
    """Return when a worker was last seen, which may be now; raise WorkersLost where that is too long ago."""
    if check(client):
        return time()
    log.warning("the cluster at %s has no worker; waiting for one", _address(client))
    if time() - seen > ALONE:
        raise WorkersLost(
            f"the cluster at {_address(client)} has had no worker for {ALONE:.0f} s; start workers and try again"
        )
    return seen


def _say_memory(client: Client | None, since: float, error: Exception) -> None:
    """Raise OutOfMemory where a nanny ended a worker for its memory since then."""
    if client is None or client.status != "running":
        return
    events = [event for at, event in client.get_events(MEMORY) if at >= since]
    if events:
        most = max(event["rss"] for event in events)
        raise OutOfMemory(
            f"a worker took {most / 1e9:.2f} GB, more than its memory limit, and was ended; give workers more memory, "
            "or cut the data into smaller blocks"
        ) from error


def _say_cancelled(client: Client | None, error: FutureCancelledError | FuturesCancelledError) -> NoReturn:
    """Raise what a cancelled task means: the scheduler is gone, or what the task worked on."""
    if "scheduler-connection-lost" in str(error):
        raise _silent(client, "the connection broke") from error
    raise DataLost(
        f"what the workers at {_address(client)} held is gone ({' '.join(str(error).split())}); run the work again"
    ) from error


def _silent(client: Client | None, why: str) -> WorkersLost:
    if client is not None and client.scheduler is None:  # by its owner, or after a time for a scheduler that went
        return WorkersLost("the scheduler cannot be reached, for the Client is closed; open a new one, and try again")
    return WorkersLost(
        f"the scheduler at {_address(client)} cannot be reached ({why}); check that it runs, and try again"
    )


def _address(client: Client | None) -> str:
    return "this process" if client is None or client.scheduler is None else str(client.scheduler.address)
