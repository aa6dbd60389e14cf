"""Along which columns groups of customers differ: standardised differences, in the user's units."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.effects import SIZES, chi_squared, cohens_d, cohens_h, dominance, size_of, strength
from gpuseg.interpret.flows import ERROR, LEAST
from gpuseg.interpret.profile import DAY, moments_of
from gpuseg.interpret.values import date_of
from gpuseg.notebook import shown

MEDIUM = 0.5
"""The least Cohen's d that is told: a medium one (Cohen 1988)."""
TOLD = 3
"""Columns of which a sentence tells at most."""
SEVERAL = "several"
"""What is said where no level has as many customers as may be told of."""
LEVELS = 50
"""Levels of a column of text at most: one of more is free text or an id, and is not compared."""


class Parting(NamedTuple):
    """How groups of customers differ in a column.

    ``effect``: of the two groups that differ most, without a sign: Cliff's delta of numbers and dates, which a few
    giants do not move, Cohen's h of yes or no, Cramer's V of categories, as ``effect_name`` says. ``difference``: of
    these two, of numbers and dates, Cohen's d: how many pooled standard deviations their means are apart; None where
    nothing varies within. ``mark``: "small", "medium" or "large" where the effect is and chance does not make it, at
    5 % over all columns and pairs (Bonferroni). ``values``: the median of each group, or the mean where medians are
    alike; the share of yes; the most frequent level, if ten customers have it; as text.
    """

    column: str
    effect: float
    effect_name: str
    difference: float | None
    mark: str | None
    values: Sequence[str]


class Pair(NamedTuple):
    """How two groups differ: the effect, its p value by chance, and Cohen's d."""

    effect: float
    p: float
    difference: float | None = None


def partings(groups: Sequence[pl.DataFrame]) -> list[Parting]:
    """Return how groups of customers, two or more, differ in each of their columns, the strongest effect first.

    A row of a group is a customer, and all groups have the same columns. A column that a group has no two values of,
    and text of more than 50 levels, is left out.

    >>> low, high = pl.DataFrame({"spend": range(20)}), pl.DataFrame({"spend": range(40, 60)})
    >>> [(one.column, one.effect, round(one.difference, 1), one.mark, one.values) for one in partings([low, high])]
    [('spend', 1.0, 6.8, 'large', ['9.5', '49.5'])]
    """
    looks = len(groups[0].columns) * len(groups) * (len(groups) - 1) // 2
    found = [_parting([group.get_column(name) for group in groups], looks) for name in groups[0].columns]
    there = [one for one in found if one is not None]
    return sorted(there, key=lambda one: (one.mark is None, -strength(one.effect, one.effect_name), one.column))


def said(found: Sequence[Parting]) -> str:
    """Return the columns of a medium effect and more in words; nothing where there is none.

    >>> said([Parting("spend", 0.9, "Cliff's delta", 2.4, "large", ["2", "8"])])
    'spend (2 against 8, 2.4 standard deviations)'
    """
    told = [one for one in found if one.mark in SIZES[1:]][:TOLD]
    words = [f"{one.column} ({' against '.join(one.values)}{_how_far(one)})" for one in told]
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _how_far(one: Parting) -> str:
    """Return how many standard deviations means are apart; nothing where a few giants make these too wide to tell."""
    far = one.difference or 0.0
    return f", {far:.1f} standard deviations" if far >= MEDIUM else ""


def _parting(columns: Sequence[pl.Series], looks: int) -> Parting | None:
    """Return how groups differ in a column, None where that cannot be told; ``looks``: how many pairs are looked at."""
    kind = columns[0].dtype
    if kind == pl.Boolean:
        name, pairs, values = "Cohen's h", _of_flags(columns), [_share(column) for column in columns]
    elif kind.is_numeric() or kind.is_temporal():
        name, pairs, values = "Cliff's delta", _of_numbers(columns), _middles(columns)
    elif kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum):
        name, (pairs, values) = "Cramer's V", _of_words([column.cast(pl.String).drop_nulls() for column in columns])
    else:
        return None
    if not pairs:
        return None
    most = max(pairs, key=lambda pair: pair.effect)
    mark = size_of(most.effect, name) if most.p < ERROR / looks else None
    return Parting(columns[0].name, most.effect, name, most.difference, mark, values)


def _of_numbers(columns: Sequence[pl.Series]) -> list[Pair]:
    values = [_plain(column) for column in columns]
    if min(map(len, values)) < 2:  # noqa: PLR2004 - one value has no deviation
        return []
    return [_apart(one, other) for one, other in combinations(values, 2)]


def _apart(one: Host, other: Host) -> Pair:
    """Return how two groups of numbers differ."""
    ((delta, p), *_) = dominance(np.concatenate([one, other]), np.repeat([0, 1], [len(one), len(other)]), [0])
    difference = cohens_d(moments_of(one), moments_of(other))
    return Pair(abs(delta or 0.0), 1.0 if p is None else p, None if difference is None else abs(difference))


def _of_flags(columns: Sequence[pl.Series]) -> list[Pair]:
    flags = [column.drop_nulls() for column in columns]
    if not all(len(of) for of in flags):
        return []
    counts = [np.array([of.sum(), len(of) - of.sum()], dtype=np.float64) for of in flags]
    return [_flags_apart(one, other) for one, other in combinations(counts, 2)]


def _flags_apart(one: Host, other: Host) -> Pair:
    """Return how two groups differ that hold so many yes and no."""
    _, p = chi_squared(np.array([one, other]))
    return Pair(abs(cohens_h(float(one[0] / one.sum()), float(other[0] / other.sum()))), 1.0 if p is None else p)


def _of_words(columns: Sequence[pl.Series]) -> tuple[list[Pair], list[str]]:
    levels = pl.concat(columns).unique().sort()
    if not 2 <= len(levels) <= LEVELS or not all(len(column) for column in columns):  # noqa: PLR2004 - what varies
        return [], []
    codes = [column.replace_strict(levels, range(len(levels)), return_dtype=pl.Int64).to_numpy() for column in columns]
    counts = [np.bincount(code, minlength=len(levels)).astype(np.float64) for code in codes]
    tests = [chi_squared(np.array(pair)) for pair in combinations(counts, 2)]
    most = [levels[int(np.argmax(count))] if count.max() >= LEAST else SEVERAL for count in counts]
    return [Pair(v or 0.0, 1.0 if p is None else p) for v, p in tests], most


def _plain(column: pl.Series) -> Host:
    """Return the finite values of a column as numbers: dates in days, yes as 1."""
    if column.dtype.is_temporal():
        column = column.cast(pl.Datetime("us")).cast(pl.Int64) / DAY
    values = column.cast(pl.Float64).drop_nulls().to_numpy()
    return values[np.isfinite(values)]


def _share(column: pl.Series) -> str:
    return shown("share", float(column.cast(pl.Float64).mean() or 0.0))  # type: ignore[arg-type]


def _middles(columns: Sequence[pl.Series]) -> list[str]:
    """Return the median of each group in words, or the mean where these are all the same."""
    values = [_plain(column) for column in columns]
    for middle in (np.median, np.mean):
        found = [float(middle(of)) if len(of) else None for of in values]
        if len(set(found)) > 1:
            break
    if columns[0].dtype.is_temporal():
        found = [None if days is None else date_of(days) for days in found]  # type: ignore[misc]
    return [shown("", value) for value in found]
