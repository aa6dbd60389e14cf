"""What the preprocessor is given: a table to be read by name, or an array whose columns are numbers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl
from array_api_compat import array_namespace, device, is_array_api_obj

from gpuseg.backends import Array, Host
from gpuseg.engines import is_dask, is_files
from gpuseg.errors import InvalidInput
from gpuseg.io.tables import open_table
from gpuseg.preprocessing.schema import first_of_each

MATRIX = 2


class Intake(NamedTuple):
    """A table (``frame``) or an array, the names of its columns, its rows, and the user's library."""

    frame: nw.DataFrame[Any] | None
    array: Array | None
    names: tuple[str, ...]
    rows: int
    library: str

    @property
    def lazy(self) -> bool:
        """Return whether the rows are in a Dask array."""
        return self.array is not None and is_dask(self.array)


def intake_of(x: Any) -> Intake:
    """Return the table or the array in ``x``; raise InvalidInput where it is neither, or has no rows."""
    array = _array_of(x)
    if array is None:
        opened = open_table(x)
        frame = opened.eager()
        library = type(x).__module__.partition(".")[0]
        intake = Intake(frame, None, tuple(map(str, frame.columns)), len(frame), library)
    else:
        _check(array)
        names = tuple(f"x{i}" for i in range(array.shape[1]))
        intake = Intake(None, array, names, int(array.shape[0]), "polars")
    if not intake.rows or not intake.names:
        raise InvalidInput(
            f"X has {intake.rows} row(s) and {len(intake.names)} feature(s) (shape=({intake.rows}, "
            f"{len(intake.names)})) while a minimum of 1 is required; pass rows to work on"
        )
    return intake


def _array_of(x: Any) -> Array | None:
    if is_dask(x) and hasattr(x, "chunks"):
        return x
    if isinstance(x, list | tuple) and not is_files(x):
        x = np.asarray(x)
    if hasattr(x, "toarray") and hasattr(x, "nnz"):
        raise InvalidInput(f"X is a sparse {type(x).__name__}, and sparse input is not supported; pass X.toarray()")
    if hasattr(x, "__array__") and not hasattr(x, "columns") and not is_array_api_obj(x):
        x = np.asarray(x)
    return _of_numbers(x) if is_array_api_obj(x) else None


def _of_numbers(x: Array) -> Array:
    """Return an array of objects as float64 where all of them are numbers."""
    if not isinstance(x, np.ndarray) or x.dtype.kind in "biuf":
        return x
    if x.dtype.kind == "c":
        raise InvalidInput("Complex data not supported: X is an array of complex numbers; pass real ones")
    try:
        return x.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"X is an array of type {x.dtype} ({error}); pass a table, or an array of numbers"
        ) from error


def _check(array: Array) -> None:
    if array.ndim != MATRIX:
        raise InvalidInput(
            f"Expected 2D array, got {array.ndim}D array instead. Reshape your data: X.reshape(-1, 1) makes one column"
        )


def duplicates_of(x: Array) -> Host | None:
    """Return which rows of a host array are the first of their kind; None for Dask and for devices."""
    if not isinstance(x, np.ndarray):
        return None
    frame = nw.from_native(pl.DataFrame(x, schema=[f"c{i}" for i in range(x.shape[1])]))
    return first_of_each(frame, frame.columns)


def rows_of(x: Array, mask: Host) -> Array:
    """Return the rows of ``x`` under a mask."""
    if mask.all():
        return x
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(np.flatnonzero(mask), device=device(x)), axis=0)


def distinct(intake: Intake, mask: Host) -> Intake:
    """Return what was given under a mask of its rows."""
    if mask.all():
        return intake
    rows = int(mask.sum())
    if intake.frame is not None:
        return intake._replace(frame=intake.frame[np.flatnonzero(mask).tolist(), :], rows=rows)
    return intake._replace(array=rows_of(intake.array, mask), rows=rows)


def columns_of(x: Array, places: Sequence[int]) -> Array:
    """Return some columns of an array of any library, in order."""
    if list(places) == list(range(x.shape[1])):
        return x
    if is_dask(x):
        return x[:, list(places)]
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(np.asarray(places), device=device(x)), axis=1)
