"""Clusters to work on: connected to and looked at, or started here, and shut down whatever happens."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from weakref import WeakSet, WeakValueDictionary, finalize

from gpuseg.backends.devices import driver, gpu_missing
from gpuseg.engines.sites import ADDRESS, check_engine
from gpuseg.errors import InvalidInput, UnsupportedOnBackend, WorkersLost
from gpuseg.settings import wished_backend

PATIENCE = 10
"""Seconds that a scheduler has to answer a new connection."""
LEAVE = 5
"""Seconds that closing a connection may take: a scheduler that is gone does not answer."""
SHARE = 0.8
"""The share of the machine's memory that the workers may take together; the rest is for this process and the system."""
PYTHON, EXACT = "python", ("gpuseg", "dask", "distributed")
"""What must be alike on both sides: Python's first two numbers, and the whole versions of these."""

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

    What is no address is given as it is. Raises as ``site_of`` does.
    """
    check_engine(engine)
    if not isinstance(engine, str) or not ADDRESS.fullmatch(engine):
        yield engine
        return
    known, connection = engine in _open, connection_to(engine)
    try:
        yield connection.client
    finally:
        if not known:
            connection.close()


def connection_to(address: str) -> Connection:
    """Return the open connection to a scheduler, else a new one; raise WorkersLost where nobody listens."""
    from distributed import Client

    if (known := _open.get(address)) is not None and known.client.status == "running":
        return known
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise WorkersLost(
            f"engine={address!r}: no scheduler answers there within {PATIENCE} s; start one with `dask scheduler`, or "
            "check the address"
        ) from error
    connection = _open[address] = Connection(client)
    check_versions(client)
    return connection


def check_versions(client: Any) -> None:
    """Raise WorkersLost where the scheduler or a worker has another Python, Dask or gpuseg than this process."""
    if client in _checked:
        return
    told = client.get_versions(packages=["gpuseg"])
    ours = told["client"]["packages"]
    sides = {f"worker {address}": side for address, side in told["workers"].items()}
    for who, side in {"the scheduler": told["scheduler"], **sides}.items():
        theirs = side["packages"]
        differing = [name for name in (PYTHON, *EXACT) if _release(name, theirs[name]) != _release(name, ours[name])]
        if differing:
            pairs = ", ".join(f"{name} {_release(name, theirs[name])}" for name in differing)
            here = ", ".join(f"{name} {_release(name, ours[name])}" for name in differing)
            raise WorkersLost(f"{who} has {pairs}, and this process has {here}; install the same versions there")
    _checked.add(client)


@contextmanager
def workers(count: int, *, backend: str = "auto") -> Iterator[Any]:
    """Give the Client of ``count`` new worker processes on this machine, which end with the block, whatever happens.

    One thread a worker, and an equal share of SHARE of the memory. With GPUs to be used (``backend`` as everywhere) a
    worker has one GPU, by dask-cuda. The script that calls this guards its main part by ``__name__ == "__main__"``,
    as for all that starts processes. Raises InvalidInput for more workers than GPUs.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UnsupportedOnBackend(f"workers={count} needs {error.name}; install gpuseg[dask]") from error
    make = _on_gpus if _wants_gpus(backend) else _on_cores
    with make(count) as cluster, closing(Client(cluster, set_as_default=False)) as client:
        yield client


def _wants_gpus(backend: str) -> bool:
    wish = wished_backend(backend).name
    return wish == "cuda" or (wish == "auto" and gpu_missing() is None)


def _on_cores(count: int) -> Any:
    """Return a cluster of processes, each with its share of memory and of Polars' threads."""
    from distributed import LocalCluster
    from distributed.system import CPU_COUNT, MEMORY_LIMIT

    return LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        memory_limit=int(SHARE * MEMORY_LIMIT / count),
        env={"POLARS_MAX_THREADS": str(max(CPU_COUNT // count, 1))},
        processes=True,
        dashboard_address=None,
        # What goes wrong is told in one sentence by an error; a worker that ends is started again and changes nothing.
        silence_logs=logging.CRITICAL,
    )


def _on_gpus(count: int) -> Any:
    """Return a cluster of processes with a GPU each."""
    if (why := gpu_missing()) is not None:
        raise UnsupportedOnBackend(f"backend='cuda' cannot be used by workers here: {why}")
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
    return LocalCUDACluster(n_workers=count, dashboard_address=None, silence_logs=logging.CRITICAL)


def _release(name: str, version: str | None) -> str | None:
    """Return what of a version must be alike.

    >>> _release("python", "3.11.7.final.0"), _release("dask", "2026.8.0")
    ('3.11', '2026.8.0')
    """
    return ".".join(version.split(".")[:2]) if version and name == PYTHON else version
