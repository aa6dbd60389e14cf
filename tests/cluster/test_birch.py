import json
from functools import partial

import dask.array as da
import numpy as np
import polars as pl
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.cluster import AgglomerativeClustering
from sklearn.cluster import Birch as Reference
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.backends import get_backend
from gpuseg.backends._cpu_birch import fit_birch
from gpuseg.cluster import Birch
from gpuseg.cluster._subclusters import joined
from gpuseg.cluster.birch import ward_labels
from gpuseg.errors import FewerSegments, InvalidInput, UnsupportedOnBackend
from gpuseg.summary import MicroClusters


def on_host(backend, arrays):
    return [backend.to_host(array) for array in arrays]


def fitted(x, backend, sample_weight=None, **parameters):
    """Fit where the backend offers BIRCH; elsewhere let it predict with what the CPU fitted."""
    offered = "birch" in backend.fits
    model = Birch(**parameters, backend=backend.name if offered else "cpu").fit(x, sample_weight=sample_weight)
    return model if offered else model.set_params(backend=backend.name)


def in_order(rows):
    return rows[np.lexsort(rows.T)]


@parametrize_with_checks([Birch()])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("rows", "columns", "threshold", "branching"),
    [(2000, 3, 0.5, 50), (3000, 2, 0.3, 20), (1500, 4, 0.2, 5), (800, 2, 0.05, 2), (500, 2, 1e-9, 50)],
)
def test_subclusters_are_sklearns(rows, columns, threshold, branching):
    x = np.random.default_rng(rows).normal(size=(rows, columns))
    options = {"threshold": threshold, "branching_factor": branching}
    theirs = Reference(**options, n_clusters=None).fit(x)
    found = fit_birch(x, **options, max_subclusters=0, sample_weight=np.ones(rows))
    np.testing.assert_allclose(in_order(found["mean"]), in_order(theirs.subcluster_centers_), atol=1e-12)
    ours = Birch(None, **options, shuffle=False).fit(x)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1


def test_segments_are_sklearns_where_subclusters_weigh_the_same():
    x = np.repeat(np.random.default_rng(2).normal(size=(150, 2)), 2, axis=0)
    options = {"threshold": 1e-6, "n_clusters": 5}
    assert adjusted_rand_score(Birch(**options, shuffle=False).fit(x).labels_, Reference(**options).fit(x).labels_) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_global_step_is_ward_of_the_rows_that_the_points_stand_for(seed):
    rng = np.random.default_rng(seed)
    rows, weight = rng.normal(size=(120, 3)), rng.integers(1, 5, size=120)
    whole = linkage(np.repeat(rows, weight, axis=0), "ward")
    for k in (1, 2, 7, 60, 120):
        found = ward_labels(MicroClusters(rows, weight.astype(float), np.ones(120)), k, get_backend("cpu"))
        assert len(set(found)) == k
        assert adjusted_rand_score(np.repeat(found, weight), fcluster(whole, k, "maxclust")) == 1
    plain = AgglomerativeClustering(6).fit(rows).labels_
    assert (
        adjusted_rand_score(ward_labels(MicroClusters(rows, np.ones(120), np.zeros(120)), 6, get_backend("cpu")), plain)
        == 1
    )


def test_an_automatic_threshold_leaves_few_subclusters_that_hold_all_rows():
    x = np.random.default_rng(0).normal(size=(20_000, 3))
    options = {"threshold": None, "branching_factor": 20, "sample_weight": np.ones(len(x))}
    for most in (2, 10, 300):
        found = fit_birch(x, max_subclusters=most, **options)
        weight, mean = found["weight"], found["mean"]
        assert most / 4 <= len(weight) <= most
        assert weight.sum() == len(x)
        np.testing.assert_allclose(weight @ mean / len(x), x.mean(axis=0), atol=1e-12)
        assert np.all(found["radius"] <= found["threshold"] * (1 + 1e-12))
        within = np.sum(weight * found["radius"] ** 2) + weight @ np.sum((mean - x.mean(axis=0)) ** 2, axis=1)
        assert within == pytest.approx(np.sum((x - x.mean(axis=0)) ** 2), rel=1e-10)


