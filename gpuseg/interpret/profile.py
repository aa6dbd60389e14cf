"""What each segment is like: its size, and each column's mean and median in the user's units."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.engines import Block, Engine
from gpuseg.engines.parts import LocalParts, Parts
from gpuseg.errors import InvalidInput, listed
from gpuseg.preprocessing import LARGEST
from gpuseg.preprocessing.ranking import quantiles_of

DAY = 86_400_000_000
"""Microseconds of a day: dates are worked on as days."""


class Field(NamedTuple):
    """A column of the raw matrix: its name, its kind, and the levels of a category by code."""

    name: str
    kind: str
    levels: Sequence[str]


class Rows(NamedTuple):
    """A part of the customers: the raw matrix, (rows, fields), each row's segment, and its worth where that is told."""

    raw: Host
    segments: Host
    value: Host | None


Tally = list[Host]
"""What counts of a segment: its rows and their worth, then an array a field, as ``SUMMARIES`` counts and joins them."""
Join = Callable[[Host, Host], Host]
QUARTILES = (0.25, 0.5, 0.75)
MEDIAN = QUARTILES.index(0.5)


class Counts(NamedTuple):
    """What is counted of all customers, exactly: all that a profile and its details are made of.

    ``segments``: noise last. ``tallies``: one a segment. ``quartiles``: (segments + 1, fields, 3), NaN where there is
    no value or the kind has none; the last row is that of all customers.
    """

    fields: Sequence[Field]
    segments: list[int]
    tallies: list[Tally]
    quartiles: Host

    @property
    def sizes(self) -> list[int]:
        """Return the customers of each segment."""
        return [int(tally[0][0]) for tally in self.tallies]


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
    counts = counted(LocalParts.of([Rows(raw, segments, value)]), fields)
    return profile_of_counts(counts, valued=value is not None)


def profile_of_counts(counts: Counts, *, valued: bool) -> pl.DataFrame:
    """Return the profile of what is counted; ``valued``: it tells what customers are worth."""
    sizes = counts.sizes
    columns = [
        pl.Series("segment", np.asarray(counts.segments, dtype=np.int32)),
        pl.Series("size", sizes, dtype=pl.Int64),
        pl.Series("share", [size / max(sum(sizes), 1) for size in sizes], dtype=pl.Float64),
    ]
    if valued:
        columns.append(_value_share([float(tally[0][1]) for tally in counts.tallies]))
    for at, field in enumerate(counts.fields):
        told = Told([tally[at + 1] for tally in counts.tallies], sizes, counts.quartiles[:-1, at, MEDIAN])
        columns += SUMMARIES[field.kind].tell(field, told)
    # The name of the share of value is taken, used or not: a reader could not tell the two.
    names = [column.name for column in columns] + ["value_share"] * (not valued)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"columns of the table share the profile's column {listed(twice)}; rename one of them")
    return pl.DataFrame(columns)


def counted(parts: Parts, fields: Sequence[Field]) -> Counts:
    """Return what is counted of ``Rows`` in parts."""
    tallies: Mapping[int, Tally] = parts.reduce(tally, partial(added, fields=fields), fields)
    order = sorted(tallies, key=lambda segment: (segment < 0, segment))
    return Counts(fields, order, [tallies[segment] for segment in order], _quartiles_of(parts, fields, order))


def tally(rows: Rows, fields: Sequence[Field]) -> dict[int, Tally]:
    """Return what counts of each segment in a part."""
    found: dict[int, Tally] = {}
    for segment in np.unique(rows.segments).tolist():
        group = np.flatnonzero(rows.segments == segment)
        worth = 0.0 if rows.value is None else float(np.sum(rows.value[group]))
        counts = [SUMMARIES[field.kind].counted(field, rows.raw[group, at]) for at, field in enumerate(fields)]
        found[segment] = [np.array([len(group), worth]), *counts]
    return found


def added(parts: Sequence[Mapping[int, Tally]], fields: Sequence[Field]) -> dict[int, Tally]:
    """Return the tallies of all parts together, in their order."""
    joins: list[Join] = [np.add, *(SUMMARIES[field.kind].joined for field in fields)]
    whole: dict[int, Tally] = {}
    for part in parts:
        for segment, counts in part.items():
            known = whole.get(segment)
            pairs = zip(joins, known or counts, counts, strict=True)
            whole[segment] = counts if known is None else [join(a, b) for join, a, b in pairs]
    return whole


def _quartiles_of(parts: Parts, fields: Sequence[Field], segments: Sequence[int]) -> Host:
    """Return the exact quartiles of each field in each segment and in all, (segments + 1, fields, 3)."""
    if parts.count == 1:
        return parts.collect(_quartiles, fields, segments)[0]
    within = quantiles_of(cast("Engine", Grouped(parts, segments)), QUARTILES, groups=len(segments))
    found = np.concatenate([within, quantiles_of(cast("Engine", Grouped(parts, None)), QUARTILES, groups=1)])
    found[:, [not SUMMARIES[field.kind].ranked for field in fields]] = np.nan
    return found


