"""Clusters of real processes on this machine, as many workers as a test asks for."""

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
