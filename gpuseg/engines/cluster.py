"""Clusters to work on: connected to and looked at, or started here, and shut down whatever happens."""

import asyncio
import logging
import signal
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import resource_tracker
from pkgutil import resolve_name
from typing import Any
from weakref import WeakSet, WeakValueDictionary, finalize

from gpuseg.backends import get_backend
from gpuseg.backends.devices import driver, gpu_missing
from gpuseg.engines.local import cores
from gpuseg.engines.sites import ADDRESS, check_engine
from gpuseg.errors import BackendUnavailable, GpusegError, InvalidInput, UnsupportedOnBackend, WorkersLost
from gpuseg.settings import wished_backend

PATIENCE = 10
"""Seconds that a scheduler has to answer a new connection."""
LEAVE = 5
"""Seconds that closing a connection may take: a scheduler that is gone does not answer."""
SHARE = 0.8
"""The share of the free memory that the workers may take together; the rest is for this process and the system."""
THREADS = 1
"""Threads of a worker process, each of which works on a part and holds it; within a part Polars has its own.

More gained nothing that could be told: ``gpuseg run`` of 10 million transactions on two busy cores, in 4 turns, took
0.9 to 1.4 times as long with 2 workers of 2 threads as with 2 of 1 (median 1.2), and 0.7 to 1.2 times with 1 of 2
threads as with 1 of 1 (median 0.9).
"""
PYTHON, VERSION = "python", "gpuseg:__version__"
ALIKE = (PYTHON, "dask", "distributed", "polars", "gpuseg")
"""What must be alike on both sides: Python's first two numbers, and the whole versions of the others.

Polars' hashes bring rows of equal values together, and may differ between its versions.
"""

_open: "WeakValueDictionary[str, Connection]" = WeakValueDictionary()
_checked: WeakSet[Any] = WeakSet()


class Connection:
    """A client that was opened here, and that is closed when nobody holds this any more."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.close = finalize(self, client.close, timeout=LEAVE)


@contextmanager
def connected(engine: Any) -> Iterator[Any]:
    """Give what may be passed on as ``engine``: an address as a Client, which is closed at the end of the block.

    That is the current client inside the block. What is no address is given as it is. Raises as ``site_of`` does.
    Dask's own log is quiet inside the block: what goes wrong is told in one sentence by an error.
    """
    check_engine(engine)
    if not isinstance(engine, str) or not ADDRESS.fullmatch(engine):
        yield engine
        return
    from distributed.utils import silence_logging_cmgr

    with silence_logging_cmgr(logging.CRITICAL):
        known, connection = engine in _open, connection_to(engine)
        try:
            with connection.client.as_current():
                yield connection.client
        finally:
            if not known:
                connection.close()


def connection_to(address: str) -> Connection:
    """Return the open connection to a scheduler, else a new one; raise WorkersLost where nobody listens."""
    from distributed import Client

    from gpuseg.engines._faults import told

    if (known := _open.get(address)) is not None and known.client.status == "running":
        return known
    try:
        # A Client that finds nobody leaves a thread behind that nothing ends, so one is made where somebody answers.
        with ThreadPoolExecutor(1) as apart:  # a notebook's own thread has a loop that runs
            apart.submit(asyncio.run, _answered(address)).result()
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InvalidInput(
            f"{address} cannot be connected to ({reason}); give an address as tcp://host:8786, or a Client of yours"
        ) from error
    except (OSError, TimeoutError, MemoryError, struct.error) as error:
        raise WorkersLost(
            f"no scheduler answers at {address} within {PATIENCE} s; start one with `dask scheduler`, or give another"
        ) from error
    connection = Connection(client)
    try:
        with told(client):
            check_versions(client)
    except WorkersLost:
        connection.close()
        raise
    _open[address] = connection
    return connection


async def _answered(address: str) -> None:
    """Return where a scheduler answers; raise what Dask raises where none does.

    What is no scheduler may take the connection and say nothing, or what is read as the length of a message.
    """
    from distributed.comm import connect
    from distributed.security import Security

    comm = await asyncio.wait_for(connect(address, PATIENCE, **Security().get_connection_args("client")), PATIENCE + 1)
    comm.abort()


def check_versions(client: Any) -> None:
    """Raise WorkersLost where the scheduler or a worker has another Python, Dask, Polars or gpuseg than here."""
    if client in _checked:
        return
    from gpuseg.engines._faults import done

    told = done(client, client._get_versions(packages=["polars"]))  # noqa: SLF001 - get_versions() waits for ever
    ours = {**told["client"]["packages"], "gpuseg": resolve_name(VERSION)}
    sides = {"the scheduler": {**told["scheduler"]["packages"], "gpuseg": _on_scheduler(client)}}
    found = done(client, client.run(resolve_name, VERSION, on_error="return", asynchronous=True))
    for address, side in told["workers"].items():
        version = found.get(address)
        sides[f"worker {address}"] = {**side["packages"], "gpuseg": version if isinstance(version, str) else None}
    for who, theirs in sides.items():
        if differing := [name for name in ALIKE if _release(name, theirs[name]) != _release(name, ours[name])]:
            there, here = (_shown(differing, packages) for packages in (theirs, ours))
            raise WorkersLost(f"{who} has {there}, and this process has {here}; install the same versions there")
    _checked.add(client)


def _on_scheduler(client: Any) -> str | None:
    """Return the scheduler's gpuseg, which it needs to read the work."""
    from gpuseg.engines._faults import done

    try:
        return str(done(client, client.run_on_scheduler(resolve_name, VERSION, asynchronous=True)))
    except ModuleNotFoundError:
        return None


