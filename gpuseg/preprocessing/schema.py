"""What each column of a table is: a number, yes or no, a category, a date, or of no use and why."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from gpuseg.backends import Host
from gpuseg.io.times import DATES, ISO
from gpuseg.preprocessing.text import (
    TRUTHS,
    WORDS,
    Series,
    are_booleans,
    column_error,
    day_shown,
    have_leading_zeros,
    numbers_in,
    on_host,
    signed_numbers,
    way_of_dates,
    without_blanks,
)

FEW = 20
"""Tables of fewer rows are too short to tell an id from a value."""
NEARLY_ALL = 0.9
ID_WORDS = {"id", "no", "nr", "number", "key", "code", "uid", "uuid", "guid"}
ID_ENDING = re.compile(
    r"(customer|client|user|account|member|person|visitor|card|order|cust)(id|no|nr|number|key|code)$"
)
TYPES = (
    (nw.Boolean, "boolean"),
    (nw.Date, "date"),
    (nw.Datetime, "date"),
    (nw.Categorical, "category"),
    (nw.Enum, "category"),
)
NO_LEVELS = np.array([], dtype="<U1")


class Column(NamedTuple):
    """What was learnt of one column of the table.

    ``dropped`` says why it is not in the matrix; ``constant`` is its only value, if that is why.
    ``levels`` are a category's, by code; ``absent`` is the one that stands for a missing value,
    None where that is imputed. ``outside`` is the share of the rows in levels that were pooled.
    ``way`` is how a date of text is written; ISO is always read.
    """

    name: str
    kind: str
    dropped: str | None = None
    constant: float | str | None = None
    levels: Host = NO_LEVELS
    absent: str | None = None
    pooled: int = 0
    outside: float = 0.0
    missing: int = 0
    note: str | None = None
    way: str = ISO

    def noted(self, note: str) -> "Column":
        """Return the column with one note more."""
        return self._replace(note=f"{self.note}; {note}" if self.note else note)

    def shown(self, value: float | str) -> str:
        """Return a raw value as a person reads it: 20000.0 of a date as 2024-10-04, 1.0 of a boolean as yes."""
        if isinstance(value, str):
            return repr(value)
        if self.kind == "date":
            return day_shown(value)
        if self.kind == "boolean" and value in (0.0, 1.0):
            return "yes" if value else "no"
        return f"{value:g}"


def kind_of(series: Series, name: str, asked: str | None = None) -> Column:
    """Return the kind of a column, by its type and its values; ``asked`` is the user's own word for it.

    Raises InvalidInput for text in a column of numbers, with count and example.

    >>> import polars as pl
    >>> kind_of(nw.from_native(pl.Series(["1.5", "20"]), series_only=True), "spend").kind
    'number'
    """
    dtype = series.dtype
    there = without_gaps(series)
    if not len(there):
        return Column(name, "category", dropped="it has no value", missing=len(series))
    if asked == "category":
        return Column(name, "category")
    if dtype == nw.String:
        return _of_text(there, name, len(series), asked)
    if dtype.is_numeric():
        return _of_numbers(there, name, asked)
    if dtype == nw.Boolean and asked is None:
        return _yes_or_no(there, name, len(series))
    kind = next((kind for known, kind in TYPES if dtype == known), None)
    return Column(name, kind or "category", dropped=None if kind else f"values of type {dtype} are not used")


def without_gaps(series: Series) -> Series:
    """Return the values that are there: no null, no NaN, no blank text."""
    if series.dtype in WORDS:
        return without_blanks(series.cast(nw.String)).drop_nulls()
    there = series.drop_nulls()
    return there.filter(~there.is_nan()) if there.dtype.is_float() else there


def _of_text(there: Series, name: str, rows: int, asked: str | None) -> Column:
    if are_booleans(there):
        true = there.str.to_lowercase().is_in(TRUTHS)
        return Column(name, "boolean") if asked else _yes_or_no(true, name, rows)
    text = on_host(there)
    numbers = numbers_in(text)
    codes = asked != "number" and have_leading_zeros(text)
    if not numbers.null_count() and not codes:
        return _of_numbers(nw.from_native(numbers, series_only=True), name, asked).noted("text read as numbers")
    if (way := way_of_dates(text, name)) is not None:
        dates = Column(name, "date", way=way)
        return dates if way == ISO else dates.noted(f"text read as {DATES[way]}")
    if not codes and (asked == "number" or 2 * signed_numbers(text) >= len(text)):
        found = f"holds numbers in {numbers.count()} of {rows} rows and text such as"
        bad = text.filter(numbers.is_null())
        advice = f"write plain numbers such as 1.5, or name it in categorical=[{name!r}]"
        raise column_error(name, found, bad, rows, advice)
    if len(there) >= FEW and there.n_unique() > NEARLY_ALL * len(there):
        return Column(name, "category", dropped=f"it is like an id: text with {there.n_unique()} different values")
    column = Column(name, "category")
    return column.noted("numbers with leading zeros are a category") if codes else column


def _yes_or_no(there: Series, name: str, rows: int) -> Column:
    """Return a column of true and false; with one of them and gaps it is a category: the gaps say the other."""
    varies = bool(there.any()) != bool(there.all())
    return Column(name, "boolean" if varies or len(there) == rows else "category")


def _of_numbers(there: Series, name: str, asked: str | None) -> Column:
    if asked == "number":
        return Column(name, "number")
    low, high = float(there.min()), float(there.max())
    if (low, high) == (0.0, 1.0) and there.n_unique() == len((0, 1)):
        return Column(name, "boolean")
    return Column(name, "number", dropped=_like_an_id(there, name, low, high))


def _like_an_id(there: Series, name: str, low: float, high: float) -> str | None:
    """Return why whole numbers, no two alike, are taken for an id: a key's name, or counting on from 0 or 1."""
    if len(there) < FEW or there.n_unique() < len(there):
        return None
    if there.dtype.is_float() and not bool((there == there.round()).all()):
        return None
    if low in (0.0, 1.0) and high - low == len(there) - 1:
        return "it is like an id: whole numbers that count the rows"
    return "it is like an id: whole numbers, all different, under the name of a key" if is_id_name(name) else None


def is_id_name(name: str) -> bool:
    """Return whether the last word of a column's name says that it holds ids.

    >>> [is_id_name(name) for name in ("CustomerID", "customer_id", "userid", "TotalPaid")]
    [True, True, True, False]
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(words and words[-1].casefold() in ID_WORDS) or bool(ID_ENDING.search(name.casefold()))


def first_of_each(frame: nw.DataFrame[Any], names: Sequence[str]) -> Host:
    """Return which rows are the first with their values in the named columns, as a mask.

    >>> import polars as pl
    >>> first_of_each(nw.from_native(pl.DataFrame({"a": [1, 1, 2]})), ["a"]).tolist()
    [True, False, True]
    """
    mask = np.ones(len(frame), dtype=bool)
    if not names:
        return mask
    numbered = frame.select(*[frame[name].alias(f"c{i}") for i, name in enumerate(names)])
    indexed = numbered.with_row_index("row")
    first = indexed.unique(numbered.columns, keep="first", maintain_order=True)["row"]
    mask[:] = False
    mask[first.to_numpy()] = True
    return mask
