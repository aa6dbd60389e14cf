"""Customer tables: ids checked, and the table that says where each customer is."""

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from array_api_compat import is_array_api_obj

from gpuseg.backends import Host, to_host
from gpuseg.cluster import Assignment
from gpuseg.errors import InvalidInput, listed, missing_column
from gpuseg.io import Opened, open_table
from gpuseg.io.tables import Frame

ROW = "row"
"""The id of customers that have none: the number of their row, from 0."""


def opened_customers(x: Any) -> Opened:
    """Return a customer table ready to be worked on; an array of numbers gets columns x0, x1, ..."""
    if not is_array_api_obj(x):
        return open_table(x)
    values = np.asarray(to_host(x))
    if values.ndim != 2:  # noqa: PLR2004 - a table
        raise InvalidInput(f"X has shape {values.shape}; pass two dimensions, customers and columns")
    return open_table(pl.DataFrame(values, schema=[f"x{i}" for i in range(values.shape[1])]))


def ids_of(frame: Frame, id_column: str | None) -> nw.Series[Any]:
    """Return the customers' ids; raise InvalidInput where one is missing or stands twice."""
    if not len(frame):
        raise InvalidInput("the customer table has no rows; give one with customers")
    if id_column is None:
        return nw.new_series(ROW, np.arange(len(frame)), nw.Int64, backend=frame.implementation)
    if id_column in Assignment._fields:
        raise InvalidInput(f"id_column={id_column!r} is also a column of the result; rename the column of ids")
    if id_column not in frame.columns:
        raise missing_column("id_column", id_column, frame.columns)
    ids = frame[id_column]
    if ids.dtype.is_nested():
        raise InvalidInput(f"column {id_column!r} holds {ids.dtype}; give a column of numbers or text as ids")
    if missing := int(_gaps(ids).sum()):
        raise InvalidInput(f"column {id_column!r} is missing in {missing:,} of {len(ids):,} rows; give each row an id")
    if (twice := len(ids) - ids.n_unique()) > 0:
        examples = listed(ids.filter(ids.is_duplicated()).unique(maintain_order=True).head(3).to_list())
        raise InvalidInput(
            f"column {id_column!r} repeats ids in {twice:,} of {len(ids):,} rows, such as {examples}; "
            "keep one row a customer"
        )
    return ids


def values_of(frame: Frame, value_column: str | None) -> Host | None:
    """Return what each customer is worth, 0 where it is missing; raise InvalidInput where it is no number."""
    if value_column is None:
        return None
    if value_column not in frame.columns:
        raise missing_column("value_column", value_column, frame.columns)
    values = frame[value_column]
    if not values.dtype.is_numeric():
        raise InvalidInput(f"column {value_column!r} holds {values.dtype}; give a column of numbers as value_column")
    numbers = to_host(values.cast(nw.Float64).to_numpy())
    return np.where(np.isfinite(numbers), numbers, 0.0)


def _gaps(ids: nw.Series[Any]) -> nw.Series[Any]:
    """Return where an id is missing: null, not a number, or blank."""
    if ids.dtype == nw.String:
        return ids.is_null() | (ids.str.strip_chars() == "").fill_null(value=True)
    return ids.is_null() | ids.is_nan().fill_null(value=True) if ids.dtype.is_float() else ids.is_null()


def assignment_table(ids: nw.Series[Any], kept: Host, assigned: Assignment) -> Frame:
    """Return id, segment, distance, confidence and novelty, a row a customer that was kept."""
    frame = ids.filter(kept.tolist()).to_frame() if not kept.all() else ids.to_frame()
    library = frame.implementation
    fields = [nw.new_series(name, to_host(values), backend=library) for name, values in assigned._asdict().items()]
    return frame.with_columns(*fields)
