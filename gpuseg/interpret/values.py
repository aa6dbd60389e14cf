"""Values of the raw matrix as a person reads them, and as a table holds them."""

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import DAY, Field
from gpuseg.notebook import shown
from gpuseg.preprocessing.text import day_shown


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
    there = np.isfinite(values)
    if field.kind == "category":
        return pl.Series(
            field.name, [field.levels[int(v)] if known else None for v, known in zip(values, there, strict=True)]
        )
    column = pl.Series(field.name, values).fill_nan(None)
    if field.kind == "date":
        return (column * DAY).round().cast(pl.Int64).cast(pl.Datetime("us"))
    return column != 0 if field.kind == "boolean" else column


def customers_of(evidence: Evidence, id_column: str | None) -> pl.DataFrame:
    """Return the customers of a sample as a customer table, with their ids where these have a column."""
    columns = [column_of(field, evidence.raw[:, at]) for at, field in enumerate(evidence.fields)]
    return pl.DataFrame([evidence.ids.alias(id_column), *columns] if id_column is not None else columns)
