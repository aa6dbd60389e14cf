"""DBCV, held to the validity_index of the hdbscan package and to sums that a person can check."""

import numpy as np
import pytest
from sklearn.datasets import make_moons

from gpuseg import DBSCAN, HDBSCAN
from gpuseg.errors import InvalidInput
from gpuseg.metrics import dbcv, dbcv_clusters


def clustered(name, blobs):
    """Return rows and labels with noise, clusters numbered from 0 on and none of them a row alone."""
    rng = np.random.default_rng(5)
    if name == "moons":
        x, _ = make_moons(400, noise=0.07, random_state=1)
        return x, DBSCAN(0.13, min_samples=5).fit_predict(x)
    if name == "blobs":
        return blobs[0], HDBSCAN(12).fit_predict(blobs[0])
    if name == "at random":
        return rng.normal(size=(300, 4)), rng.integers(-1, 5, 300)
    x = rng.normal(size=(200, 40)) + 6 * rng.integers(0, 2, 200)[:, None]
    return x, (x[:, 0] > 3).astype(int) - (x[:, 1] > 8)  # 40 columns


@pytest.mark.parametrize("name", ["moons", "blobs", "at random", "40 columns"])
def test_equals_the_hdbscan_package(name, blobs, backend):
    theirs = pytest.importorskip("hdbscan.validity", reason="pip install '.[test]' brings the hdbscan package")
    x, labels = clustered(name, blobs)
    index, clusters = theirs.validity_index(x, labels, per_cluster_scores=True)
    found = dbcv_clusters(backend.to_device(x), labels)
    assert found.value == pytest.approx(index, abs=1e-9) == dbcv(x, labels)
    assert found.clusters["validity"].to_list() == pytest.approx(clusters.tolist(), abs=1e-9)
    assert found.rows == np.count_nonzero(labels >= 0)


def test_two_pairs_by_hand():
    x, labels = np.array([[0.0], [1.0], [10.0], [13.0], [99.0]]), np.array([0, 0, 4, 4, -1])
    found = dbcv_clusters(x, labels)
    # Of two rows the core distance is the distance; the first of each, 0 and 10, stand for the pairs.
    assert found.clusters["cluster"].to_list() == [0, 4]
    assert found.clusters["sparseness"].to_list() == [1.0, 3.0]
    assert found.clusters["separation"].to_list() == [10.0, 10.0]
    assert found.clusters["validity"].to_list() == [0.9, 0.7]
    assert found.value == pytest.approx(0.4 * 0.9 + 0.4 * 0.7)  # a fifth of the rows is noise


@pytest.mark.parametrize("name", ["moons", "at random"])
def test_the_order_of_the_rows_changes_nothing_where_nearer_rows_are_joined(name, blobs, backend):
    x, labels = clustered(name, blobs)
    order = np.random.default_rng(0).permutation(len(x))
    found = dbcv(x, labels, ties="nearest")
    assert dbcv(backend.to_device(x[order]), labels[order], ties="nearest") == pytest.approx(found)
    assert dbcv(x[order], labels[order]) != pytest.approx(dbcv(x, labels))


def test_of_rows_that_tie_in_nothing_both_trees_are_the_same():
    # In one dimension the row next to it is a row's nearest by any measure, and clusters of three have one tree.
    x, labels = np.array([[0.0], [1.0], [3.0], [20.0], [22.0], [23.0]]), np.array([0, 0, 0, 1, 1, 1])
    assert dbcv(x, labels) == dbcv(x, labels, ties="nearest")


def test_neither_scale_nor_place_changes_it(blobs):
    x, labels = blobs
    expected = dbcv(x, labels)
    assert dbcv(x * 1e140, labels) == pytest.approx(expected)
    assert dbcv(x * 1e-200, labels) == pytest.approx(expected)
    assert dbcv(x + 1e6, labels) == pytest.approx(expected, abs=1e-6)


def test_a_thousand_columns_do_not_overflow():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    x = rng.normal(size=(120, 1000)) * 50 + 400 * labels[:, None]
    found = dbcv_clusters(x, labels)
    # Every row is about sqrt(2000) * 50 from every other of its cluster, and so is the core distance.
    assert found.clusters["sparseness"].to_numpy() == pytest.approx(np.sqrt(2000) * 50, rel=0.05)
    assert 0.7 < found.value < 1


def test_equal_rows_are_no_distance_apart():
    x, labels = np.array([[0.0], [0.0], [0.0], [5.0], [5.0]]), np.array([0, 0, 0, 1, 1])
    assert dbcv(x, labels) == 1.0
    assert dbcv(np.zeros((6, 2)), np.array([0, 0, 0, 1, 1, 1])) == 0.0  # neither inside nor between


def test_a_row_alone_counts_as_noise_does(blobs):
    x, labels = blobs
    alone, noise = labels.copy(), labels.copy()
    alone[7], noise[7] = 9, -1
    found = dbcv_clusters(x, alone)
    assert found.value == dbcv(x, noise)
    assert found.clusters.row(-1)[3:] == (None, None, 0.0)


def test_a_sample_says_so_and_weighs_by_all_rows(blobs):
    x, labels = blobs
    found = dbcv_clusters(x, labels, sample_size=200)
    assert found.rows == 200
    assert found.clusters["size"].to_list() == np.bincount(labels).tolist()
    assert found.value == dbcv(x, labels, sample_size=200)
    assert abs(found.value - dbcv(x, labels)) < 0.15


def test_bad_input_is_one_sentence(blobs):
    x, labels = blobs
    with pytest.raises(InvalidInput, match=r"1 cluster\(s\) of 2 rows or more among 600 rows .* at least 2 clusters"):
        dbcv(x, np.zeros(600, int))
    with pytest.raises(InvalidInput, match="hold 0 cluster"):
        dbcv(x, -np.ones(600, int))
    with pytest.raises(InvalidInput, match="ties='last' is not known; allowed are 'first', 'nearest'"):
        dbcv(x, labels, ties="last")
    with pytest.raises(InvalidInput, match="sample_size=1 is not allowed"):
        dbcv(x, labels, sample_size=1)
    x = x.copy()
    x[3, 1] = np.nan
    with pytest.raises(InvalidInput):
        dbcv(x, labels)
