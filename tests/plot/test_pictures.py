import io
import sys
import warnings
from subprocess import check_output
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gpuseg.errors import InvalidInput
from gpuseg.interpret.profile import Field, profile
from gpuseg.plot import elbow, profile_heatmap, size_value
from gpuseg.plot._axes import cut

CANDIDATES = [
    {"k": 2, "inertia": 90.0, "silhouette": 0.30, "standard_error": 0.01},
    {"k": 3, "inertia": 40.0, "silhouette": 0.55, "standard_error": 0.02},
    {"k": 4, "inertia": 30.0, "silhouette": None, "standard_error": None},
]
CHOICE = {"k": 3, "reason": "best", "candidates": CANDIDATES}
ODD = ["$x^2$ price $", r"\frac{a}{", "a_{b", "Größe €", "line\nbreak", "x" * 90]


@pytest.fixture
def ax():
    return Figure().subplots()


def drawn(axes):
    """Draw for real: what a picture cannot draw raises or warns here, and warnings are errors."""
    file = io.BytesIO()
    axes.figure.savefig(file, format="png", dpi=40)
    return len(file.getvalue())


def made(n_segments, names, *, noise=False):
    rng = np.random.default_rng(0)
    segments = np.concatenate([np.arange(n_segments), rng.integers(0, n_segments, 200)]) - noise
    raw = rng.gamma(2, 10, size=(len(segments), len(names)))
    return profile(raw, [Field(name, "number", []) for name in names], segments)


def test_the_curve_shows_each_score_and_marks_the_choice(ax):
    axes = elbow(CHOICE, ax=ax)
    assert axes is ax
    line = axes.containers[0].lines[0]
    assert line.get_xdata().tolist() == [2, 3]
    assert line.get_ydata().tolist() == [0.30, 0.55]
    assert [text.get_text() for text in axes.texts] == ["k = 3"]
    inertia = next(other for other in axes.figure.axes if other is not axes)
    assert inertia.lines[0].get_ydata().tolist() == [90.0, 40.0, 30.0]
    assert "inertia" in inertia.get_ylabel()
    assert drawn(axes)


def test_the_error_bars_are_one_standard_error(ax):
    bars = elbow(CHOICE, ax=ax).containers[0].lines[2][0].get_segments()
    assert [bar[:, 1].tolist() for bar in bars] == [pytest.approx([0.29, 0.31]), pytest.approx([0.53, 0.57])]


def test_the_curve_takes_the_object_as_its_card(ax):
    class Tried(NamedTuple):
        k: int
        inertia: float
        silhouette: float | None
        standard_error: float | None

    class Choice(NamedTuple):
        k: int
        reason: str
        candidates: list[Any]

    choice = Choice(3, "best", [Tried(**candidate) for candidate in CANDIDATES])
    assert elbow(choice, ax=ax).containers[0].lines[0].get_ydata().tolist() == [0.30, 0.55]


def test_one_candidate_and_none_with_a_score(ax):
    assert drawn(elbow({**CHOICE, "candidates": CANDIDATES[1:2]}, ax=ax))
    assert drawn(elbow({"k": 4, "reason": "", "candidates": CANDIDATES[2:]}, ax=Figure().subplots()))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"k": 3, "reason": "asked for", "candidates": []}, "no number of segments was tried.*n_clusters='auto'"),
        (3, "choice is a int without candidates; give Segmenter.choice_"),
        ({"k": 3}, "choice is a dict without candidates"),
    ],
)
def test_no_curve_without_candidates(choice, said, ax):
    with pytest.raises(InvalidInput, match=said):
        elbow(choice, ax=ax)


def test_sizes_are_the_profiles(ax):
    frame = pl.DataFrame({"segment": [0, 1, -1], "size": [1200, 600, 200], "share": [0.6, 0.3, 0.1]})
    axes = size_value(frame, ax=ax)
    assert axes is ax
    assert [bar.get_width() for bar in axes.patches] == [0.6, 0.3, 0.1]
    assert [text.get_text() for text in axes.texts] == ["1,200 (60.0 %)", "600 (30.0 %)", "200 (10.0 %)"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0", "1", "noise"]
    assert axes.get_legend() is None
    assert drawn(axes)


def test_a_share_of_value_stands_beside(ax):
    shares = {"share": [0.75, 0.25], "value_share": [0.2, 0.8]}
    axes = size_value({"segment": [0, 1], "size": [3, 1], **shares}, ax=ax)
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.25, 0.2, 0.8]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["share of customers", "share of value"]
    assert drawn(axes)
    legend = axes.get_legend().get_window_extent()
    assert not any(legend.overlaps(text.get_window_extent()) for text in axes.texts)


