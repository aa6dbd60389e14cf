"""Along which columns groups of customers differ: standardised differences, in the user's units."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.effects import chi_squared, cohens_d
from gpuseg.notebook import shown

MEDIUM = 0.5
"""The least standardised difference that is told: a medium one (Cohen 1988)."""
TOLD = 3
"""Columns of which a sentence tells at most."""
LEVELS = 50
"""Levels of a column of text at most: one of more is free text or an id, and is not compared."""
DAY = 86_400
"""Seconds of a day: dates are compared in days."""


class Parting(NamedTuple):
    """How groups of customers differ in a column.

    ``difference``: Cohen's d of the two groups that differ most: the difference of their means over their pooled
    standard deviation; of categories, the d that matches Cramer's V of the two, 2 V / sqrt(1 - V^2). ``values``: the
    median of each group, of yes-or-no columns the share of yes, of categories the most frequent one, as text.
    """

    column: str
    difference: float
    values: Sequence[str]


def partings(groups: Sequence[pl.DataFrame]) -> list[Parting]:
    """Return how groups of customers, two or more, differ in each of their columns, the largest difference first.

    A row of a group is a customer, and all groups have the same columns. A column that a group has no two values of,
    and text of more than 50 levels, is left out.

    >>> low, high = pl.DataFrame({"spend": [1.0, 2.0, 3.0]}), pl.DataFrame({"spend": [7.0, 8.0, 9.0]})
    >>> partings([low, high])
    [Parting(column='spend', difference=6.0, values=['2', '8'])]
    """
    found = [_parting([group.get_column(name) for group in groups]) for name in groups[0].columns]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.difference, one.column))


def said(found: Sequence[Parting]) -> str:
    """Return the columns of a medium difference and more in words; nothing where there is none.

    >>> said([Parting("spend", 6.0, ["2", "8"]), Parting("age", 0.1, ["40", "41"])])
    'spend (2 against 8, 6.0 standard deviations)'
    """
    told = [one for one in found if one.difference >= MEDIUM][:TOLD]
    words = [f"{one.column} ({' against '.join(one.values)}{_how_far(one)})" for one in told]
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _how_far(one: Parting) -> str:
    return f", {one.difference:.1f} standard deviations" if np.isfinite(one.difference) else ""


def _parting(columns: Sequence[pl.Series]) -> Parting | None:
    """Return how groups differ in a column, None where that cannot be told."""
    kind = columns[0].dtype
    if kind.is_numeric() or kind.is_temporal() or kind == pl.Boolean:
        values = [_plain(column) for column in columns]
        if min(map(len, values)) < 2:  # noqa: PLR2004 - one value has no deviation
            return None
        pairs = [_apart(one, other) for one, other in combinations(values, 2)]
        return Parting(columns[0].name, max(pairs), [_middle(column) for column in columns])
    if kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum):
        return _of_words([column.cast(pl.String).drop_nulls() for column in columns])
    return None


def _plain(column: pl.Series) -> Host:
    """Return the finite values of a column as numbers: dates in days, yes as 1."""
    if column.dtype.is_temporal():
        column = column.cast(pl.Datetime("us")).cast(pl.Int64) / (DAY * 1e6)
    values = column.cast(pl.Float64).drop_nulls().to_numpy()
    return values[np.isfinite(values)]


def _apart(one: Host, other: Host) -> float:
    """Return Cohen's d without its sign; infinite where means differ and nothing varies within."""
    moments = [np.array([len(of), of.sum(), np.sum((of - of.mean()) ** 2)]) for of in (one, other)]
    difference = cohens_d(*moments)
    return (np.inf if one.mean() != other.mean() else 0.0) if difference is None else abs(difference)


def _middle(column: pl.Series) -> str:
    """Return what is typical of a group: the median, or the share of yes."""
    if column.dtype == pl.Boolean:
        return shown("share", float(column.cast(pl.Float64).mean() or 0.0))  # type: ignore[arg-type]
    if column.dtype.is_temporal():
        return shown("", column.cast(pl.Datetime("us")).median())
    return shown("", float(np.median(_plain(column))))


def _of_words(columns: Sequence[pl.Series]) -> Parting | None:
    levels = pl.concat(columns).unique().sort()
    if not 2 <= len(levels) <= LEVELS or not all(len(column) for column in columns):  # noqa: PLR2004 - what varies
        return None
    codes = [column.replace_strict(levels, range(len(levels)), return_dtype=pl.Int64).to_numpy() for column in columns]
    counts = [np.bincount(code, minlength=len(levels)) for code in codes]
    strength = max(chi_squared(np.array(pair))[0] or 0.0 for pair in combinations(counts, 2))
    far = 2 * strength / np.sqrt(1 - strength**2) if strength < 1 else np.inf
    return Parting(columns[0].name, float(far), [levels[int(np.argmax(count))] for count in counts])