class Grouped(NamedTuple):
    """Rows in parts as ``quantiles_of`` walks over them: a block of the raw matrix, and beside it each row's group.

    Where there are no ``segments``, all rows are one group.
    """

    parts: Parts
    segments: Sequence[int] | None

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every part, in order."""
        return self.parts.reduce(_on_block, combine, self.segments, partial, *args)


def _on_block(rows: Rows, segments: Sequence[int] | None, partial: Callable[..., Any], *args: Any) -> Any:
    """Return ``partial``'s value of a part as a block and its groups."""
    block = Block(0, rows.raw, np.ones(len(rows.raw)))
    if segments is None:
        return partial(block, np.zeros(len(rows.raw), dtype=np.int64), *args)
    order = np.argsort(segments)
    return partial(block, order[np.searchsorted(np.asarray(segments)[order], rows.segments)], *args)


def _quartiles(rows: Rows, fields: Sequence[Field], segments: Sequence[int]) -> Host:
    """Return the quartiles of a part."""
    found = np.full((len(segments) + 1, len(fields), len(QUARTILES)), np.nan)
    groups = [np.flatnonzero(rows.segments == segment) for segment in segments]
    for at, field in enumerate(fields):
        if SUMMARIES[field.kind].ranked:
            column = np.ascontiguousarray(rows.raw[:, at])
            for row, values in enumerate([*(column[group] for group in groups), column]):
                if len(finite := there(values)):
                    found[row, at] = np.quantile(finite, QUARTILES)
    return found


class Told(NamedTuple):
    """What is known of a field: its tally, the rows and the median of each segment."""

    counts: Sequence[Host]
    sizes: Sequence[int]
    medians: Host


class Summary(NamedTuple):
    """How a kind of column is counted in the rows of a segment, how counts of parts are joined, what is told of it.

    ``ranked``: it has quartiles.
    """

    counted: Callable[[Field, Host], Host]
    joined: Join
    tell: Callable[[Field, Told], list[pl.Series]]
    ranked: bool


def _value_share(sums: Sequence[float]) -> pl.Series:
    """Return each segment's share of what all are worth; none where that is not positive."""
    total = sum(sums)
    shares = [part / total if total > 0 else None for part in sums]
    return pl.Series("value_share", shares, dtype=pl.Float64)


def there(group: Host) -> Host:
    """Return the values that are neither missing nor taken as infinite."""
    return group[np.abs(group) <= LARGEST]


def _summed(_: Field, group: Host) -> Host:
    return moments_of(there(group))


def moments_of(values: Host) -> Host:
    """Return how many values there are, their sum, and the sum of the squares of what they are off their mean.

    >>> moments_of(np.array([1.0, 3.0])).tolist()
    [2.0, 4.0, 2.0]
    """
    total = np.sum(values)
    off = values - total / max(len(values), 1)
    return np.array([len(values), total, np.sum(off * off)])


def moments_joined(one: Host, other: Host) -> Host:
    """Return the count, sum and sum of squares of two parts together.

    Stable where the mean is large: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for
    computing sample variances".

    >>> moments_joined(np.array([1.0, 2.0, 0.0]), np.array([1.0, 4.0, 0.0])).tolist()
    [2.0, 6.0, 2.0]
    """
    (n, total, squares), (m, more, others) = one, other
    if not n or not m:
        return np.array([n + m, total + more, squares + others])
    apart = total / n - more / m
    return np.array([n + m, total + more, squares + others + apart * apart * (n * m / (n + m))])


def _coded(field: Field, group: Host) -> Host:
    """Return how many rows there are of each level."""
    return np.bincount(group[group >= 0].astype(np.int64), minlength=len(field.levels)).astype(np.float64)


def _numbers(field: Field, told: Told) -> list[pl.Series]:
    means = [float(total / count) if count else None for count, total, _ in told.counts]
    medians = [float(value) if count else None for value, (count, *_) in zip(told.medians, told.counts, strict=True)]
    return [
        pl.Series(f"{field.name}_mean", means, dtype=pl.Float64),
        pl.Series(f"{field.name}_median", medians, dtype=pl.Float64),
    ]


def _dates(field: Field, told: Told) -> list[pl.Series]:
    return [(days * DAY).cast(pl.Int64).cast(pl.Datetime("us")) for days in _numbers(field, told)]


def _booleans(field: Field, told: Told) -> list[pl.Series]:
    mean, _ = _numbers(field, told)
    return [mean.alias(f"{field.name}_share")]


def _categories(field: Field, told: Told) -> list[pl.Series]:
    best = [int(np.argmax(counts)) if counts.any() else None for counts in told.counts]
    tops = [None if at is None else str(field.levels[at]) for at in best]
    rows = zip(best, told.counts, told.sizes, strict=True)
    shares = [None if at is None else float(counts[at] / size) for at, counts, size in rows]
    return [
        pl.Series(f"{field.name}_top", tops, dtype=pl.String),
        pl.Series(f"{field.name}_top_share", shares, dtype=pl.Float64),
    ]


SUMMARIES = {
    "number": Summary(_summed, moments_joined, _numbers, ranked=True),
    "date": Summary(_summed, moments_joined, _dates, ranked=True),
    "boolean": Summary(_summed, moments_joined, _booleans, ranked=False),
    "category": Summary(_coded, np.add, _categories, ranked=False),
}
"""One row a kind of column."""
