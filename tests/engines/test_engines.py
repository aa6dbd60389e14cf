"""The law of blocks: the same blocks give the same bits, wherever they are worked on."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pytest
from distributed import Client, LocalCluster
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from gpuseg.backends._threads import OneThread, one_openmp_thread
from gpuseg.cluster import KMeans
from gpuseg.engines import blocks_of, local, site_of
from gpuseg.engines.dask import current, scattered
from gpuseg.errors import InvalidFile, InvalidInput
from tests.clusters import processes

ROWS = 500
RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 6))[RNG.integers(7, size=3200)] * 2 + RNG.normal(size=(3200, 6))
WEIGHT = RNG.integers(1, 5, size=3200).astype(float)


def state(x, *, weight=None, **options):
    options = {"solver": "lloyd", "backend": "cpu", **options}
    model = KMeans(5, random_state=11, n_init=2, max_iter=15, **options).fit(x, sample_weight=weight)
    fitted = (model.cluster_centers_, model.labels_, model.distance_quantiles_, model.segment_weight_)
    return b"".join(np.asarray(a).tobytes() for a in fitted) + str(model.inertia_).encode()


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", ROWS)


@pytest.fixture(scope="module", params=[1, 2, 3])
def workers(request):
    with processes(request.param, threads=2):
        yield request.param


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_workers_do_not_change_a_bit(workers, dtype):
    x = X.astype(dtype)
    here = state(x, weight=WEIGHT)
    assert state(x, weight=WEIGHT, engine="dask") == here
    there = da.from_array(x, chunks=(ROWS, 3))
    assert state(there, weight=WEIGHT) == here
    assert state(there, weight=da.from_array(WEIGHT, chunks=700)) == here


def test_the_vendor_here_and_our_loop_on_workers_give_the_same_segments(workers):
    here = KMeans(7, random_state=1, n_init=3, tol=0, backend="cpu").fit(X)
    there = KMeans(7, random_state=1, n_init=3, tol=0, backend="cpu").fit(da.from_array(X, chunks=(ROWS, 6)))
    assert (here.dispatch_.solver, there.dispatch_.solver) == ("vendor", "lloyd")
    np.testing.assert_array_equal(here.labels_, there.labels_)
    np.testing.assert_allclose(here.cluster_centers_, there.cluster_centers_, rtol=1e-9)


def test_assign_on_workers_is_lazy_and_the_same(workers):
    model = KMeans(5, random_state=1, backend="cpu").fit(X)
    here, there = model.assign(X), model.assign(da.from_array(X, chunks=(ROWS, 6)))
    for one, two in zip(here, there, strict=True):
        assert isinstance(two, da.Array)
        np.testing.assert_array_equal(one, two.compute())


def test_files_on_both_engines(workers, tmp_path):
    paths = [tmp_path / f"{start:05}.parquet" for start in range(0, len(X), ROWS)]
    for i, path in enumerate(paths):
        pl.DataFrame(X[i * ROWS : (i + 1) * ROWS], schema=list("abcdef")).write_parquet(path)
    assert state(paths) == state(paths, engine="dask") == state(X)


def test_nan_on_a_worker_is_refused_with_its_column(workers):
    x = X.copy()
    x[1700, 2] = np.inf
    with pytest.raises(InvalidInput, match=r"NaN or infinity in column \(rows\): 2 \(at least 1\)"):
        KMeans(3, backend="cpu").fit(da.from_array(x, chunks=(ROWS, 6)))


@pytest.fixture
def cores(monkeypatch):
    """Set how many threads work on blocks."""

    def use(number):
        local.threads.cache_clear()
        monkeypatch.setattr(local, "cores", lambda: number)

    yield use
    local.threads.cache_clear()


@pytest.mark.parametrize("solver", ["lloyd", "vendor"])
def test_threads_do_not_change_a_bit(cores, monkeypatch, solver):
    monkeypatch.setattr("gpuseg.backends.cpu.SMALL", 1000)  # so that scikit-learn starts its own threads
    found = set()
    for number in (1, 2, 5):
        cores(number)
        with threadpool_limits(number):
            found.add(state(X, solver=solver))
    assert len(found) == 1


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_the_limit_of_threads_is_lifted_when_the_last_walk_ends():
    held = OneThread()
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        first, second = held(), held()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == before


def test_the_limit_holds_where_another_thread_set_one_before():
    with ThreadPoolExecutor(1) as other, threadpool_limits(2, user_api="blas"):
        other.submit(lambda: ThreadpoolController().limit(limits=2, user_api="blas")).result()
        with OneThread()():
            assert blas_threads() == {1}
            assert other.submit(blas_threads).result() == {1}
        assert blas_threads() == {2}


def test_each_thread_has_its_own_openmp_limit():
    def limited(_):
        with one_openmp_thread():
            barrier.wait(timeout=30)
            return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"}

    state(X, solver="vendor")  # loads scikit-learn's OpenMP
    barrier = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(limited, range(2))) == [{1}, {1}]


def test_fits_side_by_side_do_not_disturb_each_other():
    expected = state(X)
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(lambda _: state(X), range(6))) == {expected}


def test_data_in_memory_is_not_part_of_a_graph(workers):
    assert not any(isinstance(part, np.ndarray) for part in scattered(blocks_of(X).parts, current()))


def even(block, numbers):
    return block._replace(x=block.x[numbers % 2 == 0], weight=block.weight[numbers % 2 == 0])


def rows_in(block):
    return np.arange(len(block.x))


def read(block):
    return block.number, block.x.tobytes(), block.weight.tobytes()


@pytest.mark.parametrize("held", [0.0, 0.5])
def test_parts_of_blocks_are_held_where_the_blocks_are(held, monkeypatch, tmp_path):
    monkeypatch.setattr("gpuseg.engines.local.HELD", held)
    path = tmp_path / "x.parquet"
    pl.DataFrame(X, schema=list("abcdef")).write_parquet(path, row_group_size=ROWS)
    found = []
    for source, engine in ((X, "local"), (path, "local"), (da.from_array(X, chunks=(ROWS, 6)), "dask")):
        blocks = blocks_of(source)
        parts = site_of(engine).engine(blocks, "cpu").map(rows_in).within(even)
        found.append([parts.collect(read), parts.map(rows_in).within(even).collect(read)])
        if engine == "local":
            assert parts.held == (held > 0 or source is X)
    assert found[0] == found[1] == found[2]
    assert len(found[0][1][-1][1]) == 8 * 6 * 50


def test_lazy_results_outlive_the_cluster_and_hold_nothing_on_it():
    model = KMeans(5, random_state=1, backend="cpu").fit(X)
    there = da.from_array(X, chunks=(ROWS, 6))
    with (
        LocalCluster(1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        lazy = model.predict(there)
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), model.predict(X))


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_without_a_cluster_dask_gives_the_same_bits(engine):
    x = X if engine == "local" else da.from_array(X, chunks=(ROWS, 6))
    assert state(x, engine=engine) == state(X)


def test_chunks_and_row_groups_without_rows_change_nothing(tmp_path):
    x = da.concatenate([da.zeros((0, 6), chunks=(1, 6)), da.from_array(X, chunks=(ROWS, 6)), da.zeros((0, 6))])
    assert state(x) == state(X)
    frame = pl.DataFrame(X, schema=list("abcdef"))
    frame.write_parquet(tmp_path / "b.parquet", row_group_size=ROWS)
    frame.head(0).write_parquet(tmp_path / "a.parquet")
    assert state([tmp_path / "a.parquet", tmp_path / "b.parquet"]) == state(X)


def test_no_rows_at_all_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame(X, schema=list("abcdef")).head(0).write_parquet(path)
    for nothing in (da.zeros((0, 6)), path, X[:0]):
        with pytest.raises(ValueError, match=r"no rows|0 sample"):
            KMeans(2, backend="cpu").fit(nothing)


@pytest.mark.parametrize("wrong", [np.full(3200, -1.0), np.full(3200, np.nan), np.ones(10)])
@pytest.mark.parametrize("spread", [lambda x: x, lambda x: da.from_array(x, chunks=ROWS)])
def test_wrong_weights_are_refused(wrong, spread):
    x = da.from_array(X, chunks=(ROWS, 6))
    for data in (X, x) if isinstance(spread(wrong), np.ndarray) else (x,):
        with pytest.raises(ValueError, match=r"[Nn]egative|NaN|shape|missing"):
            KMeans(2, backend="cpu").fit(data, sample_weight=spread(wrong))


def test_unknown_chunks_are_refused():
    x = da.from_array(X, chunks=(ROWS, 6))
    with pytest.raises(InvalidInput, match="compute_chunk_sizes"):
        blocks_of(x[x[:, 0] > 0])


def test_a_column_of_a_dask_dataframe_is_refused():
    frame = dd.from_pandas(pd.DataFrame({"a": [1.0, 2.0]}), npartitions=1)
    with pytest.raises(InvalidInput, match="X is a Dask Series; pass a Dask DataFrame"):
        blocks_of(frame["a"])


def test_a_file_that_is_no_parquet_is_said(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidFile, match="cannot be read as Parquet"):
        blocks_of(path)


def test_a_column_of_text_in_a_file_is_said(tmp_path):
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}).write_parquet(path)
    with pytest.raises(InvalidInput, match="not of numbers"):
        KMeans(1, backend="cpu").fit(path)


def test_a_missing_column_in_a_file_is_said(tmp_path):
    for name, columns in (("one", "ab"), ("two", "ac")):
        pl.DataFrame(X[:9, :2], schema=list(columns)).write_parquet(tmp_path / f"{name}.parquet")
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    with pytest.raises(InvalidFile, match=r"two.parquet and .*one.parquet differ in the columns 'b', 'c'; give files"):
        KMeans(1, backend="cpu").fit([one, two])
    with pytest.raises(InvalidInput, match=r"two.parquet has no column 'b'; it has 'a', 'c'"):
        KMeans(1, backend="cpu").fit(one).predict(two)
