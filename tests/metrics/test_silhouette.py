import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples, silhouette_score

from gpuseg.errors import InvalidInput
from gpuseg.metrics import _pairs, silhouette, silhouettes


def test_equals_sklearn(blobs, backend):
    x, labels = blobs
    score = silhouette(backend.to_device(x), labels)
    assert score.mean == pytest.approx(silhouette_score(x, labels), rel=1e-9)
    assert (score.rows, score.noise) == (600, 0)
    (found,) = silhouettes(backend.to_device(x), [labels])
    np.testing.assert_allclose(found.values, silhouette_samples(x, labels), atol=1e-6)


def test_several_labellings_at_once(blobs, backend, monkeypatch):
    monkeypatch.setattr(_pairs, "ROWS", 70)  # several tiles, the last one shorter
    monkeypatch.setattr(_pairs, "COLUMNS", 130)
    x, labels = blobs
    others = [labels, labels % 2, labels * 7 + 3, np.zeros(600, int)]
    *found, none = silhouettes(backend.to_device(x), others)
    expected = [silhouette_score(x, o) for o in others[:3]]
    assert [one.values.mean() for one in found] == pytest.approx(expected, rel=1e-9)
    alone = [silhouettes(x, [of])[0].score.standard_error for of in others[:3]]
    assert [one.score.standard_error for one in found] == pytest.approx(alone, rel=1e-6)
    assert none is None


def test_noise_is_left_out_and_counted_and_a_row_alone_counts_zero(blobs):
    x, labels = blobs
    marked = np.where(np.arange(600) < 50, -1, labels)
    score = silhouette(x, marked)
    assert score.mean == pytest.approx(silhouette_score(x[50:], labels[50:]))
    assert (score.rows, score.noise) == (550, 50)
    alone = np.where(np.arange(600) == 0, 9, labels)
    assert silhouette(x, alone).mean == pytest.approx(silhouette_score(x, alone))


def overlapping(rows, seed=0):
    """Return rows of five segments of unlike size that overlap, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(5, p=[0.5, 0.25, 0.15, 0.07, 0.03], size=rows)
    return rng.normal(scale=1.5, size=(5, 4))[labels] + rng.normal(size=(rows, 4)), labels


def test_two_errors_hold_the_mean_of_all_rows_in_about_95_of_100_samples():
    x, labels = overlapping(8000)
    whole = silhouette(x, labels).mean
    samples = [silhouette(x, labels, sample_size=400, random_state=s) for s in range(200)]
    assert all(s.rows == 400 for s in samples)
    assert 0.91 <= np.mean([abs(s.mean - whole) < 2 * s.standard_error for s in samples]) <= 0.99
    spread = np.std([s.mean for s in samples])
    assert np.mean([s.standard_error for s in samples]) == pytest.approx(spread, rel=0.15)


def test_the_error_is_found_by_leaving_each_row_out():
    """Hold the influences against the jackknife itself (Efron 1982), which fits the mean anew without each row."""
    x, labels = overlapping(1000)
    x, labels = x[labels < 3][:400], labels[labels < 3][:400]  # a row more or less is little beside each segment
    without = [silhouette_score(np.delete(x, i, axis=0), np.delete(labels, i)) for i in range(400)]
    jackknife = np.sqrt(399 * np.var(without))
    assert silhouette(x, labels).standard_error == pytest.approx(jackknife, rel=0.05)


def test_the_sample_grows_until_its_error_is_met():
    x, labels = overlapping(6000)
    score = silhouette(x, labels, sample_size=100, standard_error=0.01)
    assert score.standard_error <= 0.01
    assert 400 < score.rows < 6000
    assert silhouette(x, labels, sample_size=500, standard_error=0.5).rows == 500
    assert silhouette(x, labels, sample_size=100, standard_error=1e-6).rows == 6000


def test_a_row_of_weight_two_is_the_row_twice(blobs, backend):
    x, labels = blobs
    labels = (labels + np.arange(600) // 200) % 5
    weight = np.arange(600) % 3
    twice = silhouette(np.repeat(x, weight, axis=0), np.repeat(labels, weight))
    found = silhouette(backend.to_device(x), labels, sample_weight=weight)
    assert found.mean == pytest.approx(twice.mean, abs=1e-6)
    assert found.standard_error == pytest.approx(twice.standard_error, rel=1e-6)


def test_a_sample_by_weight_is_one_of_rows_that_stand_there_so_often():
    x, labels = overlapping(3000)
    weight = np.random.default_rng(2).integers(0, 30, size=3000)
    whole = silhouette(x, labels, sample_weight=weight).mean
    samples = [silhouette(x, labels, sample_weight=weight, sample_size=400, random_state=s) for s in range(60)]
    assert np.mean([s.mean for s in samples]) == pytest.approx(whole, abs=0.01)
    assert np.mean([abs(s.mean - whole) < 2 * s.standard_error for s in samples]) >= 0.88
    assert abs(silhouette(x, labels).mean - whole) < 0.02 < samples[0].standard_error * 2


def test_all_rows_are_scored_in_bounded_memory():
    x, labels = overlapping(6000)
    silhouette(x[:300], labels[:300])  # what is loaded once is loaded
    tracemalloc.start()
    silhouette(x, labels, sample_size=None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6000 * 6000 * 8 / 10


def test_one_cluster_is_refused(blobs):
    with pytest.raises(InvalidInput, match="hold 1 cluster"):
        silhouette(blobs[0], np.zeros(600, int))


def test_far_from_zero(blobs):
    x, labels = blobs
    assert silhouette(x + 1e8, labels).mean == pytest.approx(silhouette(x, labels).mean, rel=1e-5)


def test_float32_keeps_clusters_apart_that_are_far_from_the_mean(backend):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 100)
    x = (rng.normal(size=(300, 3)) + np.array([0.0, 5.0, 1e5])[labels, None]).astype(np.float32)
    found = silhouette(backend.to_device(x), labels).mean
    assert found == pytest.approx(silhouette_score(x.astype(np.float64), labels), rel=1e-6)


def test_a_sample_is_of_the_rows_that_are_no_noise(blobs):
    x, labels = blobs
    marked = np.where(np.arange(600) < 500, -1, labels)
    assert silhouette(x, marked, sample_size=100) == silhouette(x[500:], labels[500:])._replace(noise=500)


@pytest.mark.parametrize("sample_size", [-1, 0, 1, 2.5, "all"])
def test_a_sample_that_is_none_is_refused(blobs, sample_size):
    with pytest.raises(InvalidInput, match="give a whole number of at least 2"):
        silhouette(*blobs, sample_size=sample_size)


@pytest.mark.parametrize("error", [0, -0.1, np.nan, "small"])
def test_an_error_that_is_none_is_refused(blobs, error):
    with pytest.raises(InvalidInput, match=r"standard_error=.* is not allowed; give a number above 0"):
        silhouette(*blobs, standard_error=error)
