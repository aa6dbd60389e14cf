"""What each segment is like: its size, and each column's mean and median in the user's units."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, listed
from gpuseg.preprocessing import LARGEST

DAY = 86_400_000_000
"""Microseconds of a day: dates are worked on as days."""


class Field(NamedTuple):
    """A column of the raw matrix: its name, its kind, and the levels of a category by code."""

    name: str
    kind: str
    levels: Sequence[str]


def profile(raw: Host, fields: Sequence[Field], segments: Host, *, value: Host | None = None) -> pl.DataFrame:
    """Return one row a segment: segment, size, share, then each field's summary; noise (-1) last.

    ``raw``: (rows, fields), float64, in the user's units, NaN where missing; ``segments``: (rows,). Missing values
    and those that preprocessing takes as infinite are left out of each summary. ``value``: what each row is worth,
    (rows,); its share of the whole sum is then in ``value_share``. Numbers and dates give
    ``<name>_mean`` and ``<name>_median``, yes-or-no columns the share of yes as ``<name>_share``, categories
    ``<name>_top`` and ``<name>_top_share``.

    >>> import numpy as np
    >>> profile(np.array([[1.0], [3.0], [10.0]]), [Field("spend", "number", [])], np.array([0, 0, 1])).rows()
    [(0, 2, 0.666..., 2.0, 2.0), (1, 1, 0.333..., 10.0, 10.0)]
    """
    found = np.unique(segments)
    order = [*found[found >= 0], *found[found < 0]]
    groups = [np.flatnonzero(segments == segment) for segment in order]
    sizes = [len(group) for group in groups]
    columns = [
        pl.Series("segment", np.asarray(order, dtype=np.int32)),
        pl.Series("size", sizes, dtype=pl.Int64),
        pl.Series("share", [size / max(len(segments), 1) for size in sizes], dtype=pl.Float64),
    ]
    if value is not None:
        columns.append(_value_share([float(np.sum(value[group])) for group in groups]))
    for at, field in enumerate(fields):
        columns += SUMMARIES[field.kind](field, [raw[group, at] for group in groups])
    # The name of the share of value is taken, used or not: a reader could not tell the two.
    names = [column.name for column in columns] + ["value_share"] * (value is None)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"columns of the table share the profile's column {listed(twice)}; rename one of them")
    return pl.DataFrame(columns)


def _value_share(sums: Sequence[float]) -> pl.Series:
    """Return each segment's share of what all are worth; none where that is not positive."""
    total = sum(sums)
    shares = [part / total if total > 0 else None for part in sums]
    return pl.Series("value_share", shares, dtype=pl.Float64)


def _numbers(field: Field, groups: Sequence[Host]) -> list[pl.Series]:
    there = [group[np.abs(group) <= LARGEST] for group in groups]
    means = [float(np.mean(group)) if len(group) else None for group in there]
    medians = [float(np.median(group)) if len(group) else None for group in there]
    return [
        pl.Series(f"{field.name}_mean", means, dtype=pl.Float64),
        pl.Series(f"{field.name}_median", medians, dtype=pl.Float64),
    ]


def _dates(field: Field, groups: Sequence[Host]) -> list[pl.Series]:
    return [(days * DAY).cast(pl.Int64).cast(pl.Datetime("us")) for days in _numbers(field, groups)]


def _booleans(field: Field, groups: Sequence[Host]) -> list[pl.Series]:
    mean, _ = _numbers(field, groups)
    return [mean.alias(f"{field.name}_share")]


def _categories(field: Field, groups: Sequence[Host]) -> list[pl.Series]:
    tops: list[str | None] = []
    shares: list[float | None] = []
    for group in groups:
        codes = group[group >= 0].astype(np.int64)
        counts = np.bincount(codes, minlength=len(field.levels)) if len(codes) else np.zeros(1)
        best = int(np.argmax(counts))
        tops.append(str(field.levels[best]) if len(codes) else None)
        shares.append(float(counts[best] / len(group)) if len(codes) else None)
    return [
        pl.Series(f"{field.name}_top", tops, dtype=pl.String),
        pl.Series(f"{field.name}_top_share", shares, dtype=pl.Float64),
    ]


SUMMARIES: dict[str, Callable[[Field, Sequence[Host]], list[pl.Series]]] = {
    "number": _numbers,
    "date": _dates,
    "boolean": _booleans,
    "category": _categories,
}
"""One row a kind of column."""
