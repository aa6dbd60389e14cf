"""What the preprocessor is given: a table to be read by name, or an array whose columns are numbers."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl
from array_api_compat import array_namespace, device, is_array_api_obj

from gpuseg.backends import Array, Host
from gpuseg.engines import is_dask, is_files
from gpuseg.engines.parts import LocalParts, Parts
from gpuseg.errors import InvalidInput
from gpuseg.io.parted import PartedTable
from gpuseg.io.parts import OpenedParts, in_parts, open_parts
from gpuseg.io.tables import open_table
from gpuseg.preprocessing.meeting import first_of_each

MATRIX = 2


class Intake(NamedTuple):
    """A table (``parts``, one where it is in memory) or an array, its columns, its rows, and the user's library.

    ``sizes`` are the rows of each part; ``reload`` gives the parts with some columns, None where all are in memory.
    """

    parts: Parts | None
    array: Array | None
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    library: str
    reload: Callable[[Sequence[str]], Parts] | None = None

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return sum(self.sizes)

    @property
    def lazy(self) -> bool:
        """Return whether the rows are in a Dask array."""
        return self.array is not None and is_dask(self.array)

    @property
    def away(self) -> bool:
        """Return whether the rows are in parts that are not held here as one."""
        return self.reload is not None

    def parts_of(self, names: Sequence[str]) -> Any:
        """Return the parts with no more than these columns where that spares reading the others; None of an array."""
        return self.parts if self.reload is None else self.reload(names)


def intake_of(x: Any, engine: Any = "auto") -> Intake:
    """Return the table or the array in ``x``; raise InvalidInput where it is neither, or has no rows."""
    array = _array_of(x)
    if array is not None:
        _check(array)
        names = tuple(f"x{i}" for i in range(array.shape[1]))
        intake = Intake(None, array, names, (int(array.shape[0]),), "polars")
    elif (opened := _in_parts(x, engine)) is not None:
        library = "pandas" if is_dask(x) and opened.on_host else "polars"
        intake = Intake(opened.parts, None, opened.names, opened.sizes, library, opened.reload)
    else:
        frame = open_table(x).eager()
        library = type(x).__module__.partition(".")[0]
        intake = Intake(LocalParts.of([frame]), None, tuple(map(str, frame.columns)), (len(frame),), library)
    if not intake.rows or not intake.names:
        raise InvalidInput(
            f"X has {intake.rows} row(s) and {len(intake.names)} feature(s) (shape=({intake.rows}, "
            f"{len(intake.names)})) while a minimum of 1 is required; pass rows to work on"
        )
    return intake


def _in_parts(x: Any, engine: Any) -> OpenedParts | None:
    """Return a table in parts. A frame of this process is none: it is encoded here, and its matrix sent to workers."""
    if isinstance(x, OpenedParts):
        return x
    elsewhere = isinstance(x, PartedTable | os.PathLike) or is_files(x) or is_dask(x)
    return open_parts(x, engine) if elsewhere and in_parts(x, engine) else None


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


def columns_of(x: Array, places: Sequence[int]) -> Array:
    """Return some columns of an array of any library, in order."""
    if list(places) == list(range(x.shape[1])):
        return x
    if is_dask(x):
        return x[:, list(places)]
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(np.asarray(places), device=device(x)), axis=1)
