"""The silhouette plot: whose shape stands where, and what is said of noise."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from sklearn.metrics import silhouette_samples

from gpuseg.errors import InvalidInput
from gpuseg.plot import silhouette
from gpuseg.plot._axes import SEGMENTS
from tests.plot.test_pictures import drawn


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_segment_is_as_high_as_it_has_rows_and_in_its_colour(blobs, ax):
    x, labels = blobs
    axes = silhouette(x, labels, ax=ax)
    assert axes is ax
    heights = [np.ptp(area.get_paths()[0].vertices[:, 1]) for area in axes.collections]
    assert heights == pytest.approx(np.bincount(labels).tolist())
    colours = [area.get_facecolor()[0] for area in axes.collections]
    np.testing.assert_allclose(colours, [to_rgba(colour) for colour in SEGMENTS[:4]])
    reach = [area.get_paths()[0].vertices[:, 0].max() for area in axes.collections]
    values = silhouette_samples(x, labels)
    assert reach == pytest.approx([values[labels == s].max() for s in range(4)], abs=0.02)
    assert [text.get_text() for text in axes.texts] == [f"mean {values.mean():.2f}"]
    assert drawn(axes)


def test_given_silhouettes_are_drawn_as_they_are_and_noise_is_counted(blobs, ax):
    x, labels = blobs
    marked = np.where(np.arange(600) < 50, -1, labels)
    values = np.append(np.zeros(50), silhouette_samples(x[50:], labels[50:]))
    axes = silhouette(values, marked, ax=ax, names={1: "Große $x$ " * 9})
    assert [text.get_text() for text in axes.texts][1] == "50 rows of noise left out"
    assert [tick.get_text() for tick in axes.get_yticklabels()][:1] == ["0"]
    assert len(axes.get_yticklabels()[1].get_text()) == 40
    assert drawn(axes)


def test_a_sample_keeps_the_shares(blobs, ax):
    x, labels = blobs
    axes = silhouette(x, labels, sample_size=100, ax=ax)
    assert sum(np.ptp(area.get_paths()[0].vertices[:, 1]) for area in axes.collections) == pytest.approx(100)


def test_device_rows_and_many_segments(backend):
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 30
    x = rng.normal(scale=9, size=(30, 3))[labels] + rng.normal(size=(300, 3))
    axes = silhouette(backend.to_device(x), backend.to_device(labels), ax=Figure().subplots())
    assert len(axes.get_yticklabels()) == 30
    assert drawn(axes)


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.ones((4, 2)), np.zeros(4, int), r"labels hold 1 segment\(s\) among the rows drawn; pass at least 2"),
        (np.ones(4) / 2, np.full(4, -1), r"labels hold 0 segment\(s\)"),
        (np.ones(4), np.arange(3), r"labels have shape \(3,\); pass one a silhouette, \(4,\)"),
        (np.arange(4.0), np.arange(4), "x holds a number that is no silhouette"),
    ],
)
def test_what_has_no_silhouettes_is_said(ax, x, labels, message):
    with pytest.raises(InvalidInput, match=message):
        silhouette(x, labels, ax=ax)
