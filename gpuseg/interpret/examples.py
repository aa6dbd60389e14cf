"""Customers who are typical of a segment: for Python alone, never to be written."""

from typing import Any

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import DAY, Field


def nearest(evidence: Evidence, segment: int, n: int) -> pl.DataFrame:
    """Return the customers of a segment nearest to what represents it: id, their columns, and their distance.

    In the user's units, yes and no as such, categories by their levels; of equally near ones the order is that of the
    sample, which hangs on their values.
    """
    rows = np.flatnonzero(evidence.segments == segment)
    rows = rows[np.argsort(evidence.distance[rows], kind="stable")[:n]]
    columns = [_column(field, evidence.raw[rows, at]) for at, field in enumerate(evidence.fields)]
    distance = pl.Series("distance_to_segment", evidence.distance[rows])
    return pl.DataFrame([evidence.ids.gather(rows), *columns, distance])


def _column(field: Field, values: Host) -> pl.Series:
    """Return a column of the raw matrix as the user knows it."""
    series = pl.Series(field.name, values).fill_nan(None)
    if field.kind == "boolean":
        return series.cast(pl.Boolean)
    if field.kind == "date":
        return (series * DAY).round().cast(pl.Int64).cast(pl.Datetime("us"))
    if field.kind == "category":
        levels: Any = dict(enumerate(field.levels))
        return series.cast(pl.Int64).replace_strict(levels, default=None, return_dtype=pl.String)
    return series
