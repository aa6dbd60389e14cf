"""From what was given to an engine that walks over the raw matrix."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, choose, like, to_host
from gpuseg.engines import Block, Engine, blocks_of, is_dask, matrix_of, site_of
from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput, UnsupportedOnBackend, missing_column
from gpuseg.preprocessing._intake import Intake, columns_of, rows_of
from gpuseg.preprocessing.encode import Outside, encode
from gpuseg.preprocessing.plan import Plan, features_of
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.tally import rows_without_gaps
from gpuseg.preprocessing.transforms import finite


class NothingKept(InvalidInput):
    """Every row is dropped for a missing value: of a part of a table that is no fault."""


class Raw(NamedTuple):
    """An engine over the raw matrix, its rows, which rows of the input they are, and values outside all levels."""

    engine: Engine
    total: int
    kept: Host | Parts
    outside: list[Outside]
    like: Any
    dtype: Any


class Encoded(NamedTuple):
    """A part of the raw matrix, which rows of the table they are, and values outside all levels."""

    matrix: Array
    kept: Host
    outside: list[Outside]


def raw_matrix(intake: Intake, columns: Sequence[Column], whole: Sequence[bool], where: Mapping[str, Any]) -> Raw:
    """Return the walk over the raw columns; ``whole`` says in which of them a gap drops the row.

    ``where`` has the parameters backend and engine.
    """
    for column in columns:
        if column.name not in intake.names:
            raise missing_column("X: the fitted column", column.name, intake.names)
    needed = np.array([i for i, gap in enumerate(whole) if gap], dtype=np.int64)
    if intake.parts is None:
        raw = _of_array(intake, columns, needed, where)
    elif intake.away:
        raw = _of_parts(intake.parts_of([c.name for c in columns]), columns, needed, where)
    else:
        raw = _of_frame(intake.parts, columns, needed, where)
    if not raw.total:
        names = ", ".join(repr(columns[i].name) for i in needed.tolist())
        raise NothingKept(f"no row of X has a value in all of {names}, which missing='drop' asks for; use 'median'")
    return raw


def _of_array(intake: Intake, columns: Sequence[Column], needed: Host, where: Mapping[str, Any]) -> Raw:
    matrix = columns_of(intake.array, [intake.names.index(column.name) for column in columns])
    kept = _kept(matrix, needed, intake)
    return _in_memory(Encoded(rows_of(matrix, kept), kept, []), matrix, where)


def _of_frame(parts: Parts, columns: Sequence[Column], needed: Host, where: Mapping[str, Any]) -> Raw:
    (frame,) = parts.collect(itself)
    (encoded,) = parts.collect(encoded_part, columns, needed, where["backend"])
    return _in_memory(encoded, frame, where)


def _in_memory(encoded: Encoded, origin: Any, where: Mapping[str, Any]) -> Raw:
    blocks = blocks_of(encoded.matrix, missing=True)
    site = site_of(where["engine"], lazy=blocks.lazy)
    engine = site.engine(blocks, site.choose(blocks.held, where["backend"]).backend.name)
    dtype = np.float32 if str(encoded.matrix.dtype).endswith("float32") else np.float64
    return Raw(engine, int(encoded.kept.sum()), encoded.kept, encoded.outside, origin, dtype)


def _of_parts(parts: Parts, columns: Sequence[Column], needed: Host, where: Mapping[str, Any]) -> Raw:
    """Return the walk over the matrices that workers make of the parts, and hold."""
    encoded = parts.map(encoded_part, columns, needed, where["backend"]).kept()
    seen = encoded.collect(_about)
    sizes = tuple(rows for rows, _ in seen)
    engine = encoded.map(_matrix_in).walk(sizes, len(columns), where["backend"])
    kept = encoded.map(_kept_in).kept()
    outside = _outside_of_all([found for _, found in seen])
    return Raw(engine, sum(sizes), kept, outside, None, np.float64)


def encoded_part(part: nw.DataFrame[Any], columns: Sequence[Column], needed: Host, backend: str) -> Encoded:
    """Return a part of a table as numbers, without the rows that have a gap in the columns ``needed``."""
    matrix, outside = encode(part, columns, choose(part.to_native(), backend).backend)
    kept = to_host(rows_without_gaps(matrix, needed))
    return Encoded(rows_of(matrix, kept), kept, outside)


def _about(part: Encoded) -> tuple[int, list[Outside]]:
    return int(part.kept.sum()), part.outside


def _matrix_in(part: Encoded) -> Array:
    return part.matrix


def _kept_in(part: Encoded) -> Host:
    return part.kept


def _outside_of_all(parts: Sequence[list[Outside]]) -> list[Outside]:
    """Return what is outside the levels over all parts, a column once, with its first example."""
    found: dict[str, Outside] = {}
    for one in (one for part in parts for one in part):
        before = found.get(one.column.name)
        found[one.column.name] = one if before is None else before._replace(values=before.values + one.values)
    return list(found.values())


def features_matrix(raw: Raw, plan: Plan) -> Array:
    """Return the features of the rows, lazy for Dask input alone, else in the library of what was given."""
    (features,) = raw.engine.rows(features_of, plan, dtypes=[raw.dtype], width=len(plan.order))
    return features if is_dask(features) else like(features, raw.like)


def _kept(raw: Array, needed: Host, intake: Intake) -> Host:
    if not len(needed):
        return np.ones(intake.rows, dtype=bool)
    if intake.lazy:
        raise UnsupportedOnBackend("missing='drop' needs the rows in memory; use 'median', or pass X.compute()")
    xp = array_namespace(raw)
    values = raw if xp.isdtype(raw.dtype, "real floating") else xp.astype(raw, xp.float64)
    return to_host(rows_without_gaps(values, needed))


class Prepared(NamedTuple):
    """A table made ready: the matrix, which rows it holds, and the walk over its columns in the user's units.

    For a table on workers the matrix is a Dask array, a chunk a part that has rows left; ``kept`` are then the masks
    of the parts, on the workers, and the walk has a block a part, empty where every row of it was dropped.
    """

    matrix: Array
    kept: Any
    columns: list[Column]
    walk: Engine

    def raw(self) -> Host:
        """Return the columns in the user's units, (rows kept, columns), float64; NaN where a value is missing.

        Dates are days since 1970-01-01, yes is 1, a category is the number of its level. Rows on workers come here.
        """
        return to_host(self.walk.rows(matrix_of, dtypes=(np.float64,), width=len(self.columns))[0])


def gaps_said(walk: Engine, columns: Sequence[Column]) -> list[str]:
    """Return a sentence for each column in which values are filled."""
    counts = walk.reduce(_gaps, sum)
    found = [(column.name, int(count)) for column, count in zip(columns, counts, strict=True) if count]
    return [f"column {name!r}: {count} missing or infinite values are filled as at fit" for name, count in found]


def _gaps(block: Block) -> Host:
    xp = array_namespace(block.x)
    return to_host(xp.sum(xp.astype(xp.isnan(finite(block.x)), xp.int64), axis=0))
