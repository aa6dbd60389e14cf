"""Dask DataFrames as blocks, a partition a block: of pandas, of cuDF, of whatever Narwhals reads."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
from dask.delayed import delayed

from gpuseg.backends import Array, get_backend, holder
from gpuseg.engines.blocks import UNKNOWN, Blocks
from gpuseg.engines.inputs import identity, without_empty
from gpuseg.engines.sites import Site
from gpuseg.errors import InvalidInput, listed


class Columns(NamedTuple):
    """Turns a frame into a matrix of these columns, on the device that holds it."""

    names: tuple[str, ...]

    def __call__(self, frame: Any) -> Array:
        """Return the matrix; raise InvalidInput where this partition has other columns, or no numbers."""
        table = nw.from_native(frame, eager_only=True)
        if lacking := [name for name in self.names if name not in table.columns]:
            raise InvalidInput(f"a partition of X has no column {listed(lacking)}; it has {listed(table.columns)}")
        table = table.select(self.names)
        if words := [name for name, kind in table.schema.items() if not (kind.is_numeric() or kind == nw.Boolean)]:
            raise InvalidInput(f"X holds no numbers in column {listed(words)}; pass numbers only")
        return (holder(frame) or get_backend("cpu")).matrix(table)


def blocks_of_frame(x: Any, names: Sequence[str] | None, *, site: Site, missing: bool, keep: bool) -> Blocks:
    """Return the partitions of a Dask DataFrame as blocks.

    With ``keep`` the matrices are made and held where they are, and their rows are counted once: partitions do not
    know their lengths. Without it the lengths stay unknown.
    """
    load = Columns(tuple(map(str, x.columns)) if names is None else tuple(names))
    meta = x._meta  # noqa: SLF001 - Dask's own way to ask for an empty frame like the partitions
    load(meta)
    task = delayed(load, pure=False)
    parts = [task(part) for part in x.to_delayed()]
    width, weights = len(load.names), [None] * len(parts)
    unknown = (UNKNOWN,) * len(parts)
    whole = Blocks(parts, weights, identity, width, 0.0, unknown, load.names, meta, lazy=True, missing=missing)
    return counted(whole, site) if keep else whole


def counted(whole: Blocks, site: Site) -> Blocks:
    """Return blocks that are held where they are, with their rows counted, and without those that have none."""
    parts = site.kept(whole.parts)
    sizes = tuple(site.collect(len, parts))
    nbytes = 8.0 * sum(sizes) * whole.n_features
    return without_empty(replace(whole, parts=parts, sizes=sizes, nbytes=nbytes))
