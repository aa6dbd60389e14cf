import csv

import dask.array as da
import numpy as np
import polars as pl
import pytest
import sklearn.cluster
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.backends import KNOWN, Task, get_backend
from gpuseg.cluster import _approximate
from gpuseg.cluster.hdbscan import HDBSCAN
from gpuseg.engines import site_of
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.summary import MicroClusters
from tests.cluster.test_dbscan import assert_plain, on_host


def fitted(x, backend, *arguments, **parameters):
    """Fit where the backend offers HDBSCAN; elsewhere let it predict with what the CPU fitted."""
    offered = "hdbscan" in backend.fits
    if backend.name == "cuda" and parameters.get("min_samples") == 1:
        pytest.skip("cuML's HDBSCAN counts at least one other row: test_parameters_out_of_range_are_refused")
    model = HDBSCAN(*arguments, **parameters, backend=backend.name if offered else "cpu").fit(x)
    return model if offered else model.set_params(backend=backend.name)


@pytest.fixture(scope="module")
def uneven():
    """Four segments of very different density, and scatter."""
    rng = np.random.default_rng(11)
    parts = [rng.normal(at, width, size=(150, 2)) for at, width in ((0, 0.1), (2, 0.3), (6, 0.8), (12, 1.2))]
    return np.vstack([*parts, rng.uniform(-4, 16, size=(80, 2))])


@parametrize_with_checks([HDBSCAN()])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


def test_clusters_and_noise_are_the_reference_on_every_labelled_set(data, backend):
    if "hdbscan" not in backend.fits:
        with pytest.raises(UnsupportedOnBackend, match="does not offer 'hdbscan'"):
            HDBSCAN(backend=backend.name).fit(np.eye(9))
        return
    if backend.name == "cuda":
        pytest.skip("float32 counts other rows at a bound: what it finds is held to the CPU's in test_cuda.py")
    with (data / "reference" / "sklearn191_density.csv").open() as file:
        for row in csv.DictReader(file):
            x = np.loadtxt(data / "benchmarks" / row["battery"] / f"{row['dataset']}.data.gz", ndmin=2)
            x = (x - x.mean(axis=0)) / x.std(axis=0)
            model = HDBSCAN(25, min_samples=10, backend=backend.name).fit(x)
            noise = int(np.sum(model.labels_ == -1)) - int(row["hdbscan_noise"])
            assert model.n_clusters_ == int(row["hdbscan_k"]), row["dataset"]
            # There a row that joins two sides falls to either by its number, here to the nearer one.
            assert abs(noise) <= splits(model), row["dataset"]
            assert np.all(np.diff(np.bincount(model.labels_ + 1)[1:]) <= 0)
            got = model.assign(x)
            np.testing.assert_array_equal(got.segment, model.labels_, err_msg=row["dataset"])
            np.testing.assert_array_equal(got.confidence, model.probabilities_, err_msg=row["dataset"])


def splits(model):
    """Return how many splits the tree has: at each, a row hangs at the same height on both sides."""
    return len(model.condensed_tree_["parent"]) // 2


@pytest.mark.parametrize("min_samples", [None, 1, 2, 30])
def test_labels_are_sklearns_up_to_ties(uneven, min_samples):
    ours = HDBSCAN(12, min_samples=min_samples, backend="cpu").fit(uneven)
    theirs = sklearn.cluster.HDBSCAN(min_cluster_size=12, min_samples=min_samples, copy=True).fit(uneven)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) >= 0.98
    assert np.sum((ours.labels_ == -1) != (theirs.labels_ == -1)) <= splits(ours)


TIES = {
    ("a2", "leaf"): "a row at a tie: with it 25 rows are a segment in scikit-learn, and here 24 are noise",
    ("a3", "leaf"): "the same",
}


@pytest.mark.parametrize("method", ["eom", "leaf"])
def test_labels_are_sklearns_up_to_ties_on_every_labelled_set(data, method):
    for path in sorted(data.glob("benchmarks/*/*.data.gz")):
        name = path.name.removesuffix(".data.gz")
        if name == "birch1":
            continue  # 100,000 rows: scikit-learn takes minutes
        x = np.loadtxt(path, ndmin=2)
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        ours = HDBSCAN(25, min_samples=10, cluster_selection_method=method, backend="cpu").fit(x)
        theirs = sklearn.cluster.HDBSCAN(
            min_cluster_size=25, min_samples=10, cluster_selection_method=method, copy=True
        ).fit(x)
        agreement = adjusted_rand_score(ours.labels_, theirs.labels_)
        if (name, method) in TIES:
            assert 0.9 < agreement < 0.98, name
            assert ours.n_clusters_ == theirs.labels_.max(), name
        else:
            assert agreement >= 0.98, name
            assert ours.n_clusters_ == theirs.labels_.max() + 1, name


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("made", ["rows", "lattice", "many"])
def test_the_order_of_the_rows_changes_nothing(uneven, made, seed):
    x = {"rows": uneven, "lattice": np.round(uneven * 2), "many": np.vstack([uneven + at for at in (0, 40, 90, 150)])}
    x, order = x[made], np.random.default_rng(seed).permutation(len(x[made]))
    one, other = (HDBSCAN(30, min_samples=5, backend="cpu").fit(rows) for rows in (x, x[order]))
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    np.testing.assert_array_equal(one.probabilities_[order], other.probabilities_)


