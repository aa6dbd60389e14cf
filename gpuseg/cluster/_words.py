"""Columns without numbers, which methods of numbers refuse by name."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import numpy as np

from gpuseg.errors import InvalidInput, listed

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
        found = columns_of_words(np.asarray(x))
    if found:
        raise InvalidInput(
            f"X holds no numbers in column {listed(found)}; pass numbers, use Preprocessor first, or KPrototypes "
            "or KMedoids(metric='gower'), which take categories"
        )


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
