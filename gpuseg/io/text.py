"""Columns of a host table read as numbers and ids: what they hold is looked at once, then converted lazily."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import polars as pl

from gpuseg.errors import InvalidInput

BLANKS = ("", "nan", "NaN", "NAN", "None", "none", "null", "NULL", "NA", "N/A", "<NA>", "NaT")
WHOLE = r"^(0|[1-9]\d{0,17})(\.0+)?$"
POINT_ZERO = r"^\d+\.0+$"
LARGEST_WHOLE_FLOAT = 2.0**53


class Converted(NamedTuple):
    """A column as an expression of its type; the zone of its times, and what was taken, for a notice."""

    expression: pl.Expr
    zone: dt.tzinfo | None = None
    notice: str = ""


class Look(NamedTuple):
    """An aggregate of rows under a name, and how its values of several parts of the rows become that of all."""

    name: str
    value: pl.Expr
    combine: Callable[[Sequence[Any]], Any]


class Reading(NamedTuple):
    """What has to be looked at in a column, and the conversion that follows from what was seen."""

    looks: Sequence[Look]
    settle: Callable[[dict[str, Any]], Converted]


class Rows(Protocol):
    """Rows that can be looked at, here or on workers."""

    def see(self, looks: Sequence[Look]) -> dict[str, Any]:
        """Return the value of every look by its name, from one pass."""

    def first(self, value: pl.Expr, count: int) -> pl.Series:
        """Return the first present values of an expression, at most ``count``."""


class Scan(NamedTuple):
    """The rows of a lazy frame.

    >>> Scan(pl.LazyFrame({"a": [None, 2, 3]})).first(pl.col("a"), 1).to_list()
    [2]
    """

    frame: pl.LazyFrame

    def see(self, looks: Sequence[Look]) -> dict[str, Any]:
        """Return the value of every look by its name, from one pass."""
        if not looks:
            return {}
        values = [look.value.alias(look.name) for look in looks]
        return self.frame.select(values).collect(engine="streaming").row(0, named=True)

    def first(self, value: pl.Expr, count: int) -> pl.Series:
        """Return the first present values of an expression, at most ``count``."""
        return self.frame.select(value).drop_nulls().head(count).collect().to_series()


def combined(looks: Sequence[Look], seen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was seen in several parts of rows as what all of them show.

    >>> combined([total("n", pl.len()), least("low", pl.col("x"))], [{"n": 2, "low": None}, {"n": 3, "low": 7}])
    {'n': 5, 'low': 7}
    """
    return {look.name: look.combine([one[look.name] for one in seen]) for look in looks} if seen else {}


def total(name: str, count: pl.Expr) -> Look:
    """Return the look at a count or a sum."""
    return Look(name, count, sum)


def every(name: str, test: pl.Expr) -> Look:
    """Return the look whether a test holds in every row where it is not missing."""
    return Look(name, test.all(), all)


def some(name: str, test: pl.Expr) -> Look:
    """Return the look whether a test holds in some row."""
    return Look(name, test.any(), any)


def least(name: str, value: pl.Expr) -> Look:
    """Return the look at the least value, None where all are missing."""
    return Look(name, value.min(), _least)


def most(name: str, value: pl.Expr) -> Look:
    """Return the look at the greatest value, None where all are missing."""
    return Look(name, value.max(), _most)


def _least(values: Sequence[Any]) -> Any:
    return min((value for value in values if value is not None), default=None)


