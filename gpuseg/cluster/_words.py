"""Columns without numbers, which methods of numbers refuse by name."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import CATEGORIES, InvalidInput, listed

NOT_NUMBERS = (nw.String, nw.Categorical, nw.Enum, nw.Date, nw.Datetime, nw.Duration)
OF_WORDS = "OSU"
"""Kinds of NumPy's types that may hold words."""


def refuse_columns(x: Any) -> None:
    """Raise InvalidInput where a table, an array on the host or a list has columns of words or of dates."""
    table = nw.from_native(x, pass_through=True)
    found: list[Any] = []
    if isinstance(table, nw.DataFrame):
        found = [
            name
            for name, kind in table.schema.items()
            if kind in NOT_NUMBERS or (kind == nw.Object and holds_words(table[name].to_list()))
        ]
    elif isinstance(x, list | np.ndarray):
        found = columns_of_words(array_of(x))
    if found:
        raise InvalidInput(f"X holds no numbers in column {listed(found)}; {CATEGORIES}")


def refuse_kind(x: Any) -> None:
    """Raise InvalidInput where a Dask array may hold words."""
    if (kind := getattr(getattr(x, "dtype", None), "kind", "f")) in OF_WORDS:
        raise InvalidInput(f"X is a Dask array of kind {kind!r}, which may hold words; {CATEGORIES}")


def columns_of_words(array: Any) -> list[int]:
    """Return which columns of an array hold words.

    >>> columns_of_words(np.array([[1.5, "a"], [2.0, "b"]], dtype=object))
    [1]
    """
    if array.dtype.kind not in OF_WORDS or array.ndim != 2:  # noqa: PLR2004 - a matrix
        return []
    return [at for at, column in enumerate(array.T) if holds_words(column)]


def holds_words(values: Iterable[Any]) -> bool:
    """Return whether one of the values is text."""
    return any(isinstance(value, str) for value in values)


def array_of(x: Any) -> Host:
    """Return an array of what makes one; a list of words and numbers keeps its numbers.

    >>> columns_of_words(array_of([[1.5, "a"], [2.0, "b"]]))
    [1]
    """
    array = np.asarray(x)
    return array if hasattr(x, "dtype") or array.dtype.kind not in "SU" else np.asarray(x, dtype=object)
