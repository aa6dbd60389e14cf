import csv
import json

import dask.array as da
import numpy as np
import polars as pl
import pytest
import sklearn.cluster
from scipy.spatial.distance import cdist
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.cluster.dbscan import DBSCAN
from gpuseg.errors import InvalidInput, UnsupportedOnBackend


def fitted(x, backend, sample_weight=None, **parameters):
    """Fit where the backend offers DBSCAN; elsewhere let it predict with what the CPU fitted."""
    offered = "dbscan" in backend.fits
    model = DBSCAN(**parameters, backend=backend.name if offered else "cpu").fit(x, sample_weight=sample_weight)
    return model if offered else model.set_params(backend=backend.name)


def on_host(backend, arrays):
    return [backend.to_host(array) for array in arrays]


@pytest.fixture(scope="module")
def moons():
    rng = np.random.default_rng(5)
    angle = rng.uniform(0, np.pi, size=700)
    side = rng.integers(0, 2, size=700)
    x = np.stack([np.cos(angle) + side, np.where(side, 0.4 - np.sin(angle), np.sin(angle))], axis=1)
    return np.vstack([x + rng.normal(scale=0.06, size=x.shape), rng.uniform(-2, 3, size=(60, 2))])


@parametrize_with_checks([DBSCAN()])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


def test_clusters_noise_and_core_points_are_the_reference_on_every_labelled_set(data, backend):
    if "dbscan" not in backend.fits:
        with pytest.raises(UnsupportedOnBackend, match="does not offer 'dbscan'"):
            DBSCAN(backend=backend.name).fit(np.eye(3))
        return
    if backend.name == "cuda":
        pytest.skip("float32 counts other rows at a bound: what it finds is held to the CPU's in test_cuda.py")
    with (data / "reference" / "sklearn191_density.csv").open() as file:
        for row in csv.DictReader(file):
            x = np.loadtxt(data / "benchmarks" / row["battery"] / f"{row['dataset']}.data.gz", ndmin=2)
            x = (x - x.mean(axis=0)) / x.std(axis=0)
            model = DBSCAN(float(row["dbscan_eps"]), min_samples=10, backend=backend.name).fit(x)
            found = (model.n_clusters_, int(np.sum(model.labels_ == -1)), len(model.core_sample_indices_))
            wanted = tuple(int(row[name]) for name in ("dbscan_k", "dbscan_noise", "dbscan_core"))
            assert found == wanted, row["dataset"]
            np.testing.assert_array_equal(model.predict(x), model.labels_, err_msg=row["dataset"])


@pytest.mark.parametrize("weighted", [False, True])
def test_core_points_and_noise_are_sklearns_and_border_points_join_their_nearest(moons, weighted):
    weight = 1.0 + np.arange(len(moons)) % 3 if weighted else None
    ours = DBSCAN(0.12, min_samples=8, backend="cpu").fit(moons, sample_weight=weight)
    theirs = sklearn.cluster.DBSCAN(eps=0.12, min_samples=8).fit(moons, sample_weight=weight)
    core = theirs.core_sample_indices_
    np.testing.assert_array_equal(ours.core_sample_indices_, core)
    np.testing.assert_array_equal(ours.labels_ == -1, theirs.labels_ == -1)
    pairs = set(zip(ours.labels_[core], theirs.labels_[core], strict=True))
    assert len(pairs) == ours.n_clusters_ == theirs.labels_.max() + 1
    away = cdist(moons, moons[core])
    nearest = np.where(away.min(axis=1) <= 0.12, ours.labels_[core][away.argmin(axis=1)], -1)
    np.testing.assert_array_equal(ours.labels_, nearest)
    total = np.ones(len(moons)) if weight is None else weight
    np.testing.assert_allclose(ours.segment_weight_, np.bincount(ours.labels_ + 1, total)[1:])
    assert np.all(np.diff(ours.segment_weight_) <= 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lattice", [False, True])
def test_the_order_of_the_rows_changes_nothing(moons, seed, lattice):
    x = np.round(moons * 8) if lattice else moons
    parameters = {"eps": 1.0, "min_samples": 7} if lattice else {"eps": 0.12, "min_samples": 8}
    order = np.random.default_rng(seed).permutation(len(x))
    one, other = (DBSCAN(**parameters, backend="cpu").fit(rows) for rows in (x, x[order]))
    assert one.n_clusters_ > 1
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    np.testing.assert_array_equal(one.core_rows_, other.core_rows_)
    np.testing.assert_array_equal(one.assign(x[order]).novelty, other.assign(x[order]).novelty)


@pytest.mark.parametrize("lattice", [False, True])
def test_assign_means_what_it_says(moons, backend, lattice):
    x = np.round(moons * 8) if lattice else moons
    eps, min_samples = (1.0, 7) if lattice else (0.12, 8)
    model = fitted(x, backend, eps=eps, min_samples=min_samples)
    new = np.vstack([x, np.random.default_rng(2).uniform(-3, 4, size=(500, 2)) * (8 if lattice else 1)])
    segment, distance, confidence, novelty = on_host(backend, model.assign(new))
    np.testing.assert_array_equal(segment, on_host(backend, [model.predict(new)])[0])
    np.testing.assert_array_equal(segment[: len(x)], on_host(backend, [model.labels_])[0])
    assert segment.dtype == np.int32
    core = x[model.core_sample_indices_]
    group = on_host(backend, [model.labels_])[0][model.core_sample_indices_]
    away = cdist(new, core)
    np.testing.assert_allclose(distance, away.min(axis=1), atol=1e-7)
    np.testing.assert_array_equal(segment == -1, distance > eps)
    near = segment >= 0
    second = np.where(group[None, :] == segment[:, None], np.inf, away).min(axis=1)
    np.testing.assert_allclose(confidence[near], 1 - (distance / second)[near], atol=1e-6)
    np.testing.assert_array_equal(confidence[~near], 0)
    assert np.all((novelty >= 0) & (novelty <= 1))
    assert np.all(novelty[~near] == 1)


def test_novelty_is_the_rank_among_distances_between_core_points_and_of_border_points(moons, backend):
    model = fitted(moons, backend, eps=0.12, min_samples=8)
    labels, core = on_host(backend, [model.labels_])[0], model.core_sample_indices_
    apart = cdist(moons, moons[core])
    apart[core, np.arange(len(core))] = np.inf
    apart[labels[:, None] != labels[core][None, :]] = np.inf
    new = moons + 0.01
    segment, distance, _, novelty = on_host(backend, model.assign(new))
    for number in range(model.n_clusters_):
        training = np.sort(apart[labels == number].min(axis=1))
        mine = segment == number
        expected = np.searchsorted(training, distance[mine]) / len(training)
        np.testing.assert_allclose(novelty[mine], expected, atol=0.01 + 1 / len(training))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_restored_model_predicts_the_same_and_its_state_is_plain(moons, backend, weighted):
    weight = np.ones(len(moons)) if weighted else None
    model = fitted(moons, backend, weight, eps=0.12, min_samples=np.int64(8))
    state = model.state()
    assert_plain(state)
    again = DBSCAN.from_state(state).set_params(backend=backend.name)
    for left, right in zip(model.assign(moons), again.assign(moons), strict=True):
        np.testing.assert_array_equal(*on_host(backend, [left, right]))


def assert_plain(value):
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        for item in value.values():
            assert_plain(item)
    elif isinstance(value, np.ndarray):
        assert value.dtype.kind in "fi"
    else:
        json.dumps(value)


def test_blocks_engines_and_files_predict_the_same(moons, tmp_path, spread):
    x = np.vstack([moons] * 40)
    model = DBSCAN(0.12, min_samples=8, backend="cpu").fit(moons)
    np.testing.assert_array_equal(model.predict(x), np.tile(model.labels_, 40))
    there = model.assign(spread(x[:3000]))
    for left, right in zip(model.assign(x[:3000]), there, strict=True):
        np.testing.assert_array_equal(left, np.asarray(right))
    pl.DataFrame(moons, schema=["a", "b"]).write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.labels_)


