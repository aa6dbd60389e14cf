"""Between the table and the raw matrix: a float64 column each, NaN where a value is missing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg.backends import Array, Backend, Host
from gpuseg.errors import InvalidInput, listed, missing_column
from gpuseg.preprocessing.levels import codes_of
from gpuseg.preprocessing.looks import without_gaps
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.text import (
    DAY,
    LIES,
    TRUTHS,
    Series,
    column_error,
    days_of,
    days_of_text,
    in_library_of,
    numbers_in,
    on_host,
    values_of,
    without_blanks,
)
from gpuseg.privacy import shown_value


class Outside(NamedTuple):
    """Values of a category that are none of its levels: how many, and one of them."""

    column: Column
    values: int
    example: str


def encode(frame: nw.DataFrame[Any], columns: Sequence[Column], backend: Backend) -> tuple[Array, list[Outside]]:
    """Return the raw matrix (rows, columns) of a table, found by name, and what no level was known for.

    Raises InvalidInput for a column that is missing or whose values do not convert.
    """
    if lacking := [column.name for column in columns if column.name not in frame.columns]:
        raise missing_column("X: the fitted column", lacking[0], frame.columns)
    encoded, outside = [], []
    for i, column in enumerate(columns):
        values, strange = _encoded(values_of(frame, column.name), column)
        encoded.append(values.cast(nw.Float64).fill_null(float("nan")).alias(f"c{i}"))
        if len(strange):
            outside.append(Outside(column, len(strange), str(strange[0])))
    return backend.matrix(frame.select(*encoded)), outside


def _encoded(series: Series, column: Column) -> tuple[Series, Series]:
    """Return a column as numbers, and the words that are none of its levels; without a value the type is no matter."""
    if not len(without_gaps(series)):
        series = series.to_frame().with_columns(values=nw.lit(None, nw.String))["values"]
    if column.kind == "category":
        return codes_of(series, column)
    reader = {"number": _numbers, "boolean": _booleans, "date": _days}[column.kind]
    return reader(series, column), series.head(0)


def _numbers(series: Series, column: Column) -> Series:
    if series.dtype.is_numeric() or series.dtype == nw.Boolean:
        return series.cast(nw.Float64)
    if series.dtype != nw.String:
        raise _retyped(series, column.name, "numbers")
    text = on_host(without_blanks(series))
    numbers = numbers_in(text)
    if len(bad := text.filter(numbers.is_null() & text.is_not_null())):
        raise column_error(
            column.name, "was of numbers at fit and holds text such as", bad[0], len(bad), len(series), "mend these"
        )
    return in_library_of(series, numbers)


def _booleans(series: Series, column: Column) -> Series:
    text = series.dtype == nw.String
    if not (text or series.dtype.is_numeric() or series.dtype == nw.Boolean):
        raise _retyped(series, column.name, "yes and no")
    values = without_blanks(series).str.to_lowercase() if text else series.cast(nw.Float64)
    known: list[Any] = [*TRUTHS, *LIES, "1", "0", "1.0", "0.0"] if text else [1.0, 0.0]
    gone = values.is_null() if text else values.is_null() | values.is_nan().fill_null(value=False)
    bad = series.filter(~(values.is_in(known) | gone))
    if len(bad):
        found = "was of yes and no at fit and holds values such as"
        raise column_error(column.name, found, bad[0], len(bad), len(series), "mend these, or fit again")
    return values.is_in([*TRUTHS, "1", "1.0"]).cast(nw.Float64) if text else values


def _days(series: Series, column: Column) -> Series:
    if series.dtype in (nw.Date, nw.Datetime):
        return days_of(series)
    if series.dtype != nw.String:
        raise _retyped(series, column.name, "dates")
    text = on_host(without_blanks(series))
    days = days_of_text(text, column.way)
    if len(bad := text.filter(days.is_null() & text.is_not_null())):
        found = "was of dates at fit and holds text such as"
        raise column_error(column.name, found, bad[0], len(bad), len(series), "write yyyy-mm-dd")
    return in_library_of(series, days)


def _retyped(series: Series, name: str, was: str) -> InvalidInput:
    return InvalidInput(
        f"column {name!r} was of {was} at fit and holds {series.dtype} in {len(series)} rows, such as"
        f" {series.drop_nulls().head(1).to_list()}; convert it"
    )


def decode(values: dict[str, Host], columns: Sequence[Column]) -> pl.DataFrame:
    """Return a table in the user's units from raw values a column: codes as levels, days as times.

    A dropped column that was constant comes back with its value; other dropped ones do not.
    """
    rows = len(next(iter(values.values())))
    series = []
    for column in columns:
        if column.name in values:
            series.append(_decoded(values[column.name], column))
        elif column.constant is not None and not isinstance(column.constant, str):
            series.append(_decoded(np.full(rows, column.constant), column))
        elif column.constant is not None:
            series.append(pl.Series(column.name, [column.constant] * rows, dtype=pl.String))
    return pl.DataFrame(series)


def _decoded(values: Host, column: Column) -> pl.Series:
    if column.kind == "category":
        return pl.Series(column.name, column.levels[values.astype(np.int64)].tolist(), dtype=pl.String)
    if column.kind == "date":
        return pl.Series(column.name, np.rint(values * DAY).astype(np.int64)).cast(pl.Datetime("us"))
    return pl.Series(column.name, values)


def outside_said(outside: Sequence[Outside]) -> list[str]:
    """Return a sentence for each category with values that are none of its levels."""
    return [
        f"column {o.column.name!r} holds {o.values} values outside its levels {listed(o.column.levels)}, such as"
        f" {shown_value(o.example)} ({o.column.outside:.1%} of the rows at fit)"
        for o in outside
    ]
