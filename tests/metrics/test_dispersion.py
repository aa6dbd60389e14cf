import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, pairwise_distances

from gpuseg.errors import InvalidInput
from gpuseg.metrics import calinski_harabasz, davies_bouldin, simplified_silhouette

INDICES = [calinski_harabasz, davies_bouldin, simplified_silhouette]


def by_centres(x, labels):
    """Return the simplified silhouette by its definition."""
    centers = np.array([x[labels == label].mean(axis=0) for label in np.unique(labels)])
    own = np.unique(labels, return_inverse=True)[1]
    apart = pairwise_distances(x, centers)
    a = apart[np.arange(len(x)), own].copy()
    apart[np.arange(len(x)), own] = np.inf
    b = apart.min(axis=1)
    alone = np.bincount(own)[own] == 1
    return np.where(alone, 0.0, (b - a) / np.maximum(a, b)).mean()


REFERENCES = list(zip(INDICES, [calinski_harabasz_score, davies_bouldin_score, by_centres], strict=True))


@pytest.mark.parametrize("step", [1, 7, 50])
@pytest.mark.parametrize(("index", "reference"), REFERENCES)
def test_equals_sklearn(blobs, backend, index, reference, step, monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 137)
    monkeypatch.setattr("gpuseg.metrics._labelled.CELLS", 300)  # several runs a block
    x, labels = blobs
    labels = (labels * 3 + np.arange(600) // step) % 11
    assert index(backend.to_device(x), labels) == pytest.approx(reference(x, labels), rel=1e-9)


@pytest.mark.parametrize(("index", "reference"), REFERENCES)
def test_noise_is_left_out(blobs, index, reference):
    x, labels = blobs
    marked = np.where(np.arange(600) < 50, -1, labels)
    assert index(x, marked) == pytest.approx(reference(x[50:], labels[50:]))


@pytest.mark.parametrize("index", INDICES)
def test_a_row_of_weight_two_is_the_row_twice(blobs, backend, index):
    x, labels = blobs
    labels = np.where(np.arange(600) == 1, 9, labels)  # a row alone, of weight 1
    weight = np.arange(600) % 3
    device = backend.to_device(x), backend.to_device(labels)
    found = index(*device, sample_weight=backend.to_device(weight))
    assert found == pytest.approx(index(np.repeat(x, weight, axis=0), np.repeat(labels, weight)), rel=1e-9)


@pytest.mark.parametrize("index", INDICES)
def test_far_from_zero(blobs, index):
    x, labels = blobs
    assert index(x + 1e7, labels) == pytest.approx(index(x, labels), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_dask_gives_the_bits_of_the_same_blocks_for_any_number_of_workers(blobs, monkeypatch, weighted):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 137)
    x, labels = blobs
    labels = np.where(np.arange(600) % 20 == 0, -1, labels)
    weight = np.arange(600) % 4 + 0.5 if weighted else None
    here = [index(x, labels, sample_weight=weight) for index in INDICES]
    there = da.from_array(x, chunks=(137, 2)), da.from_array(labels, chunks=200)
    given = None if weight is None else da.from_array(weight, chunks=60)
    assert [index(*there, sample_weight=given) for index in INDICES] == here
    for workers in (1, 2):
        with (
            LocalCluster(workers, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            assert [index(*there, sample_weight=given) for index in INDICES] == here


def test_clusters_of_equal_rows():
    x, labels = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 0, 1, 1])
    assert calinski_harabasz(x, labels) == np.inf
    assert davies_bouldin(x, labels) == 0
    assert simplified_silhouette(x, labels) == 1
    assert davies_bouldin(np.array([[0.0], [2.0], [1.0], [1.0]]), labels) == np.inf  # one centre for both


@pytest.mark.parametrize("index", INDICES)
def test_one_cluster_is_refused(blobs, index):
    with pytest.raises(InvalidInput, match=r"hold 1 cluster\(s\); pass at least 2"):
        index(blobs[0], np.zeros(600, int))
    with pytest.raises(InvalidInput, match=r"hold 1 cluster\(s\); pass at least 2"):
        index(blobs[0], blobs[1], sample_weight=blobs[1] == 0)


@pytest.mark.parametrize("index", INDICES)
def test_rows_on_dask_without_their_labels_are_refused(blobs, index):
    x, labels = blobs
    with pytest.raises(InvalidInput, match="pass it as a Dask array, and labels as a Dask array of the same rows"):
        index(da.from_array(x), labels)
    with pytest.raises(InvalidInput, match="pass it as a Dask array, and labels as a Dask array of the same rows"):
        index(da.from_array(x), da.from_array(labels[:9]))


@pytest.mark.parametrize("metric", INDICES)
def test_no_rows_are_refused(metric):
    with pytest.raises(InvalidInput, match="x has 0 rows; pass rows of at least 2 clusters"):
        metric(np.empty((0, 2)), np.empty(0, dtype=int))
