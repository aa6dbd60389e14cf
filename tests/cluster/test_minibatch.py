import json

import dask.array as da
import numpy as np
import polars as pl
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.cluster import KMeans, MiniBatchKMeans
from gpuseg.cluster.minibatch import State, fed, joined, moved
from gpuseg.errors import FewerSegments, InvalidInput


def on_host(backend, arrays):
    return [backend.to_host(array) for array in arrays]


@parametrize_with_checks([MiniBatchKMeans(2)])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


def test_a_centre_is_the_mean_of_the_rows_drawn_for_it():
    """Sculley's steps row by row, with a rate of one over the rows so far, end where one step a batch does."""
    rng = np.random.default_rng(0)
    state = State(np.array([[-5.0, 0.0], [5.0, 0.0]]), np.zeros(2))
    sums, counts, seen = np.zeros((2, 2)), np.zeros(2), []
    for _ in range(6):
        batch = rng.normal(size=(20, 2)) + rng.choice([-5.0, 5.0], size=(20, 1)) * [1.0, 0.0]
        label = (batch[:, 0] > 0).astype(int)
        state, inertia = moved(state, batch)
        seen.append(inertia)
        for row, k in zip(batch, label, strict=True):
            sums[k] += row
            counts[k] += 1
        np.testing.assert_allclose(state.centers, sums / counts[:, None])
        np.testing.assert_array_equal(state.counts, counts)
    assert np.mean(seen[1:]) < 3
    assert seen[0] > 1


def test_starved_centres_move_onto_rows():
    state = State(np.array([[0.0], [50.0], [9.0]]), np.array([100.0, 0.0, 40.0]))
    batch = np.arange(8.0)[:, None]
    again = fed(state, batch, 0.001, np.random.default_rng(0))
    assert again.centers[1, 0] in batch
    np.testing.assert_array_equal(again.centers[[0, 2]], state.centers[[0, 2]])
    np.testing.assert_array_equal(again.counts, [100, 40, 40])
    assert fed(joined(state, np.array([[0.0], [50.0], [0.0]]), np.array([0.0, 1.0, 0.0])), batch, 0.001, None).counts[1]


@pytest.mark.parametrize(("width", "spread_of"), [(3, 3.0), (2, 1.0)])
def test_the_inertia_is_within_a_few_per_cent_of_k_means(width, spread_of):
    rng = np.random.default_rng(width)
    x = rng.normal(scale=spread_of, size=(8, width))[rng.integers(0, 8, 20_000)] + rng.normal(size=(20_000, width))
    best = KMeans(8, n_init=5, random_state=0).fit(x).inertia_
    ours = [MiniBatchKMeans(8, random_state=seed).fit(x).inertia_ for seed in range(5)]
    assert np.median(ours) < 1.02 * best
    assert max(ours) < 1.05 * best


def test_few_customers_far_from_all_get_a_segment_of_their_own():
    x = np.random.default_rng(0).lognormal(0, 1, size=(20_000, 2))
    x[:40] += 200
    model = MiniBatchKMeans(6, random_state=0).fit(x)
    assert len(set(model.labels_[:40])) == 1
    assert model.segment_weight_[model.labels_[0]] == 40


def test_one_and_many_workers_and_files_end_alike(blobs, tmp_path, monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 137)
    x = np.vstack([blobs[0]] * 3)
    options = {"n_clusters": 5, "batch_size": 100, "random_state": 4, "max_no_improvement": None, "max_iter": 3}
    here = MiniBatchKMeans(**options).fit(x)
    there = MiniBatchKMeans(**options).fit(da.from_array(x, chunks=(137, 3)))
    np.testing.assert_array_equal(here.cluster_centers_, there.cluster_centers_)
    np.testing.assert_array_equal(here.labels_, np.asarray(there.labels_))
    assert here.n_iter_ == there.n_iter_ == 54
    pl.DataFrame(x, schema=["a", "b", "c"]).write_parquet(tmp_path / "x.parquet", row_group_size=500)
    filed = MiniBatchKMeans(4, random_state=0).fit(tmp_path / "x.parquet")
    np.testing.assert_array_equal(filed.labels_, MiniBatchKMeans(4, random_state=0).fit(x).labels_)
    np.testing.assert_array_equal(filed.predict(tmp_path / "x.parquet"), filed.labels_)


def test_labels_and_inertia_are_exact(blobs, backend):
    x = blobs[0]
    model = MiniBatchKMeans(4, batch_size=64, random_state=0, backend=backend.name).fit(x)
    segment, distance, _, _ = on_host(backend, model.assign(x))
    np.testing.assert_array_equal(segment, on_host(backend, [model.labels_])[0])
    away = np.linalg.norm(x[:, None] - model.cluster_centers_, axis=2)
    np.testing.assert_array_equal(segment, away.argmin(axis=1))
    np.testing.assert_allclose(distance, away.min(axis=1), atol=1e-6)
    assert model.inertia_ == pytest.approx(np.sum(away.min(axis=1) ** 2), rel=1e-6)
    np.testing.assert_array_equal(model.segment_weight_, np.sort(np.bincount(blobs[1]))[::-1])
    assert "batches of 64 rows" in model.dispatch_.reason


