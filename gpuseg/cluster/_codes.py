"""Categories as codes: which columns hold them, what their levels are, and columns as a matrix of numbers and codes.

A column is a Polars series. Text, categories, and true and false are categories by their type; numbers are where the
user says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, listed, missing_column
from gpuseg.io import open_table
from gpuseg.settings import config

UNSEEN = -1
"""The code of a category that the training rows do not hold: unlike every other one."""
WORDS = (pl.String, pl.Categorical, pl.Enum, pl.Boolean)


class Levels(NamedTuple):
    """The different categories of a column, as numbers where all of them are."""

    numbers: frozenset[float]
    words: frozenset[str]

    @property
    def in_order(self) -> Host:
        """Return the words, those of numbers by size.

        >>> Levels(frozenset({10, 9}), frozenset()).in_order.tolist()
        ['9', '10']
        """
        if self.words:
            return np.array(sorted(self.words | set(map(_word, self.numbers))), dtype=str)
        return np.array([_word(value) for value in sorted(self.numbers)], dtype=str)


class Coding(NamedTuple):
    """How columns become a matrix: the positions of those of categories, each one's levels, and the order of all.

    No levels: the numbers of that column stay what they are.
    """

    categories: tuple[int, ...]
    levels: tuple[Host, ...]
    order: tuple[int, ...]

    def matrix(self, columns: Sequence[pl.Series]) -> Host:
        """Return the columns as float64, (n, columns).

        >>> rows = [pl.Series("a", ["x", "y"]), pl.Series("b", [1.5, 2.0])]
        >>> Coding((0,), (np.array(["y", "z"]),), (1, 0)).matrix(rows)
        array([[ 1.5, -1. ],
               [ 2. ,  0. ]])
        """
        levels = dict(zip(self.categories, self.levels, strict=True))
        found = np.empty((len(columns[0]), len(self.order)))
        for place, at in enumerate(self.order):
            if len(levels.get(at, ())):
                found[:, place] = codes_of(texts(columns[at]), levels[at])
            else:
                found[:, place] = number_column(columns[at])
        return found


def coded(part: Any, coding: Coding) -> Host:
    """Return the matrix of a part, a table or an array, where that part is."""
    return coding.matrix(columns_of(part))


def category_columns(names: Sequence[str], given: Any, by_type: Iterable[int]) -> list[int]:
    """Return the positions of the columns of categories, in order: those by type, and those named or counted out.

    >>> category_columns(["age", "city", "kind"], ["kind"], [1])
    [1, 2]
    """
    found = set(by_type)
    for column in [given] if isinstance(given, str | int) else given if given is not None else ():
        if isinstance(column, str):
            if column not in names:
                raise missing_column("categorical", column, names)
            found.add(list(names).index(column))
        elif isinstance(column, bool) or not isinstance(column, int | np.integer) or not 0 <= column < len(names):
            raise InvalidInput(
                f"categorical holds {column!r}; give names of columns or positions from 0 to {len(names) - 1}"
            )
        else:
            found.add(int(column))
    return sorted(found)


def columns_of(part: Any) -> list[pl.Series]:
    """Return the columns of a table or of a NumPy array, which may hold words beside numbers, named by position."""
    if not isinstance(part, np.ndarray):
        with config(notices="off"):  # the whole table has said what it has to say
            return open_table(part).eager().to_polars().get_columns()
    if part.dtype.kind in "biuf":
        return [pl.Series(str(at), column) for at, column in enumerate(part.T)]
    return [_column(str(at), column.tolist()) for at, column in enumerate(part.T)]


def levels_in(columns: Sequence[pl.Series], categories: Iterable[int]) -> list[Levels]:
    """Return the levels of each column of categories; raise InvalidInput where a row has none."""
    found = []
    for at in categories:
        column = present(columns[at])
        if column.dtype.is_numeric():
            found.append(Levels(frozenset(map(_number, column.unique())), frozenset()))
        else:
            found.append(Levels(frozenset(), frozenset(texts(column).unique())))
    return found


def levels_in_part(part: Any, load: Any, categories: Sequence[int]) -> list[Levels]:
    """Return ``levels_in`` of a part that is not loaded."""
    return levels_in(columns_of(load(part)), categories)


def joined(parts: Iterable[Sequence[Levels]]) -> list[Levels]:
    """Return the levels of several parts, column by column."""
    return [
        Levels(frozenset().union(*(of.numbers for of in column)), frozenset().union(*(of.words for of in column)))
        for column in zip(*parts, strict=True)
    ]


def present(values: pl.Series) -> pl.Series:
    """Return categories; raise InvalidInput where one is missing."""
    if values.dtype.is_float():
        values = values.fill_nan(None)
    if count := values.null_count():
        raise InvalidInput(
            f"X holds no category in column (rows): {values.name!r} ({count}); fill them, with a word such as 'unknown'"
        )
    return values


def texts(values: pl.Series) -> pl.Series:
    """Return categories as text, whole numbers without a point; raise InvalidInput where one is missing.

    >>> texts(pl.Series("a", [1.0, 2.5])).to_list()
    ['1', '2.5']
    """
    values = present(values)
    if not values.dtype.is_numeric():
        return values.cast(pl.String)
    known = values.unique()
    return values.replace_strict(known, [_word(value) for value in known], return_dtype=pl.String)


def codes_of(words: pl.Series, levels: Host) -> Host:
    """Return the place of each word among the levels, UNSEEN for one that is not there."""
    numbers = np.arange(len(levels))
    return words.replace_strict(levels.tolist(), numbers, default=UNSEEN, return_dtype=pl.Int64).to_numpy()


def number_column(values: pl.Series) -> Host:
    """Return a column as float64, missing ones as NaN; raise InvalidInput where it holds no numbers."""
    refuse_no_numbers(values)
    return values.cast(pl.Float64, strict=False).to_numpy()


def refuse_no_numbers(values: pl.Series) -> None:
    """Raise InvalidInput where a column that is no category holds no numbers."""
    if not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null)):
        raise InvalidInput(
            f"X holds no numbers in column {listed([values.name])}; name it in categorical, or leave it out"
        )


def words_of(codes: Host, levels: Mapping[str, Host]) -> Host:
    """Return the words of codes, (k, q), one column a table of levels.

    >>> words_of(np.array([[1], [0]]), {"city": np.array(["Bern", "Rome"])})
    array([['Rome'],
           ['Bern']], dtype='<U4')
    """
    columns = [words[column] for column, words in zip(codes.T, levels.values(), strict=True)]
    return np.stack(columns, axis=1) if columns else np.empty(codes.shape, dtype=str)


def _column(name: str, values: list[Any]) -> pl.Series:
    """Return a column as numbers, or as true and false, where all values are, else as words."""
    if all(isinstance(value, bool | np.bool_) for value in values):
        return pl.Series(name, values, dtype=pl.Boolean)
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
    return repr(_number(value)) if isinstance(value, int | float | Decimal | np.number) else str(value)


def _number(value: Any) -> float:
    """Return a number as Python has it, a whole one with all of its digits: as float64 large ones would be equal."""
    return int(value) if float(value).is_integer() else float(value)
