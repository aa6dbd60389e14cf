"""How far two groups of customers are apart in a feature, as effect sizes and p values."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc, ndtr, stdtr
from scipy.stats import rankdata

from gpuseg.backends import Host

SIZES = ("small", "medium", "large")
BOUNDS = {
    "Cliff's delta": (0.147, 0.33, 0.474),
    "Cohen's h": (0.2, 0.5, 0.8),
    "Cramer's V": (0.1, 0.3, 0.5),
}
"""From where on an effect is small, medium, large: h and V by Cohen 1988, "Statistical power analysis" (V of two
groups); delta by Romano and others 2006, what Cohen's d of 0.2, 0.5 and 0.8 is between two normal distributions."""
LEVEL = 0.05
"""The adjusted p value below which a difference is more than chance."""


def size_of(effect: float | None, name: str) -> str | None:
    """Return "small", "medium" or "large"; None for less and for no effect at all.

    >>> size_of(-0.4, "Cliff's delta"), size_of(0.05, "Cramer's V")
    ('medium', None)
    """
    reached = 0 if effect is None else sum(abs(effect) >= bound for bound in BOUNDS[name])
    return SIZES[reached - 1] if reached else None


def strength(effect: float | None, name: str) -> float:
    """Return an effect in units of a medium one of its kind, so that kinds can be ranked.

    >>> strength(-0.66, "Cliff's delta")
    2.0
    """
    return 0.0 if effect is None else abs(effect) / BOUNDS[name][SIZES.index("medium")]


def cohens_d(one: Host, other: Host) -> float | None:
    """Return the difference of two means in pooled standard deviations; ``one``: count, sum, squares off the mean.

    None where a group has no value or neither varies. Cohen 1988.

    >>> cohens_d(np.array([2.0, 2.0, 2.0]), np.array([2.0, 10.0, 2.0]))
    -2.828...
    """
    (n, total, squares), (m, more, others) = one, other
    if not n or not m or n + m < 3 or squares + others <= 0:  # noqa: PLR2004 - two values leave no deviation
        return None
    return float((total / n - more / m) / math.sqrt((squares + others) / (n + m - 2)))


def welch_p(one: Host, other: Host) -> float | None:
    """Return the two-sided p value of Welch's test of two means, by counts, sums and squares off the mean.

    >>> round(welch_p(np.array([3.0, 6.0, 2.0]), np.array([3.0, 12.0, 2.0])), 4)
    0.0705
    """
    (n, total, squares), (m, more, others) = one, other
    if min(n, m) < 2:  # noqa: PLR2004 - one value has no deviation
        return None
    a, b = squares / (n - 1) / n, others / (m - 1) / m
    apart = abs(total / n - more / m)
    if a + b <= 0:
        return 0.0 if apart else 1.0
    freedom = (a + b) ** 2 / (a * a / (n - 1) + b * b / (m - 1))
    return float(2 * stdtr(freedom, -apart / math.sqrt(a + b)))


def cohens_h(share: float, other: float) -> float:
    """Return the difference of two shares on the scale of arcsines, from -pi to pi. Cohen 1988.

    >>> round(cohens_h(0.75, 0.25), 4)
    1.0472
    """
    return 2 * math.asin(math.sqrt(share)) - 2 * math.asin(math.sqrt(other))


def chi_squared(counts: Host) -> tuple[float | None, float | None]:
    """Return Cramer's V and the p value of Pearson's chi-squared test; ``counts``: (2, levels). None without a test.

    >>> chi_squared(np.array([[10.0, 0.0], [0.0, 10.0]]))
    (1.0, 7.7...e-06)
    """
    seen = counts[:, counts.sum(axis=0) > 0]
    rows, total = seen.sum(axis=1, keepdims=True), float(seen.sum())
    if seen.shape[1] < 2 or not rows.all():  # noqa: PLR2004 - one level differs from nothing
        return None, None
    expected = rows * seen.sum(axis=0) / total
    found = float(np.sum((seen - expected) ** 2 / expected))
    return math.sqrt(found / total), float(chdtrc(seen.shape[1] - 1, found))


def dominance(values: Host, groups: Host, wanted: Sequence[int]) -> list[tuple[float | None, float | None]]:
    """Return for each group Cliff's delta against the rest, and the p value of the test of Mann and Whitney.

    delta: in how many more pairs it has the larger value than it has the smaller, from -1 to 1; 1: each of its values
    is larger than each other one. Both hang on the order of the values alone, so that a few giants do not move them
    and the unit does not matter; p by the normal approximation, with ties. Missing values are left out; None without a
    value in the group or in the rest. Cliff 1993, "Dominance statistics"; Mann and Whitney 1947.

    >>> dominance(np.array([1.0, 2.0, 9.0, 99.0]), np.array([0, 0, 1, 1]), [0, 1])
    [(-1.0, 0.24...), (1.0, 0.24...)]
    """
    there = np.isfinite(values)
    ranks, held = rankdata(values[there]), groups[there]
    ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    total = len(ranks)
    spread = (total + 1 - np.sum(ties**3 - ties) / max(total * (total - 1), 1)) / 12
    return [_dominance(ranks[held == group], total, float(spread)) for group in wanted]


def delta_of_d(difference: float | None) -> float | None:
    """Return the delta that two normal distributions have whose means are apart by Cohen's d.

    >>> round(delta_of_d(0.5), 2)
    0.28
    """
    return None if difference is None else float(2 * ndtr(difference / math.sqrt(2)) - 1)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p values adjusted for how many there are, whatever hangs on what; None stays. Holm 1979.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tested = sorted((value, at) for at, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    least = 0.0
    for place, (value, at) in enumerate(tested):
        least = max(least, min(1.0, value * (len(tested) - place)))
        adjusted[at] = least
    return adjusted


def _dominance(ranks: Host, total: int, spread: float) -> tuple[float | None, float | None]:
    """Return delta and p of a group by its ranks; ``spread``: the variance of their sum, a pair of customers."""
    inside, outside = len(ranks), total - len(ranks)
    pairs = inside * outside
    if not pairs:
        return None, None
    beyond = float(np.sum(ranks)) - inside * (inside + 1) / 2 - pairs / 2
    deviation, step = math.sqrt(pairs * spread), 0.5  # half a rank: sums of ranks are whole, normal values are not
    p = float(2 * ndtr(-max(abs(beyond) - step, 0.0) / deviation)) if deviation > 0 else 1.0
    return 2 * beyond / pairs, p
