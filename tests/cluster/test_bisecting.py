import json

import dask.array as da
import numpy as np
import polars as pl
import pytest
from array_api_compat import array_namespace, device
from scipy.spatial.distance import cdist
from sklearn.cluster import BisectingKMeans as Reference
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.backends import holder
from gpuseg.cluster import BisectingKMeans, KMeans
from gpuseg.cluster._halving import halved, part_of
from gpuseg.cluster.bisecting import split_seed
from gpuseg.engines import Block
from gpuseg.errors import FewerSegments, InvalidInput, UnsupportedOnBackend
from gpuseg.neighbors.centers import nearest


def on_host(backend, arrays):
    return [backend.to_host(array) for array in arrays]


@parametrize_with_checks([BisectingKMeans(3, n_init=20)])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_sklearn_from_the_same_starts(strategy, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=6, size=(9, 3))[rng.integers(0, 9, 900)] + rng.normal(size=(900, 3))
    splits = iter(range(8))

    def our_start(rows, *_, **__):
        run = KMeans(2, backend="cpu").prepare(rows)
        (start,) = run.seeds(2, 1, split_seed(seed, next(splits)))
        return start + run.data.offset

    options = {"n_clusters": 7, "bisecting_strategy": strategy, "tol": 0}
    ours = BisectingKMeans(**options, random_state=seed, backend="cpu").fit(x)
    theirs = Reference(**options, init=our_start).fit(x)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    np.testing.assert_array_equal(theirs.predict(x), theirs.labels_)
    pairs = cdist(ours.cluster_centers_, theirs.cluster_centers_)
    assert pairs.min(axis=1).max() < 1e-9
    assert adjusted_rand_score(ours.predict(x + 0.4), theirs.predict(x + 0.4)) == 1