def test_two_fits_of_one_seed_are_the_same_bits(blobs):
    one, two = (MiniBatchKMeans(5, random_state=3).fit(blobs[0]) for _ in range(2))
    assert one.cluster_centers_.tobytes() == two.cluster_centers_.tobytes()


def test_rows_are_drawn_by_their_weight(blobs):
    x, truth = blobs
    model = MiniBatchKMeans(3, random_state=0).fit(x, sample_weight=(truth != 2).astype(float))
    np.testing.assert_array_equal(model.segment_weight_, np.sort(np.bincount(truth)[[0, 1, 3]])[::-1])
    weight = np.random.default_rng(0).integers(1, 4, size=600)
    heavy = MiniBatchKMeans(4, random_state=0).fit(x, sample_weight=weight)
    twice = MiniBatchKMeans(4, random_state=0).fit(np.repeat(x, weight, axis=0))
    np.testing.assert_array_equal(np.repeat(heavy.labels_, weight), twice.labels_)
    np.testing.assert_allclose(heavy.cluster_centers_, twice.cluster_centers_)


def test_partial_fit_is_a_running_mean_and_keeps_its_numbers(blobs, backend):
    x, truth = blobs
    one, two = (MiniBatchKMeans(4, random_state=0, backend=backend.name) for _ in range(2))
    for start in range(0, 600, 100):
        for model in (one, two):
            model.partial_fit(x[start : start + 100])
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)
    label = on_host(backend, [one.predict(x)])[0]
    for k in range(4):
        np.testing.assert_allclose(one.cluster_centers_[k], x[label == k].mean(axis=0), atol=1e-9)
        assert len(set(truth[label == k])) == 1
        assert one.counts_[k] == np.sum(label == k)
    assert one.n_iter_ == 6
    before = one.cluster_centers_.copy()
    far = one.partial_fit(np.full((1, 3), 500.0)).cluster_centers_
    assert np.sum(np.any(far != before, axis=1)) == 1
    assert len(one.labels_) == 1


def test_partial_fit_takes_files_and_weights_and_goes_on_after_fit(blobs, tmp_path):
    x = blobs[0]
    pl.DataFrame(x, schema=["a", "b", "c"]).write_parquet(tmp_path / "x.parquet")
    filed, plain = (MiniBatchKMeans(4, random_state=0).partial_fit(rows) for rows in (tmp_path / "x.parquet", x))
    np.testing.assert_allclose(filed.cluster_centers_, plain.cluster_centers_)
    weight = np.arange(600) % 3 + 1.0
    heavy = MiniBatchKMeans(4, init=x[:4]).partial_fit(x, sample_weight=weight)
    twice = MiniBatchKMeans(4, init=x[:4]).partial_fit(np.repeat(x, weight.astype(int), axis=0))
    np.testing.assert_allclose(heavy.cluster_centers_, twice.cluster_centers_)
    model = MiniBatchKMeans(4, random_state=0).fit(x)
    counts = model.counts_.copy()
    assert model.partial_fit(x[:50]).counts_.sum() == counts.sum() + 50


def test_a_restored_model_assigns_and_learns_on(blobs, backend):
    model = MiniBatchKMeans(4, random_state=0, backend=backend.name).fit(blobs[0])
    json.dumps(model.state()["parameters"])
    again = MiniBatchKMeans.from_state(model.state()).set_params(backend=backend.name)
    for left, right in zip(model.assign(blobs[0]), again.assign(blobs[0]), strict=True):
        np.testing.assert_array_equal(*on_host(backend, [left, right]))
    one, other = (each.partial_fit(blobs[0][:99]).cluster_centers_ for each in (model, again))
    np.testing.assert_array_equal(one, other)


def test_it_moves_and_grows_with_the_rows(blobs):
    plain, moved_, larger = (MiniBatchKMeans(4, random_state=1).fit(x) for x in (blobs[0], blobs[0] + 64, blobs[0] * 8))
    np.testing.assert_array_equal(plain.labels_, moved_.labels_)
    np.testing.assert_array_equal(plain.labels_, larger.labels_)


def test_few_distinct_rows_are_said():
    x = np.repeat([[0.0], [4.0], [9.0]], [5, 3, 2], axis=0)
    with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows; 3 segments are made"):
        np.testing.assert_array_equal(MiniBatchKMeans(5, random_state=0).fit(x).labels_, [0] * 5 + [1] * 3 + [2] * 2)
    with pytest.raises(InvalidInput, match="n_clusters=5 is more than the 3 distinct rows of the first batch; give"):
        MiniBatchKMeans(5, random_state=0).partial_fit(x)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"batch_size": 0}, "batch_size=0 is not allowed; give a whole number of at least 1"),
        ({"reassignment_ratio": -1}, "reassignment_ratio=-1 is not allowed"),
        ({"max_no_improvement": 0}, "max_no_improvement=0 is not allowed"),
        ({"n_clusters": 5}, "n_clusters=5 is more than the rows, n_samples=4; use at most 4"),
        ({"init": "random"}, r"init='random' is not known"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        MiniBatchKMeans(**parameters).fit(np.eye(4))
