"""What the CUDA backend hands to cuML means what it means on the CPU: its own code runs, on stand-ins."""

import sys
from dataclasses import replace
from unittest.mock import create_autospec

import cudf
import cuml.cluster
import cupy
import narwhals as nw
import numpy as np
import pytest
import sklearn.cluster
from cupy_backends.cuda.api.runtime import CUDARuntimeError
from sklearn.metrics import adjusted_rand_score

from gpuseg import backends
from gpuseg.backends import cuda, devices
from gpuseg.cluster import DBSCAN, HDBSCAN, KMeans
from tests.rapids import standins

FAR = np.array([1e4, -3e3, 50.0])
"""How far from zero the rows lie: expanded distances in float32 would mislabel them."""


@pytest.fixture
def made(monkeypatch):
    """Put the stand-ins in their places; give the models that are made."""
    models, numpy = [], standins.NumpyAsCupy()
    swaps = {id(cupy): numpy}
    for name, fit in standins.FITS.items():
        real = getattr(cuml.cluster, name)
        swaps[id(real)] = standins.stand_in(real, fit, models)
        monkeypatch.setattr(cuml.cluster, name, swaps[id(real)])
    for module in [sys.modules[name] for name in sys.modules if name.startswith("gpuseg.backends.")]:
        for name, value in list(vars(module).items()):
            if id(value) in swaps:
                monkeypatch.setattr(module, name, swaps[id(value)])
    return models


@pytest.fixture
def usable(made, monkeypatch):
    """Let "cuda" be chosen, with NumPy's arrays for CuPy's."""
    crossings = {"to_device": np.ascontiguousarray, "to_host": np.asarray, "free_memory": lambda: standins.FREE}
    monkeypatch.setattr(cuda, "BACKEND", replace(cuda.BACKEND, **crossings))
    monkeypatch.setitem(backends.KNOWN, "cuda", backends.KNOWN["cuda"]._replace(missing=lambda: None))
    backends.get_backend.cache_clear()
    yield made
    backends.get_backend.cache_clear()


@pytest.fixture
def far(blobs):
    return blobs[0] + FAR


def handed(model):
    """Return the rows that a model was given."""
    return model.fit.call_args.args[0]


def fitted_by_cuml(x, start, **options):
    """Return what the backend's k-means gives from a start, in place."""
    offset = x.mean(axis=0)
    options = {"sample_weight": np.ones(len(x)), "max_iter": 300, "tol": 1e-4, **options}
    found = cuda.BACKEND.fits["kmeans"](x, starts=[start - offset], offset=offset, **options)
    return found["centers"] + offset, found


def test_kmeans_under_a_wide_tolerance_ends_no_worse_than_scikit_learn(far, made):
    _, found = fitted_by_cuml(far, far[:6], tol=0.3)
    assert found["inertia"] <= 1.0001 * sklearn.cluster.KMeans(6, init=far[:6], n_init=1, tol=0.3).fit(far).inertia_


@pytest.mark.parametrize("options", [{}, {"max_iter": 2}, {"tol": 0.0}])
def test_kmeans_starts_and_stops_as_scikit_learn(far, made, options):
    centers, found = fitted_by_cuml(far, far[:6], **options)
    theirs = sklearn.cluster.KMeans(6, init=far[:6], n_init=1, **options).fit(far)
    np.testing.assert_allclose(centers, theirs.cluster_centers_, rtol=1e-4)
    assert found["inertia"] == pytest.approx(theirs.inertia_, rel=1e-4)
    assert abs(found["n_iter"] - theirs.n_iter_) <= (0 if options.get("max_iter") else 2)
    assert made


def test_kmeans_gets_rows_near_zero_in_float32_and_weights_as_they_are(far, made):
    weight = np.arange(len(far)) % 3 + 1.0
    fitted_by_cuml(far, far[:6], sample_weight=weight)
    for model in made:
        x = handed(model)
        assert x.dtype == np.float32
        assert np.abs(x.mean(axis=0)).max() < 1e-3
        given = model.fit.call_args.kwargs["sample_weight"]
        np.testing.assert_allclose(given / given[0], weight)
        assert model.output_type == "cupy"


