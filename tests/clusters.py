"""Clusters of real processes on this machine, as many workers as a test asks for."""

import os
import signal
import time
from contextlib import contextmanager

from distributed import Client, LocalCluster


@contextmanager
def processes(count, *, threads=1, current=True):
    """Give the client of so many workers; ``current``: whether it is what Dask takes where no client is named."""
    with (
        # The usual port of the dashboard may be another cluster's.
        LocalCluster(count, threads_per_worker=threads, processes=True, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=current) as client,
    ):
        yield client


def cluster_of(count):
    """Return a cluster of so many workers, of one thread each, whose ends the log does not tell."""
    return LocalCluster(count, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=60)


def kill_when_pieces_are_held(cluster, pid, killed):
    """Kill a worker as soon as pieces of the exchange are held anywhere, so that some are lost."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        held = [key for key, task in list(cluster.scheduler.tasks.items()) if task.state == "memory"]
        if any("_sliced" in str(key) for key in held):
            os.kill(pid, signal.SIGKILL)
            killed.set()
            return
        time.sleep(0.001)