def _most(values: Sequence[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def convert(rows: Rows, readings: Sequence[Reading]) -> list[Converted]:
    """Return the conversions of several columns, all looked at in one pass over the rows.

    >>> frame = pl.LazyFrame({"id": ["1.0", "2.0"], "price": ["2.5", " 3"]})
    >>> readings = [ids("id", pl.String()), numbers("price", pl.String())]
    >>> frame.select(c.expression for c in convert(Scan(frame), readings)).collect().rows()
    [(1, 2.5), (2, 3.0)]
    """
    seen = rows.see([look for reading in readings for look in reading.looks])
    return [reading.settle(seen) for reading in readings]


def plain(expression: pl.Expr, zone: dt.tzinfo | None = None) -> Reading:
    """Return the reading of a column that needs no look."""
    return Reading((), lambda _: Converted(expression, zone))


def is_text(dtype: pl.DataType) -> bool:
    """Return whether a column holds text, plain or as categories."""
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def stripped(column: str) -> pl.Expr:
    """Return a column as text without blanks at its ends; empty text and words for nothing are missing.

    >>> pl.DataFrame({"id": [" 7 ", "NaN", ""]}).select(stripped("id")).to_series().to_list()
    ['7', None, None]
    """
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text.is_in(BLANKS)).then(None).otherwise(text).alias(column)


def parsed_numbers(text: pl.Expr) -> pl.Expr:
    """Return text without blanks as numbers, missing where it is none.

    >>> pl.select(parsed_numbers(pl.lit(pl.Series(["1e3", "-.5", "1,5"])))).to_series().to_list()
    [1000.0, -0.5, None]
    """
    return text.cast(pl.Float64, strict=False)


def numbers(column: str, dtype: pl.DataType) -> Reading:
    """Return how a column is read as numbers; a number column stays as it is.

    Settling raises InvalidInput for text that is no number, with the count of such rows and an example.
    """
    if dtype.is_numeric():
        return plain(pl.col(column))
    if dtype == pl.Null:
        return plain(pl.col(column).cast(pl.Float64))
    if not is_text(dtype):
        raise InvalidInput(f"column {column!r} holds {dtype}, not numbers; name a column of numbers")
    text = stripped(column)
    value = parsed_numbers(text)
    odd = text.is_not_null() & value.is_null()
    count, example, rows = (f"{column}: {what}" for what in ("odd", "example", "rows"))

    def settle(seen: dict[str, Any]) -> Converted:
        if seen[count]:
            raise _no_number(column, seen[count], seen[rows], seen[example])
        return Converted(value.alias(column))

    looks = (total(count, odd.sum()), least(example, pl.when(odd).then(text)), total(rows, pl.len()))
    return Reading(looks, settle)


def ids(column: str, dtype: pl.DataType, *, whole: bool = True) -> Reading:
    """Return how a column is read as ids: whole numbers where all of them are, else text.

    Floats and text such as "17850.0" come out as the whole number 17850; leading zeros keep all ids text.
    Without ``whole`` text stays text, "17850", as orders do: which of them are left changes with cleaning.
    Settling raises InvalidInput for numbers with a fraction.
    """
    if dtype == pl.Null:
        return plain(pl.col(column).cast(pl.Int64))
    if dtype.is_integer():
        return plain(pl.col(column) if dtype == pl.UInt64 else pl.col(column).cast(pl.Int64))
    if dtype.is_numeric():
        return _number_ids(column)
    if is_text(dtype):
        return _text_ids(column, whole=whole)
    raise InvalidInput(f"column {column!r} holds {dtype}, not ids; name a column of whole numbers or text")


def _number_ids(column: str) -> Reading:
    value = pl.col(column).cast(pl.Float64)
    odd = value.is_finite() & ((value != value.floor()) | (value.abs() > LARGEST_WHOLE_FLOAT))
    count, example = f"{column}: odd", f"{column}: example"

    def settle(seen: dict[str, Any]) -> Converted:
        if seen[count]:
            raise InvalidInput(
                f"column {column!r} holds numbers that are not whole in {seen[count]:,} rows, for example "
                f"{seen[example]}; ids are whole numbers or text: name the column that holds them"
            )
        return Converted(pl.col(column).cast(pl.Int64, strict=False))

    return Reading((total(count, odd.sum()), least(example, pl.when(odd).then(value))), settle)


def _text_ids(column: str, *, whole: bool) -> Reading:
    text = stripped(column)
    all_whole, pointed = f"{column}: whole", f"{column}: pointed"
    without = pl.when(text.str.contains(POINT_ZERO)).then(text.str.replace(r"\.0+$", "")).otherwise(text)

    def settle(seen: dict[str, Any]) -> Converted:
        if whole and seen[all_whole]:  # the words for a missing id become missing in the cast
            return Converted(without.cast(pl.Int64, strict=False).alias(column))
        return Converted((without if seen[pointed] else text).alias(column))

    looks = (every(all_whole, text.str.contains(WHOLE)), some(pointed, text.str.contains(POINT_ZERO)))
    return Reading(looks, settle)


def _no_number(column: str, count: int, rows: int, example: str) -> InvalidInput:
    comma = " with a decimal comma" if re.fullmatch(r"[-+]?\d+,\d+", example) else ""
    return InvalidInput(
        f"column {column!r} holds text in {count:,} of {rows:,} rows, for example {example!r}{comma}; "
        "write plain numbers such as 1234.5, without currency signs, words, thousands separators and decimal commas"
    )
