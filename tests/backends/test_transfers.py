"""What crosses between host and device: counted on array-api-strict, whose arrays are on no host's terms."""

from dataclasses import replace

import array_api_strict as xp
import numpy as np
import pytest

from gpuseg.backends import get_backend
from gpuseg.cluster import DBSCAN, KMeans
from gpuseg.metrics import calinski_harabasz, silhouette
from gpuseg.selection import choose_k
from tests import strict_backend

ROWS = 600


@pytest.fixture
def crossings(monkeypatch):
    """Give the shapes of the arrays as long as the rows that crossed: to the host, and to the device."""
    found = {"to_host": [], "to_device": []}

    def counted(way, cross):
        def crossing(x):
            there = isinstance(x, np.ndarray) == (way == "to_host")  # what is there already does not cross
            if x.ndim and x.shape[0] >= ROWS and not there:
                found[way].append(tuple(x.shape))
            return cross(x)

        return crossing

    ways = {way: counted(way, getattr(strict_backend.BACKEND, way)) for way in found}
    monkeypatch.setattr(strict_backend, "BACKEND", replace(strict_backend.BACKEND, **ways))
    get_backend.cache_clear()
    yield found
    get_backend.cache_clear()


def test_the_whole_loop_of_kmeans_stays_on_the_device(crossings, blobs):
    run = KMeans(4, random_state=0).prepare(xp.asarray(blobs[0]), xp.ones(ROWS, dtype=xp.float64))
    (solution,) = run.solve(run.seeds(4, 1, 0))
    run.settled(solution)
    assert crossings == {"to_host": [], "to_device": []}


def test_host_rows_go_to_the_device_once(crossings, blobs):
    KMeans(4, random_state=0, backend="strict").prepare(blobs[0])
    assert crossings == {"to_host": [], "to_device": [(ROWS, 3)]}


def test_predicting_leaves_the_labels_on_the_device(crossings, blobs):
    model = KMeans(4, random_state=0, backend="cpu").fit(blobs[0]).set_params(backend="auto")
    labels = model.predict(xp.asarray(blobs[0]))
    assert crossings == {"to_host": [], "to_device": []}
    assert labels.shape == (ROWS,)


@pytest.mark.parametrize("metric", [silhouette, calinski_harabasz])
def test_metrics_take_the_labels_to_the_host_and_leave_the_rows(crossings, blobs, metric):
    metric(xp.asarray(blobs[0]), xp.asarray(blobs[1]))
    assert all(shape != (ROWS, 3) for shape in crossings["to_host"])
    assert crossings["to_device"] == []


def test_a_choice_of_k_takes_to_the_host_no_rows_but_those_that_trees_tell_apart(crossings, blobs, monkeypatch):
    monkeypatch.setattr("gpuseg.selection.separability.ROWS", 100)
    choice = choose_k(xp.asarray(blobs[0]), (2, 4))
    assert all(one.stability is not None and one.separability is not None for one in choice.candidates)
    assert all(shape != (ROWS, 3) for shape in crossings["to_host"])
    assert crossings["to_device"] == []


def test_a_search_for_core_points_takes_back_what_it_found(crossings, blobs):
    model = DBSCAN(1.5, backend="cpu").fit(blobs[0]).set_params(backend="auto")
    model.predict(xp.asarray(blobs[0]))
    assert set(crossings["to_host"]) <= {(ROWS,)}
