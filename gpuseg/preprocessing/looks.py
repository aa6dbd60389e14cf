"""What is seen of a column in one part of a table, and of all parts together: kinds are decided from that."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg.errors import InvalidInput, missing_column
from gpuseg.io.times import ways
from gpuseg.preprocessing.text import (
    DIGITS,
    LIES,
    SEPARATED,
    TRUTHS,
    WORDS,
    Series,
    numbers_in,
    on_host,
    signed_numbers,
    starts_with_zero,
    values_of,
    without_blanks,
)
from gpuseg.privacy import Traces, both, traces_in

FAMILIES = (
    (nw.String, "text"),
    (nw.Boolean, "boolean"),
    (nw.Date, "date"),
    (nw.Datetime, "date"),
    (nw.Categorical, "category"),
    (nw.Enum, "category"),
)


SHORTEST, LONGEST = 1e7, 2.0**63
"""Whole numbers from eight digits on may be those of phones, cards and persons; beyond 64 bits they are none."""


class Numbers(NamedTuple):
    """Of numbers: the extremes, whether all are whole, whether all are 0 or 1."""

    low: float = np.inf
    high: float = -np.inf
    whole: bool = True
    binary: bool = True

    def and_of(self, other: "Numbers") -> "Numbers":
        """Return what both show."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Numbers(low, high, self.whole and other.whole, self.binary and other.binary)


class Text(NamedTuple):
    """Of text: how many values say yes, no, a number, a number behind signs; how dates are written; examples.

    ``digits``: all that reads as a number is digits, ``zeros``: some of it behind a zero. ``ways`` is None where
    there is no value. ``different`` is how many values differ at most.
    """

    yes: int = 0
    no: int = 0
    numbers: int = 0
    signed: int = 0
    digits: bool = True
    zeros: bool = False
    ways: tuple[str, ...] | None = None
    first: str | None = None
    odd: str | None = None
    different: int = 0

    def and_of(self, other: "Text") -> "Text":
        """Return what both show, ``self`` before ``other``."""
        both = self.ways if other.ways is None else other.ways
        if self.ways is not None and other.ways is not None:
            both = tuple(way for way in self.ways if way in other.ways)
        first = other.first if self.first is None else self.first
        odd = other.odd if self.odd is None else self.odd
        return Text(
            self.yes + other.yes,
            self.no + other.no,
            self.numbers + other.numbers,
            self.signed + other.signed,
            self.digits and other.digits,
            self.zeros or other.zeros,
            both,
            first,
            odd,
            self.different + other.different,
        )


class Look(NamedTuple):
    """What a part shows of a column: its rows, how many have a value, and what these are; no ``family`` without one.

    ``order`` holds an Enum's levels, ``traces`` what values look like that may be about persons.
    """

    rows: int
    there: int = 0
    family: str = ""
    order: tuple[str, ...] = ()
    numbers: Numbers = Numbers()
    text: Text = Text()
    traces: Traces = ()

    def and_of(self, other: "Look") -> "Look":
        """Return what both show."""
        return Look(
            self.rows + other.rows,
            self.there + other.there,
            self.family or other.family,
            tuple(dict.fromkeys((*self.order, *other.order))),
            self.numbers.and_of(other.numbers),
            self.text.and_of(other.text),
            both(self.traces, other.traces),
        )


def looks_at(part: nw.DataFrame[Any], asked: Mapping[str, str | None]) -> dict[str, Look]:
    """Return what a part shows of the columns in ``asked``, by name; raise InvalidInput where one is not there."""
    if lacking := [name for name in asked if name not in part.columns]:
        raise missing_column("X: the column of the first part", lacking[0], part.columns)
    return {name: look_at(values_of(part, name), as_category=word == "category") for name, word in asked.items()}


