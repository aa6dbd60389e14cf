import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from gpuseg.summary import MicroClusters, core, core_distances, radii, reaches, rows_as_points


def brute(points, min_samples):
    """Return core distances by looking at the weight within every candidate distance."""
    apart, d = cdist(points.rows, points.rows), points.rows.shape[1]
    radius = points.spread * np.sqrt((d + 2) / d)
    found = []
    for i, weight in enumerate(points.weight):
        others = np.delete(np.arange(len(points.rows)), i)
        best = np.inf
        for least in (0.0, *apart[i, others]):
            missing = min_samples - np.sum(points.weight[others][apart[i, others] <= least])
            if missing <= weight:
                share = max(missing, 0) / weight if weight else 0.0
                best = min(best, max(least, radius[i] * share ** (1 / d)))
        found.append(best)
    return np.array(found)


def some(seed, *, spread, rows=90, columns=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    x[rows // 2 :: 5] = x[0]
    return MicroClusters(x, rng.integers(0, 6, rows).astype(float), rng.exponential(0.4, rows) * spread)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spread", [0.0, 1.0])
@pytest.mark.parametrize("min_samples", [1, 4, 30])
def test_they_are_those_of_every_candidate(seed, spread, min_samples):
    points = some(seed, spread=spread)
    np.testing.assert_allclose(core_distances(points, min_samples), brute(points, min_samples), rtol=1e-9)


def test_rows_have_those_of_scikit_learn():
    x = np.random.default_rng(0).normal(size=(500, 4))
    theirs = NearestNeighbors(n_neighbors=7).fit(x).kneighbors(x)[0][:, -1]
    np.testing.assert_allclose(core_distances(rows_as_points(x), 7), theirs, rtol=1e-14)


def test_a_point_of_weight_two_is_the_row_twice():
    points = some(1, spread=0.0)
    kept = np.flatnonzero(points.weight)
    twice = np.repeat(kept, points.weight[kept].astype(int))
    once = core_distances(points, 9)[twice]
    np.testing.assert_array_equal(once, core_distances(rows_as_points(points.rows[twice]), 9))


def test_tenths_of_a_row_add_up_to_it():
    x = np.array([[float(i)] for i in range(30)])
    points = rows_as_points(x, np.full(30, 0.1))
    np.testing.assert_array_equal(core_distances(points, 1)[[0, 15]], [9, 5])


def test_cuts_and_more_neighbours_change_nothing(monkeypatch):
    points = some(2, spread=1.0)
    at_once = core_distances(points, 11)
    monkeypatch.setattr(core, "CELLS", 16)
    monkeypatch.setattr(core, "SPARE", 0)
    np.testing.assert_array_equal(core_distances(points, 11), at_once)


def test_too_few_rows_have_none():
    assert np.all(np.isinf(core_distances(rows_as_points(np.eye(3)), 4)))


@pytest.mark.parametrize("columns", [2, 8])
def test_a_ball_has_the_core_distance_that_its_rows_have_at_the_middle(columns):
    rng = np.random.default_rng(3)
    way = rng.normal(size=(4001, columns))
    rows = way / np.linalg.norm(way, axis=1)[:, None] * rng.uniform(size=(4001, 1)) ** (1 / columns)
    rows[0] = 0
    spread = np.sqrt(np.mean(np.sum(rows**2, axis=1)))
    point = MicroClusters(np.zeros((1, columns)), np.array([4001.0]), np.array([spread]))
    assert radii(point)[0] == pytest.approx(1, rel=0.02)
    exact = core_distances(rows_as_points(rows), 800)[0]
    assert core_distances(point, 800)[0] == pytest.approx(exact, rel=0.03)


def test_only_points_that_stand_for_rows_reach_beyond_their_mean():
    points = MicroClusters(np.zeros((4, 2)), np.array([1.0, 16.0, 16.0, 0.5]), np.array([0.0, 0.0, 1.0, 1.0]))
    np.testing.assert_allclose(reaches(points), [0, 0, np.sqrt(2) * 0.75, 0])