def test_the_order_of_the_rows_changes_nothing_where_segments_lie_apart(blobs, backend):
    x, truth = blobs
    order = np.random.default_rng(0).permutation(len(x))
    one, other = (fitted(rows, backend, 20) for rows in (x, x[order]))
    labels = on_host(backend, [one.labels_, other.labels_])
    np.testing.assert_array_equal(labels[0][order], labels[1])
    assert adjusted_rand_score(labels[0][labels[0] >= 0], truth[labels[0] >= 0]) == 1.0


def approximate_by_hand(model, training, x):
    """Return segment and strength of one new row, by the steps of approximate_predict, one after another."""
    reach = model.min_samples
    apart = np.sort(cdist(training, training), axis=1)[:, reach - 1]
    tree, selection = model.condensed_tree_, model.selection_
    away = cdist(x[None, :], training)[0]
    own = np.sort(away)[reach - 2] if reach > 1 else 0.0
    candidates = np.argsort(away)[: 2 * reach]
    reachability = np.maximum(np.maximum(own, apart[candidates]), away[candidates])
    neighbor, height = candidates[np.argmin(reachability)], reachability.min()
    cluster = tree["row_cluster"][neighbor]
    while cluster > 0 and 1 / tree["birth"][cluster] <= height and tree["row_lambda"][neighbor] * height > 1:
        cluster = tree["parent"][cluster]
    chosen = selection["chosen"][cluster]
    if chosen < 0 or 1 / height < selection["least"][chosen]:
        return -1, 0.0
    return model.cluster_segments_[chosen], min(1 / height / selection["densest"][chosen], 1.0)


@pytest.mark.parametrize("reach", [1, 2, 8])
@pytest.mark.parametrize("method", ["eom", "leaf"])
def test_prediction_is_by_mutual_reachability(uneven, backend, reach, method):
    model = fitted(uneven, backend, 15, min_samples=reach, cluster_selection_method=method)
    new = np.random.default_rng(3).uniform(-4, 16, size=(300, 2))
    segment, distance, confidence, novelty = on_host(backend, model.assign(new))
    expected = [approximate_by_hand(model, uneven, x) for x in new]
    np.testing.assert_array_equal(segment, [label for label, _ in expected])
    np.testing.assert_allclose(confidence, [strength for _, strength in expected], rtol=1e-9)
    assert 0 < np.mean(segment == -1) < 1
    labels, away = on_host(backend, [model.labels_])[0], cdist(new, uneven)
    mine = (labels[None, :] == segment[:, None]) | (segment[:, None] == -1)
    nearest = np.where(mine & (labels[None, :] >= 0), away, np.inf).min(axis=1)
    np.testing.assert_allclose(distance, nearest, rtol=1e-9)
    assert np.all((novelty >= 0) & (novelty <= 1))
    assert np.all((confidence >= 0) & (confidence <= 1))


def test_novelty_is_the_rank_among_the_distances_between_rows_of_a_segment(uneven, backend):
    model = fitted(uneven, backend, 15, min_samples=5)
    labels = on_host(backend, [model.labels_])[0]
    new = uneven + 0.02
    segment, distance, _, novelty = on_host(backend, model.assign(new))
    for number in range(model.n_clusters_):
        apart = cdist(uneven[labels == number], uneven[labels == number])
        np.fill_diagonal(apart, np.inf)
        training, mine = np.sort(apart.min(axis=1)), segment == number
        expected = np.searchsorted(training, distance[mine]) / len(training)
        np.testing.assert_allclose(novelty[mine], expected, atol=0.01 + 1 / len(training))


def test_the_rows_fitted_get_their_own_labels_also_where_rows_are_equal(backend):
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(400, 2)) * 3) + 40 * rng.integers(0, 3, size=(400, 1))
    for reach in (1 if backend.name != "cuda" else 2, 5, 20):
        model = fitted(x, backend, 8, min_samples=reach)
        labels, strength = on_host(backend, [model.labels_, model.probabilities_])
        segment, distance, confidence, _ = on_host(backend, model.assign(x))
        np.testing.assert_array_equal(segment, labels)
        np.testing.assert_array_equal(confidence, strength)
        np.testing.assert_array_equal(distance[segment >= 0], 0)


