import pickle

import numpy as np
import pytest

from gpuseg.backends import get_backend
from gpuseg.neighbors.rows import nearest_group, nearest_of_group, nearest_other_group, nearest_rows


@pytest.fixture
def place(backend):
    """Bring a search's input to the backend, and what it gives back to NumPy."""
    return lambda search, *given: [backend.to_host(field) for field in search(*map(backend.to_device, given))]


@pytest.fixture
def kept():
    rng = np.random.default_rng(0)
    return rng.normal(size=(900, 3)) + 100.0, rng.integers(0, 7, size=900), rng.normal(size=(250, 3)) + 100.0


def pairwise(x, rows):
    return np.sqrt(((x[:, None, :] - rows[None, :, :]) ** 2).sum(axis=2))


@pytest.mark.parametrize("cells", [1 << 22, 4000])
def test_nearest_rows_are_those_of_all_distances(backend, kept, place, monkeypatch, cells):
    monkeypatch.setattr("gpuseg.neighbors.centers.CELLS", cells)
    rows, _, x = kept
    number, distance = place(backend.kernel_or(nearest_rows)(rows, 12), x)
    away = pairwise(x, rows)
    np.testing.assert_array_equal(number, np.argsort(away, axis=1)[:, :12])
    np.testing.assert_allclose(distance, np.sort(away, axis=1)[:, :12], rtol=1e-12)


def test_a_row_finds_itself_at_distance_zero_however_far_from_the_origin(backend, kept, place):
    rows = kept[0] + 1e7
    number, distance = place(backend.kernel_or(nearest_rows)(rows, 1), rows)
    np.testing.assert_array_equal(number[:, 0], np.arange(900))
    np.testing.assert_array_equal(distance, 0)


def test_fewer_rows_than_asked_for_are_all_given(backend, place):
    number, distance = place(backend.kernel_or(nearest_rows)(np.array([[1.0], [3.0]]), 9), np.array([[4.0]]))
    assert number.tolist() == [[1, 0]]
    assert distance.tolist() == [[1.0, 3.0]]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("within", [np.inf, 0.3])
def test_nearest_and_other_group_are_those_of_all_distances(backend, kept, place, count, within):
    rows, groups, x = kept[0], kept[1] % count, kept[2]
    group, first = place(backend.kernel_or(nearest_group)(rows, groups, within=within), x)
    away = pairwise(x, rows)
    near, nearest = away.min(axis=1) <= within, groups[np.argmin(away, axis=1)]
    assert near.any()
    np.testing.assert_array_equal(group, np.where(near, nearest, -1))
    np.testing.assert_allclose(first, np.where(near, away.min(axis=1), np.inf), rtol=1e-12)
    search = backend.kernel_or(nearest_other_group)(rows, groups)
    second = backend.to_host(search(backend.to_device(x), backend.to_device(nearest)))
    other = np.where(groups[None, :] == nearest[:, None], np.inf, away).min(axis=1)
    np.testing.assert_allclose(second, other, rtol=1e-12)


@pytest.mark.parametrize("within", [np.inf, np.sqrt(2)])
def test_of_equally_near_rows_the_first_has_the_row(backend, place, within):
    corners = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]] + [[1.0, 8.0]] * 30)
    for turn in range(4):
        groups = np.concatenate([np.roll([0, 1, 2, 3], turn), np.full(30, 4)])
        search = backend.kernel_or(nearest_group)(corners, groups, within=within)
        group, first = place(search, np.array([[1.0, 1.0], [1.0, 8.0]]))
        assert group.tolist() == [groups[0], 4]
        np.testing.assert_allclose(first, [np.sqrt(2), 0])


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_nearest_of_group_is_that_of_all_distances(backend, kept, place, skip):
    rows, groups, x = kept
    wanted = np.random.default_rng(1).integers(-1, 7, size=len(x))
    group, distance = place(backend.kernel_or(nearest_of_group)(rows, groups, skip=skip), x, wanted)
    away = pairwise(x, rows)
    away[(groups[None, :] != wanted[:, None]) & (wanted[:, None] >= 0)] = np.inf
    np.testing.assert_allclose(distance, np.sort(away, axis=1)[:, skip], rtol=1e-12)
    np.testing.assert_array_equal(group, groups[np.argsort(away, axis=1)[:, skip]])


def test_where_no_row_is_left_the_distance_is_infinite(backend, place):
    search = backend.kernel_or(nearest_of_group)(np.array([[1.0], [3.0], [4.0]]), np.array([0, 1, 1]), skip=1)
    _, distance = place(search, np.array([[1.0], [3.0]]), np.array([0, 1]))
    assert distance.tolist() == [np.inf, 1.0]


def test_a_search_can_be_sent_to_a_worker(backend, kept, place):
    rows, groups, x = kept
    search = backend.kernel_or(nearest_group)(rows, groups)
    sent = pickle.loads(pickle.dumps(search))  # noqa: S301 - our own
    for here, there in zip(place(search, x), place(sent, x), strict=True):
        np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("groups", [2, 30, 250, 500])
def test_small_and_many_groups_are_told_apart_as_large_ones(groups):
    rng = np.random.default_rng(groups)
    rows, x = rng.normal(size=(500, 3)), rng.normal(size=(300, 3))
    group = np.unique(rng.integers(0, groups, 500) if groups < 500 else np.arange(500), return_inverse=True)[1]
    rows += 4 * rng.normal(size=(500, 3))[group]
    own, _ = nearest_group(rows, group)(x)
    search = get_backend("cpu").kernel_or(nearest_other_group)(rows, group)
    np.testing.assert_allclose(search(x, own), nearest_other_group(rows, group)(x, own))
