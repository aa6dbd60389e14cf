import json

import dask.array as da
import numpy as np
import polars as pl
import pytest
import sklearn.cluster
from scipy.spatial.distance import cdist
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.backends import get_backend
from gpuseg.cluster import DBSCAN, OPTICS
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.metrics import adjusted_rand
from gpuseg.summary import MicroClusters, core_distances, radii, reaches, rows_as_points

WAYS = {
    "xi": {"min_samples": 5},
    "uncorrected": {"min_samples": 10, "xi": 0.02, "predecessor_correction": False, "min_cluster_size": 15},
    "max_eps": {"min_samples": 4, "max_eps": 1.0, "min_cluster_size": 9},
    "dbscan": {"min_samples": 8, "cluster_method": "dbscan", "eps": 1.0},
}


def some(rows, columns, seed=0, *, far=4.0):
    """Return rows in blobs of different density and about them; half of all have their fifth row within 1."""
    rng = np.random.default_rng(seed)
    x = blobs_and_others(rng, rows, columns, far)
    return x / np.median(core_distances(rows_as_points(x), 5))


def blobs_and_others(rng, rows, columns, far):
    centers, which = rng.normal(size=(5, columns)) * far, rng.integers(0, 6, rows)
    x = np.vstack([centers, np.zeros((1, columns))])[which] + rng.normal(size=(rows, columns))
    return np.where((which == 5)[:, None], x * 4, x * (1 + which[:, None] / 5))


def clear(rows, columns, seed=0):
    """Return rows in blobs that are far apart, and one of 21 anywhere."""
    rng = np.random.default_rng(seed)
    x = np.eye(columns + 1, columns)[rng.integers(0, columns + 1, rows)] * 12 + rng.normal(size=(rows, columns))
    x[::21] = rng.uniform(-6, 18, size=x[::21].shape)
    return x


def digest(x, size, seed=0):
    """Return points that stand for the rows nearest to some of them."""
    seeds = x[np.random.default_rng(seed).choice(len(x), size, replace=False)]
    nearest = np.argmin(cdist(x, seeds), axis=1)
    weight = np.bincount(nearest, minlength=size).astype(float)
    means = np.stack([x[nearest == i].mean(axis=0) for i in range(size)])
    squares = np.bincount(nearest, np.sum((x - means[nearest]) ** 2, axis=1), minlength=size)
    return MicroClusters(means, weight, np.sqrt(squares / weight)), nearest


def theirs(x, **parameters):
    """Return scikit-learn's fit, with its divisions by equal rows' reachability of 0."""
    with np.errstate(divide="ignore"):
        return sklearn.cluster.OPTICS(**parameters).fit(x)


