import numpy as np
import pytest
from sklearn.metrics import silhouette_samples, silhouette_score

from gpuseg.errors import InvalidInput
from gpuseg.metrics import silhouette
from gpuseg.metrics.silhouette import silhouette_samples as samples_of


def test_equals_sklearn(blobs, backend):
    x, labels = blobs
    score = silhouette(backend.to_device(x), labels)
    assert score.mean == pytest.approx(silhouette_score(x, labels), rel=1e-9)
    assert score.standard_error == pytest.approx(silhouette_samples(x, labels).std() / np.sqrt(600), rel=1e-9)
    assert score.rows == 600


def test_several_labellings_at_once(blobs, backend, monkeypatch):
    monkeypatch.setitem(samples_of.__globals__, "ROWS", 70)  # several runs of rows, the last one shorter
    x, labels = blobs
    others = [labels, labels % 2, labels * 7 + 3, np.zeros(600, int)]
    *found, none = samples_of(backend.to_device(x), others)
    expected = [silhouette_score(x, o) for o in others[:3]]
    assert [values.mean() for values in found] == pytest.approx(expected, rel=1e-9)
    assert none is None


def test_noise_is_left_out_and_a_row_alone_counts_zero(blobs):
    x, labels = blobs
    marked = np.where(np.arange(600) < 50, -1, labels)
    assert silhouette(x, marked).mean == pytest.approx(silhouette_score(x[50:], labels[50:]))
    alone = np.where(np.arange(600) == 0, 9, labels)
    assert silhouette(x, alone).mean == pytest.approx(silhouette_score(x, alone))


def test_a_sample_lies_within_its_error(blobs):
    x, labels = blobs
    whole = silhouette(x, labels).mean
    samples = [silhouette(x, labels, sample_size=200, random_state=s) for s in range(120)]
    assert all(s.rows == 200 for s in samples)
    # The error is that of the rows scored; that the rows they are compared with are a sample too widens it a little.
    assert np.mean([abs(s.mean - whole) < 2 * s.standard_error for s in samples]) >= 0.8


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
    assert silhouette(x, marked, sample_size=100) == silhouette(x[500:], labels[500:])


@pytest.mark.parametrize("sample_size", [-1, 0, 1, 2.5, "all"])
def test_a_sample_that_is_none_is_refused(blobs, sample_size):
    with pytest.raises(InvalidInput, match="give a whole number of at least 2"):
        silhouette(*blobs, sample_size=sample_size)
