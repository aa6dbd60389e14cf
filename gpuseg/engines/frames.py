"""Dask DataFrames as blocks, a partition a block: of pandas, of cuDF, of whatever Narwhals reads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import narwhals as nw
from dask.delayed import delayed

from gpuseg.backends import Array, get_backend, holder
from gpuseg.engines.blocks import UNKNOWN, Blocks
from gpuseg.engines.inputs import identity, without_empty
from gpuseg.engines.sites import Site
from gpuseg.errors import CATEGORIES, InvalidInput, listed

WORDS = (nw.String, nw.Categorical, nw.Enum, nw.Object, nw.Boolean)
"""What a column of categories holds; pandas says object of words."""


def selected(frame: Any, names: Sequence[str]) -> Any:
    """Return these columns as a frame of the same library; raise InvalidInput where this partition has others."""
    table = nw.from_native(frame, eager_only=True)
    if lacking := [name for name in names if name not in table.columns]:
        raise InvalidInput(f"a partition of X has no column {listed(lacking)}; it has {listed(table.columns)}")
    return table.select(names).to_native()


def matrix_of(frame: Any, names: Sequence[str]) -> Array:
    """Return the matrix of these columns, on the device that holds the frame.

    Raises InvalidInput where this partition has other columns, or no numbers.
    """
    table = nw.from_native(selected(frame, names), eager_only=True)
    if words := [name for name, kind in table.schema.items() if not (kind.is_numeric() or kind == nw.Boolean)]:
        raise InvalidInput(f"X holds no numbers in column {listed(words)}; {CATEGORIES}")
    return (holder(frame) or get_backend("cpu")).matrix(table)


def words_in(frame: Any) -> tuple[str, ...]:
    """Return the columns that hold text, categories, or true and false."""
    return tuple(name for name, kind in nw.from_native(frame, eager_only=True).schema.items() if kind in WORDS)


def blocks_of_frame(x: Any, names: Sequence[str] | None, *, site: Site, missing: bool, keep: bool) -> Blocks:
    """Return the partitions of a Dask DataFrame as blocks of their numbers; see ``blocks_of_parts``."""
    wanted = tuple(map(str, x.columns)) if names is None else tuple(names)
    load = partial(matrix_of, names=wanted)
    meta = x._meta  # noqa: SLF001 - Dask's own way to ask for an empty frame like the partitions
    load(meta)
    return blocks_of_parts(x.to_delayed(), load, wanted, meta, site=site, missing=missing, keep=keep)


def blocks_of_parts(
    partitions: Sequence[Any],
    load: Callable[[Any], Array],
    names: tuple[str, ...],
    held: Any,
    *,
    site: Site,
    missing: bool = False,
    keep: bool,
) -> Blocks:
    """Return partitions as blocks, of which ``load`` makes matrices of the columns ``names``.

    With ``keep`` the matrices are made and held where they are, and their rows are counted once: partitions do not
    know their lengths. Without it the lengths stay unknown.
    """
    task = delayed(load, pure=False)
    parts = [task(part) for part in partitions]
    unknown, weights = (UNKNOWN,) * len(parts), [None] * len(parts)
    whole = Blocks(parts, weights, identity, len(names), 0.0, unknown, names, held, lazy=True, missing=missing)
    return counted(whole, site) if keep else whole


def counted(whole: Blocks, site: Site) -> Blocks:
    """Return blocks that are held where they are, with their rows counted, and without those that have none."""
    parts = site.kept(whole.parts)
    sizes = tuple(site.collect(len, parts))
    nbytes = 8.0 * sum(sizes) * whole.n_features
    return without_empty(replace(whole, parts=parts, sizes=sizes, nbytes=nbytes))
