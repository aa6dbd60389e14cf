"""Where to work is named by a word, a Client or an address; what is wrong with it is one sentence."""

import contextlib
import os
import pickle
import socket
import threading
import time

import numpy as np
import psutil
import pytest
from distributed import Client
from sklearn.base import clone

from gpuseg.backends import KNOWN, Known, get_backend
from gpuseg.cluster import KMeans
from gpuseg.engines import cluster as clusters
from gpuseg.engines import site_of
from gpuseg.engines._remote import Elsewhere, known_here
from gpuseg.engines.cluster import connected, workers
from gpuseg.engines.dask import DaskSite
from gpuseg.errors import BackendUnavailable, InvalidInput, WorkersLost
from gpuseg.neighbors.centers import nearest
from gpuseg.preprocessing import Preprocessor

X = np.random.default_rng(4).normal(size=(300, 3))


def fitted(engine):
    return KMeans(3, random_state=0, max_iter=4, solver="lloyd", backend="cpu", engine=engine).fit(X)


def test_a_client_is_a_parameter_that_can_be_cloned_and_is_stored_as_a_word(cluster):
    model = fitted(cluster)
    assert model.get_params()["engine"] is cluster
    assert clone(model).engine is cluster
    assert clone(model).n_clusters == 3
    assert model.dispatch_.engine == "dask"
    assert model.state()["parameters"]["engine"] == "dask"
    plain = KMeans.from_state(model.state())
    assert plain.engine == "auto"
    assert plain.predict(X).tobytes() == model.labels_.tobytes() == fitted("local").labels_.tobytes()


def test_an_estimator_with_a_client_says_that_it_cannot_be_pickled(cluster):
    model = fitted(cluster)
    with pytest.raises(InvalidInput, match=r"a KMeans with a Client as engine cannot be pickled; use clone\(\), keep"):
        pickle.dumps(model)
    again = pickle.loads(pickle.dumps(model.set_params(engine="dask")))  # noqa: S301 - our own
    assert again.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()


def test_a_preprocessor_works_on_the_workers_of_a_client(cluster):
    there = clone(Preprocessor(engine=cluster))
    assert there.fit_transform(X).tobytes() == Preprocessor().fit_transform(X).tobytes()
    assert there.state()["parameters"]["engine"] == "dask"


def clients_of(client):
    return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.clients))


def test_an_address_is_connected_to_and_left_again(cluster):
    address = cluster.scheduler.address
    before = clients_of(cluster)
    assert fitted(address).labels_.tobytes() == fitted("local").labels_.tobytes()
    assert clients_of(cluster) == before
    with connected(address) as client, connected(client) as same, connected(address) as again:
        assert client is same is again
        assert site_of(address).client is client
        assert Client.current() is client
        assert clients_of(cluster) == before + 1
    assert clients_of(cluster) == before
    with connected("auto") as engine:
        assert engine == "auto"


