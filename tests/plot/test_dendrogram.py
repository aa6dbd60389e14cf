"""The picture of a tree: what stands where, in which colour."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from gpuseg.cluster import DIANA, Agglomerative, KMeans
from gpuseg.errors import InvalidInput
from gpuseg.plot import dendrogram
from gpuseg.plot._axes import QUIET, SEGMENTS


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(3)
    return rng.normal(scale=9, size=(4, 2))[rng.choice(4, p=[0.5, 0.3, 0.15, 0.05], size=500)] + rng.normal(
        size=(500, 2)
    )


def drawn(axes):
    """Draw for real: what a picture cannot draw raises or warns here, and warnings are errors."""
    file = io.BytesIO()
    axes.figure.savefig(file, format="png", dpi=40)
    return len(file.getvalue())


def test_a_small_tree_is_drawn_whole(ax):
    model = Agglomerative(2).fit(np.array([[0.0], [1.0], [5.0], [7.0]]))
    axes = dendrogram(model, ax=ax)
    assert axes is ax
    (lines,) = axes.collections
    bars = [segment for segment in lines.get_segments() if segment[0, 1] == segment[1, 1]]
    assert [bar[0, 1] for bar in bars] == model.linkage_[:, 2].tolist()
    assert [bar[:, 0].tolist() for bar in bars] == [[0, 1], [2, 3], [0.5, 2.5]]
    colours = lines.get_colors()[::3]  # a bar and its two stems
    wanted = [SEGMENTS[model.labels_[0]], SEGMENTS[model.labels_[2]], QUIET]
    np.testing.assert_allclose(colours, [to_rgba(colour) for colour in wanted])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0 (50.0 %)", "1 (50.0 %)"]
    (cut,) = axes.get_lines()
    assert cut.get_ydata()[0] == pytest.approx((2 + model.linkage_[-1, 2]) / 2)
    assert axes.get_xlabel() == "row"
    assert drawn(axes)


def test_segments_are_called_by_their_names(x, ax):
    axes = dendrogram(Agglomerative(2).fit(x), names={1: "Lapsed $x_1"}, ax=ax)
    assert axes.get_legend().get_texts()[1].get_text().startswith("Lapsed $x_1 (")
    assert drawn(axes)


@pytest.mark.parametrize("make", [Agglomerative, DIANA])
def test_of_a_large_tree_the_last_branches_tell_their_weight(make, x, ax):
    weight = np.random.default_rng(1).integers(1, 9, len(x))
    axes = dendrogram(make(4).fit(x, sample_weight=weight), ax=ax, last=12)
    ticks = axes.get_xticklabels()
    assert len(ticks) == 12
    assert sum(int(tick.get_text().replace(",", "")) for tick in ticks) == weight.sum()
    assert {tick.get_color() for tick in ticks} == set(SEGMENTS[:4])
    assert axes.get_xlabel() == "rows in the branch"
    assert drawn(axes)


def test_no_segment_is_left_out_and_many_have_no_legend(x, ax):
    axes = dendrogram(Agglomerative(40, linkage="single").fit(x), ax=ax, last=5)
    assert len(axes.get_xticklabels()) == 40
    assert axes.get_legend() is None
    assert drawn(axes)


def test_one_segment_has_no_cut_and_equal_rows_no_height(ax):
    assert not dendrogram(Agglomerative(1).fit(np.array([[0.0], [1.0]])), ax=ax).get_lines()
    assert drawn(dendrogram(Agglomerative(1).fit(np.ones((3, 2))), ax=Figure().subplots()))


def test_what_has_no_tree_is_refused(x, ax):
    with pytest.raises(InvalidInput, match="model is a KMeans without a tree; give a fitted Agglomerative or DIANA"):
        dendrogram(KMeans(2).fit(x), ax=ax)
    with pytest.raises(InvalidInput, match="the tree is of one row"):
        dendrogram(Agglomerative(1).fit(x[:1]), ax=ax)
    with pytest.raises(InvalidInput, match="last=1 is not allowed; give a whole number of at least 2"):
        dendrogram(Agglomerative(2).fit(x), ax=ax, last=1)
    with pytest.raises(
        InvalidInput, match="model is a dict without 'segment', 'customers', 'n_clusters'; give a fitte"
    ):
        dendrogram({"merges": []}, ax=ax)
