import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import silhouette_samples

from gpuseg.errors import InvalidInput
from gpuseg.metrics import segment_quality, silhouette


def test_each_column_is_what_it_says(blobs, backend):
    x, labels = blobs
    labels = np.where(labels == 0, 7, labels)  # split segments leave gaps
    found = segment_quality(backend.to_device(x), labels)
    segments = [1, 2, 3, 7]
    assert found["segment"].to_list() == segments
    assert found["size"].to_list() == [int(np.sum(labels == s)) for s in segments]
    centers = np.array([x[labels == s].mean(axis=0) for s in segments])
    cohesion = [np.linalg.norm(x[labels == s] - c, axis=1).mean() for s, c in zip(segments, centers, strict=True)]
    assert found["cohesion"].to_list() == pytest.approx(cohesion)
    apart = np.linalg.norm(centers[:, None] - centers, axis=2) + np.diag([np.inf] * 4)
    assert found["separation"].to_list() == pytest.approx(apart.min(axis=1).tolist())
    assert found["nearest"].to_list() == [segments[i] for i in apart.argmin(axis=1)]
    values = silhouette_samples(x, labels)
    assert found["silhouette"].to_list() == pytest.approx([values[labels == s].mean() for s in segments])


def test_the_mean_of_the_segments_is_the_mean_of_all(blobs):
    x, labels = blobs
    labels = (labels + np.arange(600) // 200) % 5
    found = segment_quality(x, labels)
    assert np.average(found["silhouette"], weights=found["size"]) == pytest.approx(silhouette(x, labels).mean)


def test_two_errors_hold_the_mean_of_a_segment_in_about_95_of_100_samples(blobs):
    rng = np.random.default_rng(4)
    labels = rng.choice(4, p=[0.5, 0.3, 0.15, 0.05], size=6000)
    x = rng.normal(scale=1.5, size=(4, 3))[labels] + rng.normal(size=(6000, 3))
    whole = segment_quality(x, labels, sample_size=None)["silhouette"].to_numpy()
    samples = [segment_quality(x, labels, sample_size=400, random_state=s) for s in range(100)]
    away = np.abs([s["silhouette"].to_numpy() - whole for s in samples])
    held = away < 2 * np.array([s["standard_error"].to_numpy() for s in samples])
    assert held.mean() == pytest.approx(0.95, abs=0.04)


def test_noise_is_last_with_its_size_alone(blobs):
    x, labels = blobs
    found = segment_quality(x, np.where(np.arange(600) < 50, -1, labels))
    assert found.row(-1) == (-1, 50, None, None, None, None, None, None)
    assert_frame_equal(found.head(4), segment_quality(x[50:], labels[50:]))


def test_a_row_of_weight_two_is_the_row_twice(blobs):
    x, labels = blobs
    weight = np.arange(600) % 3
    found = segment_quality(x, labels, sample_weight=weight)
    twice = segment_quality(np.repeat(x, weight, axis=0), np.repeat(labels, weight))
    assert found["weight"].to_list() == twice["size"].to_list()
    columns = ["cohesion", "silhouette", "standard_error", "separation", "nearest"]
    np.testing.assert_allclose(found.select(columns).to_numpy(), twice.select(columns).to_numpy(), rtol=1e-5)


def test_a_segment_that_the_sample_does_not_hold_has_no_silhouette(blobs):
    x, labels = blobs
    found = segment_quality(x, np.where(np.arange(600) == 300, 9, labels), sample_size=20)
    last = found.row(-1, named=True)
    assert (last["size"], last["cohesion"], last["silhouette"], last["standard_error"]) == (1, 0.0, None, None)
    assert found.schema["nearest"] == pl.Int64


def test_one_segment_is_refused(blobs):
    with pytest.raises(InvalidInput, match=r"hold 1 cluster\(s\); pass at least 2"):
        segment_quality(blobs[0], np.zeros(600, int))
