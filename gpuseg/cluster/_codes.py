"""Columns of categories in a table: coded as numbers, so that a row of any table is a row of a matrix."""

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, listed, missing_column

WORDS = (nw.String, nw.Categorical, nw.Enum, nw.Object)
UNSEEN = -1
"""The code of a category that the training rows do not hold: unlike every other one."""


def coded(x: Any, known: Mapping[str, Sequence[str]] | None) -> tuple[Any, dict[str, list[str]]]:
    """Return a table with codes in place of words, and the categories of each column that held words.

    ``known``: the categories of the training rows, or None to learn them. What is no table in memory is returned as
    it is. Raises InvalidInput for a missing category.

    >>> import polars as pl
    >>> table, categories = coded(pl.DataFrame({"kind": ["b", "a", "b"]}), None)
    >>> table["kind"].to_list(), categories
    ([1.0, 0.0, 1.0], {'kind': ['a', 'b']})
    """
    table = nw.from_native(x, pass_through=True)
    if isinstance(table, nw.LazyFrame):
        table = table.collect()
    if not isinstance(table, nw.DataFrame):
        return x, {name: list(words) for name, words in (known or {}).items()}
    words = [name for name, kind in table.schema.items() if kind in WORDS or name in (known or {})]
    categories = {name: list((known or {}).get(name, ())) for name in words}
    for name in words:
        values = np.asarray([_word(value, name) for value in table[name].to_list()], dtype=str)
        if known is None:
            categories[name] = np.unique(values).tolist()
        codes = nw.new_series(name, _codes(values, categories[name]), backend=table.implementation)
        table = table.with_columns(codes)
    return (table.to_native() if words else x), categories


def positions(
    given: Sequence[str | int] | None, coded: Mapping[str, Any], names: Sequence[str] | None, columns: int
) -> Host:
    """Return of each column whether it holds categories: those given by name or number, and those that held words.

    >>> positions([0], {"kind": ["a", "b"]}, ["size", "age", "kind"], 3)
    array([ True, False,  True])
    """
    known, found = [] if names is None else list(names), np.zeros(columns, dtype=bool)
    for column in [*(given or ()), *coded]:
        if isinstance(column, str):
            if column not in known:
                raise missing_column("categorical", column, known)
            found[known.index(column)] = True
        elif isinstance(column, numbers.Integral) and 0 <= int(column) < columns:
            found[int(column)] = True
        else:
            raise InvalidInput(
                f"categorical={listed(given or ())} names column {column!r}, and X has {columns}; give names of "
                f"columns or numbers from 0 to {columns - 1}"
            )
    return found


def _word(value: Any, name: str) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN alone is not itself
        raise InvalidInput(f"X has missing categories in column {name!r}; fill them, for example with 'unknown'")
    return str(value)


def _codes(values: Host, categories: Sequence[str]) -> Host:
    """Return the place of each value among the sorted categories, UNSEEN where it is none."""
    if not len(categories):
        return np.full(len(values), float(UNSEEN))
    ordered = np.asarray(categories, dtype=str)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.where(ordered[at] == values, at, UNSEEN).astype(np.float64)
