"""Effect sizes and p values against SciPy's from the same rows."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats.contingency import association

from gpuseg.interpret.effects import (
    chi_squared,
    cohens_d,
    cohens_h,
    delta_of_d,
    dominance,
    holm,
    size_of,
    strength,
    welch_p,
)


def tally(values):
    return np.array([len(values), np.sum(values), np.sum((values - np.mean(values)) ** 2)])


@pytest.fixture
def two():
    rng = np.random.default_rng(0)
    return rng.normal(1e6, 3, size=80), rng.normal(1e6 + 1, 2, size=33)


def test_welch_is_scipys(two):
    expected = stats.ttest_ind(*two, equal_var=False).pvalue
    assert welch_p(*map(tally, two)) == pytest.approx(expected, rel=1e-9)


def test_cohens_d_is_by_its_definition(two):
    one, other = two
    pooled = np.sqrt((79 * np.var(one, ddof=1) + 32 * np.var(other, ddof=1)) / 111)
    assert cohens_d(*map(tally, two)) == pytest.approx((one.mean() - other.mean()) / pooled, rel=1e-9)


def test_groups_that_tell_nothing():
    nothing, one, same = np.zeros(3), np.array([1.0, 5.0, 0.0]), np.array([4.0, 20.0, 0.0])
    assert cohens_d(nothing, same) is None
    assert cohens_d(one, same) is None  # neither varies
    assert welch_p(one, same) is None
    assert welch_p(same, same) == 1.0
    assert welch_p(same, np.array([4.0, 24.0, 0.0])) == 0.0
    assert chi_squared(np.array([[3.0, 0.0], [4.0, 0.0]])) == (None, None)
    assert chi_squared(np.array([[0.0, 0.0], [4.0, 1.0]])) == (None, None)


@pytest.mark.parametrize("table", [[[12, 5], [30, 41]], [[3, 9, 0, 7], [11, 8, 4, 2]]])
def test_cramers_v_is_scipys(table):
    counts = np.array(table, dtype=np.float64)
    v, p = chi_squared(counts)
    assert v == pytest.approx(association(np.array(table), method="cramer"))
    assert p == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)


def test_cliffs_delta_is_that_of_all_pairs_and_its_p_scipys():
    rng = np.random.default_rng(1)
    values, groups = rng.integers(0, 9, 120).astype(float), rng.integers(0, 3, 120)
    values[:7] = np.nan
    held, there = groups[7:], values[7:]
    for group, (delta, p) in enumerate(dominance(values, groups, [0, 1, 2])):
        one, other = there[held == group], there[held != group]
        assert delta == pytest.approx(np.mean(np.sign(one[:, None] - other)))
        assert p == pytest.approx(stats.mannwhitneyu(one, other, method="asymptotic").pvalue)
    assert dominance(values, groups, [5]) == [(None, None)]
    assert dominance(np.ones(4), np.array([0, 0, 1, 1]), [0]) == [(0.0, 1.0)]


def test_delta_hangs_on_the_order_alone():
    rng = np.random.default_rng(2)
    values, groups = rng.normal(size=60), np.repeat([0, 1], 30)
    assert dominance(values, groups, [0]) == dominance(np.exp(5 * values), groups, [0])


def test_delta_of_normal_values_is_near_the_one_of_d():
    rng = np.random.default_rng(3)
    values, groups = np.concatenate([rng.normal(0.8, 1, 4000), rng.normal(0, 1, 4000)]), np.repeat([0, 1], 4000)
    assert dominance(values, groups, [0])[0][0] == pytest.approx(delta_of_d(0.8), abs=0.03)
    assert delta_of_d(None) is None


def test_holm_by_hand():
    """Holm 1979: the least is times 3, the next times 2, the largest times 1, and none is below one before."""
    assert holm([0.02, 0.01, 0.015]) == pytest.approx([0.03, 0.03, 0.03])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([]) == []


def test_sizes_and_strengths():
    assert [size_of(x, "Cohen's h") for x in (0.19, 0.2, -0.5, 0.8, None)] == [None, "small", "medium", "large", None]
    assert strength(None, "Cohen's h") == 0.0
    assert strength(cohens_h(0.5, 0.5), "Cohen's h") == 0.0
    assert cohens_h(1.0, 0.0) == pytest.approx(np.pi)
