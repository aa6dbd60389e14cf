"""What goes wrong on a cluster changes nothing but the time, or is one sentence; it never hangs."""

import os
import signal
import subprocess
import sys
import threading
import time

import dask
import dask.array as da
import numpy as np
import polars as pl
import psutil
import pytest
from dask.delayed import delayed
from distributed import Client, LocalCluster

from gpuseg.cluster import KMeans
from gpuseg.engines import _faults
from gpuseg.engines._faults import run
from gpuseg.engines.cluster import check_versions
from gpuseg.engines.dask import DaskEngine, Placed
from gpuseg.errors import InvalidInput, OutOfMemory, WorkersLost
from tests import small_backend

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 4))[RNG.integers(5, size=1200)] * 3 + RNG.normal(size=(1200, 4))
ROWS = 200


def state(x, **options):
    model = KMeans(5, random_state=2, n_init=1, max_iter=6, solver="lloyd", backend="cpu", **options).fit(x)
    return b"".join(np.asarray(a).tobytes() for a in (model.cluster_centers_, model.labels_, model.distance_quantiles_))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", ROWS)


@pytest.mark.parametrize("kind", ["array", "files", "dask"])
def test_a_worker_that_is_killed_in_the_middle_changes_nothing(cluster, monkeypatch, tmp_path, kind):
    frame = pl.DataFrame(X, schema=list("abcd"))
    frame.write_parquet(tmp_path / "x.parquet", row_group_size=ROWS)
    given = {"array": X, "files": tmp_path / "x.parquet", "dask": da.from_array(X, chunks=(ROWS, 4))}[kind]
    expected, walks, renewed, walk, renew = state(X), [], [], DaskEngine.collect, Placed.renew

    def killing(self, *args):
        walks.append(args)
        if len(walks) in ((4, 9) if kind == "array" else (9,)):  # while k-means++ draws, and in Lloyd's steps
            os.kill(next(iter(cluster.run(os.getpid).values())), signal.SIGKILL)
        return walk(self, *args)

    monkeypatch.setattr(DaskEngine, "collect", killing)
    monkeypatch.setattr(Placed, "renew", lambda self: (renewed.append(1), renew(self)))
    assert state(given, engine=cluster) == expected
    assert len(walks) > 9
    # What came from this process is sent again; what workers read or made, they make again.
    assert bool(renewed) is (kind == "array")


def greedy():
    taken = []
    for _ in range(50):  # no more than a machine of the tests has, should nobody end it
        taken.append(np.ones((5_000_000, 1)))
        time.sleep(0.05)
    return taken[0]


def test_a_worker_out_of_memory_is_one_clear_error():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(1, threads_per_worker=1, memory_limit="500MB", dashboard_address=":0", silence_logs=50) as made,
        Client(made, set_as_default=False) as client,
        pytest.raises(OutOfMemory, match=r"a worker took 0\.\d+ GB, more than its memory limit, and was ended; give"),
    ):
        KMeans(2, engine=client, backend="cpu").fit(da.from_delayed(delayed(greedy)(), (5_000_000, 1), dtype=float))


def test_a_block_that_does_not_fit_is_one_clear_error(cluster):
    for client in (cluster, None):
        with pytest.raises(OutOfMemory, match=r"a block of the work does not fit in memory \(.*\); use smaller blocks"):
            run(client, [delayed(np.ones)(10**15)])


@pytest.fixture
def small(cluster, monkeypatch):
    """Put a small device before the CPU, here and on the workers; give what fits with so many rows of room on each."""
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 100)
    cluster.wait_for_workers(2, timeout=60)  # a worker that a test before has killed may be on its way back
    saved = []

    def fit(held, backend="auto"):
        room = {"held": held}
        saved.append(small_backend.put_first(room))
        cluster.run(small_backend.put_first, room)
        return KMeans(5, random_state=2, max_iter=6, solver="lloyd", backend=backend, engine=cluster).fit(X)

    yield fit
    here = {name: known for name, known in saved[0].items() if name != "strict"}
    cluster.run(small_backend.take_away, here)
    small_backend.take_away(saved[0])


SMALLER = "'small' ran out of memory, tried again in smaller batches"
ELSEWHERE = "'small' ran out of memory, went on on 'cpu'"


@pytest.mark.parametrize(
    ("held", "backend", "steps"),
    [
        (10**6, "small", ()),
        (450, "small", (SMALLER,)),  # a worker has six blocks of a hundred rows
        (50, "cpu", (SMALLER, ELSEWHERE)),
    ],
)
def test_workers_whose_device_is_full_go_on_as_this_process_does(small, held, backend, steps):
    model = small(held)
    assert (model.backend_, model.dispatch_.engine, model.dispatch_.steps) == (backend, "dask", steps)
    here = KMeans(5, random_state=2, max_iter=6, solver="lloyd", backend="cpu").fit(X)
    np.testing.assert_array_equal(model.labels_, here.labels_)
    np.testing.assert_allclose(model.cluster_centers_, here.cluster_centers_, rtol=1e-9)


