"""From what was given to an engine that walks over the raw matrix."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, choose, like, to_host
from gpuseg.engines import Block, Engine, blocks_of, engine_for, is_dask, matrix_of
from gpuseg.errors import InvalidInput, UnsupportedOnBackend, missing_column
from gpuseg.preprocessing._intake import Intake, columns_of, rows_of
from gpuseg.preprocessing.encode import Outside, encode
from gpuseg.preprocessing.plan import Plan, features_of
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.tally import rows_without_gaps
from gpuseg.preprocessing.transforms import finite


class Raw(NamedTuple):
    """An engine over the raw matrix, its rows, which rows of the input they are, and values outside all levels."""

    engine: Engine
    total: int
    kept: Host
    outside: list[Outside]
    like: Any
    dtype: Any


def raw_matrix(intake: Intake, columns: Sequence[Column], whole: Sequence[bool], where: Mapping[str, str]) -> Raw:
    """Return the walk over the raw columns; ``whole`` says in which of them a gap drops the row.

    ``where`` has the parameters backend and engine.
    """
    raw, outside = _numbers(intake, columns, where["backend"])
    needed = np.array([i for i, gap in enumerate(whole) if gap], dtype=np.int64)
    kept = _kept(raw, needed, intake)
    if not kept.any():
        names = ", ".join(repr(columns[i].name) for i in needed.tolist())
        raise InvalidInput(f"no row of X has a value in all of {names}, which missing='drop' asks for; use 'median'")
    raw = rows_of(raw, kept)
    blocks = blocks_of(raw, missing=True)
    backend = choose(blocks.held, where["backend"]).backend
    engine = engine_for(blocks, backend.name, where["engine"])
    origin = raw if intake.frame is None else intake.frame.to_native()
    dtype = np.float32 if str(raw.dtype).endswith("float32") else np.float64
    return Raw(engine, int(kept.sum()), kept, outside, origin, dtype)


def features_matrix(raw: Raw, plan: Plan, *, lazy: bool) -> Array:
    """Return the features of the rows, lazy for a Dask array alone, else in the library of what was given."""
    (features,) = raw.engine.rows(features_of, plan, dtypes=[raw.dtype], width=len(plan.order))
    if lazy:
        return features
    if is_dask(features):  # a table in memory, worked on by Dask's workers
        return features.compute()
    return like(features, raw.like)


def _numbers(intake: Intake, columns: Sequence[Column], backend: str) -> tuple[Array, list[Outside]]:
    if intake.frame is not None:
        return encode(intake.frame, columns, choose(intake.frame.to_native(), backend).backend)
    places = []
    for column in columns:
        if column.name not in intake.names:
            raise missing_column("X: the fitted column", column.name, intake.names)
        places.append(intake.names.index(column.name))
    return columns_of(intake.array, places), []


def _kept(raw: Array, needed: Host, intake: Intake) -> Host:
    if not len(needed):
        return np.ones(intake.rows, dtype=bool)
    if intake.lazy:
        raise UnsupportedOnBackend("missing='drop' needs the rows in memory; use 'median', or pass X.compute()")
    xp = array_namespace(raw)
    values = raw if xp.isdtype(raw.dtype, "real floating") else xp.astype(raw, xp.float64)
    return to_host(rows_without_gaps(values, needed))


class Prepared(NamedTuple):
    """A table made ready: the matrix, which rows it holds, and the walk over its columns in the user's units."""

    matrix: Array
    kept: Host
    columns: list[Column]
    walk: Engine

    def raw(self) -> Host:
        """Return the columns in the user's units, (rows kept, columns), float64; NaN where a value is missing.

        Dates are days since 1970-01-01, yes is 1, a category is the number of its level.
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
