import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gpuseg.cluster import DBSCAN, _dense
from gpuseg.cluster._dense import dense_segments
from gpuseg.metrics import adjusted_rand
from gpuseg.summary import MicroClusters, rows_as_points


@pytest.fixture(scope="module")
def moons():
    rng = np.random.default_rng(5)
    angle, side = rng.uniform(0, np.pi, size=4000), rng.integers(0, 2, size=4000)
    x = np.stack([np.cos(angle) + side, np.where(side, 0.4 - np.sin(angle), np.sin(angle))], axis=1)
    return np.vstack([x + rng.normal(scale=0.04, size=x.shape), rng.uniform(-2, 3, size=(120, 2))])


def digest(x, size):
    seeds = x[np.random.default_rng(0).choice(len(x), size, replace=False)]
    nearest = np.argmin(cdist(x, seeds), axis=1)
    weight = np.bincount(nearest, minlength=size).astype(float)
    means = np.stack([x[nearest == i].mean(axis=0) for i in range(size)])
    squares = np.bincount(nearest, np.sum((x - means[nearest]) ** 2, axis=1), minlength=size)
    return MicroClusters(means, weight, np.sqrt(squares / weight)), nearest


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("lattice", [False, True])
def test_of_rows_it_is_dbscan(moons, weighted, lattice):
    x = np.unique(np.round(moons[:900] * 8), axis=0) if lattice else moons[:900]
    eps, min_samples = (1.0, 4) if lattice else (0.15, 8)
    weight = 1.0 + np.arange(len(x)) % 3 if weighted else None
    found = dense_segments(rows_as_points(x, weight), eps=eps, min_samples=min_samples)
    theirs = DBSCAN(eps, min_samples=min_samples, backend="cpu").fit(x, sample_weight=weight)
    np.testing.assert_array_equal(np.flatnonzero(found.core), theirs.core_sample_indices_)
    np.testing.assert_array_equal(found.label == -1, theirs.labels_ == -1)
    assert adjusted_rand(found.label, theirs.labels_) == 1
    assert theirs.n_clusters_ > 1
    assert set(found.label) - {-1} == set(range(theirs.n_clusters_))


def test_a_digest_has_the_segments_of_its_rows(moons):
    points, nearest = digest(moons, 400)
    found = dense_segments(points, eps=0.12, min_samples=20)
    exact = DBSCAN(0.12, min_samples=20, backend="cpu").fit(moons)
    assert exact.n_clusters_ == 2 == found.label.max() + 1
    assert adjusted_rand(found.label[nearest], exact.labels_) > 0.97
    # Without the spread the points lie too far apart to be of one segment.
    assert dense_segments(points._replace(spread=np.zeros(400)), eps=0.05, min_samples=20).label.max() > 20


def test_order_and_cuts_change_nothing(moons, monkeypatch):
    points, _ = digest(moons, 300)
    found = dense_segments(points, eps=0.1, min_samples=20)
    order = np.random.default_rng(1).permutation(300)
    monkeypatch.setattr(_dense, "CELLS", 1000)
    other = dense_segments(MicroClusters(*(field[order] for field in points)), eps=0.1, min_samples=20)
    np.testing.assert_array_equal(found.core[order], other.core)
    np.testing.assert_array_equal(found.label[order], other.label)


def test_where_nothing_is_dense_all_is_noise():
    found = dense_segments(rows_as_points(np.eye(3)), eps=0.1, min_samples=2)
    assert found.label.tolist() == [-1, -1, -1]
    assert not np.any(found.core)