def test_a_share_of_value_below_zero_is_told_without_a_bar(ax):
    shares = {"share": [0.75, 0.25], "value_share": [1.1, -0.1]}
    axes = size_value({"segment": [0, 1], "size": [3, 1], **shares}, ax=ax)
    assert [bar.get_width() for bar in axes.patches][2:] == [1.1, 0.0]
    assert [text.get_text() for text in axes.texts][2:] == ["110.0 %", "-10.0 %"]


def test_the_profile_tells_means_in_the_users_units(ax):
    fields = [Field("spend", "number", []), Field("plan", "category", ["a", "b"]), Field("vip", "boolean", [])]
    raw = np.array([[10.0, 0, 1], [30, 0, 1], [200, 1, 0], [np.nan, 1, 1]])
    axes = profile_heatmap(profile(raw, fields, np.array([0, 0, 1, 1])), ax=ax)
    assert axes is ax
    assert [text.get_text() for text in axes.texts] == ["20", "200", "a", "b", "100.0 %", "50.0 %"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["spend", "plan", "vip"]
    colours = axes.collections[0].get_array()
    assert colours[0, 0] < 0 < colours[0, 1]
    assert colours.mask[1].all()
    assert drawn(axes)


@pytest.mark.parametrize("names", [["plain"], ODD], ids=["plain", "odd"])
def test_names_are_never_read_as_formulas(names, ax):
    axes = profile_heatmap(made(3, names), ax=ax)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [cut(name) for name in names]
    assert not any(text.get_parse_math() for text in axes.get_yticklabels())
    assert drawn(axes)


def test_levels_are_never_read_as_formulas(ax):
    frame = profile(np.zeros((2, 1)), [Field("plan", "category", ["$x_1$ <b>"])], np.array([0, 1]))
    axes = profile_heatmap(frame, ax=ax)
    assert [text.get_text() for text in axes.texts] == ["$x_1$ <b>"] * 2
    assert drawn(axes)


def test_many_segments_and_columns_are_coloured_without_words(ax):
    axes = profile_heatmap(made(50, [f"column {i}" for i in range(60)], noise=True), ax=ax)
    assert not axes.texts
    assert axes.collections[0].get_array().shape == (60, 50)
    assert axes.get_xticklabels()[-1].get_text() == "noise"
    assert drawn(axes)


def test_a_profile_of_no_columns_and_of_one_segment(ax):
    frame = pl.DataFrame({"segment": [0], "size": [2], "share": [1.0]})
    assert drawn(profile_heatmap(frame, ax=ax))
    assert drawn(size_value(frame, ax=Figure().subplots()))


def test_without_axes_a_figure_of_pyplot_is_made_and_shown_by_a_notebook():
    with mpl.rc_context({"backend": "agg"}):
        import matplotlib.pyplot as plt

        for picture, data in ((elbow, CHOICE), (size_value, made(3, ["a"])), (profile_heatmap, made(3, ["a"]))):
            axes = picture(data)
            assert isinstance(axes, Axes)
            assert plt.gcf() is axes.figure
            plt.close(axes.figure)


def test_with_axes_pyplot_is_not_even_loaded():
    code = (
        "import sys; from matplotlib.figure import Figure; from gpuseg.plot import size_value;"
        "size_value({'segment': [0], 'size': [2], 'share': [1.0]}, ax=Figure().subplots());"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    assert check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize("name", ["客户分群", "شريحة"])
def test_other_scripts_draw(name, ax):
    with warnings.catch_warnings():
        # Where no font of that script is installed, matplotlib says so and draws boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        assert drawn(profile_heatmap(made(2, [name]), ax=ax))


def test_long_names_keep_their_ends_apart():
    first, second = (cut(f"number_of_purchases_in_the_last_{days}_days") for days in (30, 365))
    assert first != second
    assert max(len(first), len(second)) <= 24
