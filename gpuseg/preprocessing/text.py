"""What a column of text is made of: numbers, dates, yes and no, or words."""

from typing import Any

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput

Series = nw.Series[Any]

NUMBER = r"^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$"
SIGNS = r"[$€£¥%,'\s]"
DATE = r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?Z?)?$"
TRUTHS = ("true", "yes")
LIES = ("false", "no")
DAY = 86_400_000_000
"""Microseconds of a day."""


def values_of(frame: nw.DataFrame[Any], name: str) -> Series:
    """Return a column under a harmless name: Polars takes a name such as "^a$" or "*" for a pattern."""
    return frame[name].alias("values")


def without_blanks(text: Series) -> Series:
    """Return text with its outer blanks removed; what is blank throughout is missing.

    >>> import polars as pl
    >>> without_blanks(nw.from_native(pl.Series([" a ", "  "]), series_only=True)).to_list()
    ['a', None]
    """
    trimmed = text.str.strip_chars()
    return trimmed.zip_with(trimmed.str.len_chars() > 0, trimmed.cast(nw.String).shift(len(trimmed)))


def plain_numbers(text: Series) -> Series:
    """Return which values read as numbers as they stand; missing values stay missing."""
    return text.str.contains(NUMBER)


def signed_numbers(text: Series) -> Series:
    """Return which values read as numbers once currency signs and thousands separators are gone."""
    return text.str.replace_all(SIGNS, "").str.contains(NUMBER)


def are_booleans(text: Series) -> bool:
    """Return whether every value is one of true, false, yes, no, in any case."""
    return bool(text.str.to_lowercase().is_in([*TRUTHS, *LIES]).all())


def are_dates(text: Series) -> bool:
    """Return whether every value is an ISO date or time that exists.

    >>> import polars as pl
    >>> [are_dates(nw.from_native(pl.Series([day]), series_only=True)) for day in ("2024-02-29", "2023-02-29")]
    [True, False]
    """
    if not bool(text.str.contains(DATE).all()):
        return False
    try:
        days_of_text(text)
    except (pl.exceptions.PolarsError, ValueError):  # the 30th of February
        return False
    return True


def days_of_text(text: Series) -> Series:
    """Return ISO dates and times as days since 1970-01-01.

    >>> import polars as pl
    >>> days_of_text(nw.from_native(pl.Series(["1970-01-02", "1970-01-01T12:00"]), series_only=True)).to_list()
    [1.0, 0.5]
    """
    full = text.str.replace_all("T", " ").str.replace_all("Z", "")
    full = (full + "").str.slice(0, 19)
    full = full.zip_with(full.str.len_chars() != len("2000-01-01"), full + " 00:00")
    full = full.zip_with(full.str.len_chars() != len("2000-01-01 00:00"), full + ":00")
    return days_of(full.str.to_datetime("%Y-%m-%d %H:%M:%S"))


def days_of(dates: Series) -> Series:
    """Return dates or times as days since 1970-01-01, in UTC where they have a time zone."""
    if dates.dtype == nw.Date:
        dates = dates.cast(nw.Datetime("us"))
    return dates.dt.timestamp("us").cast(nw.Float64) / DAY


def column_error(name: str, found: str, bad: Series, rows: int, mend: str) -> InvalidInput:
    """Return the error for values that do not belong in a column, with their count and an example."""
    return InvalidInput(f"column {name!r} {found} {bad[0]!r} in {len(bad)} of {rows} rows; {mend}")
