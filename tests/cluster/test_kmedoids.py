import dask.array as da
import kmedoids
import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.backends import get_backend, to_host
from gpuseg.backends._cpu_medoids import ORDER
from gpuseg.cluster import CLARANS, KMedoids
from gpuseg.errors import FewerSegments, InvalidInput, UnsupportedOnBackend
from gpuseg.io.model import read_model, write_model
from tests.reference import points

SCIPY = {"euclidean": "euclidean", "manhattan": "cityblock", "cosine": "cosine"}


def pairs(x, metric):
    """Return the matrix of distances by SciPy; Gower's of numbers alone."""
    if metric == "gower":
        return cdist(x / np.ptp(x, axis=0), x / np.ptp(x, axis=0), "cityblock") / x.shape[1]
    return cdist(x, x, SCIPY[metric])


def loss_of(matrix, medoids, weight=1.0):
    return float(np.sum(weight * matrix[:, medoids].min(axis=1)))


def fitted(x, backend, sample_weight=None, algorithm=KMedoids, **parameters):
    """Fit on the CPU, where alone medoids are looked for; let the backend predict."""
    model = algorithm(**parameters, random_state=0, backend="cpu").fit(x, sample_weight=sample_weight)
    return model.set_params(backend=backend.name)


@parametrize_with_checks([KMedoids(), CLARANS()])
def test_scikit_learn_takes_them_for_its_own(estimator, check):
    check(estimator)


def package(matrix, start, order):
    """Return the loss of the package kmedoids, which visits rows in their order, when it visits them in this one."""
    matrix, start = matrix[np.ix_(order, order)], np.argsort(order)[start]
    return kmedoids.fasterpam(matrix, start.astype(np.uint64), n_cpu=1).loss


@pytest.mark.parametrize("metric", [*SCIPY, "gower"])
@pytest.mark.parametrize("k", [2, 4, 9])
def test_the_loss_is_that_of_the_package_from_the_same_start_in_the_same_order(blobs, metric, k):
    x, matrix = blobs[0], pairs(blobs[0], metric)
    order, by_coordinates = np.random.default_rng(ORDER).permutation(len(x)), np.lexsort(x.T[::-1])
    for seed in range(3):
        start = np.random.default_rng(seed).choice(len(x), k, replace=False)
        ours = KMedoids(k, metric=metric, init=start).fit(x)
        assert ours.inertia_ == pytest.approx(loss_of(matrix, ours.medoid_indices_))
        assert ours.inertia_ <= package(matrix, start, by_coordinates[order]) * 1.001
        given = KMedoids(k, metric="precomputed", init=start).fit(matrix)
        assert given.inertia_ <= package(matrix, start, order) * 1.001


def test_the_loss_is_that_of_the_package_on_real_sets(data):
    for battery, name, k in (("fcps", "hepta", 7), ("sipu", "jain", 2), ("sipu", "aggregation", 7)):
        x = points(data, battery, name)
        theirs = min(kmedoids.fasterpam(cdist(x, x), k, random_state=seed, n_cpu=1).loss for seed in range(10))
        assert KMedoids(k, n_init=10, random_state=0).fit(x).inertia_ <= theirs * 1.001


@pytest.mark.parametrize("metric", [*SCIPY, "gower"])
def test_no_swap_lowers_the_loss(blobs, metric):
    x, weight = blobs[0][:150], 1.0 + np.arange(150) % 3
    matrix = pairs(x, metric)
    model = KMedoids(4, metric=metric, random_state=0).fit(x, sample_weight=weight)
    best = model.inertia_
    assert best == pytest.approx(loss_of(matrix, model.medoid_indices_, weight))
    for place in range(4):
        for row in range(len(x)):
            medoids = model.medoid_indices_.copy()
            medoids[place] = row
            assert loss_of(matrix, medoids, weight) >= best * (1 - 1e-9)


