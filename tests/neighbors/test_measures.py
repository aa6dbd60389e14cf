import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gpuseg.backends import to_host
from gpuseg.neighbors.measures import Measure, distances, prepared, two_nearest_groups


def brute(x, rows, metric):
    if metric == "precomputed":
        return x[:, rows[:, 0].astype(int)]
    if metric == "gower":
        apart = np.abs(x[:, None, :2] - rows[None, :, :2]) * [0.5, 0.25]
        return apart.sum(axis=2) + 0.3 * (x[:, None, 2] != rows[None, :, 2])
    return cdist(x, rows, {"manhattan": "cityblock"}.get(metric, metric))


@pytest.mark.parametrize("cells", [1 << 20, 37])
@pytest.mark.parametrize("metric", ["manhattan", "cosine", "gower", "precomputed"])
def test_one_search_gives_the_nearest_group_and_the_nearest_of_any_other(backend, metric, cells, monkeypatch):
    monkeypatch.setattr("gpuseg.neighbors.measures.CELLS", cells)
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=(60, 2)), rng.integers(0, 3, 60)]) + 5.0
    rows, groups = x[:20] + np.array([0.1, 0.0, 0.0]), rng.integers(0, 3, 20)
    if metric == "precomputed":
        x, rows = rng.random((60, 30)), rng.choice(30, 20, replace=False)[:, None].astype(float)
    measure = Measure(metric)
    if metric == "gower":
        measure = Measure(metric, np.array([0.5, 0.25, 1.0]), np.array([0.0, 0.0, 0.3]))
    away = brute(x, rows, metric)
    kept = rows if metric == "precomputed" else to_host(prepared(rows, measure))
    group, first, second = map(to_host, two_nearest_groups(backend.to_device(x), kept, groups, measure))
    np.testing.assert_array_equal(group, groups[away.argmin(axis=1)])
    np.testing.assert_allclose(first, away.min(axis=1), atol=1e-14)
    other = np.where(groups[None, :] == group[:, None], np.inf, away).min(axis=1)
    np.testing.assert_allclose(second, other, atol=1e-14)
    found = np.concatenate([to_host(run) for _, run in distances(backend.to_device(x), kept, measure)])
    np.testing.assert_allclose(found, away, atol=1e-14)


def test_of_ties_the_first_and_no_other_group_is_infinitely_far():
    rows, measure = np.array([[1.0], [-1.0]]), Measure("manhattan")
    group, first, second = two_nearest_groups(np.zeros((1, 1)), rows, np.array([7, 3]), measure)
    assert (group.tolist(), first.tolist(), second.tolist()) == ([7], [1.0], [1.0])
    assert two_nearest_groups(np.zeros((1, 1)), rows, np.array([7, 7]), measure)[2].tolist() == [np.inf]