def test_a_device_asked_for_by_name_that_is_full_on_a_worker_is_said_with_the_plan(small):
    with pytest.raises(
        OutOfMemory,
        match=r"on a worker, backend 'small' ran out of memory \(std::bad_alloc: out of memory\): kmeans of 600 rows "
        r"by 4 columns needs about 60 kB on 'small'; use more workers, .*; or use backend='auto'",
    ):
        small(50, backend="small")


def test_an_error_of_a_task_arrives_as_itself(cluster):
    x = X.copy()
    x[700, 2] = np.nan
    with pytest.raises(InvalidInput, match=r"NaN or infinity in column \(rows\): 2 \(at least 1\)"):
        KMeans(3, backend="cpu", engine=cluster).fit(da.from_array(x, chunks=(ROWS, 4)))
    with pytest.raises(TimeoutError, match="mine"):
        run(cluster, [delayed(raising)(TimeoutError("mine"))])


def raising(error):
    raise error


def test_data_of_the_users_own_that_is_gone_is_said(cluster):
    held = cluster.persist(da.from_delayed(cluster.scatter(X[:ROWS], hash=False), (ROWS, 4), dtype=float))
    for pid in cluster.run(os.getpid).values():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkersLost, match=r"what the workers at tcp://\S+ held is gone .*; run the work again"):
        KMeans(2, engine=cluster, backend="cpu").fit(held)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_scheduler_is_an_error_and_no_hang(scheduler, monkeypatch, how):
    monkeypatch.setattr(_faults, "LOOK", 0.5)
    monkeypatch.setattr(_faults, "ANSWER", 2.0)
    process, address, start = scheduler
    start("worker", address, "--nthreads", "1")
    client = Client(address, timeout=30, set_as_default=False)
    try:
        client.wait_for_workers(1, timeout=60)
        threading.Timer(1.0, lambda: process.send_signal(how)).start()
        with pytest.raises(
            WorkersLost, match=r"the scheduler at tcp://\S+ cannot be reached \(.*\); check that it runs"
        ):
            run(client, [delayed(time.sleep)(0.2) for _ in range(100)])
        with pytest.raises(WorkersLost, match="cannot be reached"):  # and so is the next call
            run(client, [delayed(time.sleep)(0)])
    finally:
        client.close(timeout=1)


def test_a_scheduler_that_falls_silent_is_said_before_the_work_too(scheduler, monkeypatch):
    monkeypatch.setattr(_faults, "LOOK", 0.2)
    monkeypatch.setattr(_faults, "ANSWER", 1.0)
    process, address, _ = scheduler
    client = Client(address, timeout=30, set_as_default=False)
    try:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(
            WorkersLost, match=r"the scheduler at tcp://\S+ cannot be reached \(.*\); check that it runs"
        ):
            check_versions(client)
    finally:
        client.close(timeout=1)


def test_a_cluster_without_workers_is_an_error_in_the_end(scheduler, monkeypatch):
    monkeypatch.setattr(_faults, "LOOK", 0.1)
    monkeypatch.setattr(_faults, "ALONE", 0.5)
    with (
        Client(scheduler[1], set_as_default=False) as client,
        pytest.raises(WorkersLost, match=r"has had no worker for 0 s; start workers and try again"),
    ):
        run(client, [delayed(time.sleep)(0)])


ENDLESS = """
import os, sys
import numpy as np
if __name__ == "__main__":
    from gpuseg.cluster import KMeans
    from gpuseg.engines.cluster import workers
    print("starting", flush=True)
    with workers(2) as client:
        print("at work", flush=True)
        x = np.random.default_rng(0).normal(size=(300_000, 8))
        KMeans(50, n_init=1000, engine=client, backend="cpu").fit(x)
"""


@pytest.mark.parametrize("moment", ["starting", "at work"])
def test_an_interrupt_frees_the_workers(moment):
    command = [sys.executable, "-c", ENDLESS]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.stdout.readline().strip() != moment:
        assert process.poll() is None
    family, until = psutil.Process(process.pid), time.monotonic() + 60
    while len(family.children(recursive=True)) < 3 and time.monotonic() < until:  # two workers and their tracker
        time.sleep(0.05)
    children = family.children(recursive=True)
    assert len(children) >= 3
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert said.strip().endswith("KeyboardInterrupt")
    assert "spawn_main" not in said  # no worker tells of it
    assert "nanny.py" not in said
    assert not psutil.wait_procs(children, timeout=20)[1]
