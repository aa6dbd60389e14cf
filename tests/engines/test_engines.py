"""The law of blocks: the same blocks give the same bits, wherever they are worked on."""

import dask.array as da
import numpy as np
import polars as pl
import pytest
from distributed import Client, LocalCluster

from gpuseg.cluster import KMeans
from gpuseg.engines import blocks_of, engine_for
from gpuseg.errors import InvalidFile, InvalidInput

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
    with (
        LocalCluster(request.param, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
        Client(cluster),
    ):
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
    with pytest.raises(InvalidInput, match=r"NaN or infinity in column \(count\): 2 \(1\)"):
        KMeans(3, backend="cpu").fit(da.from_array(x, chunks=(ROWS, 6)))


def test_threads_do_not_change_a_bit(monkeypatch):
    here = state(X)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert state(X) == here


def test_data_in_memory_is_not_part_of_a_graph(workers):
    engine = engine_for(blocks_of(X), "cpu", "dask")
    assert sum(len(str(value.dask)) for value in engine.values) < X.nbytes / 4


def test_unknown_chunks_are_refused():
    x = da.from_array(X, chunks=(ROWS, 6))
    with pytest.raises(InvalidInput, match="compute_chunk_sizes"):
        blocks_of(x[x[:, 0] > 0])


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
    with pytest.raises(InvalidInput, match=r"two.parquet has no column 'b'; it has 'a', 'c'"):
        KMeans(1, backend="cpu").fit([tmp_path / "one.parquet", tmp_path / "two.parquet"])