@pytest.mark.parametrize("parameters", [{}, {"cluster_selection_method": "leaf", "cluster_selection_epsilon": 0.5}])
def test_a_restored_model_predicts_the_same_and_its_state_is_plain(uneven, backend, parameters):
    model = fitted(uneven, backend, 15, **parameters)
    state = model.state()
    assert_plain(state)
    again = HDBSCAN.from_state(state).set_params(backend=backend.name)
    new = np.vstack([uneven, uneven + 0.1])
    for left, right in zip(model.assign(new), again.assign(new), strict=True):
        np.testing.assert_array_equal(*on_host(backend, [left, right]))


def test_blocks_engines_and_files_predict_the_same(uneven, tmp_path, spread):
    model = HDBSCAN(15, backend="cpu").fit(uneven)
    x = np.vstack([uneven, uneven + 0.1])
    for left, right in zip(model.assign(x), model.assign(spread(x)), strict=True):
        np.testing.assert_array_equal(left, np.asarray(right))
    pl.DataFrame(uneven, schema=["a", "b"]).write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.labels_)


def test_where_all_is_noise(backend):
    x = np.random.default_rng(0).uniform(size=(40, 2))
    model = fitted(x, backend, 30)
    assert model.n_clusters_ == 0
    again = HDBSCAN.from_state(model.state()).set_params(backend=backend.name)
    for each in (model, again):
        segment, distance, confidence, novelty = on_host(backend, each.assign(x + 0.01))
        assert set(segment) == {-1}
        assert np.all(np.isposinf(distance))
        assert set(confidence) == {0.0}
        assert set(novelty) == {1.0}


def test_all_rows_may_be_one_segment(backend):
    x = np.random.default_rng(0).normal(size=(200, 2))
    model = fitted(x, backend, 20, allow_single_cluster=True, cluster_selection_epsilon=1.0)
    assert model.n_clusters_ == 1
    segment, distance, confidence, _ = on_host(backend, model.assign(np.array([[0.01, 0.02], [30.0, 30.0]])))
    np.testing.assert_array_equal(segment, [0, -1])
    assert confidence[0] > confidence[1] == 0
    assert distance[1] > 30