def assert_theirs(ours, theirs):
    for name in ("ordering_", "reachability_", "core_distances_", "predecessor_"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    np.testing.assert_array_equal(ours.labels_ == -1, theirs.labels_ == -1)
    assert adjusted_rand(ours.labels_, theirs.labels_) == 1
    if ours.cluster_method == "xi":
        np.testing.assert_array_equal(ours.cluster_hierarchy_, theirs.cluster_hierarchy_.reshape(-1, 2))


@parametrize_with_checks([OPTICS(), OPTICS(cluster_method="dbscan", eps=0.3)])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("columns", [1, 2, 6])
def test_order_distances_and_segments_are_those_of_scikit_learn(way, columns):
    x = some(700, columns)
    ours = OPTICS(**way, backend="cpu").fit(x)
    assert ours.n_clusters_ > 1
    assert_theirs(ours, theirs(x, **way))
    weights = np.bincount(ours.labels_ + 1)[1:]
    np.testing.assert_array_equal(ours.segment_weight_, weights)
    assert np.all(np.diff(weights) <= 0)


@pytest.mark.parametrize("name", ["lsun", "target", "twodiamonds", "hepta"])
def test_they_are_on_labelled_sets(data, name):
    x = np.loadtxt(data / "benchmarks" / "fcps" / f"{name}.data.gz", ndmin=2)
    assert_theirs(OPTICS(backend="cpu").fit(x), theirs(x))


def test_equal_distances_go_by_the_order_of_the_rows_as_there():
    x = np.round(some(500, 2) / 2)
    assert len(np.unique(x, axis=0)) < 450
    for way in (WAYS["xi"], WAYS["uncorrected"]):
        assert_theirs(OPTICS(**way, backend="cpu").fit(x), theirs(x, **way))


def test_many_columns_are_as_by_a_tree():
    # At more than 15 columns scikit-learn's default takes distances by a product of matrices, which is less exact.
    x = some(300, 20)
    assert_theirs(OPTICS(backend="cpu").fit(x), theirs(x, algorithm="kd_tree"))


def test_an_extract_is_the_fit_with_those_parameters_and_leaves_the_model():
    x = some(600, 3)
    model = OPTICS(6, backend="cpu").fit(x)
    before = model.labels_.copy()
    for method, parameters in (("dbscan", {"eps": 0.9}), ("xi", {"xi": 0.2, "min_cluster_size": 20})):
        one = model.extract(method, **parameters)
        other = OPTICS(6, cluster_method=method, **parameters, backend="cpu").fit(x)
        np.testing.assert_array_equal(one.labels_, other.labels_)
        for left, right in zip(one.assign(x + 0.1), other.assign(x + 0.1), strict=True):
            np.testing.assert_array_equal(left, right)
        assert hasattr(one, "cluster_hierarchy_") == (method == "xi")
    np.testing.assert_array_equal(model.labels_, before)
    assert model.cluster_method == "xi"


def test_a_restored_model_places_rows_and_can_be_cut_again():
    x = some(400, 2)
    model = OPTICS(backend="cpu").fit(x)
    state = model.state()
    for name, value in (state["parameters"] | state["fitted"]).items():
        assert isinstance(value, np.ndarray) or json.dumps(value), name
    again = OPTICS.from_state(state)
    for one, other in ((again, model), (again.extract("dbscan", eps=0.5), model.extract("dbscan", eps=0.5))):
        np.testing.assert_array_equal(one.predict(x), other.predict(x))


@pytest.mark.parametrize("way", [WAYS["xi"], WAYS["dbscan"], {"min_samples": 20}])
def test_training_rows_get_their_own_label_but_for_a_few(way):
    x = some(900, 3)
    model = OPTICS(**way, backend="cpu").fit(x)
    assert np.mean(model.predict(x) == model.labels_) >= 0.95


@pytest.mark.parametrize("way", [{"min_cluster_size": 80}, {"cluster_method": "dbscan", "eps": 1.2}])
def test_half_of_the_rows_places_the_other_as_well_as_a_fit_of_it_does(way):
    halved = {name: value // 2 if name.startswith("min") else value for name, value in way.items()}
    placed, fitted = [], []
    for seed in range(4):
        x = clear(1600, 3, seed)
        whole = OPTICS(20, **way, backend="cpu").fit(x).labels_
        for one, other in ((0, 1), (1, 0)):
            model = OPTICS(10, **halved, backend="cpu").fit(x[one::2])
            placed.append(adjusted_rand(model.predict(x[other::2]), whole[other::2]))
            fitted.append(adjusted_rand(model.labels_, whole[one::2]))
    assert np.mean(placed) >= np.mean(fitted) - 0.02
    assert np.mean(placed) > 0.95


@pytest.mark.parametrize("method", ["xi", "dbscan"])
def test_assign_means_what_it_says(backend, method):
    x = some(500, 2)
    model = OPTICS(6, cluster_method=method, eps=0.5, backend="cpu").fit(x).set_params(backend=backend.name)
    new = np.vstack([x, np.random.default_rng(2).uniform(-20, 20, size=(300, 2))])
    segment, distance, confidence, novelty = (backend.to_host(field) for field in model.assign(new))
    np.testing.assert_array_equal(segment, backend.to_host(model.predict(new)))
    assert segment.dtype == np.int32
    levels = np.full(model.n_clusters_, 0.5)
    if method == "xi":
        plot, of = model.reachability_[model.ordering_], model.labels_[model.ordering_]
        levels = np.array([plot[np.flatnonzero(of == one)[1:]].max() for one in range(model.n_clusters_)])
    level = np.append(levels, -1)[model.labels_]
    dense = np.flatnonzero(model.core_distances_ <= level)
    away = cdist(new, x[dense])
    nearest, group = np.argmin(away, axis=1), model.labels_[dense]
    np.testing.assert_allclose(distance, away.min(axis=1), atol=1e-7)
    np.testing.assert_array_equal(segment, np.where(away.min(axis=1) <= level[dense][nearest], group[nearest], -1))
    near = segment >= 0
    assert 0 < np.sum(~near) < len(new)
    second = np.where(group[None, :] == segment[:, None], np.inf, away).min(axis=1)
    np.testing.assert_allclose(confidence[near], 1 - (distance / second)[near], atol=1e-6)
    np.testing.assert_array_equal(confidence[~near], 0)
    assert np.all((novelty >= 0) & (novelty <= 1))


def test_blocks_engines_and_files_predict_the_same(tmp_path, spread):
    x = some(400, 2)
    model = OPTICS(backend="cpu").fit(x)
    for left, right in zip(model.assign(x), model.assign(spread(x)), strict=True):
        np.testing.assert_array_equal(left, np.asarray(right))
    pl.DataFrame(x, schema=["a", "b"]).write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.predict(x))


@pytest.mark.parametrize("method", ["xi", "dbscan"])
def test_a_row_of_weight_two_is_the_row_twice(method):
    x, weight = some(400, 2), 1.0 + np.arange(400) % 3
    way = {"min_samples": 9, "min_cluster_size": 30, "cluster_method": method, "eps": 0.6}
    once = OPTICS(**way, backend="cpu").fit(x, sample_weight=weight)
    twice = np.repeat(np.arange(400), weight.astype(int))
    rows = OPTICS(**way, backend="cpu").fit(x[twice])
    np.testing.assert_array_equal(once.core_distances_[twice], rows.core_distances_)
    # The plot is the same where the second of equal rows is left out, which lies behind the first.
    first = np.flatnonzero(np.diff(twice, prepend=-1))
    order = rows.ordering_[np.isin(rows.ordering_, first)]
    np.testing.assert_array_equal(twice[order], once.ordering_)
    np.testing.assert_array_equal(rows.reachability_[first], once.reachability_)
    assert once.n_clusters_ == rows.n_clusters_ > 2
    assert adjusted_rand(once.labels_[twice], rows.labels_) >= 0.98  # a sparse row counts where it is reached first
    assert np.sum(once.segment_weight_) == pytest.approx(np.sum(rows.segment_weight_), rel=0.03)


def test_a_row_of_no_weight_changes_no_other():
    x = some(300, 2)
    weight = np.ones(300)
    weight[::7] = 0
    with_it, without = OPTICS(backend="cpu").fit(x, sample_weight=weight), OPTICS(backend="cpu").fit(x[weight > 0])
    np.testing.assert_array_equal(with_it.core_distances_[weight > 0], without.core_distances_)
    np.testing.assert_array_equal(with_it.labels_[weight > 0], without.labels_)
    np.testing.assert_array_equal(with_it.labels_[weight == 0], without.predict(x[weight == 0]))
    assert with_it.ordering_[-1] == np.flatnonzero(weight == 0)[-1]
    with pytest.raises(TypeError, match=r"fit\(\) got weight; it takes X, y and sample_weight"):
        OPTICS().fit(x, weight=weight)


@pytest.mark.parametrize("change", [lambda x: x + 64, lambda x: x * 4], ids=["moved", "scaled"])
def test_moved_and_scaled_rows_have_the_same_segments(change):
    x = np.round(some(500, 3) * 64) / 64  # so that the change rounds nothing
    one, other = (OPTICS(backend="cpu").fit(rows) for rows in (x, change(x)))
    np.testing.assert_array_equal(one.labels_, other.labels_)


def test_the_order_of_the_rows_changes_no_distance_and_few_labels():
    x = some(700, 3)
    order = np.random.default_rng(1).permutation(len(x))
    one, other = (OPTICS(10, min_cluster_size=30, backend="cpu").fit(rows) for rows in (x, x[order]))
    np.testing.assert_array_equal(one.core_distances_[order], other.core_distances_)
    assert adjusted_rand(one.labels_[order], other.labels_) >= 0.95


def test_a_cut_of_the_order_is_dbscan_but_for_its_border():
    x = some(800, 3)
    cut = OPTICS(8, cluster_method="dbscan", eps=1.2, backend="cpu").fit(x)
    found = DBSCAN(1.2, min_samples=8, backend="cpu").fit(x)
    core = found.core_sample_indices_
    assert cut.n_clusters_ == found.n_clusters_ > 1
    assert adjusted_rand(cut.labels_[core], found.labels_[core]) == 1


def test_a_digest_has_the_segments_of_its_rows():
    x = clear(6000, 4)
    points, nearest = digest(x, 700)
    model = OPTICS(40, min_cluster_size=300, backend="cpu")
    label = model._learn(points, get_backend("cpu"))[nearest]
    exact = OPTICS(40, min_cluster_size=300, backend="cpu").fit(x)
    assert exact.n_clusters_ == 5
    assert adjusted_rand(label, exact.labels_) > 0.9


def test_an_extract_of_a_digest_places_rows_and_has_no_labels_of_its_own():
    x = clear(6000, 3)
    model = OPTICS(40, min_cluster_size=300, method="digest", n_micro=600, backend="cpu").fit(x)
    assert not model.exact_
    assert len(model.labels_) == 6000
    cut = model.extract("dbscan", eps=1.5)
    assert not hasattr(cut, "labels_")
    exact = OPTICS(40, cluster_method="dbscan", eps=1.5, method="exact", backend="cpu").fit(x)
    assert adjusted_rand(cut.predict(x), exact.labels_) > 0.95
    assert adjusted_rand(model.labels_, cut.predict(x)) > 0.9


def test_points_that_reach_far_are_reached_sooner_as_if_each_pair_were_looked_at():
    points, _ = digest(some(3000, 3), 400)
    core, reach = np.around(core_distances(points, 30), 15), reaches(points)
    found = get_backend("cpu").fits["optics"](points.rows, core_distances=core, reaches=reach, max_eps=np.inf)
    apart = np.maximum(cdist(points.rows, points.rows) - reach[:, None] - reach, 0)
    left, reachability, order = list(range(400)), np.full(400, np.inf), []
    while left:
        point = min(left, key=lambda i: (reachability[i], i))
        left.remove(point)
        order.append(point)
        reachability[left] = np.minimum(reachability[left], np.around(np.maximum(apart[point], core[point]), 15)[left])
    np.testing.assert_array_equal(found["ordering"], order)
    np.testing.assert_allclose(found["reachability"], reachability, atol=1e-12)


def test_a_point_that_stands_for_rows_holds_new_ones_as_far_as_its_ball():
    points, _ = digest(some(3000, 2), 300)
    model = OPTICS(30, min_cluster_size=200, backend="cpu").fit(points.rows, sample_weight=points.weight)
    cpu = get_backend("cpu")
    model._settle(model._learn(points, cpu), points, cpu)
    anchors = model._anchors()
    radius = anchors.bounds - model.segment_levels_[anchors.segments]
    at = np.argmin(cdist(anchors.rows, points.rows), axis=1)
    np.testing.assert_allclose(radius, radii(points)[at], atol=1e-12)
    assert np.median(radius) > 0


def test_where_all_is_noise(backend):
    x = np.arange(12.0)[:, None] ** 2
    model = OPTICS(3, max_eps=0.5, backend="cpu").fit(x).set_params(backend=backend.name)
    assert model.n_clusters_ == 0
    assert model.cluster_hierarchy_.shape == (0, 2)
    segment, distance, confidence, novelty = (backend.to_host(field) for field in model.assign(x))
    assert set(segment) == {-1}
    assert np.all(np.isposinf(distance))
    assert set(confidence) == {0.0}
    assert set(novelty) == {1.0}


def test_equal_rows_alone_are_one_segment():
    model = OPTICS(3, cluster_method="dbscan", eps=0.5, backend="cpu").fit(np.ones((9, 2)))
    np.testing.assert_array_equal(model.labels_, np.zeros(9))
    np.testing.assert_array_equal(model.predict(np.array([[1.0, 1.25], [3.0, 3.0]])), [0, -1])


def test_a_valley_of_all_rows_has_no_rim_and_far_rows_are_novel():
    x = np.random.default_rng(0).normal(size=(400, 2))
    model = OPTICS(50, backend="cpu").fit(np.vstack([x, x[:9]]))
    assert model.n_clusters_ == 1
    assert np.all(model.labels_ == 0)
    found = model.assign(np.array([[0.0, 0.0], [50.0, 0.0]]))
    assert found.segment.tolist() == [0, 0]
    assert found.novelty[0] < 0.99 < found.novelty[1]
    bounded = OPTICS(20, max_eps=9.0, backend="cpu").fit(x[:20])
    assert bounded.predict(np.array([[2.0, 2.0], [50.0, 50.0]])).tolist() == [0, -1]
    equal = OPTICS(5, backend="cpu").fit(np.ones((5, 2))).assign(np.array([[1.0, 1.0], [2.0, 2.0]]))
    assert (equal.segment.tolist(), equal.novelty.tolist()) == ([0, 0], [0.0, 1.0])


def test_one_row_and_its_weight():
    model = OPTICS(2, cluster_method="dbscan", eps=1.0, backend="cpu").fit(np.zeros((1, 1)), sample_weight=[5.0])
    assert model.labels_.tolist() == [0]


def test_rows_are_left_as_they_are_and_float32_is_taken():
    x = some(300, 3).astype(np.float32)
    kept = x.copy()
    model = OPTICS(backend="cpu").fit(x)
    np.testing.assert_array_equal(x, kept)
    assert np.mean(model.predict(x) == model.labels_) >= 0.95


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"min_samples": 1}, "min_samples=1 is not allowed; give a whole number of at least 2"),
        ({"min_samples": 7}, "min_samples=7 is asked of too few rows, n_samples=6; pass at least 7 rows or a smaller"),
        ({"max_eps": 0}, "max_eps=0 is not allowed; give a number above 0.0"),
        ({"max_eps": float("nan")}, "max_eps=nan is not allowed"),
        ({"xi": 1.0}, "xi=1.0 is not allowed; give a number of at least 0.0 and below 1"),
        ({"xi": -0.1}, "xi=-0.1 is not allowed"),
        ({"min_cluster_size": 1}, "min_cluster_size=1 is not allowed; give a whole number of at least 2"),
        ({"cluster_method": "xl"}, "cluster_method='xl' is not known; allowed are 'xi', 'dbscan'"),
        ({"cluster_method": "dbscan", "eps": 0}, "eps=0 is not allowed"),
        ({"cluster_method": "dbscan", "eps": 3.0, "max_eps": 2.0}, "eps=3.0 is above max_eps=2.0; give at most that"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        OPTICS(**{"min_samples": 3} | parameters).fit(np.arange(12.0).reshape(6, 2))


def test_an_extract_refuses_parameters_of_the_other_method():
    model = OPTICS(2, backend="cpu").fit(np.arange(6.0)[:, None])
    with pytest.raises(InvalidInput, match="cluster_method='xi' takes no eps; give any of min_cluster_size, pred"):
        model.extract("xi", eps=1.0)
    with pytest.raises(InvalidInput, match="cluster_method='x' is not known"):
        model.extract("x")


def test_an_exact_fit_needs_rows_in_memory_and_a_backend_that_has_it(backend):
    with pytest.raises(InvalidInput, match="an exact fit needs all rows in memory"):
        OPTICS(method="exact").fit(da.zeros((9, 2)))
    if "optics" not in backend.fits:
        with pytest.raises(UnsupportedOnBackend, match="does not offer 'optics'"):
            OPTICS(backend=backend.name).fit(np.eye(9))
