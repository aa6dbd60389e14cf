"""Where each customer is: made ready and placed in segments, part by part, on workers or here."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import narwhals as nw
import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.cluster import NOISE, Assignment, Clusterer
from gpuseg.cluster._assignment import ASSIGNED
from gpuseg.customers import Customers, ids_of
from gpuseg.engines.parts import Parts
from gpuseg.interpret.profile import Field, Rows
from gpuseg.io.tables import Frame
from gpuseg.preprocessing import NothingKept, Preprocessor

ROW = "row"
"""The id of customers that have none: the number of their row, from 0."""


class Ready(NamedTuple):
    """Customers made ready: ids, worth, raw columns and matrix of those that are kept, and which these are."""

    ids: Any
    value: Host | None
    kept: Host
    raw: Host
    matrix: Array


class Located(NamedTuple):
    """Customers with their segments: ids, worth and raw columns of those that are kept, and which these are."""

    ids: Any
    value: Host | None
    kept: Host
    raw: Host
    assigned: Assignment


class Step(NamedTuple):
    """The way on from a segment that is split into parts: it is found as one is in the whole.

    ``into`` are the numbers of the parts; ``quiet``: of gaps in the columns that it takes was told before.
    """

    segment: int
    into: Sequence[int]
    steps: Preprocessor
    model: Clusterer
    quiet: bool


def made_ready(
    customers: Customers,
    steps: Preprocessor,
    id_column: str | None = None,
    value_column: str | None = None,
    *,
    others: Sequence[str] = (),
    quiet: bool = False,
) -> Parts:
    """Return the customers made ready by a fitted Preprocessor, in their parts, and held; each is ``Ready``.

    ``others`` are columns that it does not take and nothing is to be said of.
    """
    firsts = np.cumsum([0, *customers.sizes[:-1]]).tolist()
    make = partial(ready, others=others, quiet=quiet, alone=customers.here)
    return customers.parts.along(firsts, make, portable(steps), id_column, value_column).kept()


def portable(fitted: Any) -> Any:
    """Return a fitted estimator for other processes: without what it holds of its training rows."""
    return type(fitted).from_state(fitted.state()).set_params(backend=fitted.backend)


def placed(parts: Parts, model: Clusterer, customers: Customers, splits: Sequence[Step] = ()) -> Parts:
    """Return ``Ready`` customers in parts as ``Located`` by a fitted model and, one after the other, by ``splits``."""
    found = parts.map(located, portable(model))
    return found.beside(customers.parts, further, splits) if splits else found


def ready(
    frame: Frame,
    first: int,
    steps: Preprocessor,
    id_column: str | None,
    value_column: str | None,
    *,
    others: Sequence[str],
    quiet: bool,
    alone: bool,
) -> Ready:
    """Return the customers of a part made ready; ``first`` is the number of its first row, ``alone``: it is all."""
    ids = _numbered(frame, first) if id_column is None else ids_of(frame, id_column)
    value = values_of(frame, value_column)
    try:
        prepared = steps.prepare(frame.drop(others, strict=False), quiet=quiet)
    except NothingKept:
        if alone:
            raise
        raw, matrix = (np.empty((0, width)) for width in (len(fields_of(steps)), len(steps.feature_columns_)))
        kept = np.zeros(len(frame), dtype=bool)
        return Ready(ids.head(0).to_native(), None if value is None else value[:0], kept, raw, matrix)
    kept = cast("Host", prepared.kept)  # a part is in memory
    if not kept.all():
        ids, value = ids.filter(kept.tolist()), None if value is None else value[kept]
    return Ready(ids.to_native(), value, kept, prepared.raw(), prepared.matrix)


def located(customers: Ready, model: Clusterer) -> Located:
    """Return the customers of a part with the segments that a fitted model gives them."""
    if customers.matrix.shape[0]:
        assigned = Assignment(*map(to_host, model.assign(customers.matrix)))
    else:
        assigned = Assignment(*(np.empty(0, dtype=kind) for kind in ASSIGNED))
    return Located(customers.ids, customers.value, customers.kept, customers.raw, assigned)


def further(customers: Located, frame: Frame, splits: Sequence[Step]) -> Located:
    """Return the customers of a part, those of segments that are split in a part of theirs; ``frame`` is their table.

    Distance and novelty are of the last step. Confidence is the least on the way: who is between two segments is
    not sure to be in a part of either.
    """
    for split in splits:
        rows = np.flatnonzero(customers.assigned.segment == split.segment)
        if len(rows):
            customers = customers._replace(assigned=_split(customers, frame, split, rows))
    return customers


def _split(customers: Located, frame: Frame, split: Step, rows: Host) -> Assignment:
    """Return the assignment with that of ``rows``, all customers of a segment, by what it was split by."""
    steps, table = split.steps, rows_in(frame, np.flatnonzero(customers.kept)[rows])
    names = [field.name for field in fields_of(steps) if field.name in table.columns]
    matrix = steps.prepare(table.select(names), quiet=split.quiet).matrix
    found, whole = Assignment(*map(to_host, split.model.assign(matrix))), Assignment(*map(np.copy, customers.assigned))
    # Noise is the last of the numbers, which its -1 counts from the end.
    whole.segment[rows] = np.array([*split.into, NOISE])[found.segment]
    whole.distance[rows], whole.novelty[rows] = found.distance, found.novelty
    whole.confidence[rows] = np.minimum(whole.confidence[rows], found.confidence)
    return whole


def rows_in(frame: Frame, rows: Host) -> Frame:
    """Return the rows of a table that have these numbers, in its order."""
    mask = np.zeros(len(frame), dtype=bool)
    mask[rows] = True
    return frame.filter(mask.tolist())


def members(customers: Located, frame: Frame, segment: int) -> Frame:
    """Return the rows of a part's table, ``frame``, whose customers are in a segment."""
    return rows_in(frame, np.flatnonzero(customers.kept)[customers.assigned.segment == segment])


def fields_of(steps: Preprocessor) -> list[Field]:
    """Return the columns that a fitted Preprocessor uses, in the order of the raw matrix."""
    used = [column for column in steps.schema_ if column["dropped"] is None]
    return [Field(column["name"], column["kind"], column["levels"].tolist()) for column in used]


def rows_left(customers: Ready) -> int:
    """Return how many rows of a part are not kept."""
    return int((~customers.kept).sum())


def matrix_of(customers: Ready) -> Array:
    """Return the matrix of a part."""
    return customers.matrix


def table_of(customers: Located) -> Frame:
    """Return the table of a part that is given back."""
    return assignment_table(nw.from_native(customers.ids), customers.assigned)


def rows_of(customers: Located) -> Rows:
    """Return what a profile is made of."""
    return Rows(customers.raw, customers.assigned.segment, customers.value)


def segments_of(customers: Located) -> Host:
    """Return the segments of a part."""
    return customers.assigned.segment


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
