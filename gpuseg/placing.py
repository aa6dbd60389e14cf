"""Where each customer is: made ready and placed in segments, part by part, on workers or here."""

from functools import partial
from typing import Any, NamedTuple, cast

import narwhals as nw
import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.cluster import Assignment, Clusterer
from gpuseg.cluster._assignment import ASSIGNED
from gpuseg.customers import Customers, ids_of
from gpuseg.engines.parts import Parts
from gpuseg.io.tables import Frame
from gpuseg.preprocessing import NothingKept, Preprocessor
from gpuseg.profile import Field, Rows

ROW = "row"
"""The id of customers that have none: the number of their row, from 0."""


class Ready(NamedTuple):
    """Customers made ready: ids, worth, raw columns and matrix of those that are kept, and how many are not."""

    ids: Any
    value: Host | None
    left: int
    raw: Host
    matrix: Array


class Located(NamedTuple):
    """Customers with their segments: the table that is given back, and what a profile is made of."""

    table: Any
    rows: Rows


def made_ready(
    customers: Customers,
    steps: Preprocessor,
    id_column: str | None = None,
    value_column: str | None = None,
    *,
    quiet: bool = False,
) -> Parts:
    """Return the customers made ready by a fitted Preprocessor, in their parts, and held; each is ``Ready``."""
    firsts, make = np.cumsum([0, *customers.sizes[:-1]]).tolist(), partial(ready, quiet=quiet, alone=customers.here)
    return customers.parts.along(firsts, make, portable(steps), id_column, value_column).kept()


def portable(fitted: Any) -> Any:
    """Return a fitted estimator for other processes: without what it holds of its training rows."""
    return type(fitted).from_state(fitted.state()).set_params(backend=fitted.backend)


def placed(parts: Parts, model: Clusterer) -> Parts:
    """Return ``Ready`` customers in parts as ``Located`` by a fitted model."""
    return parts.map(located, portable(model))


def ready(
    frame: Frame,
    first: int,
    steps: Preprocessor,
    id_column: str | None,
    value_column: str | None,
    *,
    quiet: bool,
    alone: bool,
) -> Ready:
    """Return the customers of a part made ready; ``first`` is the number of its first row, ``alone``: it is all."""
    ids = _numbered(frame, first) if id_column is None else ids_of(frame, id_column)
    value = values_of(frame, value_column)
    try:
        prepared = steps.prepare(frame, quiet=quiet)
    except NothingKept:
        if alone:
            raise
        raw, matrix = (np.empty((0, width)) for width in (len(fields_of(steps)), len(steps.feature_columns_)))
        return Ready(ids.head(0).to_native(), None if value is None else value[:0], len(frame), raw, matrix)
    kept = cast("Host", prepared.kept)  # a part is in memory
    if left := int((~kept).sum()):
        ids, value = ids.filter(kept.tolist()), None if value is None else value[kept]
    return Ready(ids.to_native(), value, left, prepared.raw(), prepared.matrix)


def located(customers: Ready, model: Clusterer) -> Located:
    """Return the customers of a part with the segments that a fitted model gives them."""
    if customers.matrix.shape[0]:
        assigned = Assignment(*map(to_host, model.assign(customers.matrix)))
    else:
        assigned = Assignment(*(np.empty(0, dtype=kind) for kind in ASSIGNED))
    table = assignment_table(nw.from_native(customers.ids), assigned)
    return Located(table.to_native(), Rows(customers.raw, assigned.segment, customers.value))


def fields_of(steps: Preprocessor) -> list[Field]:
    """Return the columns that a fitted Preprocessor uses, in the order of the raw matrix."""
    used = [column for column in steps.schema_ if column["dropped"] is None]
    return [Field(column["name"], column["kind"], column["levels"].tolist()) for column in used]


def rows_left(customers: Ready) -> int:
    """Return how many rows of a part are not kept."""
    return customers.left


def matrix_of(customers: Ready) -> Array:
    """Return the matrix of a part."""
    return customers.matrix


def table_of(customers: Located) -> Any:
    """Return the table of a part that is given back."""
    return customers.table


def rows_of(customers: Located) -> Rows:
    """Return what a profile is made of."""
    return customers.rows


def segments_of(customers: Located) -> Host:
    """Return the segments of a part."""
    return customers.rows.segments


def column_of_segments(table: Frame) -> Host:
    """Return the segments of a table of ``assignment_table``."""
    return table["segment"].to_numpy()


def values_of(frame: Frame, value_column: str | None) -> Host | None:
    """Return what each customer is worth, 0 where it is missing."""
    if value_column is None:
        return None
    numbers = to_host(frame[value_column].cast(nw.Float64).to_numpy())
    return np.where(np.isfinite(numbers), numbers, 0.0)


def assignment_table(ids: Frame, assigned: Assignment) -> Frame:
    """Return id, segment, distance, confidence and novelty, a row a customer."""
    library = ids.implementation
    return ids.with_columns(*(nw.new_series(name, of, backend=library) for name, of in assigned._asdict().items()))


def _numbered(frame: Frame, first: int) -> Frame:
    """Return the numbers of a part's rows, of which the first is given."""
    numbers = np.arange(first, first + len(frame))
    return nw.new_series(ROW, numbers, nw.Int64, backend=frame.implementation).to_frame()