def test_build_takes_what_lowers_the_loss_most(blobs):
    x, weight = blobs[0][:120], 1.0 + np.arange(120) % 4
    matrix, medoids = pairs(x, "euclidean"), []
    for _ in range(4):
        medoids.append(int(np.argmin([loss_of(matrix, [*medoids, row], weight) for row in range(len(x))])))
    known = {"weight": weight, "spread": np.zeros(120), "metric": "euclidean", "share": np.zeros(0), "n_clusters": 4}
    found = get_backend("cpu").fits["kmedoids"](x, **known, start=None, max_iter=0)
    np.testing.assert_array_equal(found["medoids"], medoids)
    assert found["loss"] == pytest.approx(loss_of(matrix, medoids, weight))


def test_a_start_is_that_of_the_rows_given(blobs):
    x = np.vstack([blobs[0][:5], blobs[0]])
    weight = np.append(0.0, np.ones(604))
    known = {"max_iter": 1, "n_clusters": 3}
    one = KMedoids(init=[5, 4, 11], **known).fit(
        x, sample_weight=weight
    )  # rows 0 and 5 are equal, and 0 weighs nothing
    other = KMedoids(init=[0, 4, 6], **known).fit(
        blobs[0], sample_weight=np.append(1.0, np.full(4, 2.0)).tolist() + [1.0] * 595
    )
    np.testing.assert_array_equal(one.cluster_centers_, other.cluster_centers_)
    assert one.inertia_ == pytest.approx(other.inertia_)
    with pytest.raises(InvalidInput, match=r"init=\[0, 1, 2\] is no start"):
        KMedoids(init=[0, 1, 2], **known).fit(x, sample_weight=weight)


def test_build_needs_one_start_and_no_seed(blobs):
    one, other = (KMedoids(5, init="build", n_init=n, random_state=s).fit(blobs[0]) for n, s in ((1, 0), (3, 7)))
    np.testing.assert_array_equal(one.medoid_indices_, other.medoid_indices_)
    drawn = KMedoids(5, random_state=0).fit(blobs[0])
    assert one.inertia_ <= drawn.inertia_ * 1.05


def test_a_point_with_spread_is_as_far_as_its_rows_in_the_root_of_the_mean_square():
    rng = np.random.default_rng(4)
    x, spread, weight = rng.normal(size=(80, 3)), rng.uniform(0, 2, 80), rng.uniform(1, 5, 80)
    matrix = np.sqrt(cdist(x, x, "sqeuclidean") + spread[:, None] ** 2)
    known = {"weight": weight, "spread": spread, "metric": "euclidean", "share": np.zeros(0), "n_clusters": 3}
    found = get_backend("cpu").fits["kmedoids"](x, **known, start=np.arange(3), max_iter=100)
    assert found["loss"] == pytest.approx(loss_of(matrix, found["medoids"], weight))
    for place in range(3):
        for row in range(80):
            medoids = found["medoids"].copy()
            medoids[place] = row
            assert loss_of(matrix, medoids, weight) >= found["loss"] * (1 - 1e-9)


@pytest.mark.parametrize("algorithm", [KMedoids, CLARANS])
@pytest.mark.parametrize("metric", [*SCIPY, "gower"])
def test_neither_the_order_nor_the_repetition_of_rows_changes_anything(blobs, algorithm, metric):
    x = np.vstack([blobs[0], blobs[0][:100]])
    order = np.random.default_rng(1).permutation(len(x))
    weight = np.where(np.arange(600) < 100, 2.0, 1.0)
    one = algorithm(4, metric=metric, random_state=0).fit(x)
    other = algorithm(4, metric=metric, random_state=0).fit(x[order])
    heavy = algorithm(4, metric=metric, random_state=0).fit(blobs[0], sample_weight=weight)
    for model in (other, heavy):
        np.testing.assert_array_equal(one.cluster_centers_, model.cluster_centers_)
        np.testing.assert_allclose(one.segment_weight_, model.segment_weight_)
        assert one.inertia_ == pytest.approx(model.inertia_)
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    np.testing.assert_array_equal(one.labels_[:600], heavy.labels_)
    np.testing.assert_array_equal(x[order][other.medoid_indices_], one.cluster_centers_)


