"""The levels of a category: learnt with the rare ones pooled, and the tables that turn codes into features."""

from typing import Any

import narwhals as nw
import numpy as np

from gpuseg.backends import Host
from gpuseg.preprocessing.looks import Look
from gpuseg.preprocessing.meeting import Words, words_of
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.text import Series

OTHER = "(other)"
MISSING = "(missing)"
UNSEEN = -1.0
"""The code of a level that the fit did not see: it differs from every other."""


def learn_levels(
    words: Words, look: Look, column: Column, choice: Choice, *, min_share: float, max_levels: int
) -> Column:
    """Return the column with its levels, those below ``min_share`` or beyond ``max_levels`` pooled in "(other)".

    Levels are in the order of a Polars Enum, numbers by size, else by name, "(missing)" last; what stands
    for a missing value is never pooled.

    >>> words = Words(3, 12, 0, {"basic": 6, "gold": 5, "trial": 1})
    >>> choice = Choice("median", 0.0, "none", (0.0, 1.0), "onehot")
    >>> plan = Column("plan", "category")
    >>> learn_levels(words, Look(12), plan, choice, min_share=0.1, max_levels=20).levels.tolist()
    ['basic', 'gold', '(other)']
    """
    absent = absent_of(choice)
    column = column._replace(absent=absent, missing=words.missing)
    counts, different, total = dict(words.counts), words.different, words.rows
    gaps = [absent] if absent is not None and words.missing else []
    for level in gaps:
        different += level not in counts
        total += words.missing
        counts[level] = counts.get(level, 0) + words.missing
    if different == 1:
        (only,) = counts
        return column._replace(dropped=f"it is constant, {only!r}", constant=only)
    ranked = sorted(counts.keys() - gaps, key=lambda level: (-counts[level], level))
    kept = [level for level in ranked[:max_levels] if counts[level] >= min_share * total and level != OTHER] + gaps
    column = column._replace(pooled=different - len(kept))
    if not kept:
        return column._replace(dropped=f"every level is below min_share={min_share:g}")
    outside = total - sum(counts[level] for level in kept)
    levels = sorted(kept, key=_order_of(look)) + [OTHER] * (outside > 0)
    return column._replace(levels=np.array(levels), outside=outside / total)


def codes_of(series: Series, column: Column) -> tuple[Series, Series]:
    """Return a category's codes as float64, NaN for a missing value to be imputed, and the words that are no level."""
    levels = column.levels.tolist()
    words = words_of(series)
    if column.absent is not None:
        words = words.fill_null(column.absent)
    unknown = levels.index(OTHER) if OTHER in levels else len(levels)
    word = nw.col("values")
    code = word.replace_strict(levels, [float(i) for i in range(len(levels))], default=float(unknown))
    codes = words.alias("values").to_frame().select(nw.when(~word.is_null()).then(code))["values"]
    return codes.cast(nw.Float64), words.filter(~(words.is_in(levels) | words.is_null()))


def table_of(encoding: str, counts: Host) -> Host:
    """Return the features of every code, (levels + 1, features); the last row is for what is no level.

    An unknown level is zeros in one-hot, the mean code in ordinal, a frequency of 0, and as a code -1, unlike all.

    >>> table_of("frequency", np.array([3.0, 1.0])).ravel().tolist()
    [0.75, 0.25, 0.0]
    """
    shares = counts / max(counts.sum(), 1.0)
    if encoding == "onehot":
        return np.eye(len(counts) + 1, len(counts))
    codes = np.arange(len(counts), dtype=float)
    if encoding == "codes":
        return np.append(codes, UNSEEN)[:, None]
    if encoding == "ordinal":
        return np.append(codes, codes @ shares)[:, None]
    return np.append(shares, 0.0)[:, None]


def nearest_codes(features: Host, table: Host) -> Host:
    """Return the code whose features are nearest to each row's: for one-hot the largest.

    >>> nearest_codes(np.array([[0.2, 0.7]]), table_of("onehot", np.ones(2))).tolist()
    [1]
    """
    known = table[:-1]
    return np.argmin(np.sum(known * known, axis=1)[None, :] - 2 * features @ known.T, axis=1)


def absent_of(choice: Choice) -> str | None:
    """Return the level that stands for a missing value, or None where it is imputed or its row dropped."""
    if choice.missing in ("mode", "drop"):
        return None
    return choice.fill_value if choice.missing == "constant" and isinstance(choice.fill_value, str) else MISSING


def _order_of(look: Look) -> Any:
    """Return the key by which levels are sorted."""
    if look.order:
        place = {level: i for i, level in enumerate(look.order)}
        return lambda level: (place.get(level, len(place)), level)
    if look.family == "number":
        return _by_size
    return lambda level: (level == MISSING, level)


def _by_size(level: str) -> tuple[int, float, str]:
    try:
        return (0, float(level), level)
    except ValueError:  # what stands for a missing number
        return (1, 0.0, level)
