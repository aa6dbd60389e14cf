import io
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from gpuseg.cluster import OPTICS, KMeans
from gpuseg.errors import InvalidInput
from gpuseg.interpret.reachability import BINS
from gpuseg.plot import reachability
from gpuseg.plot._axes import INK, QUIET


def ordered(height, segment):
    """Return what a picture takes of a model whose points come in order."""
    order = np.arange(len(height))
    return SimpleNamespace(ordering_=order, reachability_=np.array(height), point_segments_=np.array(segment))


def drawn(axes):
    file = io.BytesIO()
    axes.figure.savefig(file, format="png", dpi=40)
    return len(file.getvalue())


def heights(axes):
    """Return the height of each bar of each colour."""
    areas = {area.get_facecolor().tobytes(): area.get_paths()[0].vertices for area in axes.collections}
    return [sorted({round(float(y), 9) for _, y in vertices}) for vertices in areas.values()]


def test_each_point_is_a_bar_of_its_segments_colour():
    axes = Figure().subplots()
    assert reachability(ordered([np.inf, 1.0, 8.0, 2.0], [0, 0, -1, 1]), ax=axes) is axes
    assert len(axes.collections) == 3
    top = 1.08 * 8
    assert axes.get_ylim() == (0, pytest.approx(top))
    assert heights(axes) == [[0, 8], [0, 1, pytest.approx(top)], [0, 2]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "noise"]
    assert drawn(axes)


def test_noise_is_grey_and_the_heaviest_segment_blue():
    axes = reachability(ordered([np.inf, 1.0], [-1, 0]), ax=Figure().subplots())
    assert [patch.get_facecolor() for patch in axes.get_legend().get_patches()] == [to_rgba(INK), to_rgba(QUIET)]


def to_rgba(colour):
    return (*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0)


def test_of_many_points_the_highest_of_a_bar_is_seen_and_their_median():
    rng = np.random.default_rng(0)
    height = rng.uniform(1, 2, size=40_001)
    height[[7, 20_000]] = 3.9
    axes = reachability(ordered(height, np.arange(40_001) // 20_001), ax=Figure().subplots())
    first, second = heights(axes)
    assert max(first) == max(second) == 3.9
    (line,) = axes.lines
    assert len(line.get_ydata()) == BINS + 1
    assert np.all((line.get_ydata() > 1.1) & (line.get_ydata() < 1.9))
    assert "median of a bar's points" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert drawn(axes)


def test_few_bars_far_above_are_cut_off_and_counted():
    height = np.append(np.ones(999), 50.0)
    axes = reachability(ordered(height, np.zeros(1000, dtype=int)), ax=Figure().subplots())
    assert axes.get_ylim()[1] < 3
    assert [text.get_text() for text in axes.texts] == ["1 higher, up to 50"]


def test_more_segments_than_colours():
    axes = reachability(ordered(np.ones(60), np.arange(60) // 3), ax=Figure().subplots())
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == [*map(str, range(8)), "and 12 more"]
    assert drawn(axes)


def test_a_model_of_its_own_and_nothing_reached():
    x = np.random.default_rng(0).normal(size=(80, 2))
    assert drawn(reachability(OPTICS().fit(x), ax=Figure().subplots()))
    assert drawn(reachability(OPTICS(max_eps=1e-6).fit(x), ax=Figure().subplots()))


@pytest.mark.parametrize("model", [OPTICS(), KMeans(), 3])
def test_what_has_no_order_is_refused(model):
    with pytest.raises(InvalidInput, match=f"model is a {type(model).__name__} without an order of points; give a fit"):
        reachability(model)


def test_long_names_stand_in_several_rows():
    names = {0: "Frequent big spenders, recently active", 1: "Lapsed $x$"}
    axes = reachability(ordered(np.ones(60), np.arange(60) // 8), names=names, ax=Figure().subplots())
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words[:3] == ["Frequent big s…ly active", "Lapsed $x$", "2"]
    assert drawn(axes)


def test_a_dict_of_something_else_is_refused():
    with pytest.raises(InvalidInput, match=r"model is a dict without 'starts', 'height', .*; give a fitted OPTICS, or"):
        reachability({"segment": [0], "top": 1.0})
