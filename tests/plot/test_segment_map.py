"""The map as a picture: which square has which colour, and what stands beside it."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gpuseg.errors import InvalidInput
from gpuseg.interpret import segment_map as arithmetic
from gpuseg.plot import segment_map
from gpuseg.plot._axes import SEGMENTS
from tests.plot.test_pictures import ODD, drawn

AXIS = {"share": 0.4, "words": "more spend; less recency"}
BINS = {"x": [0.5, 2.5, 0.5], "y": [0.5, 0.5, 1.5], "segment": [0, 1, -1], "count": [400, 100, 25]}
FOUND = {
    "axes": [AXIS, {"share": 0.2, "words": ""}],
    "bins": BINS,
    "width": 1.0,
    "height": 1.0,
    "centers": [{"segment": 0, "x": 0.5, "y": 0.5}],
    "shown": 0.98,
}


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_square_has_the_colour_of_its_segment_and_is_deeper_where_more_are(ax):
    axes = segment_map(FOUND, ax=ax, names={0: "Regulars"})
    assert axes is ax
    (image,) = axes.images
    picture = image.get_array()
    assert picture.shape == (2, 3, 4)
    assert picture[0, 0].tolist() == pytest.approx([*to_rgb(SEGMENTS[0]), 1.0])
    assert picture[0, 2, :3].tolist() == pytest.approx(to_rgb(SEGMENTS[1]))
    assert 0 < picture[1, 0, 3] < picture[0, 2, 3] < 1
    assert picture[0, 1, 3] == picture[1, 2, 3] == 0  # nobody is told of
    assert image.get_extent() == [0, 3, 0, 2]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0 Regulars", "1", "noise"]
    assert axes.get_legend().get_title().get_text().startswith("98.0 % of the customers")
    assert axes.get_ylabel() == "no difference\n20.0 % of the variance"
    assert [text.get_text() for text in axes.texts] == ["0"]
    assert drawn(axes)


def test_what_the_arithmetic_gives_is_drawn_with_odd_names(ax):
    rng = np.random.default_rng(0)
    segments = rng.integers(0, 20, 3000)
    x = rng.normal(scale=5, size=(20, 6))[segments] + rng.normal(size=(3000, 6))
    found = arithmetic.segment_map(x, segments, rows=3000, features=ODD)
    axes = segment_map(found, ax=ax, names=dict(enumerate(ODD)))
    assert axes.get_legend().get_texts()[-1].get_text().startswith("and ")
    assert drawn(axes)


def test_a_map_without_squares_is_drawn(ax):
    empty = {**FOUND, "bins": {name: [] for name in BINS}, "centers": [], "shown": 0.0}
    assert not segment_map(empty, ax=ax).images
    assert drawn(ax)


@pytest.mark.parametrize("found", [3, {}, np.zeros((3, 2))])
def test_what_is_no_map_is_refused(found):
    with pytest.raises(InvalidInput, match="without squares; give what"):
        segment_map(found)
