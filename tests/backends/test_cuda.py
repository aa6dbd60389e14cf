"""What only a GPU can show. Its calls are held against RAPIDS 26.10 by tests/rapids; it has not run on a GPU yet."""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import gpuseg
from gpuseg.backends import get_backend, to_host
from gpuseg.backends.devices import gpu_missing
from gpuseg.cluster import DBSCAN, HDBSCAN, KMeans
from gpuseg.features import customer_features
from gpuseg.io import open_table
from gpuseg.metrics import adjusted_rand
from gpuseg.preprocessing import Preprocessor
from tests.devices import in_cudf
from tests.features.conftest import columns

WHY = gpu_missing()
pytestmark = pytest.mark.skipif(WHY is not None, reason=f"no GPU: {WHY}")
RNG = np.random.default_rng(17)


@pytest.fixture
def cuda():
    return get_backend("cuda")


def clusters(rows, width, *, at=0.0, spread=8.0):
    """Return rows around ten centres, and as many starts."""
    centers = RNG.normal(size=(10, width)) * spread + at
    x = centers[RNG.integers(10, size=rows)] + RNG.normal(size=(rows, width))
    return x, x[:10]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("at", [0.0, 1e4])
@pytest.mark.parametrize("solver", ["vendor", "lloyd"])
@pytest.mark.parametrize("weighted", [False, True])
def test_kmeans_ends_where_the_cpu_ends(dtype, at, solver, weighted):
    x, init = clusters(20_000, 6, at=at)
    options = {"n_clusters": 10, "init": init, "solver": solver}
    weight = RNG.integers(1, 4, size=len(x)).astype(float) if weighted else None
    here = KMeans(**options, backend="cpu").fit(x.astype(dtype), sample_weight=weight)
    there = KMeans(**options, backend="cuda").fit(x.astype(dtype), sample_weight=weight)
    np.testing.assert_allclose(there.cluster_centers_, here.cluster_centers_, rtol=1e-4)
    assert there.inertia_ == pytest.approx(here.inertia_, rel=1e-5)
    assert adjusted_rand(there.labels_, here.labels_) >= 0.999


def test_sums_of_many_rows_keep_their_digits():
    """cuML adds a cluster's rows in float32: the centres must come from one step in float64 all the same."""
    x = np.full((20_000_000, 1), 45.0, dtype=np.float32)
    x[::2] += 8.0
    model = KMeans(2, init=np.array([[45.0], [53.0]]), backend="cuda", solver="vendor").fit(x)
    np.testing.assert_allclose(np.sort(model.cluster_centers_[:, 0]), [45.0, 53.0], rtol=1e-7)
    assert model.segment_weight_.tolist() == [10_000_000, 10_000_000]


@pytest.mark.parametrize(
    "model", [DBSCAN(0.3, min_samples=10), HDBSCAN(25, min_samples=10)], ids=lambda model: type(model).__name__
)
def test_density_methods_find_what_the_cpu_finds_where_that_is_sure(data, model):
    """Sure is what a jitter of 1e-6 leaves alone."""
    held = 0
    for path in sorted(data.glob("benchmarks/*/*.data.gz")):
        if path.name.startswith("birch1"):
            continue  # 100,000 rows: the CPU takes minutes
        x = np.loadtxt(path, ndmin=2)
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        here = model.set_params(backend="cpu").fit(x).labels_
        jittered = model.fit(x + RNG.uniform(-1e-6, 1e-6, size=x.shape)).labels_
        if adjusted_rand(here, jittered) == 1.0:
            held += 1
            assert adjusted_rand(model.set_params(backend="cuda").fit(x).labels_, here) >= 0.99, path.name
    assert held >= 5


@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
def test_a_model_of_the_gpu_assigns_where_there_is_none(algorithm, tmp_path):
    x, _ = clusters(2000, 3)
    table = pl.DataFrame(x, schema=["a", "b", "c"])
    options = {"dbscan": {"eps": 0.2}, "hdbscan": {"min_cluster_size": 30}}.get(algorithm)
    segmenter = gpuseg.Segmenter(algorithm=algorithm, algorithm_params=options, backend="cuda")
    segmenter.fit(in_cudf(table)).save(tmp_path / "m.gpuseg")
    assert segmenter.backend_ == "cuda"
    table.write_parquet(tmp_path / "x.parquet")
    code = "import gpuseg, sys; m = gpuseg.load('m.gpuseg'); print(m.predict('x.parquet').tolist())"
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=hidden, capture_output=True, check=True)
    here = np.array([int(word) for word in run.stdout.decode().strip("[]\n").split(",")])
    assert adjusted_rand(here, to_host(segmenter.labels_)) >= 0.999
    assert np.mean(here == to_host(segmenter.labels_)) >= 0.999


def test_results_are_in_cudf_and_cupy_where_the_rows_were(cuda):
    import cudf
    import cupy as cp

    x, init = clusters(500, 2)
    device = cuda.to_device(x)
    model = KMeans(10, init=init).fit(device)
    assert model.backend_ == "cuda"
    for found in (model.labels_, model.predict(device), *model.assign(device)):
        assert isinstance(found, cp.ndarray)
    table = cudf.DataFrame({"a": device[:, 0], "b": device[:, 1]})
    segmenter = gpuseg.Segmenter(n_clusters=3).fit(table)
    assert isinstance(segmenter.segments_, cudf.DataFrame)
    assert isinstance(Preprocessor().fit_transform(table), cp.ndarray)


