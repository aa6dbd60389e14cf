"""Fits on a digest: near the exact fit, the same on every engine, and honest about what they cannot tell."""

import dask.array as da
import numpy as np
import polars as pl
import pytest

from gpuseg.cluster import DIANA, OPTICS, Agglomerative
from gpuseg.errors import DigestRefused, InvalidInput
from gpuseg.metrics import adjusted_rand
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


def test_counts_below_the_points_of_a_digest_get_more_points_or_are_refused(clear):
    x, _ = clear
    model = OPTICS(5, method="digest", n_micro=100).fit(x)
    assert model.digest_size_ > 400
    many = da.zeros((10**6, 2), chunks=(10**5, 2))
    with pytest.raises(InvalidInput, match="tells 31 rows apart, and the parameters ask for 5; give larger ones"):
        OPTICS(5).fit(many)


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
