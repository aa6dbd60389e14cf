"""What a column of text is made of: numbers, dates, yes and no, or words. Read as ``io`` reads text."""

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg.errors import InvalidInput
from gpuseg.io.csv_files import LEADING_ZERO
from gpuseg.io.text import BLANKS, parsed_numbers
from gpuseg.io.times import ISO, in_utc
from gpuseg.privacy import shown_value
from gpuseg.settings import log

Series = nw.Series[Any]

WORDS = (nw.String, nw.Categorical, nw.Enum)
"""The types of text."""
SIGNS = r"[$€£¥%,'\s]"
DIGITS = r"^[+-]?\d+$"
SEPARATED = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?$"
"""Text that may be a date: 20110130 is as likely a number."""
TRUTHS = ("true", "yes")
LIES = ("false", "no")
DAY = 86_400_000_000
"""Microseconds of a day."""


def values_of(frame: nw.DataFrame[Any], name: str) -> Series:
    """Return a column under a harmless name: Polars takes a name such as "^a$" or "*" for a pattern."""
    return frame[name].alias("values")


def without_blanks(text: Series) -> Series:
    """Return text with its outer blanks removed; empty text and words for nothing, such as NA, are missing.

    >>> without_blanks(nw.from_native(pl.Series("values", [" a ", "  ", "NA"]), series_only=True)).to_list()
    ['a', None, None]
    """
    stripped = nw.col("values").str.strip_chars()
    return text.alias("values").to_frame().select(nw.when(~stripped.is_in(BLANKS)).then(stripped))["values"]


def on_host(text: Series) -> pl.Series:
    """Return a column of text in Polars: text is read as numbers and times on the host."""
    if not text.implementation.is_polars():
        log.info("a column of text in %s is read on the host, %d rows", text.implementation, len(text))
    return text.to_polars().rename("values")


def in_library_of(like: Series, numbers: pl.Series) -> Series:
    """Return numbers in the library of the column that they were read from, NaN where one is missing."""
    if like.implementation.is_polars():
        return nw.from_native(numbers, series_only=True)
    return nw.Series.from_numpy("values", numbers.fill_null(np.nan).to_numpy(), backend=like.implementation)


def numbers_in(text: pl.Series) -> pl.Series:
    """Return text as numbers, missing where it is none."""
    return text.to_frame("values").select(parsed_numbers(pl.col("values")))["values"]


def starts_with_zero(digits: pl.Series) -> bool:
    """Return whether some numbers in text have a leading zero, as codes have it.

    >>> [starts_with_zero(pl.Series(values)) for values in (["01234", "5"], ["0", "5"])]
    [True, False]
    """
    return bool(digits.str.contains(LEADING_ZERO).any())


def signed_numbers(text: pl.Series) -> int:
    """Return how many values read as numbers once currency signs and thousands separators are gone."""
    return numbers_in(text.str.replace_all(SIGNS, "")).count()


def days_of_text(text: pl.Series, way: str) -> pl.Series:
    """Return text as days since 1970-01-01, in UTC; what is neither ISO nor written in ``way`` is missing.

    >>> days_of_text(pl.Series("values", ["1970-01-02", "1/1/1970 12:00", "soon"]), "%d/%m/%Y").to_list()
    [1.0, 0.5, None]
    """
    times = pl.coalesce(in_utc(pl.col("values"), one) for one in dict.fromkeys((ISO, way)))
    return text.to_frame("values").select(values=times.dt.timestamp("us").cast(pl.Float64) / DAY)["values"]


def days_of_one(text: str) -> float | None:
    """Return an ISO date or time as days since 1970-01-01, None where it is none."""
    days: float | None = days_of_text(pl.Series("values", [text]), ISO)[0]
    return days


def days_of(dates: Series) -> Series:
    """Return dates or times as days since 1970-01-01, in UTC where they have a time zone."""
    if dates.dtype == nw.Date:
        dates = dates.cast(nw.Datetime("us"))
    return dates.dt.timestamp("us").cast(nw.Float64) / DAY


def day_shown(days: float) -> str:
    """Return days since 1970-01-01 as ISO text, with the time where it is not midnight.

    >>> day_shown(1.0), day_shown(0.5)
    ('1970-01-02', '1970-01-01T12:00:00')
    """
    return str(np.datetime64(round(days * 86_400), "s")).removesuffix("T00:00:00")


def column_error(name: str, found: str, example: object, count: int, rows: int, mend: str) -> InvalidInput:
    """Return the error for values that do not belong in a column, with their count and an example."""
    return InvalidInput(f"column {name!r} {found} {shown_value(example)} in {count} of {rows} rows; {mend}")
