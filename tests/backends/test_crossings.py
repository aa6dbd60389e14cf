"""What crosses from a device to the host between rows and labels, counted on every backend that has a device."""

import numpy as np
import pytest

from gpuseg.cluster import DBSCAN, HDBSCAN, KMeans
from gpuseg.metrics import calinski_harabasz, davies_bouldin, silhouette
from gpuseg.preprocessing import Preprocessor

ROWS = 20_011
"""More than the sample of a silhouette, and enough that what crosses of bins is short."""
FEW = 997
"""Rows that models place: density models of strict arrays look at all pairs."""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3)) + RNG.integers(0, 3, size=(ROWS, 1)) * 20
MODELS = {
    "kmeans": KMeans(3, random_state=0, backend="cpu"),
    "dbscan": DBSCAN(2.0, backend="cpu"),
    "hdbscan": HDBSCAN(20, backend="cpu"),
}
MOST = {
    "prepare": (1, 0),  # quantiles are told by ranks, and those are summed up on the host
    "transform": (0, 0),
    "kmeans fit": (0, 0),
    "kmeans predict": (0, 0),
    "kmeans assign": (0, 0),
    "dbscan predict": (0, 0),
    "dbscan assign": (0, 0),
    "hdbscan predict": (2, 0),  # rows by neighbours: the tree is walked on the host
    "hdbscan assign": (2, 0),
    "index": (0, 0),
}
"""Arrays as long as the rows that cross: with columns, and single ones. Fewer are better, and none is the aim."""


@pytest.fixture
def crossed(backend, monkeypatch):
    """Run a function; give how many arrays as long as the rows crossed: with columns, and single ones."""
    if backend.name == "cpu":
        pytest.skip("the host's own rows cross nothing")
    seen, rows, real = [], [ROWS], backend.to_host

    def counted(x):
        if not isinstance(x, np.ndarray) and x.ndim and x.shape[0] >= rows[0]:
            seen.append(x.ndim)
        return real(x)

    monkeypatch.setitem(vars(backend), "to_host", counted)  # it is frozen, and everybody's

    def run(function, *arguments):
        seen.clear()
        rows[0] = arguments[0].shape[0]
        function(*arguments)
        return seen.count(2), seen.count(1)

    return run


def held(found, most):
    assert found[0] <= most[0], found
    assert found[1] <= most[1], found


def test_preparing(backend, crossed):
    x, steps = backend.to_device(X), Preprocessor()
    held(crossed(steps.fit, x), MOST["prepare"])
    held(crossed(steps.transform, x), MOST["transform"])


def test_fitting(backend, crossed):
    held(crossed(KMeans(3, random_state=0, solver="lloyd").fit, backend.to_device(X)), MOST["kmeans fit"])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("method", ["predict", "assign"])
def test_placing_rows(backend, crossed, name, method):
    model = MODELS[name].set_params(backend="cpu").fit(X[:FEW]).set_params(backend="auto")
    held(crossed(getattr(model, method), backend.to_device(X[:FEW])), MOST[f"{name} {method}"])


@pytest.mark.parametrize("index", [calinski_harabasz, davies_bouldin, silhouette])
def test_scoring(backend, crossed, index):
    labels = backend.to_device((np.arange(ROWS) % 3).astype(np.int32))
    held(crossed(index, backend.to_device(X), labels), MOST["index"])
