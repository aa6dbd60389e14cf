"""Parquet files as blocks, a row group a block: who works there reads the footers, and later the rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gpuseg.engines.blocks import Blocks
from gpuseg.engines.inputs import without_empty
from gpuseg.engines.sites import Site, unseen
from gpuseg.errors import CATEGORIES, InvalidFile, InvalidInput, listed


class RowGroup(NamedTuple):
    """A part of a Parquet file, and the columns to read from it in this order."""

    path: str
    group: int
    columns: tuple[str, ...]


class Footer(NamedTuple):
    """What a Parquet file says of itself: its columns, those that are no numbers with their type, and its groups' rows.

    ``words``: the columns of text, of categories, and of true and false. ``fault`` says why there is nothing of that;
    it travels here, for a worker knows its own name only.
    """

    path: str
    names: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    sizes: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    fault: str = ""


def blocks_of_files(x: Any, names: Sequence[str] | None, *, site: Site, missing: bool) -> Blocks:
    """Return the row groups of Parquet files as blocks, with the columns ``names``, else with those of the first file.

    Raises InvalidFile for a path that is not there or is no Parquet, and where columns differ or are no numbers.
    """
    parts, sizes, first = row_groups(x, names, site=site)
    wanted = first.names if names is None else tuple(names)
    nbytes, weights = 8.0 * sum(sizes) * len(wanted), [None] * len(parts)
    return without_empty(Blocks(parts, weights, read_row_group, len(wanted), nbytes, sizes, wanted, missing=missing))


def row_groups(
    x: Any, names: Sequence[str] | None, *, site: Site, numbers: bool = True
) -> tuple[list[RowGroup], tuple[int, ...], Footer]:
    """Return the row groups of Parquet files with the rows of each, and the first file's footer, checked.

    ``numbers``: whether every column must hold numbers.
    """
    paths = [str(path) for path in ([x] if isinstance(x, str | Path) else x)]
    footers = site.collect(footer, paths)
    wanted = tuple(names) if names is not None else footers[0].names
    for found in footers:
        check_footer(found, footers[0], wanted, exact=names is None, numbers=numbers)
    parts = [RowGroup(found.path, group, wanted) for found in footers for group in range(len(found.sizes))]
    return parts, tuple(size for found in footers for size in found.sizes), footers[0]


def check_footer(found: Footer, first: Footer, wanted: Sequence[str], *, exact: bool, numbers: bool = True) -> None:
    """Raise InvalidFile or InvalidInput unless a file has the columns ``wanted``, all of ``numbers``.

    ``exact``: and no others, so that nothing is left out unsaid.
    """
    if found.fault:
        raise InvalidFile(found.fault)
    if exact and (differing := sorted(set(found.names) ^ set(wanted))):
        raise InvalidFile(
            f"{found.path} and {first.path} differ in the columns {listed(differing)}; give files of one table"
        )
    if lacking := [name for name in wanted if name not in found.names]:
        raise InvalidInput(f"{found.path} has no column {listed(lacking)}; it has {listed(found.names)}")
    words = [f"{name!r} ({kind})" for name, kind in found.others if name in wanted]
    if numbers and words:
        raise InvalidInput(f"{found.path} holds columns that are not of numbers: {', '.join(words)}; {CATEGORIES}")


def footer(path: str) -> Footer:
    """Return what a Parquet file says of itself, or what is wrong with it, in a sentence."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            schema, about = file.schema_arrow, file.metadata
            sizes = tuple(about.row_group(group).num_rows for group in range(about.num_row_groups))
    except FileNotFoundError:
        return Footer(path, fault=str(unseen(path)))
    except (OSError, pa.ArrowInvalid) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        return Footer(path, fault=f"{path} cannot be read as Parquet ({reason}); give a Parquet file")
    others = tuple((field.name, str(field.type)) for field in schema if not _is_number(field.type))
    words = tuple(field.name for field in schema if _is_category(field.type))
    return Footer(path, tuple(schema.names), others, sizes, words)


def read_row_group(part: RowGroup) -> np.ndarray:
    """Return the rows of one row group as float64; a null is NaN."""
    import pyarrow as pa

    return np.column_stack([column.cast(pa.float64()).to_numpy() for column in read_table(part).columns])


def read_table(part: RowGroup) -> Any:
    """Return the rows of one row group as an Arrow table."""
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(part.path) as file:
            return file.read_row_group(part.group, columns=list(part.columns)).select(list(part.columns))
    except FileNotFoundError as error:
        raise unseen(part.path) from error


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    looks = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null)
    return any(look(kind) for look in looks)


def _is_category(kind: Any) -> bool:
    from pyarrow import types

    looks = (types.is_string, types.is_large_string, types.is_string_view, types.is_dictionary, types.is_boolean)
    return any(look(kind) for look in looks)