def test_radii_far_from_zero_keep_their_digits():
    x = np.random.default_rng(0).normal(size=(500, 2))
    near, far = (fit_birch(rows, threshold=0.5, branching_factor=50, max_subclusters=9, sample_weight=np.ones(500))
                 for rows in (x, x + 1e7))  # fmt: skip
    np.testing.assert_allclose(far["radius"], near["radius"], atol=1e-7)
    np.testing.assert_array_equal(far["weight"], near["weight"])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", [{}, {"threshold": 0.7}])
def test_neither_the_order_of_rows_nor_how_weight_is_written_matters(blobs, seed, options):
    x = np.round(blobs[0], 1)
    weight = np.random.default_rng(seed).integers(1, 4, size=len(x)).astype(float)
    order = np.random.default_rng(seed).permutation(len(x))
    one = Birch(4, random_state=seed, **options).fit(x, sample_weight=weight)
    other = Birch(4, random_state=seed, **options).fit(x[order], sample_weight=weight[order])
    twice = Birch(4, random_state=seed, **options).fit(np.repeat(x, weight.astype(int), axis=0))
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    np.testing.assert_array_equal(one.subcluster_centers_, other.subcluster_centers_)
    np.testing.assert_array_equal(np.repeat(one.labels_, weight.astype(int)), twice.labels_)
    np.testing.assert_allclose(one.segment_weight_, twice.segment_weight_)


def test_it_moves_and_grows_with_the_rows(blobs):
    x = blobs[0]
    plain, moved, larger = (Birch(4, random_state=1).fit(rows) for rows in (x, x + 64.0, x * 8))
    np.testing.assert_array_equal(plain.labels_, moved.labels_)
    np.testing.assert_array_equal(plain.labels_, larger.labels_)
    assert larger.threshold_ == pytest.approx(8 * plain.threshold_)


def test_it_finds_clear_segments_by_one_pass(blobs):
    x, truth = blobs
    model = Birch(4, max_subclusters=20, random_state=0).fit(x)
    assert adjusted_rand_score(model.labels_, truth) == 1
    assert len(model.subcluster_centers_) <= 20
    np.testing.assert_array_equal(model.segment_weight_, np.sort(np.bincount(truth))[::-1])
    assert "leaves" in model.dispatch_.reason


def test_agreement_with_the_truth_is_that_of_the_published_runs(data):
    """Published: .700 on fcps and .705 on sipu; the sets of thousands of rows are left to the benchmark."""
    scores, sets = [], (("fcps/hepta", 7), ("fcps/tetra", 4), ("sipu/r15", 15), ("sipu/aggregation", 7))
    for name, k in sets:
        path = data / "benchmarks" / name
        x, truth = (np.loadtxt(f"{path}.{kind}.gz", ndmin=n) for kind, n in (("data", 2), ("labels0", 1)))
        found = [adjusted_rand_score(truth, Birch(k, random_state=seed).fit(x).labels_) for seed in range(5)]
        scores.append(np.median(found))
    assert np.mean(scores) > (1 + 0.967 + 0.982 + 0.823) / 4 - 0.01