def test_the_tree_is_what_it_says(blobs, backend):
    x = blobs[0]
    model = BisectingKMeans(6, random_state=0, backend=backend.name).fit(x)
    assert len(model.splits_) == 5
    labels = on_host(backend, [model.labels_])[0]
    np.testing.assert_array_equal(model.segment_weight_, np.bincount(labels))
    assert np.all(np.diff(model.segment_weight_) <= 0)
    for k in range(6):
        np.testing.assert_allclose(model.cluster_centers_[k], x[labels == k].mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(model.node_centers_[0], x.mean(axis=0), atol=1e-9)
    for split, node in enumerate(model.splits_):
        assert model.node_weight_[node] == model.node_weight_[2 * split + 1 : 2 * split + 3].sum()
        assert model.node_inertia_[node] > model.node_inertia_[2 * split + 1 : 2 * split + 3].sum()
    away = np.linalg.norm(x - model.cluster_centers_[labels], axis=1)
    assert model.inertia_ == pytest.approx(np.sum(away**2))
    plain = KMeans(6, random_state=0, n_init=5).fit(x).inertia_
    assert plain <= model.inertia_ * (1 + 1e-9)


@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
def test_a_cut_is_the_fit_with_fewer_segments(blobs, strategy):
    x = blobs[0]
    options = {"bisecting_strategy": strategy, "random_state": 3, "backend": "cpu"}
    whole = BisectingKMeans(8, **options).fit(x)
    before = whole.labels_.copy()
    for k in (1, 2, 5, 8):
        cut, fitted = whole.cut(k), BisectingKMeans(k, **options).fit(x)
        np.testing.assert_array_equal(cut.labels_, fitted.labels_)
        np.testing.assert_allclose(cut.cluster_centers_, fitted.cluster_centers_)
        assert cut.inertia_ == pytest.approx(fitted.inertia_)
        for left, right in zip(cut.assign(x + 0.3), fitted.assign(x + 0.3), strict=True):
            np.testing.assert_allclose(left, right)
        restored = BisectingKMeans.from_state(cut.state())
        np.testing.assert_array_equal(restored.predict(x), cut.labels_)
        np.testing.assert_array_equal(restored.cut(1).predict(x), np.zeros(600))
    np.testing.assert_array_equal(whole.labels_, before)
    with pytest.raises(InvalidInput, match="n_clusters=9 is more than the 8 fitted; fit that many"):
        whole.cut(9)


def test_assign_means_what_it_says(blobs, backend):
    x = blobs[0]
    model = BisectingKMeans(5, random_state=0, backend=backend.name).fit(x)
    new = np.vstack([x, np.random.default_rng(1).uniform(-20, 20, size=(300, 3))])
    segment, distance, confidence, novelty = on_host(backend, model.assign(new))
    labels = on_host(backend, [model.labels_])[0]
    np.testing.assert_array_equal(segment[:600], labels)
    np.testing.assert_array_equal(segment, on_host(backend, [model.predict(new)])[0])
    away = cdist(new, model.cluster_centers_)
    own = away[np.arange(len(new)), segment]
    np.testing.assert_allclose(distance, own, atol=1e-9)
    away[np.arange(len(new)), segment] = np.inf
    np.testing.assert_allclose(confidence, np.maximum(1 - own / away.min(axis=1), 0), atol=1e-9)
    training, mine = np.sort(own[:600][labels == 0]), segment == 0
    expected = np.searchsorted(training, distance[mine]) / len(training)
    np.testing.assert_allclose(novelty[mine], expected, atol=0.01 + 1 / len(training))


def test_weights_count_as_rows(blobs):
    """Draws see where a row's weight begins, so the starts are the same for a row twice in its place."""
    x = blobs[0]
    weight = np.random.default_rng(0).integers(1, 4, size=600)
    options = {"n_clusters": 4, "n_init": 3, "random_state": 0}
    heavy = BisectingKMeans(**options).fit(x, sample_weight=weight)
    twice = BisectingKMeans(**options).fit(np.repeat(x, weight, axis=0))
    np.testing.assert_array_equal(np.repeat(heavy.labels_, weight), twice.labels_)
    np.testing.assert_allclose(heavy.segment_weight_, twice.segment_weight_)
    assert heavy.inertia_ == pytest.approx(twice.inertia_)


def test_it_moves_and_grows_with_the_rows(blobs):
    plain, moved, larger = (BisectingKMeans(6, random_state=1).fit(x) for x in (blobs[0], blobs[0] + 64, blobs[0] * 8))
    np.testing.assert_array_equal(plain.labels_, moved.labels_)
    np.testing.assert_array_equal(plain.labels_, larger.labels_)
    assert larger.inertia_ == pytest.approx(64 * plain.inertia_)


def test_blocks_engines_and_files_predict_the_same(blobs, tmp_path, spread):
    model = BisectingKMeans(5, random_state=0).fit(blobs[0])
    for left, right in zip(model.assign(blobs[0]), model.assign(spread(blobs[0])), strict=True):
        np.testing.assert_allclose(left, np.asarray(right), atol=1e-12)
    pl.DataFrame(blobs[0], schema=["a", "b", "c"]).write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.labels_)


def test_float32_rows_get_their_own_labels(blobs, backend):
    x = blobs[0].astype(np.float32)
    model = BisectingKMeans(5, random_state=0, backend=backend.name).fit(x)
    np.testing.assert_array_equal(*on_host(backend, [model.predict(x), model.labels_]))
    json.dumps(model.state()["parameters"])


def test_rows_on_a_device_get_their_labels_there(blobs, backend):
    x, there = blobs[0], {"backend": "cpu"} if backend.name == "cpu" else {}
    model = BisectingKMeans(5, random_state=0, **there).fit(backend.to_device(x))
    assert model.backend_ == backend.name
    here = BisectingKMeans(5, random_state=0, solver="lloyd", backend="cpu").fit(x)
    for one, other in ((model, here), (model.cut(3), here.cut(3))):
        assert holder(one.labels_) is backend
        np.testing.assert_array_equal(backend.to_host(one.labels_), other.labels_)


def test_equal_rows_are_not_halved():
    x = np.repeat([[0.0], [4.0], [9.0]], [5, 3, 2], axis=0)
    with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows; 3 segments are made"):
        model = BisectingKMeans(5, bisecting_strategy="largest_cluster", random_state=0).fit(x)
    np.testing.assert_array_equal(model.labels_, [0] * 5 + [1] * 3 + [2] * 2)


