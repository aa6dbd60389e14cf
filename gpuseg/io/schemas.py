"""What tables that are one have in common: their columns, and types that hold the rows of all."""

import glob
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl
import polars.selectors as cs

from gpuseg.errors import InvalidFile, listed

Schema = Mapping[str, pl.DataType]


def agreed(places: Sequence[Path | str], schemas: Sequence[Schema]) -> Schema:
    """Return the types that hold the rows of several tables; whole numbers and decimals may meet in a column.

    Raises InvalidFile, with the place of the table, where their columns or types differ.

    >>> dict(agreed(["a", "b"], [{"x": pl.Int64()}, {"x": pl.Float64()}]))
    {'x': Float64}
    """
    if not schemas[0]:
        raise InvalidFile(f"{places[0]} has no columns; give a file with a table in it")
    met, where = dict(schemas[0]), dict.fromkeys(schemas[0], places[0])
    for place, schema in zip(places[1:], schemas[1:], strict=True):
        same_columns(places[0], list(met), place, list(schema))
        for name, kind in schema.items():
            if met[name] == pl.Null:  # what is missing throughout says nothing: the next table with values is the first
                met[name], where[name] = kind, place
            elif kind not in (met[name], pl.Null):
                met[name] = _meeting(name, where[name], met[name], place, kind)
    return met


def same_columns(first: Path | str, expected: Sequence[str], path: Path | str, names: Sequence[str]) -> None:
    """Raise InvalidFile where a table has other columns than the first."""
    if differing := sorted(set(expected) ^ set(names)):
        raise InvalidFile(f"{path} and {first} differ in the columns {listed(differing)}; give files of one table")


def _meeting(name: str, first: Path | str, was: pl.DataType, path: Path | str, kind: pl.DataType) -> pl.DataType:
    """Return the type that holds the values of two; raise InvalidFile where there is none."""
    if kind.base_type() == was.base_type() or (kind.is_numeric() and was.is_numeric()):
        with suppress(pl.exceptions.SchemaError):  # times with a zone and without, words of different lists
            return pl.concat(
                [pl.Series(dtype=was).to_frame(), pl.Series(dtype=kind).to_frame()], how="vertical_relaxed"
            ).dtypes[0]
    raise InvalidFile(f"{name!r} is {kind} in {path} and {was} in {first}; write both with one type")


def exactly(*names: str) -> pl.Expr:
    """Return columns by name alone: ``pl.col`` takes a name such as "^a$" or "*" for a pattern."""
    return cs.by_name(*names).as_expr()


def escaped(path: Path) -> str:
    """Return a path as text that Polars takes for no pattern."""
    return glob.escape(str(path))
