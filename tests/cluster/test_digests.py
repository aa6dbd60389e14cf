"""Fits on a digest: near the exact fit, the same on every engine, and honest about what they cannot tell."""

import re

import dask.array as da
import numpy as np
import polars as pl
import pytest

from gpuseg.cluster import DBSCAN, DIANA, HDBSCAN, OPTICS, Agglomerative
from gpuseg.errors import DigestRefused, FewerSegments, InvalidInput
from gpuseg.metrics import adjusted_rand
from gpuseg.neighbors.sample import sample_rows
from tests.clusters import processes

ROWS, MICRO = 4000, 300
METHODS = [
    Agglomerative(4),
    Agglomerative(4, linkage="average"),
    DIANA(4),
    OPTICS(40, cluster_method="dbscan", eps=1.2),
]


@pytest.fixture(scope="module")
def clear():
    rng = np.random.default_rng(11)
    label = rng.choice(4, size=ROWS, p=[0.4, 0.3, 0.2, 0.1])
    return rng.normal(scale=8, size=(4, 3))[label] + rng.normal(size=(ROWS, 3)), label


def of(estimator, **parameters):
    return type(estimator)(**{**estimator.get_params(), "n_micro": MICRO, **parameters})


@pytest.mark.parametrize("estimator", METHODS, ids=str)
def test_segments_are_the_true_ones_and_the_error_is_small(clear, estimator):
    x, label = clear
    model = of(estimator, method="digest").fit(x)
    kept = model.labels_ >= 0
    assert adjusted_rand(model.labels_[kept], label[kept]) > 0.99
    assert model.exact_ is False
    assert model.digest_size_ <= MICRO
    assert model.digest_error_ < 0.05
    assert "a digest, for method='digest'" in model.dispatch_.reason


@pytest.mark.parametrize("estimator", METHODS, ids=str)
def test_weights_and_order_are_those_of_the_rows(clear, estimator):
    x, _ = clear
    model = of(estimator, method="digest").fit(x)
    counts = np.bincount(model.labels_[model.labels_ >= 0])
    np.testing.assert_array_equal(model.segment_weight_, counts)
    assert np.all(np.diff(counts) <= 0)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    novelty = model.assign(x).novelty[model.labels_ >= 0]
    assert np.mean(novelty) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("estimator", METHODS, ids=str)
def test_files_and_workers_give_the_same(clear, estimator, tmp_path):
    path = str(tmp_path / "x.parquet")
    pl.DataFrame(clear[0], schema=list("abc")).write_parquet(path, row_group_size=900)
    here = of(estimator).fit(path)
    with processes(2):
        there = of(estimator, engine="dask").fit(path)
        np.testing.assert_array_equal(np.asarray(there.labels_), here.labels_)
    np.testing.assert_array_equal(there.segment_weight_, here.segment_weight_)
    assert "in blocks" in here.dispatch_.reason


def test_a_model_of_a_digest_is_stored(clear):
    x, _ = clear
    model = Agglomerative(4, method="digest", n_micro=MICRO).fit(x)
    again = Agglomerative.from_state(model.state())
    np.testing.assert_array_equal(again.predict(x), model.labels_)
    assert again.digest_error_ == model.digest_error_
    assert again.cut(n_clusters=2).n_clusters_ == 2
    assert not hasattr(model.cut(n_clusters=2), "labels_")
    np.testing.assert_array_equal(model.cut(n_clusters=4).predict(x), model.labels_)


def test_rows_few_enough_are_fitted_exactly(clear):
    x, _ = clear
    model = Agglomerative(4).fit(x[:500])
    assert (model.exact_, model.digest_size_, model.digest_error_) == (True, 500, 0.0)