def test_a_second_fit_forgets_the_first(blobs):
    model = BisectingKMeans(3, random_state=0).fit(blobs[0])
    model.set_params(n_clusters=6).fit(blobs[0])
    np.testing.assert_array_equal(model.labels_, BisectingKMeans(6, random_state=0).fit(blobs[0]).labels_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bisecting_strategy": "largest"}, "bisecting_strategy='largest' is not known; allowed are 'biggest_inertia'"),
        ({"n_clusters": 0}, "n_clusters=0 is not allowed"),
        ({"n_clusters": 5}, "n_clusters=5 is more than the rows, n_samples=4; use at most 4"),
        ({"n_init": 0}, "n_init=0 is not allowed"),
        ({"solver": "elkan"}, "solver='elkan' is not known"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        BisectingKMeans(**parameters).fit(np.eye(4))


def test_blocks_without_a_row_of_a_segment_change_nothing(blobs, monkeypatch):
    """Rows in the order of the segments, in blocks of which each has one or two."""
    x, truth = blobs
    x = x[np.argsort(truth, kind="stable")]
    options = {"n_clusters": 4, "n_init": 5, "random_state": 0, "backend": "cpu", "tol": 0}
    whole = BisectingKMeans(**options).fit(x)
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 50)
    weight = np.random.default_rng(0).integers(1, 4, size=600)
    for rows in (x, da.from_array(x, chunks=(50, 3))):
        cut = BisectingKMeans(**options).fit(rows)
        np.testing.assert_array_equal(np.asarray(cut.labels_), whole.labels_)
        np.testing.assert_allclose(cut.node_centers_[cut.segment_nodes_], whole.cluster_centers_)
        np.testing.assert_allclose(cut.distance_quantiles_, whole.distance_quantiles_)
        assert cut.inertia_ == pytest.approx(whole.inertia_)
        heavy = BisectingKMeans(**options).fit(rows, sample_weight=weight)
        np.testing.assert_allclose(heavy.segment_weight_, np.bincount(np.asarray(heavy.labels_), weight))


def test_rows_at_a_node(backend):
    x = backend.to_device(np.arange(8.0).reshape(4, 2))
    xp = array_namespace(x)
    weight, nodes = x[:, 0] + 1, xp.asarray([1, 2, 1, 2], dtype=xp.int32, device=device(x))
    block = Block(3, x, weight)
    number, rows, some = part_of(block, nodes, 2)
    assert number == 3
    np.testing.assert_array_equal(backend.to_host(rows), [[2, 3], [6, 7]])
    np.testing.assert_array_equal(backend.to_host(some), [3, 7])
    _, rows, some = part_of(block, nodes, 5)
    assert (rows.shape, backend.to_host(some).tolist()) == ((1, 2), [0])
    away = halved(block, nodes, 2, 7, nearest, np.array([[2.0, 3.0], [6.0, 7.0]]), np.zeros(2))
    np.testing.assert_array_equal(backend.to_host(away), [1, 7, 1, 8])
    np.testing.assert_array_equal(
        backend.to_host(halved(block, nodes, 5, 7, nearest, np.zeros((2, 2)), np.zeros(2))), [1, 2, 1, 2]
    )


def test_a_cut_of_rows_on_workers_predicts_and_has_no_labels(blobs):
    x, there = blobs[0], da.from_array(blobs[0], chunks=(200, 3))
    model = BisectingKMeans(5, random_state=0).fit(x)
    model.fit(there)
    assert isinstance(model.labels_, da.Array)
    cut = model.cut(3)
    assert not hasattr(cut, "labels_")
    np.testing.assert_array_equal(np.bincount(np.asarray(cut.predict(there))), cut.segment_weight_)
    assert np.asarray(model.labels_).max() == 4


def test_what_blocks_cannot_have_is_refused(blobs):
    there = da.from_array(blobs[0], chunks=(200, 3))
    with pytest.raises(UnsupportedOnBackend, match="solver='vendor' needs rows in memory"):
        BisectingKMeans(3, solver="vendor").fit(there)
    with pytest.raises(InvalidInput, match="sample_weight is zero for every row; give at least one row a weight"):
        BisectingKMeans(3).fit(there, sample_weight=np.zeros(600))


def test_the_vendor_halves_alike(blobs):
    ours, theirs = (
        BisectingKMeans(6, random_state=0, tol=0, solver=name).fit(blobs[0]) for name in ("lloyd", "vendor")
    )
    assert (ours.dispatch_.solver, theirs.dispatch_.solver) == ("lloyd", "vendor")
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    assert ours.inertia_ == pytest.approx(theirs.inertia_)