def test_an_address_on_which_nobody_listens_is_said(monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    with pytest.raises(WorkersLost, match=r"no scheduler answers at tcp://127.0.0.1:9 within 1 s; start one with"):
        fitted("tcp://127.0.0.1:9")


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.0\r\n"], ids=["nothing", "a banner"])
def test_an_address_on_which_something_else_listens_is_said(monkeypatch, said):
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    taken = []

    def answer():
        with contextlib.suppress(OSError):  # closed below
            while True:
                taken.append(server.accept()[0])
                taken[-1].sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(WorkersLost, match=rf"no scheduler answers at {address} within 1 s; start one with"):
            fitted(address)
        server.shutdown(socket.SHUT_RDWR)
        answering.join(timeout=5)
    for each in taken:
        each.close()


def test_workers_of_another_version_are_said(scheduler, tmp_path):
    _, address, start = scheduler
    (tmp_path / "old" / "gpuseg").mkdir(parents=True)
    (tmp_path / "old" / "gpuseg" / "__init__.py").write_text('__version__ = "0.0.1"\n')
    start("worker", "--no-nanny", address, folder=tmp_path / "old")  # whose gpuseg is found first
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
    with pytest.raises(
        WorkersLost, match=r"worker tcp://\S+ has gpuseg 0.0.1, and this process has gpuseg \d.*; install"
    ):
        fitted(address)


def test_an_address_on_which_nobody_listens_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    before = threading.active_count()
    for _ in range(2):
        with pytest.raises(WorkersLost, match="no scheduler answers"):
            fitted("tcp://127.0.0.1:9")
    assert threading.active_count() == before


@pytest.mark.parametrize("wrong", ["tls://127.0.0.1:9", "foo://127.0.0.1:9", "tcp://127.0.0.1"])
def test_an_address_of_a_kind_that_cannot_be_used_is_said(wrong):
    with pytest.raises(
        InvalidInput, match=rf"{wrong} cannot be connected to \(.*\); give an address as tcp://host:8786"
    ):
        fitted(wrong)


def test_a_closed_client_is_said(scheduler):
    client = Client(scheduler[1], set_as_default=False)
    client.close()
    with pytest.raises(WorkersLost, match="for the Client is closed; open a new one"):
        fitted(client)


@pytest.mark.parametrize("wrong", ["dusk", "localhost:8786", 3, None])
def test_what_names_no_engine_is_said(wrong):
    with pytest.raises(InvalidInput, match=r"a distributed Client.* such as 'tcp://host:8786'"):
        fitted(wrong)


def test_the_workers_say_which_backend_they_can_use(cluster):
    site = DaskSite.of(cluster)
    assert site.choose(X).backend.name == "cpu"
    assert site.choose(X, "cpu").reason == "asked for by name"
    with pytest.raises(BackendUnavailable, match="backend='cuda' cannot be used here"):
        site.choose(X, "cuda")


def test_a_backend_of_the_workers_alone_has_its_kernels_looked_up_there(monkeypatch):
    monkeypatch.setitem(KNOWN, "far", Known("gpuseg.backends.cpu", frozenset(), lambda: "it is far"))
    far = known_here("far")
    assert isinstance(far, Elsewhere)
    search = far.kernel_or(nearest)
    with pytest.raises(BackendUnavailable, match="it is far"):  # here
        search(None)
    monkeypatch.setitem(KNOWN, "far", Known("gpuseg.backends.cpu", frozenset(), lambda: None))  # on a worker
    get_backend.cache_clear()
    assert search.body is nearest
    assert get_backend(search.backend).name == "cpu"
    get_backend.cache_clear()


def test_workers_are_started_with_their_share_and_end_with_the_block():
    with workers(2, backend="cpu") as client:
        limits = [worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()]
        threads = client.run(lambda: os.environ["POLARS_MAX_THREADS"])
        pids = list(client.run(os.getpid).values())
        assert Client.current() is client
        assert fitted(client).labels_.tobytes() == fitted("local").labels_.tobytes()
    assert len(limits) == len(threads) == 2
    assert sum(limits) < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    until = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < until:  # noqa: PTH110
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: PTH110


@pytest.mark.skipif(KNOWN["cuda"].missing() is None, reason="there is a GPU here")
def test_workers_on_gpus_that_are_not_here_are_said():
    with (
        pytest.raises(BackendUnavailable, match=r"cannot be used by workers here: .*; or use backend=.cpu."),
        workers(1, backend="cuda"),
    ):
        pass


def test_a_worker_that_ends_while_it_starts_is_said():
    family = psutil.Process()
    others = set(family.children())

    def killing():
        while not (
            young := [each for each in set(family.children()) - others if "spawn_main" in " ".join(each.cmdline())]
        ):
            time.sleep(0.01)
        for each in young:
            each.kill()

    killer = threading.Thread(target=killing)
    killer.start()
    with pytest.raises(WorkersLost, match=r"workers=1 could not all be started \(.*\); see that there"), workers(1):
        pass
    killer.join()
