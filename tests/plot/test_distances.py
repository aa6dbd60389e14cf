import numpy as np
import pytest
from matplotlib.figure import Figure

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.plot import k_distance
from gpuseg.selection import DensityChoice


def axes():
    return Figure().subplots()


def test_the_curve_the_eps_and_the_knee_of_a_choice():
    curve = np.linspace(0.5, 1.0, 201).tolist()
    choice = DensityChoice("eps", 0.9, 5, "...", [], curve, 0.8)
    for given in (choice, choice.plain()):
        ax = k_distance(given, ax=axes())
        line, knee, eps = ax.get_lines()
        assert line.get_ydata().tolist() == curve
        assert (knee.get_ydata()[0], eps.get_ydata()[0]) == (0.8, 0.9)
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["knee of the curve, 0.8", "eps = 0.9"]
        assert ax.get_ylabel() == "distance to the 5th nearest row"


def test_a_few_far_rows_do_not_flatten_the_curve():
    far = np.append(np.linspace(1, 2, 999), 500.0)
    ax = k_distance(far, ax=axes())
    assert ax.get_ylim()[1] < 3
    assert [text.get_text() for text in ax.texts] == ["up to 500"]
    assert k_distance(np.zeros(4), ax=axes()).get_ylim() == (0, 1)


def test_distances_of_rows_are_taken_in_any_order():
    ax = k_distance(np.array([3.0, 1.0, 2.0]), ax=axes())
    assert ax.get_lines()[0].get_ydata().tolist() == [1.0, 2.0, 3.0]
    assert ax.get_legend() is None


def test_what_has_no_distances_is_refused():
    with pytest.raises(InvalidInput, match="a choice of 'min_cluster_size' has no distances; give one of eps"):
        k_distance(DensityChoice("min_cluster_size", 5, 5, "...", []), ax=axes())
    with pytest.raises(InvalidInput, match="not all finite"):
        k_distance(np.array([1.0, np.nan]), ax=axes())
    with pytest.raises(InvalidInput, match="a choice of 'k' has no distances"):
        k_distance(gpuseg.KChoice(2, "...", []), ax=axes())