def test_rows_without_weight_count_for_nothing(blobs):
    far = np.vstack([blobs[0], np.full((5, 3), 1e4)])
    weight = np.append(np.ones(600), np.zeros(5))
    for metric in ("euclidean", "gower"):
        one = KMedoids(4, metric=metric, random_state=0).fit(blobs[0])
        other = KMedoids(4, metric=metric, random_state=0).fit(far, sample_weight=weight)
        np.testing.assert_array_equal(one.cluster_centers_, other.cluster_centers_)
        assert one.inertia_ == pytest.approx(other.inertia_)
    matrix = cdist(far, far)
    given = KMedoids(4, metric="precomputed", random_state=0).fit(matrix, sample_weight=weight)
    assert np.all(given.medoid_indices_ < 600)
    assert given.inertia_ == pytest.approx(loss_of(matrix[:600, :600], given.medoid_indices_))


@pytest.mark.parametrize("algorithm", [KMedoids, CLARANS])
def test_moved_and_scaled_rows_have_the_same_segments(blobs, algorithm):
    x = np.round(blobs[0] * 64) / 64
    one = algorithm(4, random_state=0).fit(x)
    for moved, factor in ((x + 1024.0, 1.0), (x * 8.0, 8.0)):
        other = algorithm(4, random_state=0).fit(moved)
        np.testing.assert_array_equal(one.labels_, other.labels_)
        assert other.inertia_ == pytest.approx(one.inertia_ * factor)


@pytest.mark.parametrize("metric", [*SCIPY, "gower", "precomputed"])
def test_assign_means_what_it_says(blobs, backend, metric):
    x = blobs[0]
    new = np.vstack([x, x[:50] + 3.0])
    given = {"precomputed": cdist(x, x)}.get(metric, x)
    asked = {"precomputed": cdist(new, x)}.get(metric, new)
    model = fitted(given, backend, n_clusters=4, metric=metric)
    segment, distance, confidence, novelty = (to_host(field) for field in model.assign(backend.to_device(asked)))
    medoids = x[model.medoid_indices_]
    if metric == "gower":
        away = cdist(new / np.ptp(x, axis=0), medoids / np.ptp(x, axis=0), "cityblock") / 3
    else:
        away = cdist(new, medoids, SCIPY.get(metric, "euclidean"))
    np.testing.assert_array_equal(segment, away.argmin(axis=1))
    np.testing.assert_array_equal(segment, to_host(model.predict(backend.to_device(asked))))
    np.testing.assert_array_equal(segment[:600], to_host(model.labels_))
    np.testing.assert_allclose(distance, away.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(confidence, 1 - away.min(axis=1) / np.sort(away, axis=1)[:, 1], atol=1e-9)
    for number in range(4):
        training = np.sort(away[:600][segment[:600] == number].min(axis=1))
        mine = segment == number
        ranks = np.searchsorted(training, distance[mine]) / len(training)
        np.testing.assert_allclose(novelty[mine], ranks, atol=0.01 + 2 / len(training))
    assert np.all(np.diff(model.segment_weight_) <= 0)
    assert model.inertia_ == pytest.approx(np.sum(distance[:600]))


def test_a_row_of_zeros_has_no_direction(blobs, backend):
    model = fitted(blobs[0], backend, n_clusters=3, metric="cosine")
    _, distance, confidence, _ = (to_host(field) for field in model.assign(backend.to_device(np.zeros((1, 3)))))
    assert (float(distance[0]), float(confidence[0])) == (1.0, 0.0)
    with pytest.raises(InvalidInput, match="metric='cosine' compares directions, and X holds 2 rows of zeros alone"):
        KMedoids(2, metric="cosine").fit(np.vstack([blobs[0], np.zeros((2, 3))]))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "gower", "precomputed"])