@pytest.mark.parametrize("estimator", [HDBSCAN(10), DBSCAN(1.0), *METHODS, OPTICS(10)], ids=str)
def test_few_rows_in_blocks_are_fitted_as_those_in_memory(clear, estimator, tmp_path):
    x, new = clear[0][:300], np.random.default_rng(2).normal(scale=8, size=(100, 3))
    x[:40] = x[40:80]  # equal rows, too
    path, blocks = tmp_path / "x.parquet", da.from_array(x, chunks=(90, 3))
    pl.DataFrame(x, schema=list("abc")).write_parquet(path, row_group_size=90)
    wanted = of(estimator).fit(x)
    there = of(estimator, engine="dask")
    digest = of(estimator, method="digest")
    for model in (of(estimator).fit(path), of(estimator).fit(blocks), there.fit(x), digest.fit(x)):
        assert model.exact_
        if model.places_alike:
            np.testing.assert_array_equal(np.asarray(model.labels_), wanted.labels_)
        np.testing.assert_array_equal(model.distance_quantiles_, wanted.distance_quantiles_)
        named = pl.DataFrame(new, schema=list("abc")) if hasattr(model, "feature_names_in_") else new
        for found, expected in zip(model.assign(named), wanted.assign(new), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert isinstance(of(estimator).fit(blocks).labels_, da.Array)
    assert there.dispatch_.engine == "dask"
    assert "300 rows in blocks were brought to this process" in there.dispatch_.reason


@pytest.mark.parametrize("algorithm", [DBSCAN, HDBSCAN, OPTICS])
def test_counts_below_the_points_of_a_digest_get_more_points_or_are_refused(clear, algorithm):
    x, _ = clear
    model = algorithm(min_samples=5, method="digest", n_micro=100).fit(x)
    assert model.digest_size_ > 400
    many = da.zeros((10**6, 2), chunks=(10**5, 2))
    with pytest.raises(InvalidInput, match="tells 31 rows apart, and the parameters ask for 5; give larger ones"):
        algorithm(min_samples=5).fit(many)


@pytest.mark.parametrize("estimator", METHODS, ids=str)
def test_auto_takes_a_digest_where_an_exact_fit_takes_too_long_and_says_so(clear, estimator, monkeypatch):
    x, _ = clear
    monkeypatch.setattr("gpuseg.cluster._sized.EXACT_SECONDS", 1e-3)
    model = of(estimator).fit(x)
    assert not model.exact_
    assert re.search(r"a digest, for an exact fit would take about \S+ s, more than 0.001", model.dispatch_.reason)


@pytest.mark.parametrize("estimator", METHODS, ids=str)
def test_auto_takes_a_digest_where_an_exact_fit_has_no_room_and_says_so(clear, estimator, monkeypatch):
    x, _ = clear
    monkeypatch.setattr("gpuseg.backends._choice.free_memory", lambda _: 1_500_000)
    model = of(estimator).fit(x)
    assert not model.exact_
    assert re.search(r"'cpu' has no room: .* are needed and 2 MB free", model.dispatch_.reason)


COUNTED = [
    (DBSCAN(1.2, min_samples=40), {"min_samples": 10}),
    (HDBSCAN(200, min_samples=40), {"min_cluster_size": 50, "min_samples": 10}),
    (OPTICS(40, min_cluster_size=200), {"min_cluster_size": 50, "min_samples": 10}),
    (Agglomerative(4), {}),
]


@pytest.mark.parametrize(("estimator", "scaled"), COUNTED, ids=lambda value: type(value).__name__)
def test_the_error_is_beside_an_exact_fit_of_a_sample_with_counts_of_its_share(clear, estimator, scaled, monkeypatch):
    x, _ = clear
    monkeypatch.setattr("gpuseg.cluster._sized.CHECKED", ROWS // 4)
    model = of(estimator, method="digest").fit(x)
    sample = x[sample_rows(ROWS, ROWS // 4, 0)]
    exact = of(estimator, method="exact", **scaled).fit(sample)
    assert model.digest_error_ == pytest.approx(1 - adjusted_rand(model.predict(sample), exact.labels_), abs=1e-12)


def test_a_digest_is_as_fine_as_parameters_ask_for_by_weight(clear):
    x, _ = clear
    heavy = OPTICS(100, method="digest", n_micro=100).fit(x, sample_weight=np.full(ROWS, 10.0))
    twice = OPTICS(10, method="digest", n_micro=100).fit(x)
    assert heavy.digest_size_ == twice.digest_size_ > 300
    light = OPTICS(10, method="digest", n_micro=100).fit(x, sample_weight=np.full(ROWS, 0.1))
    assert light.digest_size_ <= 100
    few = OPTICS(5, method="digest", n_micro=100).fit(x[:150], sample_weight=np.full(150, 1e6))
    assert few.digest_size_ == 150


def test_a_digest_too_far_from_an_exact_fit_is_refused_under_auto():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 6))
    blocks = da.from_array(x, chunks=(1000, 6))
    with pytest.raises(DigestRefused, match=r"an error of \d.* and method='auto' allows 0.25; raise n_micro"):
        Agglomerative(6, linkage="average", n_micro=50).fit(blocks)
    assert Agglomerative(6, linkage="average", n_micro=50, method="digest").fit(blocks).digest_error_ > 0.25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "fast"}, "method='fast' is not known; allowed are 'auto', 'exact', 'digest'"),
        ({"n_micro": 1}, "n_micro=1 is not allowed; give a whole number of at least 2"),
        ({"method": "digest", "metric": "precomputed", "linkage": "single"}, "is not for metric='precomputed'"),
    ],
)
def test_wrong_parameters_are_a_sentence(clear, given, message):
    with pytest.raises(InvalidInput, match=message):
        Agglomerative(4, **given).fit(clear[0][:50])