def test_assign_means_what_it_says(blobs, backend):
    x = blobs[0]
    model = fitted(x, backend, n_clusters=4, random_state=0)
    new = np.vstack([x, np.random.default_rng(2).uniform(-20, 20, size=(300, 3))])
    segment, distance, confidence, novelty = on_host(backend, model.assign(new))
    labels = on_host(backend, [model.labels_])[0]
    np.testing.assert_array_equal(segment[: len(x)], labels)
    np.testing.assert_array_equal(segment, on_host(backend, [model.predict(new)])[0])
    assert segment.dtype == np.int32
    away = cdist(new, model.subcluster_centers_)
    np.testing.assert_allclose(distance, away.min(axis=1), atol=1e-7)
    np.testing.assert_array_equal(segment, model.subcluster_labels_[away.argmin(axis=1)])
    second = np.where(model.subcluster_labels_[None, :] == segment[:, None], np.inf, away).min(axis=1)
    np.testing.assert_allclose(confidence, 1 - distance / second, atol=1e-6)
    nearest = away[: len(x)].argmin(axis=1)
    held, others = np.bincount(nearest)[nearest], cdist(model.subcluster_centers_, model.subcluster_centers_)
    others[(others == 0) | (model.subcluster_labels_[:, None] != model.subcluster_labels_[None, :])] = np.inf
    alone = distance[: len(x)] + others.min(axis=1)[nearest]
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(held > 1, distance[: len(x)] * held / (held - 1), np.inf)
    training = np.sort(np.minimum(moved, alone)[labels == 0])
    mine = segment == 0
    expected = np.searchsorted(training, distance[mine]) / len(training)
    np.testing.assert_allclose(novelty[mine], expected, atol=0.01 + 1 / len(training))


def test_a_restored_model_assigns_the_same_and_its_state_is_plain(blobs, backend):
    model = fitted(blobs[0], backend, n_clusters=4, random_state=0)
    state = model.state()
    json.dumps(state["parameters"])
    again = Birch.from_state(state).set_params(backend=backend.name)
    for left, right in zip(model.assign(blobs[0]), again.assign(blobs[0]), strict=True):
        np.testing.assert_array_equal(*on_host(backend, [left, right]))
    np.testing.assert_array_equal(again.subcluster_centers_, model.subcluster_centers_)


def test_blocks_engines_and_files_predict_the_same(blobs, tmp_path, spread):
    model = Birch(4, random_state=0).fit(blobs[0])
    for left, right in zip(model.assign(blobs[0]), model.assign(spread(blobs[0])), strict=True):
        np.testing.assert_array_equal(left, np.asarray(right))
    pl.DataFrame(blobs[0], schema=["a", "b", "c"]).write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.labels_)


def test_rows_of_no_weight_make_no_subcluster(blobs):
    x, truth = blobs
    model = Birch(3, random_state=0).fit(x, sample_weight=(truth != 2).astype(float))
    assert len(model.segment_weight_) == 3
    assert model.segment_weight_.sum() == np.sum(truth != 2)
    assert cdist(model.subcluster_centers_, x[truth == 2]).min() > 1


def test_fewer_subclusters_than_segments_are_said():
    x = np.repeat([[0.0], [1.0], [5.0]], [4, 3, 2], axis=0)
    with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 subclusters that threshold='auto' leaves"):
        np.testing.assert_array_equal(Birch(5).fit(x).labels_, [0] * 4 + [1] * 3 + [2] * 2)
    with pytest.warns(FewerSegments, match="the 2 subclusters that threshold=1 leaves; 2 segments are made"):
        Birch(3, threshold=1).fit(x)


