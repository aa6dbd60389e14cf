"""What each segment is like: its size, and each column's mean and median in the user's units."""

from collections.abc import Callable, Mapping, Sequence
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
"""What counts of a segment: its rows and their worth, then an array a field; tallies of parts add up."""


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
    return profile_parts(LocalParts.of([Rows(raw, segments, value)]), fields, valued=value is not None)


def profile_parts(parts: Parts, fields: Sequence[Field], *, valued: bool) -> pl.DataFrame:
    """Return the profile of ``Rows`` in parts; ``valued``: they tell what they are worth."""
    tallies: Mapping[int, Tally] = parts.reduce(tally, added, fields)
    order = sorted(tallies, key=lambda segment: (segment < 0, segment))
    medians = medians_of(parts, fields, order)
    sizes = [int(tallies[segment][0][0]) for segment in order]
    columns = [
        pl.Series("segment", np.asarray(order, dtype=np.int32)),
        pl.Series("size", sizes, dtype=pl.Int64),
        pl.Series("share", [size / max(sum(sizes), 1) for size in sizes], dtype=pl.Float64),
    ]
    if valued:
        columns.append(_value_share([float(tallies[segment][0][1]) for segment in order]))
    for at, field in enumerate(fields):
        told = Told([tallies[segment][at + 1] for segment in order], sizes, medians[:, at])
        columns += SUMMARIES[field.kind].tell(field, told)
    # The name of the share of value is taken, used or not: a reader could not tell the two.
    names = [column.name for column in columns] + ["value_share"] * (not valued)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"columns of the table share the profile's column {listed(twice)}; rename one of them")
    return pl.DataFrame(columns)


def tally(rows: Rows, fields: Sequence[Field]) -> dict[int, Tally]:
    """Return what counts of each segment in a part."""
    found: dict[int, Tally] = {}
    for segment in np.unique(rows.segments).tolist():
        group = np.flatnonzero(rows.segments == segment)
        worth = 0.0 if rows.value is None else float(np.sum(rows.value[group]))
        counts = [SUMMARIES[field.kind].counted(field, rows.raw[group, at]) for at, field in enumerate(fields)]
        found[segment] = [np.array([len(group), worth]), *counts]
    return found


def added(parts: Sequence[Mapping[int, Tally]]) -> dict[int, Tally]:
    """Return the tallies of all parts together, in their order."""
    whole: dict[int, Tally] = {}
    for part in parts:
        for segment, counts in part.items():
            known = whole.get(segment)
            whole[segment] = counts if known is None else [a + b for a, b in zip(known, counts, strict=True)]
    return whole


def medians_of(parts: Parts, fields: Sequence[Field], segments: Sequence[int]) -> Host:
    """Return the exact median of each field in each segment, (segments, fields); NaN where there is no value."""
    if parts.count == 1:
        return parts.collect(_medians, fields, segments)[0]
    return quantiles_of(cast("Engine", Grouped(parts, segments)), [0.5], groups=len(segments))[:, :, 0]


class Grouped(NamedTuple):
    """Rows in parts as ``quantiles_of`` walks over them: a block of the raw matrix, and beside it each row's group."""

    parts: Parts
    segments: Sequence[int]

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every part, in order."""
        return self.parts.reduce(_on_block, combine, self.segments, partial, *args)


def _on_block(rows: Rows, segments: Sequence[int], partial: Callable[..., Any], *args: Any) -> Any:
    """Return ``partial``'s value of a part as a block and its groups."""
    order = np.argsort(segments)
    groups = order[np.searchsorted(np.asarray(segments)[order], rows.segments)]
    return partial(Block(0, rows.raw, np.ones(len(rows.raw))), groups, *args)


def _medians(rows: Rows, fields: Sequence[Field], segments: Sequence[int]) -> Host:
    """Return the medians of a part."""
    medians = np.full((len(segments), len(fields)), np.nan)
    for row, segment in enumerate(segments):
        group = rows.raw[rows.segments == segment, :]
        for at, field in enumerate(fields):
            values = there(group[:, at])
            if SUMMARIES[field.kind].ranked and len(values):
                medians[row, at] = np.median(values)
    return medians


class Told(NamedTuple):
    """What is known of a field: its tally, the rows and the median of each segment."""

    counts: Sequence[Host]
    sizes: Sequence[int]
    medians: Host


class Summary(NamedTuple):
    """How a kind of column is counted in the rows of a segment, what is told of it, and whether it has a median."""

    counted: Callable[[Field, Host], Host]
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
    """Return how many values there are, and their sum."""
    values = there(group)
    return np.array([len(values), np.sum(values)])


def _coded(field: Field, group: Host) -> Host:
    """Return how many rows there are of each level."""
    return np.bincount(group[group >= 0].astype(np.int64), minlength=len(field.levels)).astype(np.float64)


def _numbers(field: Field, told: Told) -> list[pl.Series]:
    means = [float(total / count) if count else None for count, total in told.counts]
    medians = [float(value) if count else None for value, (count, _) in zip(told.medians, told.counts, strict=True)]
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
    "number": Summary(_summed, _numbers, ranked=True),
    "date": Summary(_summed, _dates, ranked=True),
    "boolean": Summary(_summed, _booleans, ranked=False),
    "category": Summary(_coded, _categories, ranked=False),
}
"""One row a kind of column."""
