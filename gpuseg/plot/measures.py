"""What a picture needs of a profile: its columns by kind, the mean of all, and how far each segment is from it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput, listed

KEYS = ("segment", "size", "share")
VALUE = "value_share"
"""A profile may state the share of the summed value behind the share of customers."""
YEAR = 365.25 * 24 * 3600 * 1e6
"""Microseconds: a date has no zero to be a multiple of, so a year's difference counts as a half."""


class Measure(NamedTuple):
    """A column of the customers: its name and kind, and where the profile has its summaries."""

    name: str
    kind: str
    main: str
    second: str | None = None


def frame_of(profile: Any) -> pl.DataFrame:
    """Return a profile of any table library in Polars, NaN as missing; raise InvalidInput where it is no profile.

    >>> frame_of({"segment": [0], "size": [3], "share": [1.0]}).columns
    ['segment', 'size', 'share']
    """
    try:
        frame = pl.DataFrame(profile) if isinstance(profile, dict) else _polars(profile)
    except TypeError as error:
        sentence = f"profile is a {type(profile).__name__}; give a table with a row a segment, as Segmenter.profile_"
        raise InvalidInput(sentence) from error
    if missing := [name for name in KEYS if name not in frame.columns]:
        raise InvalidInput(f"the profile has no column {listed(missing)}; give Segmenter.profile_ or card.profile_of")
    if not len(frame):
        raise InvalidInput("the profile has no row; give one with a row a segment")
    return frame.fill_nan(None)


def measures(profile: pl.DataFrame) -> list[Measure]:
    """Return the columns that a profile summarises, in its order: their kinds are read from the names' endings.

    >>> measures(pl.DataFrame(schema=["segment", "size", "share", "age_mean", "age_median", "vip_share"]))
    [Measure(name='age', kind='number', main='age_mean', second='age_median'),
     Measure(name='vip', kind='boolean', main='vip_share', second=None)]
    """
    return list(_read(profile, iter(name for name in profile.columns if name not in (*KEYS, VALUE))))


def mean_of_all(profile: pl.DataFrame, measure: Measure) -> float | None:
    """Return the mean of the segments' means, each weighted by its size; a date in microseconds.

    Exact where no value of the column is missing; None for categories and where no segment has a mean.

    >>> frame = pl.DataFrame({"segment": [0, 1], "size": [3, 1], "share": [0.75, 0.25], "a_mean": [1.0, 5.0]})
    >>> mean_of_all(frame, Measure("a", "number", "a_mean"))
    2.0
    """
    if measure.kind == "category":
        return None
    pairs = [(v, n) for v, n in zip(_plain(profile, measure), profile["size"], strict=True) if v is not None]
    total = sum(size for _, size in pairs)
    return sum(value * (size / total) for value, size in pairs) if total else None


def contrasts(profile: pl.DataFrame, measure: Measure) -> list[float | None]:
    """Return how far each segment's mean is from the mean of all, in [-1, 1]: 0 at it, below 0 less, above 0 more.

    A number or a share of yes: the difference as a part of the larger of the two, so half of the mean of all is
    -0.5 and twice 0.5; where segments' means lie on both sides of zero, as a part of the farthest segment's
    difference. A date: a year is 0.5, two years two thirds. A category: None.

    >>> frame = pl.DataFrame({"segment": [0, 1], "size": [1, 1], "share": [0.5, 0.5], "a_mean": [10.0, 30.0]})
    >>> contrasts(frame, Measure("a", "number", "a_mean"))
    [-0.5, 0.333...]
    """
    center = mean_of_all(profile, measure)
    if center is None:
        return [None] * len(profile)
    values = _plain(profile, measure)
    there = [value for value in values if value is not None]
    both = min(there) < 0 < max(there)
    farthest = max(abs(value - center) for value in there) if both else None
    return [None if value is None else _contrast(value, center, measure.kind, farthest) for value in values]


def moment(microseconds: float) -> dt.datetime:
    """Return the time that microseconds since 1970-01-01 stand for.

    >>> moment(YEAR)
    datetime.datetime(1971, 1, 1, 6, 0)
    """
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=microseconds)  # noqa: DTZ001 - a profile's have no zone


def _read(profile: pl.DataFrame, names: Iterator[str]) -> Iterator[Measure]:
    for name in names:
        if name.endswith("_share"):
            yield Measure(name.removesuffix("_share"), "boolean", name)
        elif name.endswith("_top"):
            yield Measure(name.removesuffix("_top"), "category", name, next(names, None))
        elif name.endswith("_mean"):
            kind = "date" if profile.schema[name].is_temporal() else "number"
            yield Measure(name.removesuffix("_mean"), kind, name, next(names, None))


def _plain(profile: pl.DataFrame, measure: Measure) -> list[float | None]:
    column = profile[measure.main]
    moments = column.dtype.is_temporal()
    return (column.cast(pl.Datetime("us")).cast(pl.Int64) if moments else column).cast(pl.Float64).to_list()


def _contrast(value: float, center: float, kind: str, farthest: float | None) -> float:
    difference = value - center
    if kind == "date":
        return difference / (abs(difference) + YEAR)
    scale = max(abs(value), abs(center)) if farthest is None else farthest
    # Sums round: equal means may differ in the last digit, and one of two signs is a hair beyond.
    return max(-1.0, min(1.0, difference / scale)) if scale else 0.0


def _polars(profile: Any) -> pl.DataFrame:
    return nw.from_native(profile, eager_only=True).to_polars()
