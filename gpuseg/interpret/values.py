"""Values of the raw matrix as a person reads them, and as a table holds them."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import DAY, Field
from gpuseg.notebook import shown
from gpuseg.preprocessing.text import day_shown

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - dates of a table have no zone


def shown_raw(field: Field, value: float) -> str:
    """Return a raw value of a field in words: a date as a day, a category by its level, yes or no.

    >>> shown_raw(Field("joined", "date", []), 1.0), shown_raw(Field("plan", "category", ["a", "b"]), 1.0)
    ('1970-01-02', 'b')
    """
    if not np.isfinite(value):
        return "missing"
    if field.kind == "date":
        return day_shown(float(np.floor(value)))
    if field.kind == "category":
        return field.levels[int(value)]
    if field.kind == "boolean":
        return "yes" if value else "no"
    return shown(field.name, float(value))


def column_of(field: Field, values: Host) -> pl.Series:
    """Return raw values of a field as a column of a customer table: dates as times, levels as text, yes or no.

    >>> column_of(Field("plan", "category", ["a", "b"]), np.array([1.0, np.nan])).to_list()
    ['b', None]
    """
    column = pl.Series(field.name, values, dtype=pl.Float64).fill_nan(None)
    if field.kind == "category":
        levels: Any = dict(enumerate(map(str, field.levels)))
        return column.cast(pl.Int64).replace_strict(levels, default=None, return_dtype=pl.String)
    if field.kind == "date":
        return (column * DAY).round().cast(pl.Int64).cast(pl.Datetime("us"))
    return column != 0 if field.kind == "boolean" else column


def decoded(evidence: Evidence) -> pl.DataFrame:
    """Return the raw columns of a sample as a customer table."""
    columns = zip(evidence.fields, evidence.raw.T, strict=True)
    return pl.DataFrame([column_of(field, values) for field, values in columns])


def customers_of(evidence: Evidence, id_column: str | None) -> pl.DataFrame:
    """Return the customers of a sample as a customer table, with their ids where these have a column."""
    table = decoded(evidence)
    return table if id_column is None else table.insert_column(0, evidence.ids.alias(id_column))


def date_of(days: float) -> dt.datetime:
    """Return the time that days since 1970-01-01 stand for, to the microsecond.

    >>> date_of(1.5)
    datetime.datetime(1970, 1, 2, 12, 0)
    """
    return EPOCH + dt.timedelta(microseconds=round(days * DAY))