def test_an_exact_fit_of_rows_in_blocks_is_refused(clear):
    with pytest.raises(InvalidInput, match="an exact fit needs all rows in memory, and the rows are in blocks"):
        Agglomerative(4, method="exact").fit(da.from_array(clear[0], chunks=(1000, 3)))


@pytest.mark.parametrize("estimator", [DBSCAN(1e-9, min_samples=30), HDBSCAN(2500), OPTICS(30, max_eps=1e-9)], ids=str)
def test_a_digest_without_a_segment_is_all_noise(clear, estimator):
    x, _ = clear
    model = of(estimator, method="digest").fit(x)
    assert (model.n_clusters_, set(model.labels_), model.segment_weight_.shape) == (0, {-1}, (0,))
    again = type(model).from_state(model.state())
    assert set(again.assign(x).segment) == {-1}


@pytest.mark.parametrize("estimator", [Agglomerative(3), DIANA(3)], ids=str)
def test_a_cut_of_a_digest_of_equal_rows_has_no_labels_of_points(estimator):
    x = np.repeat([[0.0], [1.0], [10.0]], [1000, 500, 300], axis=0)
    model = of(estimator, method="digest").fit(x)
    assert (model.exact_, model.digest_size_) == (True, 3)
    cut = model.cut(n_clusters=2)
    assert not hasattr(cut, "labels_")
    np.testing.assert_array_equal(np.bincount(cut.predict(x)), cut.segment_weight_)


def test_an_extract_of_a_digest_of_equal_rows_has_no_labels_of_points():
    x = np.repeat([[0.0], [1.0], [10.0]], [1000, 500, 300], axis=0)
    cut = of(OPTICS(20), method="digest").fit(x).extract("dbscan", eps=2.0)
    assert not hasattr(cut, "labels_")
    assert np.bincount(cut.predict(x)).tolist() == [1500, 300]


def test_a_digest_of_fewer_points_than_segments_is_a_sentence_and_equal_rows_are_fewer_segments(clear):
    with pytest.raises(InvalidInput, match="n_clusters=500 is more than the digest's points, of which there are"):
        Agglomerative(500, method="digest", n_micro=200).fit(clear[0])
    with pytest.warns(FewerSegments, match="n_clusters=3 is more than the 1 distinct rows"):
        assert Agglomerative(3, method="digest", n_micro=200).fit(np.ones((1000, 2))).n_clusters_ == 1


@pytest.mark.parametrize("estimator", [HDBSCAN(10), DBSCAN(1.0), OPTICS(10), Agglomerative(4)], ids=str)
def test_rows_of_no_weight_change_no_digest(clear, estimator):
    x = clear[0][:250]
    others = np.random.default_rng(2).normal(scale=8, size=(40, 3))
    weight = np.append(np.ones(250), np.zeros(40))
    model = of(estimator, method="digest").fit(np.concatenate([x, others]), sample_weight=weight)
    alone = of(estimator, method="digest").fit(x)
    np.testing.assert_array_equal(model.labels_[:250], alone.labels_)
    np.testing.assert_array_equal(model.labels_[250:], alone.predict(others))


@pytest.mark.parametrize("seed", range(3))
def test_every_segment_of_a_digest_has_rows(seed):
    x = np.random.default_rng(seed).normal(size=(600, 3))
    model = of(OPTICS(5), method="digest", n_micro=100).fit(x)
    assert model.n_clusters_ > 2
    np.testing.assert_array_equal(np.bincount(model.labels_ + 1)[1:], model.segment_weight_)
    assert len(model.segment_weight_) == len(model.distance_quantiles_) == len(model.segment_levels_)
    assert np.all(model.segment_weight_ > 0)


def test_the_error_is_that_of_rows_that_weigh_anything(clear):
    x, _ = clear
    some = np.arange(len(x)) % 2 == 0
    model = of(METHODS[-1], method="digest").fit(x, sample_weight=some)
    exact = of(METHODS[-1], method="exact").fit(x[some])
    assert model.digest_error_ == pytest.approx(1 - adjusted_rand(model.labels_[some], exact.labels_), abs=1e-12)


def test_a_digest_leaves_no_core_rows_of_a_fit_before(clear):
    x, _ = clear
    model = DBSCAN(1.2, min_samples=40, n_micro=MICRO).fit(x[:200])
    assert not hasattr(model.set_params(method="digest").fit(x), "core_sample_indices_")