def together(parts: Sequence[Mapping[str, Look]]) -> dict[str, Look]:
    """Return what all parts show, by name; raise InvalidInput for a column whose parts differ in kind."""
    for name in parts[0]:
        families = list(dict.fromkeys(part[name].family for part in parts if part[name].family))
        if len(families) > 1:
            raise InvalidInput(
                f"column {name!r} holds {families[0]} in one part and {families[1]} in another; "
                "write all parts with one type"
            )
    return {name: functools.reduce(Look.and_of, (part[name] for part in parts)) for name in parts[0]}


def look_at(series: Series, *, as_category: bool = False) -> Look:
    """Return what a column shows; of one that is a category by the user's word no values are read as something else.

    >>> import polars as pl
    >>> look_at(nw.from_native(pl.Series(["1.5", "x", None]), series_only=True)).text.numbers
    1
    """
    there, dtype = without_gaps(series), series.dtype
    if not len(there):
        return Look(len(series))
    family = "number" if dtype.is_numeric() else next((f for known, f in FAMILIES if dtype == known), str(dtype))
    order = tuple(dtype.categories) if isinstance(dtype, nw.Enum) else ()
    look = Look(len(series), len(there), family, order)
    if family == "number":
        numbers = _of_numbers(there)
        look = look._replace(traces=_traces_of_numbers(there, numbers))
        return look if as_category else look._replace(numbers=numbers)
    if family in ("text", "category"):
        text = on_host(there)
        look = look._replace(traces=traces_in(text))
        return look if as_category or family == "category" else _of_text(there, text, look)
    if family == "boolean" and not as_category:
        yes = int(there.sum())
        return look._replace(text=Text(yes=yes, no=len(there) - yes))
    return look


def without_gaps(series: Series) -> Series:
    """Return the values that are there: no null, no NaN, no blank text."""
    if series.dtype in WORDS:
        return without_blanks(series.cast(nw.String)).drop_nulls()
    there = series.drop_nulls()
    return there.filter(~there.is_nan()) if there.dtype.is_float() else there


def _of_numbers(there: Series) -> Numbers:
    low, high = float(there.min()), float(there.max())
    whole = not there.dtype.is_float() or bool((there == there.round()).all())
    binary = low in (0.0, 1.0) and high in (0.0, 1.0) and bool(((there == low) | (there == high)).all())
    return Numbers(low, high, whole, binary)


def _traces_of_numbers(there: Series, numbers: Numbers) -> Traces:
    """Return what whole numbers of many digits look like; of others nothing is to be told."""
    if not (numbers.whole and SHORTEST <= numbers.high < LONGEST and numbers.low > -LONGEST):
        return ()
    return traces_in(there.cast(nw.Int64).to_polars())


def _of_text(there: Series, text: pl.Series, look: Look) -> Look:
    """Return what text shows: what reads in one way reads in no other, so the first way is the last that is tried."""
    lower, first = there.str.to_lowercase(), str(there[0])
    yes, no = (int(lower.is_in(words).sum()) for words in (TRUTHS, LIES))
    if yes + no == len(there):
        return look._replace(text=Text(yes=yes, no=no, ways=(), first=first, odd=first, different=len(there)))
    numbers = numbers_in(text)
    count = numbers.count()
    readable = text.filter(numbers.is_not_null())
    digits, zeros = bool(readable.str.contains(DIGITS).all()), starts_with_zero(readable)
    seen = Text(yes, no, count, count, digits, zeros, (), first, different=len(text))
    if count == len(text):
        different = text.n_unique() if digits and zeros else len(text)
        found = _of_numbers(nw.from_native(numbers, series_only=True))
        return look._replace(numbers=found, text=seen._replace(different=different))
    seen = seen._replace(odd=str(text.filter(numbers.is_null())[0]))
    if not count and bool(text.str.contains(SEPARATED).all()) and (dates := tuple(ways(text))):
        return look._replace(text=seen._replace(ways=dates))
    return look._replace(text=seen._replace(signed=signed_numbers(text), different=text.n_unique()))