def test_numbers_read_by_cudf_do_not_touch_the_host(monkeypatch, tmp_path):
    """The conversions of cuDF are counted here, those of arrays in test_crossings.py."""
    import cudf

    rows, seen = 5000, []
    for kind in (cudf.Series, cudf.DataFrame):
        for name in ("to_numpy", "to_pandas", "to_arrow"):
            real = getattr(kind, name)
            counted = lambda table, *a, real=real, **k: (seen.append(len(table)), real(table, *a, **k))[1]  # noqa: E731
            monkeypatch.setattr(kind, name, counted)
    x, _ = clusters(rows, 3)
    pl.DataFrame(x, schema=["a", "b", "c"]).write_parquet(tmp_path / "x.parquet")
    matrix = Preprocessor(duplicates="keep").fit_transform(cudf.read_parquet(tmp_path / "x.parquet"))
    KMeans(10, random_state=0).fit(matrix)
    assert [length for length in seen if length >= rows] == []


def test_frames_of_odd_columns_are_whole_after_the_crossing():
    for name, array in ODD.items():
        found = open_table(in_cudf(pa.table({name: array}))).eager()
        assert found.implementation.is_cudf()
        assert found[name].null_count() == array.null_count, name
        assert (
            found[name].n_unique()
            == pl.Series(array.combine_chunks() if hasattr(array, "chunks") else array).n_unique()
        )


ROWS = 60
ODD = {
    "text": pa.array(["é", "b", None, "a b", ""] * 12),
    "whole": pa.array([1, None, 3, 2, 5] * 12, pa.int64()),
    "short": pa.array([1, 7, 3, 2, 5] * 12, pa.uint8()),
    "truth": pa.array([True, None, False, True, False] * 12),
    "money": pa.array([Decimal("1.10"), None, Decimal("3.00"), Decimal("-2.25"), Decimal("9.99")] * 12),
    "zoned": pa.array(
        [dt.datetime(2026, 3, day, 1, 30, tzinfo=dt.UTC) for day in (1, 28, 29, 30, 31)] * 12,
        pa.timestamp("us", tz="Europe/Berlin"),
    ),
    "naive": pa.array([dt.datetime(2026, 3, day, 1, 30) for day in (1, 28, 29, 30, 31)] * 12, pa.timestamp("ms")),
    "category": pa.array(["x", "y", None, "x", "z"] * 12).dictionary_encode(),
    "gaps": pa.array([0.5, float("nan"), None, 2.0, 8.0] * 12),
}
"""A column of each kind that is not plain floats."""


@pytest.mark.parametrize("name", ODD)
def test_odd_columns_are_prepared_as_on_the_host(name):
    plain = pa.array(np.linspace(0.0, 1.0, ROWS) ** 2)
    table = pa.table({"plain": plain, name: ODD[name]})
    here, there = Preprocessor(duplicates="keep"), Preprocessor(duplicates="keep")
    expected = here.fit_transform(table)
    found = there.fit_transform(in_cudf(table))
    assert there.get_feature_names_out().tolist() == here.get_feature_names_out().tolist()
    np.testing.assert_allclose(to_host(found), expected, rtol=1e-9, atol=1e-9)
    assert [c.missing for c in there.report_.columns] == [c.missing for c in here.report_.columns]


def test_customer_features_are_those_of_the_host():
    rng = np.random.default_rng(3)
    days = np.datetime64("2026-01-01T10:00:00") + rng.integers(0, 200, 500).astype("timedelta64[D]")
    cents = rng.integers(1, 10_000, size=500)
    table = pa.table(
        {
            "customer_id": pa.array([f"c{i}" if i else None for i in rng.integers(0, 40, size=500)]),
            "order_id": pa.array(rng.integers(0, 300, size=500)),
            "date": pa.array(days.astype("datetime64[us]")).cast(pa.timestamp("us", tz="Europe/Berlin")),
            "amount": pa.array([Decimal(int(c)) / 100 for c in cents], pa.decimal128(12, 2)),
        }
    )
    with gpuseg.config(notices="off"):
        (here, _), (there, _) = customer_features(table), customer_features(in_cudf(table))
    expected, found = columns(here), columns(there)
    order, other = (np.argsort(side["customer_id"]) for side in (expected, found))
    assert list(found) == list(expected)
    for name, values in expected.items():
        one, two = np.array(values)[order], np.array(found[name])[other]
        if one.dtype.kind in "fi":
            np.testing.assert_allclose(two, one, rtol=1e-9, err_msg=name)
        else:
            assert two.tolist() == one.tolist(), name


def test_whole_numbers_with_gaps_are_refused_with_their_column():
    table = in_cudf(pa.table({"a": ODD["whole"], "b": ODD["short"]}))
    with pytest.raises(gpuseg.errors.InvalidInput, match=r"NaN or infinity in column \(rows\): 'a' \(12\)"):
        KMeans(2).fit(table)


def test_the_memory_told_is_that_of_the_device(cuda):
    import cupy as cp

    free, whole = cp.cuda.runtime.memGetInfo()
    assert 0 < cuda.free_memory() <= whole
    assert abs(cuda.free_memory() - free) < whole / 2