@pytest.mark.parametrize("weighted", [False, True])
def test_dbscan_counts_and_measures_as_scikit_learn(far, made, weighted):
    weight = np.arange(len(far)) % 3 + 1.0 if weighted else None
    found = cuda.BACKEND.fits["dbscan"](far, eps=0.8, min_samples=8, sample_weight=weight)
    theirs = sklearn.cluster.DBSCAN(eps=0.8, min_samples=8).fit(far - far.mean(axis=0), sample_weight=weight)
    np.testing.assert_array_equal(np.asarray(found["core_sample_indices_"]), theirs.core_sample_indices_)
    np.testing.assert_array_equal(np.asarray(found["labels_"]), theirs.labels_)
    assert found["labels_"].dtype == np.int32
    (model,) = made
    assert np.abs(handed(model).mean(axis=0)).max() < 1e-3
    assert 0 < model.max_mbytes_per_batch << 20 <= standins.FREE


def test_the_ball_cover_is_asked_for_only_where_it_is_used(far, made):
    """cuML runs brute force, whatever was asked for, unless all of this holds."""
    cuda.BACKEND.fits["dbscan"](far, eps=0.8, min_samples=8, sample_weight=None)
    (model,) = made
    assert model.algorithm == "rbc"
    assert model.metric == "euclidean"
    assert handed(model).dtype == np.float32
    assert np.dtype(model.fit.call_args.kwargs["out_dtype"]) == np.int64


@pytest.mark.parametrize("min_samples", [2, 5, 30])
def test_hdbscan_joins_rows_as_scikit_learn(far, made, min_samples):
    found = cuda.BACKEND.fits["hdbscan"](far, min_samples=min_samples)
    theirs = backends.get_backend("cpu").fits["hdbscan"](far, min_samples=min_samples)
    np.testing.assert_allclose(found["heights"], theirs["heights"], rtol=1e-4)
    assert (found["children"].dtype, found["sizes"].dtype) == (np.int64, np.int64)
    assert made[0].min_samples == min_samples - 1
    assert handed(made[0]).dtype == np.float32


@pytest.mark.parametrize(
    "model", [KMeans(4, random_state=0), DBSCAN(0.8, min_samples=8), HDBSCAN(20)], ids=["kmeans", "dbscan", "hdbscan"]
)
def test_estimators_give_the_segments_of_the_cpu(far, usable, model):
    here = model.set_params(backend="cuda").fit(far).labels_
    assert model.backend_ == "cuda"
    assert usable
    again = model.predict(far)
    there = model.set_params(backend="cpu").fit(far).labels_
    assert adjusted_rand_score(here, there) >= 0.99
    np.testing.assert_array_equal(again, here)


def test_a_table_of_cudf_becomes_an_array_without_a_copy_to_the_host():
    frame, native = create_autospec(nw.DataFrame, instance=True), create_autospec(cudf.DataFrame, instance=True)
    frame.implementation, frame.select.return_value = nw.Implementation.CUDF, frame
    frame.to_native.return_value = native
    cuda.matrix(frame)
    given = native.to_cupy.call_args.kwargs
    assert np.dtype(given["dtype"]) == np.float64
    assert np.isnan(given["na_value"])
    assert [call for call, *_ in native.mock_calls] == ["to_cupy"]
    assert {call for call, *_ in frame.method_calls} <= {"select", "to_native", "to_native().to_cupy"}


@pytest.mark.skipif(devices.gpu_missing() is None, reason="there is a GPU here: tests/backends run on it")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, bool, np.int32])
def test_host_data_gets_as_far_as_the_driver(dtype):
    with pytest.raises(CUDARuntimeError, match="driver"):
        cuda.BACKEND.to_device(np.zeros((3, 2), dtype))
    assert cuda.BACKEND.to_host(np.ones(2)).tolist() == [1, 1]


@pytest.mark.skipif(devices.gpu_missing() is None, reason="there is a GPU here: tests/backends run on it")
@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_table_of_the_host_gets_as_far_as_the_driver(library):
    table = nw.from_dict({"a": [1, 2, None], "b": [0.5, None, 1.0]}, backend=library)
    with pytest.raises(CUDARuntimeError, match="driver"):
        cuda.BACKEND.matrix(table)
