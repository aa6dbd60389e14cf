"""The flow from personas to segments: heights are counts, names stay apart, and the words say the same."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle

from gpuseg import compare_personas
from gpuseg.errors import InvalidInput
from gpuseg.plot import persona_flow, persona_flow_text
from gpuseg.plot.flow import GAPS, LINE


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4), layout="constrained").subplots()


def drawn(axes):
    """Draw for real: what a picture cannot draw raises or warns here, and warnings are errors."""
    file = io.BytesIO()
    axes.figure.savefig(file, format="png", dpi=60)
    return len(file.getvalue())


def of(axes, kind):
    return [patch for patch in axes.patches if isinstance(patch, kind)]


def test_heights_are_counts(ax):
    comparison = compare_personas([0] * 30 + [1] * 10 + [-1] * 20, ["a"] * 40 + ["b"] * 10 + [None] * 10)
    axes = persona_flow(comparison, ax=ax)
    assert axes is ax
    heights = [bar.get_height() / (1 - GAPS) * 60 for bar in of(axes, Rectangle)]
    assert heights == pytest.approx([40, 10, 10, 30, 10, 20])
    ribbons = [np.ptp(patch.get_path().vertices[[0, 7], 1]) / (1 - GAPS) * 60 for patch in of(axes, PathPatch)]
    assert ribbons == pytest.approx([30, 10, 10, 10])
    words = [text.get_text() for text in axes.texts]
    assert words[:3] == ["a  40 (66.7 %)", "b  10 (16.7 %)", "no persona  10 (16.7 %)"]
    assert words[3:] == ["segment 0  30 (50.0 %)", "segment 1  10 (16.7 %)", "noise  20 (33.3 %)"]
    assert drawn(axes)


def test_ribbons_fill_each_bar_without_overlap(ax):
    rng = np.random.default_rng(0)
    axes = persona_flow(compare_personas(rng.integers(0, 5, 900), [f"p{at}" for at in rng.integers(0, 4, 900)]), ax=ax)
    for side, (upper, lower) in enumerate(((0, 7), (3, 4))):
        ends = np.sort([patch.get_path().vertices[[upper, lower], 1] for patch in of(axes, PathPatch)], axis=0)
        bars = sorted(
            (bar.get_y(), bar.get_y() + bar.get_height()) for bar in of(axes, Rectangle)[side * 4 :][: 4 + side]
        )
        assert (ends[1:, 0] >= ends[:-1, 1] - 1e-9).all()
        assert sum(end - begin for begin, end in ends) == pytest.approx(sum(end - begin for begin, end in bars))
        assert [begin for begin, _ in bars] == pytest.approx([begin for begin, _ in ends if _starts(begin, bars)])


def _starts(begin, bars):
    return any(abs(begin - first) < 1e-9 for first, _ in bars)


def test_it_takes_the_plain_dict_and_names_of_segments(ax):
    segments = [0] * 50 + [1] * 50 + [1] * 3
    comparison = compare_personas(segments, ["a"] * 50 + ["b"] * 50 + ["a"] * 3)
    axes = persona_flow(comparison.to_dict(), names={1: "Frequent big spenders"}, ax=ax)
    words = [text.get_text() for text in axes.texts]
    assert "1: Frequent big spenders  50 (48.5 %)" in words
    assert words[-1] == "small flows  3 (2.9 %)"
    assert drawn(axes)


def test_long_names_of_segments_are_whole_and_apart():
    names = {0: "Lapsed customers, few e-mails opened", 1: "Lapsed customers, many e-mails opened"}
    axes = persona_flow(compare_personas([0, 1] * 30, ["a"] * 20 + ["b"] * 40), names=names)
    assert drawn(axes)
    told = [text for text in axes.texts if text.get_ha() == "left"]
    assert {" ".join(text.get_text().split("  ")[0].split()) for text in told} == {
        f"{segment}: {name}" for segment, name in names.items()
    }
    assert not told[0].get_window_extent().overlaps(told[1].get_window_extent())


def test_of_many_the_smaller_ones_are_one_and_labels_stay_apart():
    rng = np.random.default_rng(0)
    personas = rng.choice(40, 6000, p=rng.dirichlet(np.full(40, 0.4)))
    named = [f"A very long name that an agency gave to number {at} of many" for at in personas]
    axes = persona_flow(compare_personas((personas % 30).tolist(), named))
    assert drawn(axes)
    left, right = ([text for text in axes.texts if text.get_ha() == side] for side in ("right", "left"))
    assert len(left) == len(right) == 16
    assert left[-1].get_text().split("  ")[0].endswith(" other personas")
    height = axes.get_window_extent().height / axes.figure.dpi * 72
    assert np.diff([text.get_position()[1] for text in left]).min() * height >= 0.9 * LINE
    sizes = [int(text.get_text().split("  ")[1].split(" ")[0].replace(",", "")) for text in left]
    assert sum(sizes) == 6000


def test_names_are_never_read_as_formulas(ax):
    odd = ["$x^2$ price $", r"\frac{a}{", "some other one", "no persona", "Größe €"]
    axes = persona_flow(compare_personas(list(range(5)) * 8, odd * 8), ax=ax)
    assert [text.get_text().split("  ")[0] for text in axes.texts[:5]] == sorted(odd)
    assert not any(text.get_parse_math() for text in axes.texts)
    assert drawn(axes)


def test_the_words_say_what_the_picture_shows():
    comparison = compare_personas([0] * 30 + [1] * 10 + [-1] * 20, ["a"] * 40 + ["b"] * 10 + [None] * 10)
    assert persona_flow_text(comparison) == (
        "Flow of 60 customers from 2 personas to 3 segments. a (40): 75.0 % to segment 0, 25.0 % to segment 1. "
        "b (10): 100.0 % to noise. no persona (10): 100.0 % to noise."
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "comparison is a int without flows"),
        ({"flows": [{}], "column": "p"}, "comparison is a dict without flows"),
        ({"flows": [], "column": "p"}, "comparison has no flows"),
    ],
)
def test_what_is_no_comparison(given, said, ax):
    with pytest.raises(InvalidInput, match=said):
        persona_flow(given, ax=ax)
