"""Device data gives what host data gives, through every public function that takes rows: no body is NumPy's alone.

array-api-strict refuses whatever the standard does not promise, so what runs on it runs on CuPy, as far as the
standard goes.
"""

import itertools

import numpy as np
import pytest

from gpuseg.backends import holder, to_host
from gpuseg.cluster import ALGORITHMS, DBSCAN, HDBSCAN, KMeans
from gpuseg.metrics import adjusted_rand, calinski_harabasz, davies_bouldin, silhouette
from gpuseg.preprocessing import Preprocessor
from gpuseg.selection import choose_k

RNG = np.random.default_rng(23)
X = np.column_stack(
    [RNG.lognormal(1, 1, 300), -RNG.gamma(1, 3, 300), RNG.normal(1e6, 3, 300), RNG.integers(0, 4, 300) * 1.0]
)
GAPS = X.copy()
GAPS[::17, 0], GAPS[5, 2], GAPS[9, 1] = np.nan, np.inf, -np.inf


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 137)


def where(backend):
    """Return the parameter that leaves the choice to who holds the rows; host rows are anybody's."""
    return {"backend": "cpu"} if backend.name == "cpu" else {}


STEPS = [
    dict(zip(("scale", "skew"), pair, strict=True))
    for pair in itertools.product(("standard", "minmax", "robust", "none"), ("none", "log", "yeo-johnson", "auto"))
] + [
    {"winsorize": (0.05, 0.9)},
    {"dtype": np.float32},
    {"dtype": np.float32, "scale": "robust", "skew": "yeo-johnson", "winsorize": (0.05, 0.9)},
    {"missing": "mode"},
    {"missing": "constant", "fill_value": -1.0},
    {"missing": "indicator"},
    {"missing": "drop"},
    {"columns": ["x2", "x0"]},
]


@pytest.mark.parametrize("options", STEPS, ids=lambda options: "-".join(map(str, options.values())))
def test_preprocessing(backend, options):
    options = dict(options)
    dtype = options.pop("dtype", np.float64)
    x = GAPS.astype(dtype)
    expected, steps = Preprocessor(backend="cpu", **options), Preprocessor(**options, **where(backend))
    here = expected.fit_transform(x)
    there = steps.fit_transform(backend.to_device(x))
    assert holder(there) is backend
    assert to_host(there).dtype == here.dtype
    near = {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(to_host(there), here, **near)
    assert steps.get_feature_names_out().tolist() == expected.get_feature_names_out().tolist()
    np.testing.assert_array_equal(steps.fit_rows_, expected.fit_rows_)
    back = steps.inverse_transform(there).to_numpy()
    np.testing.assert_allclose(back, expected.inverse_transform(here).to_numpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_preprocessing_takes_numbers_of_any_type(backend, dtype):
    x = np.stack([np.arange(60) % 7, np.arange(60) % 2], axis=1).astype(dtype)
    there = Preprocessor(**where(backend)).fit_transform(backend.to_device(x))
    assert holder(there) is backend
    np.testing.assert_allclose(to_host(there), Preprocessor(backend="cpu").fit_transform(x), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, bool])
def test_kmeans_takes_numbers_of_any_type(backend, blobs, dtype):
    x = (blobs[0] * 3).astype(dtype) if dtype is not bool else blobs[0] > 0
    start = x[np.unique(x, axis=0, return_index=True)[1][:3]].astype(float)
    here = KMeans(3, init=start, solver="lloyd", backend="cpu").fit(x)
    there = KMeans(3, init=start, solver="lloyd", backend=backend.name).fit(backend.to_device(x))
    np.testing.assert_array_equal(to_host(there.labels_), here.labels_)
    np.testing.assert_allclose(there.cluster_centers_, here.cluster_centers_, rtol=1e-5)


def test_kmeans_with_weights_on_the_device(backend, blobs):
    x, weight = blobs[0], np.arange(600) % 4 + 1.0
    options = {"n_clusters": 4, "init": x[:4], "solver": "lloyd"}
    here = KMeans(**options, backend="cpu").fit(x, sample_weight=weight)
    there = KMeans(**options, **where(backend)).fit(backend.to_device(x), sample_weight=backend.to_device(weight))
    assert there.backend_ == backend.name
    for one, other in zip(here.assign(x), there.assign(backend.to_device(x)), strict=True):
        assert holder(other) is backend
        np.testing.assert_allclose(to_host(other), one, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "kprototypes"])  # words are on the host
def test_a_model_of_the_cpu_assigns_rows_of_a_device(backend, blobs, name):
    given = {"n_clusters": 4, "random_state": 0, "eps": 2.0, "min_cluster_size": 20, "min_samples": 5}
    known = ALGORITHMS[name]().get_params()
    model = ALGORITHMS[name](**{key: value for key, value in given.items() if key in known})
    new = blobs[0] + 0.05
    here = model.set_params(backend="cpu").fit(blobs[0]).assign(new)
    there = model.set_params(**{"backend": "auto", **where(backend)}).assign(backend.to_device(new))
    for one, other in zip(here, there, strict=True):
        assert holder(other) is backend
        np.testing.assert_allclose(to_host(other), one, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model", [DBSCAN(2.0), HDBSCAN(20)], ids=["d", "h"])
def test_density_fits_on_the_device_of_the_rows(backend, blobs, model):
    if model._fit_name not in backend.fits:
        pytest.skip(f"{backend.name!r} does not offer it")
    here = model.set_params(backend="cpu").fit(blobs[0]).labels_
    there = model.set_params(**{"backend": "auto", **where(backend)}).fit(backend.to_device(blobs[0]))
    assert there.backend_ == backend.name
    assert adjusted_rand(to_host(there.labels_), here) >= 0.99


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_metrics_with_labels_on_the_device(backend, blobs, dtype):
    x, labels = blobs[0].astype(dtype), blobs[1]
    marked = np.where(np.arange(600) % 50 == 0, -1, labels).astype(np.int32)
    device = backend.to_device(x), backend.to_device(marked)
    near = 1e-5 if dtype == np.float32 else 1e-9
    for index in (calinski_harabasz, davies_bouldin):
        assert index(*device) == pytest.approx(index(x, marked), rel=near)
    assert silhouette(*device).mean == pytest.approx(silhouette(x, marked).mean, rel=near)
    sampled = silhouette(*device, sample_size=100, random_state=1).mean
    assert sampled == pytest.approx(silhouette(x, marked, sample_size=100, random_state=1).mean, rel=near)
    assert adjusted_rand(device[1], labels) == adjusted_rand(marked, labels)


def test_choosing_k(backend, blobs):
    here = choose_k(blobs[0], (2, 6), n_init=2, backend="cpu")
    there = choose_k(backend.to_device(blobs[0]), (2, 6), n_init=2, **where(backend))
    assert there.k == here.k == 4
    for one, other in zip(here.candidates, there.candidates, strict=True):
        assert other.inertia == pytest.approx(one.inertia, rel=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_odd_rows_are_refused_where_they_are(backend, blobs, bad):
    x = blobs[0].copy()
    x[7, 1] = bad
    with pytest.raises(ValueError, match=r"NaN or infinity in column \(rows\): 1 \(1\)"):
        KMeans(2).fit(backend.to_device(x))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        KMeans(2).fit(backend.to_device(blobs[0]), sample_weight=backend.to_device(np.full(600, -1.0)))
