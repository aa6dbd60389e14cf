"""What tables that are one have in common: their columns, and types that hold the rows of all."""

import glob
from collections.abc import Mapping, Sequence
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
    for place, schema in zip(places, schemas, strict=True):
        same_columns(places[0], list(schemas[0]), place, list(schema))
        _same_types(places[0], schemas[0], place, schema)
    empty = [pl.DataFrame(schema=dict(schema)).select(exactly(*schemas[0])) for schema in schemas]
    return pl.concat(empty, how="vertical_relaxed").schema


def same_columns(first: Path | str, expected: Sequence[str], path: Path | str, names: Sequence[str]) -> None:
    """Raise InvalidFile where a table has other columns than the first."""
    if differing := sorted(set(expected) ^ set(names)):
        raise InvalidFile(f"{path} and {first} differ in the columns {listed(differing)}; give files of one table")


def _same_types(first: Path | str, expected: Schema, path: Path | str, types: Schema) -> None:
    for name, kind in types.items():
        was = expected[name]
        alike = kind.base_type() == was.base_type() or (kind.is_numeric() and was.is_numeric())
        if not alike and pl.Null not in (kind, was):
            raise InvalidFile(f"{name!r} is {kind} in {path} and {was} in {first}; write both with one type")


def exactly(*names: str) -> pl.Expr:
    """Return columns by name alone: ``pl.col`` takes a name such as "^a$" or "*" for a pattern."""
    return cs.by_name(*names).as_expr()


def escaped(path: Path) -> str:
    """Return a path as text that Polars takes for no pattern."""
    return glob.escape(str(path))