def test_too_many_subclusters_for_the_global_step_are_refused(monkeypatch):
    monkeypatch.setattr("gpuseg.cluster.birch.MOST", 50)
    x = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.raises(InvalidInput, match="threshold=1e-06 leaves 100 subclusters, and at most 50 are joined"):
        Birch(threshold=1e-6).fit(x)
    assert Birch(None, threshold=1e-6).fit(x).n_clusters_ == 100


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 4, "max_subclusters": 3}, "max_subclusters=3 is not allowed; .* at least 4"),
        ({"threshold": -1}, "threshold=-1 is not allowed; give a number of at least 0"),
        ({"threshold": "small"}, "threshold='small' is not allowed; give 'auto' or a number"),
        ({"branching_factor": 1}, "branching_factor=1 is not allowed; give a whole number of at least 2"),
        ({"n_clusters": 0}, "n_clusters=0 is not allowed"),
        ({"n_clusters": 9}, "n_clusters=9 is more than the rows, n_samples=4; use at most 4"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        Birch(**parameters).fit(np.eye(4))


def test_trees_of_blocks_end_as_one_that_holds_all_rows(monkeypatch):
    x = np.random.default_rng(0).normal(size=(4000, 3)) * [1, 2, 4]
    for rows in (x, x[np.argsort(x[:, 2])]):
        model = Birch(None, max_subclusters=40, random_state=0).fit(rows)
        with monkeypatch.context() as patch:
            patch.setattr("gpuseg.engines.blocks.ROWS", 200)  # two steps of merging
            cut = Birch(None, max_subclusters=40, random_state=0).fit(rows)
        assert 10 <= len(cut.subcluster_centers_) <= 40
        assert 0.5 < cut.threshold_ / model.threshold_ < 2
        np.testing.assert_array_equal(np.bincount(cut.labels_), cut.segment_weight_)
        assert cut.segment_weight_.sum() == 4000


def test_what_trees_sum_up_is_what_one_does():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(900, 3)) + 1e6, rng.integers(1, 4, size=900).astype(float)
    grow = partial(fit_birch, threshold=0.6, branching_factor=20, max_subclusters=0)
    parts = [grow(x[at], sample_weight=weight[at]) for at in np.split(np.arange(900), 3)]
    found = joined(parts, grow)
    assert len(found["weight"]) < sum(len(part["weight"]) for part in parts)
    assert np.all(found["radius"] <= 0.6 * (1 + 1e-9))
    mean = weight @ x / weight.sum()
    np.testing.assert_allclose(found["weight"] @ found["mean"] / weight.sum(), mean, atol=1e-8)
    about = found["weight"] @ (found["radius"] ** 2 + np.sum((found["mean"] - mean) ** 2, axis=1))
    assert about == pytest.approx(weight @ np.sum((x - mean) ** 2, axis=1), rel=1e-8)
    assert joined(parts[:1], grow) is parts[0]


@pytest.mark.parametrize("options", [{}, {"threshold": 0.7}])
def test_the_order_of_rows_in_their_blocks_and_how_weight_is_written_change_nothing(blobs, options):
    x, rng = blobs[0], np.random.default_rng(0)
    weight, blocks = rng.integers(1, 4, size=600), np.split(np.arange(600), 4)
    order = np.concatenate([rng.permutation(block) for block in blocks])
    repeats = tuple(int(weight[block].sum()) for block in blocks)
    one = Birch(4, random_state=0, **options).fit(da.from_array(x, chunks=(150, 3)), sample_weight=weight)
    other = Birch(4, random_state=0, **options).fit(
        da.from_array(x[order], chunks=(150, 3)), sample_weight=weight[order]
    )
    twice = Birch(4, random_state=0, **options).fit(da.from_array(np.repeat(x, weight, axis=0), chunks=(repeats, 3)))
    np.testing.assert_array_equal(one.subcluster_centers_, other.subcluster_centers_)
    np.testing.assert_array_equal(np.asarray(one.labels_)[order], np.asarray(other.labels_))
    np.testing.assert_array_equal(np.repeat(np.asarray(one.labels_), weight), np.asarray(twice.labels_))


def test_what_rows_in_blocks_cannot_have_is_refused(blobs, monkeypatch):
    there = da.from_array(blobs[0], chunks=(200, 3))
    with pytest.raises(UnsupportedOnBackend, match="shuffle=False enters all rows into one tree as they come, and the"):
        Birch(shuffle=False).fit(there)
    with pytest.raises(InvalidInput, match="sample_weight is zero for every row; give at least one row a weight"):
        Birch().fit(there, sample_weight=np.zeros(600))
    monkeypatch.setattr("gpuseg.cluster.birch.MOST", 250)
    with pytest.raises(InvalidInput, match="threshold=1e-06 leaves 600 subclusters, and at most 250 are joined"):
        Birch(threshold=1e-6).fit(there)
    with pytest.raises(InvalidInput, match="n_clusters=601 is more than the rows, n_samples=600; use at most 600"):
        Birch(601).fit(there)