def test_equal_rows_are_one_segment_or_noise_together(backend):
    labels = on_host(backend, [fitted(np.repeat([[0.0], [9.0]], [30, 20], axis=0), backend, 5).labels_])[0]
    np.testing.assert_array_equal(labels, [0] * 30 + [1] * 20)
    labels = on_host(backend, [fitted(np.zeros((30, 2)), backend, 5).labels_])[0]
    assert set(labels) == {-1}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"min_cluster_size": 1}, "min_cluster_size=1 is not allowed; give a whole number of at least 2"),
        ({"min_samples": 0}, "min_samples=0 is not allowed"),
        ({"min_samples": 1.5}, "min_samples=1.5 is not allowed"),
        ({"min_samples": 7}, "min_samples=7 is asked of too few rows, n_samples=6; pass at least 7 rows"),
        ({"cluster_selection_epsilon": -1.0}, "cluster_selection_epsilon=-1.0 is not allowed"),
        ({"cluster_selection_method": "leaves"}, "did you mean 'leaf'"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        HDBSCAN(**parameters).fit(np.eye(6))


def test_rows_in_blocks_that_are_few_are_fitted_as_in_memory(uneven, tmp_path):
    pl.DataFrame(uneven).write_parquet(tmp_path / "x.parquet")
    wanted = HDBSCAN().fit(uneven)
    for x in (da.from_array(uneven, chunks=(200, uneven.shape[1])), tmp_path / "x.parquet"):
        model = HDBSCAN().fit(x)
        assert model.exact_
        np.testing.assert_array_equal(np.asarray(model.labels_), wanted.labels_)


@pytest.mark.parametrize("made", ["rows", "lattice", "many"])
@pytest.mark.parametrize(("size", "reach"), [(3, 6), (12, 4), (40, 15), (40, 1)])
def test_a_weight_counts_as_that_many_rows(uneven, made, size, reach):
    x = {"rows": uneven, "lattice": np.round(uneven * 2), "many": np.vstack([uneven + at for at in (0, 40, 90, 150)])}
    rng, x = np.random.default_rng(size), x[made]
    weight = rng.integers(0, 6, len(x))
    weighted = HDBSCAN(size, min_samples=reach).fit(x, sample_weight=weight)
    repeated = HDBSCAN(size, min_samples=reach).fit(np.repeat(x, weight, axis=0))
    counted = weight > 0
    np.testing.assert_array_equal(np.repeat(weighted.labels_[counted], weight[counted]), repeated.labels_)
    strength = np.repeat(weighted.probabilities_[counted], weight[counted])
    np.testing.assert_allclose(strength, repeated.probabilities_, rtol=1e-12)
    np.testing.assert_allclose(weighted.segment_weight_, repeated.segment_weight_)
    new = rng.uniform(-4, 16, size=(200, 2))
    for left, right in list(zip(weighted.assign(new), repeated.assign(new), strict=True))[:3]:
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_a_weight_of_nought_changes_nothing_and_gets_what_predict_gives(uneven):
    weight = (np.arange(len(uneven)) % 3 > 0).astype(float)
    model, plain = HDBSCAN(15).fit(uneven, sample_weight=weight), HDBSCAN(15).fit(uneven[weight > 0])
    np.testing.assert_array_equal(model.labels_[weight > 0], plain.labels_)
    np.testing.assert_array_equal(model.labels_[weight == 0], plain.predict(uneven[weight == 0]))
    np.testing.assert_array_equal(model.assign(uneven).confidence, model.probabilities_)


def test_weights_may_be_fractions(uneven):
    whole = HDBSCAN(15, min_samples=5).fit(uneven)
    tenths = HDBSCAN(15, min_samples=5).fit(np.repeat(uneven, 10, axis=0), sample_weight=np.full(10 * len(uneven), 0.1))
    np.testing.assert_array_equal(np.repeat(whole.labels_, 10), tenths.labels_)
    with pytest.raises(InvalidInput, match=r"min_samples=5 is asked of too few rows, n_samples=680 with weights of 4"):
        HDBSCAN(15, min_samples=5).fit(uneven, sample_weight=np.full(len(uneven), 4 / len(uneven)))


def test_one_point_may_be_all_rows():
    model = HDBSCAN(2, allow_single_cluster=True).fit(np.array([[1.0, 2.0]]), sample_weight=[9.0])
    assert model.labels_.tolist() == [0]
    assert model.segment_weight_.tolist() == [9.0]


def test_what_a_library_has_no_weights_for_is_passed_over():
    task = Task("hdbscan", 1000, 4, weighted=True)
    assert KNOWN["cuda"].needs["hdbscan"](task).against == "takes no sample_weight for HDBSCAN"
    assert KNOWN["cpu"].needs["hdbscan"](task).against is None
    model = HDBSCAN()
    blocks = model._blocks(np.eye(9), np.ones(9), site_of("local"), reset=True)
    assert model._task(blocks).weighted


def test_many_training_rows_to_look_at_are_taken_in_runs(uneven, monkeypatch):
    model = HDBSCAN(15, min_samples=8).fit(uneven)
    whole = model.assign(uneven + 0.1)
    monkeypatch.setattr(_approximate, "CELLS", 100)
    for left, right in zip(whole, model.assign(uneven + 0.1), strict=True):
        np.testing.assert_array_equal(left, right)


def digest(x, cells):
    """Return rows as points of a lattice, and the point of each row."""
    _, place = np.unique(np.round(x * cells), axis=0, return_inverse=True)
    place, weight = place.ravel(), np.bincount(place.ravel()).astype(float)
    mean = np.stack([np.bincount(place, column) for column in x.T], axis=1) / weight[:, None]
    spread = np.sqrt(np.bincount(place, ((x - mean[place]) ** 2).sum(axis=1)) / weight)
    return MicroClusters(mean, weight, spread), place


def test_points_that_stand_for_rows_are_as_dense_as_these():
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(at, 1, size=(4000, 2)) for at in (0, 9, 18)])
    points, place = digest(x, 3)
    assert len(points.rows) < len(x) / 10
    exact, model = (HDBSCAN(300, min_samples=40, backend="cpu") for _ in range(2))
    exact.fit(x)
    label, model.n_features_in_ = model._learn(points, get_backend("cpu")), 2
    strength = model.training_strengths_
    assert model.n_clusters_ == exact.n_clusters_ == 3
    assert adjusted_rand_score(label[place], exact.labels_) > 0.95
    assert np.all((strength >= 0) & (strength <= 1))
    dense = exact.core_distances_ < np.median(exact.core_distances_)
    ratio = model.core_distances_[place][dense] / exact.core_distances_[dense]
    assert 0.8 < np.median(ratio) < 1.25
    assert np.mean(model.predict(x) == label[place]) > 0.9