def test_where_all_is_noise(backend):
    x = np.arange(10.0)[:, None]
    model = fitted(x, backend, eps=0.5, min_samples=2)
    assert model.n_clusters_ == 0
    assert len(model.segment_weight_) == 0
    again = DBSCAN.from_state(model.state()).set_params(backend=backend.name)
    for each in (model, again):
        segment, distance, confidence, novelty = on_host(backend, each.assign(x))
        assert set(segment) == {-1}
        assert np.all(np.isposinf(distance))
        assert set(confidence) == {0.0}
        assert set(novelty) == {1.0}


def test_one_segment_is_certain_and_one_row_can_be_one(backend):
    model = fitted(np.array([[2.0, 3.0]]), backend, min_samples=1)
    segment, distance, confidence, novelty = on_host(
        backend, model.assign(np.array([[2.0, 3.0], [2.0, 3.4], [9.0, 9.0]]))
    )
    np.testing.assert_array_equal(segment, [0, 0, -1])
    np.testing.assert_allclose(distance, [0, 0.4, np.hypot(7, 6)], atol=1e-12)
    np.testing.assert_array_equal(confidence, [1, 1, 0])
    np.testing.assert_array_equal(novelty, [0, 0, 1])


def test_equal_rows_count_each_and_are_stored_once(backend):
    model = fitted(np.repeat([[0.0], [3.0]], [9, 4], axis=0), backend, eps=0.5, min_samples=5)
    np.testing.assert_array_equal(model.labels_, [0] * 9 + [-1] * 4)
    np.testing.assert_array_equal(model.core_rows_, [[0.0]])
    assert len(model.core_sample_indices_) == 9


def test_ties_of_weight_go_by_the_mean():
    x = np.array([[9.0, 1.0]] * 3 + [[1.0, 5.0]] * 3 + [[1.0, 4.0]] * 3 + [[4.0, 4.0]] * 4)
    np.testing.assert_array_equal(DBSCAN(0.5, min_samples=3).fit(x).labels_, [3] * 3 + [2] * 3 + [1] * 3 + [0] * 4)


def test_float32_rows_get_their_own_labels(moons, backend):
    x = moons.astype(np.float32)
    model = fitted(x, backend, eps=0.12, min_samples=8)
    assert model.core_rows_.dtype == np.float32
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"eps": 0}, "eps=0 is not allowed; give a number above 0.0"),
        ({"eps": float("nan")}, "eps=nan is not allowed"),
        ({"min_samples": 0}, "min_samples=0 is not allowed; give a whole number of at least 1"),
        ({"min_samples": 2.5}, "min_samples=2.5 is not allowed"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        DBSCAN(**parameters).fit(np.eye(4))


def test_rows_in_blocks_that_are_few_are_fitted_as_in_memory(moons, tmp_path):
    pl.DataFrame(moons).write_parquet(tmp_path / "x.parquet")
    wanted = DBSCAN(eps=0.12, min_samples=8).fit(moons)
    for x in (da.from_array(moons, chunks=(200, moons.shape[1])), tmp_path / "x.parquet"):
        model = DBSCAN(eps=0.12, min_samples=8).fit(x)
        assert model.exact_
        np.testing.assert_array_equal(np.asarray(model.labels_), wanted.labels_)