@pytest.mark.parametrize("algorithm", [KMedoids, CLARANS])
def test_a_model_file_predicts_the_same(blobs, backend, metric, algorithm, tmp_path):
    x = cdist(blobs[0], blobs[0]) if metric == "precomputed" else blobs[0]
    model = fitted(x, backend, algorithm=algorithm, n_clusters=np.int64(4), metric=metric)
    _, state = read_model(write_model(tmp_path / "x.gpuseg", {}, model.state()))
    again = algorithm.from_state(state).set_params(backend=backend.name)
    for left, right in zip(model.assign(x), again.assign(x), strict=True):
        np.testing.assert_array_equal(to_host(left), to_host(right))


def test_blocks_engines_and_files_predict_the_same(blobs, tmp_path, spread):
    for metric in ("euclidean", "manhattan", "gower"):
        model = KMedoids(4, metric=metric, random_state=0).fit(blobs[0])
        for left, right in zip(model.assign(blobs[0]), model.assign(spread(blobs[0])), strict=True):
            np.testing.assert_array_equal(left, np.asarray(right))
        pl.DataFrame(blobs[0]).write_parquet(tmp_path / "x.parquet")
        model = KMedoids(4, metric=metric, random_state=0).fit(pl.DataFrame(blobs[0]))
        np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.labels_)


def test_clara_keeps_the_best_of_its_samples_by_all_rows(blobs):
    rng = np.random.default_rng(8)
    x = np.repeat(blobs[0], 10, axis=0) + rng.normal(scale=0.2, size=(6000, 3))
    exact = KMedoids(4, random_state=0).fit(x)
    one, five = (KMedoids(4, method="sample", sample_size=400, n_init=n, random_state=0).fit(x) for n in (1, 5))
    assert exact.inertia_ <= five.inertia_ <= one.inertia_
    assert five.inertia_ <= exact.inertia_ * 1.02
    assert adjusted_rand_score(exact.labels_, five.labels_) > 0.95
    np.testing.assert_array_equal(x[five.medoid_indices_], five.cluster_centers_)
    assert five.dispatch_.solver == "sample: the best of 5 samples of 400 rows"
    assert exact.dispatch_.solver == "exact"
    assert (exact.exact_, five.exact_) == (True, False)
    assert five.inertia_ == pytest.approx(float(np.sum(cdist(x, five.cluster_centers_).min(axis=1))))


def test_a_sample_of_all_rows_is_exact(blobs):
    exact, all_rows = (
        KMedoids(4, n_init=1, random_state=3, **given).fit(blobs[0])
        for given in ({"method": "exact"}, {"method": "sample", "sample_size": 600})
    )
    np.testing.assert_array_equal(exact.labels_, all_rows.labels_)


@pytest.mark.parametrize("algorithm", [KMedoids, CLARANS])
@pytest.mark.parametrize("metric", ["euclidean", "gower"])
def test_samples_of_dask_and_files_give_what_they_give_in_memory(blobs, tmp_path, monkeypatch, metric, algorithm):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 150)
    weight = 1.0 + np.arange(600) % 3
    given = {"metric": metric, "method": "sample", "sample_size": 100, "random_state": 2}
    here = algorithm(4, **given).fit(blobs[0], sample_weight=weight)
    lazy, weights = da.from_array(blobs[0], chunks=(150, 3)), da.from_array(weight, chunks=150)
    there = algorithm(4, **given).fit(lazy, sample_weight=weights)
    np.testing.assert_array_equal(here.medoid_indices_, there.medoid_indices_)
    np.testing.assert_array_equal(here.labels_, np.asarray(there.labels_))
    assert there.inertia_ == pytest.approx(here.inertia_)
    pl.DataFrame(blobs[0]).write_parquet(tmp_path / "x.parquet", row_group_size=150)
    read, held = algorithm(4, **given).fit(tmp_path / "x.parquet"), algorithm(4, **given).fit(blobs[0])
    np.testing.assert_array_equal(read.cluster_centers_, held.cluster_centers_)


