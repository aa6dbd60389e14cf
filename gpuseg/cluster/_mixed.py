"""Rows of numbers and of categories: which columns are which, the codes of categories, and placing by prototypes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.cluster._assignment import Assignment, confidence, novelty
from gpuseg.cluster._words import columns_of_words
from gpuseg.engines import Block
from gpuseg.errors import InvalidInput, listed, missing_column
from gpuseg.neighbors.centers import squared_distances, tiles

UNKNOWN = -1
"""The code of a category that was not among those learnt: it differs from every mode."""


class Prototypes(NamedTuple):
    """The prototypes of k segments: means less offset, (k, p), codes of the modes, (k, q), and what is taken off.

    ``gamma``: what a category that differs counts, in squared units of the numbers. Rows hold p numbers, then q codes.
    """

    means: Host
    modes: Host
    offset: Host
    gamma: float


def category_columns(names: Sequence[str], given: Any, by_type: Sequence[int]) -> list[int]:
    """Return the positions of the columns of categories, in order: those named or counted out, else those by type.

    >>> category_columns(["age", "city"], ["city"], [])
    [1]
    """
    if given is None:
        return list(by_type)
    found = []
    for column in [given] if isinstance(given, str | int) else list(given):
        if isinstance(column, str):
            if column not in names:
                raise missing_column("categorical", column, names)
            found.append(list(names).index(column))
        elif isinstance(column, bool) or not isinstance(column, int | np.integer) or not 0 <= column < len(names):
            raise InvalidInput(
                f"categorical holds {column!r}; give names of columns or positions from 0 to {len(names) - 1}"
            )
        else:
            found.append(int(column))
    return sorted(set(found))


def is_category(dtype: Any) -> bool:
    """Return whether a column of this type holds categories where nobody says: text, categories, true and false."""
    return dtype in (nw.String, nw.Categorical, nw.Enum, nw.Boolean)


def number_column(values: pl.Series) -> Host:
    """Return a column as float64, missing ones as NaN; raise InvalidInput where it holds no numbers."""
    numbers = values.cast(pl.Float64, strict=False) if values.dtype.is_numeric() or values.dtype == pl.Boolean else None
    if numbers is None:
        raise InvalidInput(
            f"X holds no numbers in column {listed([values.name])}; name it in categorical, or leave it out"
        )
    return numbers.to_numpy()


def texts(values: pl.Series) -> pl.Series:
    """Return categories as text, whole numbers without a point; raise InvalidInput where one is missing.

    >>> texts(pl.Series("a", [1.0, 2.5])).to_list()
    ['1', '2.5']
    """
    if values.dtype.is_float():
        values = values.fill_nan(None)
    if count := values.null_count():
        raise InvalidInput(
            f"X holds no category in column (rows): {values.name!r} ({count}); fill them, with a word such as 'unknown'"
        )
    if not values.dtype.is_numeric():
        return values.cast(pl.String)
    known = values.unique()
    return values.replace_strict(known, [_word(value) for value in known], return_dtype=pl.String)


def codes_of(words: pl.Series, levels: Host) -> Host:
    """Return the place of each word among the levels, -1 for one that is not there."""
    numbers = np.arange(len(levels))
    return words.replace_strict(levels.tolist(), numbers, default=UNKNOWN, return_dtype=pl.Int64).to_numpy()


def series_of(x: Host) -> list[pl.Series]:
    """Return the columns of a NumPy array, which may hold words beside numbers, named by their positions."""
    if x.dtype.kind in "biuf":
        return [pl.Series(str(at), column) for at, column in enumerate(x.T)]
    return [_column(str(at), column.tolist()) for at, column in enumerate(x.T)]


def refuse_words(x: Any) -> None:
    """Raise InvalidInput where an array holds words and nobody said in which columns."""
    if words := columns_of_words(np.asarray(x)):
        raise InvalidInput(f"X is an array that holds words in columns {words}; give categorical={words}")


def _column(name: str, values: list[Any]) -> pl.Series:
    """Return a column as numbers where all values are, else as words."""
    if all(isinstance(value, int | float | np.number) for value in values):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    missing = [value is None or value != value for value in values]  # noqa: PLR0124 - NaN alone differs from itself
    return pl.Series(
        name, [None if gone else _word(value) for gone, value in zip(missing, values, strict=True)], dtype=pl.String
    )


def _word(value: Any) -> str:
    """Return a category as text, true and false as Polars writes them."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | float | np.number):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def placed_block(block: Block, prototypes: Prototypes) -> tuple[Array, Array]:
    """Return each row's nearest prototype, int32, of ties the first, and the mixed distance to it."""
    label, first, _ = _two_nearest(block, prototypes)
    return label, first


def assigned_block(block: Block, prototypes: Prototypes, quantiles: Host) -> Assignment:
    """Return one block's assignment by the mixed distance, on its device."""
    label, first, second = _two_nearest(block, prototypes)
    return Assignment(label, first, confidence(first, second), novelty(label, first, quantiles))


def _two_nearest(block: Block, prototypes: Prototypes) -> tuple[Array, Array, Array]:
    """Return nearest prototype, distance to it, and distance to the best other one, inf if none, a row each."""
    xp, found = array_namespace(block.x), []
    p, many = prototypes.means.shape[1], len(prototypes.means)
    x = xp.astype(block.x, xp.float64, copy=False)
    shift = np.concatenate([prototypes.offset, np.zeros(prototypes.modes.shape[1])])
    means, modes = (xp.asarray(np.asarray(of, np.float64), device=device(x)) for of in prototypes[:2])
    numbers = xp.arange(many, device=device(x))
    for _, rows in tiles(x, shift, many):
        apart = prototypes.gamma * _differing(rows[:, p:], modes)
        d2 = squared_distances(rows[:, :p], means) + apart
        label = xp.argmin(d2, axis=1)
        taken = label[:, None] == numbers[None, :]
        second = xp.min(xp.where(taken, xp.full_like(d2, xp.inf), d2), axis=1)
        # By the difference itself: exact also for a row close to its prototype.
        own = xp.sum((rows[:, :p] - xp.take(means, label, axis=0)) ** 2, axis=1)
        own = own + xp.sum(xp.where(taken, apart, xp.zeros_like(apart)), axis=1)
        found.append((xp.astype(label, xp.int32), xp.sqrt(own), xp.sqrt(second)))
    label, first, second = (xp.concat(list(field), axis=0) for field in zip(*found, strict=True))
    return label, first, second


def _differing(codes: Array, modes: Array) -> Array:
    """Return in how many columns the categories of each row and each mode differ, (rows, k), float64."""
    xp = array_namespace(codes)
    total = xp.zeros((codes.shape[0], modes.shape[0]), dtype=xp.float64, device=device(codes))
    for column in range(codes.shape[1]):
        total += xp.astype(codes[:, column][:, None] != modes[:, column][None, :], xp.float64)
    return total


def words_of(modes: Host, levels: Mapping[str, Host]) -> Host:
    """Return the words of codes, (k, q), one column a table of levels.

    >>> words_of(np.array([[1], [0]]), {"city": np.array(["Bern", "Rome"])})
    array([['Rome'],
           ['Bern']], dtype='<U4')
    """
    columns = [words[codes] for codes, words in zip(modes.T, levels.values(), strict=True)]
    return np.stack(columns, axis=1) if columns else np.empty(modes.shape, dtype=str)