def _shown(names: Sequence[str], packages: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {_release(name, packages[name])}" if packages[name] else f"no {name}" for name in names)


@contextmanager
def workers(count: int, *, backend: str = "auto") -> Iterator[Any]:
    """Give the Client of ``count`` new worker processes on this machine, which end with the block, whatever happens.

    It is the current client. One thread a worker, and an equal share of SHARE of the free memory. With GPUs to be used
    (``backend`` as everywhere) a worker has one GPU, by dask-cuda. A script that calls this guards its main part by
    ``__name__ == "__main__"``, as for all that starts processes. Raises InvalidInput for more workers than GPUs, and
    WorkersLost where one ends before it has begun.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UnsupportedOnBackend(f"workers={count} needs {error.name}; install gpuseg[dask]") from error
    make = _on_gpus if _wants_gpus(backend) else _on_cores
    with ExitStack() as stack:
        with uninterrupted():
            cluster = stack.enter_context(_started(make, count))
            client = stack.enter_context(closing(Client(cluster)))
        yield client


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt back until the end of the block: half a cluster cannot be shut down.

    Threads and processes that begin inside never take one: a terminal sends it to the workers too, which would end
    each with a traceback, and with the work that this process still has to put away.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    if masks := hasattr(signal, "pthread_sigmask"):  # not on Windows
        resource_tracker.ensure_running()  # it unblocks interrupts in the thread that starts it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
        if caught:
            raise KeyboardInterrupt


def _started(make: Callable[[int], Any], count: int) -> Any:
    """Return the new cluster; raise WorkersLost where a worker does not come to work."""
    try:
        return make(count)
    except GpusegError:
        raise
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error.__cause__ or error).split()).rstrip(".")
        raise WorkersLost(
            f"workers={count} could not all be started ({reason}); see that there is memory for them, and try again"
        ) from error


def _wants_gpus(backend: str) -> bool:
    wish = wished_backend(backend).name
    return wish == "cuda" or (wish == "auto" and gpu_missing() is None)


def _on_cores(count: int) -> Any:
    """Return a cluster of processes, each with its share of memory and of Polars' threads."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=count,
        threads_per_worker=THREADS,
        memory_limit=int(SHARE * get_backend("cpu").free_memory() / count),
        env={"POLARS_MAX_THREADS": str(max(cores() // count, 1))},
        processes=True,
        dashboard_address=":0",  # the usual port may be another cluster's, which Dask warns of
        # What goes wrong is told in one sentence by an error; a worker that ends is started again and changes nothing.
        silence_logs=logging.CRITICAL,
    )


def _on_gpus(count: int) -> Any:
    """Return a cluster of processes with a GPU each."""
    if (why := gpu_missing()) is not None:
        raise BackendUnavailable(f"backend='cuda' cannot be used by workers here: {why}; or use backend='cpu'")
    found = driver()
    gpus = len(found.gpus) if found else 0
    if count > gpus:
        raise InvalidInput(f"workers={count} is more than the GPUs here, of which there are {gpus}; use at most {gpus}")
    try:
        from dask_cuda import LocalCUDACluster
    except ModuleNotFoundError as error:
        raise UnsupportedOnBackend(
            f"workers on GPUs need {error.name}; install gpuseg[cuda12] or gpuseg[cuda13]"
        ) from error
    return LocalCUDACluster(n_workers=count, dashboard_address=":0", silence_logs=logging.CRITICAL)


def _release(name: str, version: str | None) -> str | None:
    """Return what of a version must be alike.

    >>> _release("python", "3.11.7.final.0"), _release("dask", "2026.8.0")
    ('3.11', '2026.8.0')
    """
    return ".".join(version.split(".")[:2]) if version and name == PYTHON else version
