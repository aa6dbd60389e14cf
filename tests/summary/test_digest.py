import numpy as np
import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.summary import summarise
from tests.clusters import processes

ROWS, MICRO = 3000, 40


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    return rng.normal(scale=10, size=(5, 3))[rng.integers(0, 5, size=ROWS)] + rng.normal(size=(ROWS, 3))


def about(points, center):
    """Return the sum of squared distances to a place that points say their rows have."""
    return np.sum(points.weight * (points.spread**2 + np.sum((points.rows - center) ** 2, axis=1)))


def test_points_keep_weight_mean_and_sum_of_squares(rows, backend):
    weight = np.random.default_rng(0).integers(0, 4, size=ROWS).astype(float)
    points = summarise(rows, MICRO, sample_weight=weight, backend=backend.name)
    mean = np.average(rows, axis=0, weights=weight)
    assert MICRO / 2 < len(points.rows) <= MICRO
    assert np.sum(points.weight) == pytest.approx(np.sum(weight))
    np.testing.assert_allclose(np.average(points.rows, axis=0, weights=points.weight), mean, rtol=1e-9)
    assert about(points, mean) == pytest.approx(np.sum(weight * np.sum((rows - mean) ** 2, axis=1)), rel=1e-9)


def test_points_are_the_rows_where_there_are_no_more(rows, backend):
    points = summarise(rows[:MICRO], MICRO, backend=backend.name)
    np.testing.assert_array_equal(points.rows, rows[:MICRO])
    assert np.all(points.weight == 1)
    assert np.all(points.spread == 0)


def test_every_backend_finds_the_points_of_the_cpu(rows, backend):
    found, wanted = (summarise(rows, MICRO, backend=name) for name in (backend.name, "cpu"))
    np.testing.assert_allclose(found.rows, wanted.rows, rtol=1e-6)
    np.testing.assert_allclose(found.spread, wanted.spread, rtol=1e-6)


def test_points_are_the_same_bits_here_and_on_workers(rows, tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame(rows, schema=list("abc")).write_parquet(path, row_group_size=500)
    here = summarise(str(path), MICRO)
    assert np.sum(here.weight) == ROWS
    for count in (1, 2):
        with processes(count):
            found = summarise(str(path), MICRO, engine="dask")
        for field, wanted in zip(found, here, strict=True):
            np.testing.assert_array_equal(field, wanted)


def test_a_row_far_from_all_keeps_a_point_of_its_own(rows):
    far = np.vstack([rows, [[1e4, 1e4, 1e4]]])
    points = summarise(far, MICRO)
    assert points.weight[np.argmax(points.rows[:, 0])] == 1


def test_a_row_of_weight_2_is_the_row_twice(rows):
    few = rows[:MICRO]
    once, twice = summarise(few, 100, sample_weight=np.full(MICRO, 2.0)), summarise(np.vstack([few, few]), 100)
    assert np.sum(once.weight) == np.sum(twice.weight)
    assert np.all(once.weight == 2)


@pytest.mark.parametrize(
    ("given", "n_micro", "message"),
    [
        ([[np.nan], [1.0]], 2, "NaN or infinity in column"),
        ([[1.0], [2.0]], 0, "n_micro=0 is not allowed; give a whole number of at least 1"),
        ([[1.0], [2.0]], 2.5, "n_micro=2.5 is not allowed"),
        ([1.0, 2.0], 2, r"X has shape \(2,\); pass rows and features, at least one of each"),
        (np.empty((0, 2)), 2, r"X has shape \(0, 2\)"),
        ([["a"], ["b"]], 2, "X holds .*; pass an array of numbers, as Preprocessor makes of a table"),
    ],
)
def test_bad_input_is_a_sentence(given, n_micro, message):
    with pytest.raises(InvalidInput, match=message):
        summarise(given if isinstance(given, list) else np.asarray(given), n_micro)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(ROWS), "sample_weight is zero for every row; give at least one row a weight above 0"),
        (-np.ones(ROWS), "sample_weight holds a negative"),
        (np.ones(3), r"sample_weight has shape \(3,\); give one a row, \(3000,\)"),
    ],
)
@pytest.mark.parametrize("n_micro", [MICRO, 2 * ROWS])
def test_weights_that_are_none_are_a_sentence(rows, weight, message, n_micro):
    with pytest.raises(InvalidInput, match=message):
        summarise(rows, n_micro, sample_weight=weight)


def test_lists_are_rows_and_weights(rows):
    few, weight = rows[:100], np.arange(100) % 3 + 1
    for found, wanted in zip(
        summarise(few.tolist(), MICRO, sample_weight=weight.tolist()),
        summarise(few, MICRO, sample_weight=weight),
        strict=True,
    ):
        np.testing.assert_array_equal(found, wanted)