def test_a_single_medoid_and_as_many_as_rows(blobs):
    x = blobs[0][:40]
    for algorithm in (KMedoids, CLARANS):
        one = algorithm(1, random_state=0).fit(x)
        assert one.medoid_indices_.tolist() == [int(np.argmin(cdist(x, x).sum(axis=0)))]
        assert set(one.assign(x).confidence) == {1.0}
        each = algorithm(40, random_state=0).fit(x)
        assert each.inertia_ == 0
        assert sorted(each.medoid_indices_) == list(range(40))


def test_fewer_distinct_rows_than_clusters_are_told():
    x = np.repeat([[0.0], [3.0], [7.0]], 4, axis=0)
    for algorithm in (KMedoids, CLARANS):
        with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows; 3 segments are made"):
            model = algorithm(5, random_state=0).fit(x)
        assert len(model.cluster_centers_) == 3
    with pytest.warns(FewerSegments, match="3 segments are made"):
        assert KMedoids(5, metric="precomputed", random_state=0).fit(cdist(x, x)).labels_.max() == 2


def test_float32_rows_are_their_own_medoids(blobs):
    x = (blobs[0] + 1e5).astype(np.float32)
    model = KMedoids(4, random_state=0).fit(x)
    np.testing.assert_array_equal(x[model.medoid_indices_], model.cluster_centers_)
    assert set(model.assign(x[model.medoid_indices_]).distance) == {0.0}
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters=0 is not allowed"),
        ({"n_clusters": 9}, "n_clusters=9 is more than the rows, n_samples=8; use at most 8$"),
        ({"metric": "euclid"}, "metric='euclid' is not known; allowed are .*; did you mean 'euclidean'"),
        ({"init": "k-means++"}, r"init='k-means\+\+' is not known; give 'random', 'build' or an array"),
        ({"init": [0, 1]}, r"init=\[0, 1\] is no start; give .* the numbers of 3 different rows of X"),
        ({"init": [0, 1, 8]}, r"init=\[0, 1, 8\] is no start"),
        ({"init": [8, 0, 1]}, r"init=\[8, 0, 1\] is no start"),
        ({"init": [-1, 0, 1]}, r"init=\[-1, 0, 1\] is no start"),
        ({"init": [0, 1, 1]}, r"init=\[0, 1, 1\] is no start"),
        ({"init": [0.5, 1, 2]}, r"init=\[0.5, 1.0, 2.0\] is no start"),
        ({"n_init": 0}, "n_init=0 is not allowed"),
        ({"max_iter": 0}, "max_iter=0 is not allowed"),
        ({"method": "digets"}, "method='digets' is not known"),
        ({"sample_size": 2}, "sample_size=2 is not allowed; give a whole number of at least 3"),
        ({"method": "sample", "init": [0, 1, 2]}, "method='sample' is not for an array as init; use method='exact'"),
        ({"categorical": [0]}, r"categorical=\[0\] has no meaning for metric='euclidean'"),
        (
            {"categorical": [8], "metric": "gower"},
            "categorical holds 8; give names of columns or positions from 0 to 7",
        ),
        ({"categorical": ["x"], "metric": "gower"}, "categorical='x' is not a column of the table"),
        ({"metric": "precomputed", "method": "sample"}, "method='sample' is not for metric='precomputed'"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        KMedoids(**{"n_clusters": 3, **parameters}).fit(np.eye(8))


def test_a_backend_without_medoids_is_refused_by_name():
    with pytest.raises(UnsupportedOnBackend, match="backend='strict' does not offer 'kmedoids'; use 'cpu'"):
        KMedoids(2, backend="strict").fit(np.eye(4))


def test_a_fit_that_needs_all_rows_refuses_dask():
    lazy = da.from_array(np.eye(8))
    for model in (CLARANS(2, method="exact"), KMedoids(2, method="exact"), KMedoids(2, init=[0, 1])):
        with pytest.raises(UnsupportedOnBackend, match=f"{type(model).__name__} got Dask or file input"):
            model.fit(lazy)
