"""What each kind of input is as blocks: arrays and Dask arrays; Parquet and Dask DataFrames are in their own files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gpuseg.backends import Array
from gpuseg.engines import blocks
from gpuseg.engines.blocks import Blocks, check_weights
from gpuseg.engines.sites import Site, site_of
from gpuseg.errors import InvalidInput


def blocks_of(
    x: Any,
    sample_weight: Any = None,
    *,
    names: Sequence[str] | None = None,
    missing: bool = False,
    site: Site | None = None,
    keep: bool = True,
) -> Blocks:
    """Return the blocks of an array, of a Dask array or DataFrame, or of Parquet files (a path or a list of paths).

    ``names`` are the columns that a fitted model needs: files and DataFrames give those, in that order. ``site`` is
    where footers and partitions are looked at. ``keep``: the rows of a DataFrame are counted, and held where they are.
    """
    if is_files(x):
        from gpuseg.engines.parquet import blocks_of_files

        no_weight(sample_weight, "files")
        return blocks_of_files(x, names, site=site or site_of(), missing=missing)
    if is_dask(x) and hasattr(x, "to_delayed") and hasattr(x, "columns") and x.ndim == 2:  # noqa: PLR2004 - a table
        from gpuseg.engines.frames import blocks_of_frame

        no_weight(sample_weight, "a Dask DataFrame")
        return blocks_of_frame(x, names, site=site or site_of(lazy=True), missing=missing, keep=keep)
    if is_dask(x):
        return _of_dask(x, sample_weight, missing=missing)
    cuts = [slice(start, min(start + blocks.ROWS, x.shape[0])) for start in range(0, x.shape[0], blocks.ROWS)]
    weights = [None if sample_weight is None else sample_weight[cut] for cut in cuts]
    sizes = tuple(cut.stop - cut.start for cut in cuts)
    nbytes = 8.0 * x.shape[0] * x.shape[1]
    parts = [x[cut, :] for cut in cuts]
    kept = None if names is None else tuple(names)
    return Blocks(parts, weights, identity, x.shape[1], nbytes, sizes, kept, held=x, missing=missing)


def without_empty(whole: Blocks) -> Blocks:
    """Return the blocks that have rows: an empty part changes nothing; raise InvalidInput where none has."""
    kept = [i for i, size in enumerate(whole.sizes) if size]
    if not kept:
        raise InvalidInput("X has no rows; pass at least one")
    parts, weights, sizes = ([field[i] for i in kept] for field in (whole.parts, whole.weights, whole.sizes))
    return replace(whole, parts=parts, weights=weights, sizes=tuple(sizes))


def is_dask(x: object) -> bool:
    """Return whether ``x`` is a Dask collection, without importing Dask."""
    return type(x).__module__.partition(".")[0] in ("dask", "dask_expr", "dask_cudf")


def is_files(x: object) -> bool:
    """Return whether ``x`` is a path or a list of paths."""
    if isinstance(x, str | Path):
        return True
    return isinstance(x, list) and len(x) > 0 and all(isinstance(p, str | Path) for p in x)


def identity(part: Array) -> Array:
    """Return the part, which is an array already."""
    return part


def _of_dask(x: Any, sample_weight: Any, *, missing: bool) -> Blocks:
    if not hasattr(x, "chunks") or x.ndim != 2:  # noqa: PLR2004 - a matrix
        raise InvalidInput(
            f"X is a Dask {type(x).__name__}; pass a Dask DataFrame of numbers, or a Dask array of two dimensions"
        )
    rows = x.chunks[0]
    if any(np.isnan(size) for size in rows):
        raise InvalidInput("X is a Dask array of unknown chunk sizes; call X.compute_chunk_sizes() first")
    parts = x.rechunk({1: -1}).to_delayed().ravel().tolist()
    if sample_weight is not None:
        check_weights(sample_weight, x.shape[0])
    if sample_weight is None:
        weights: Sequence[Any] = [None] * len(parts)
    elif is_dask(sample_weight):
        weights = sample_weight.rechunk((rows,)).to_delayed().tolist()
    else:
        weights = np.split(np.asarray(sample_weight), np.cumsum(rows)[:-1])
    nbytes = 8.0 * sum(rows) * x.shape[1]
    meta = x._meta  # noqa: SLF001 - Dask's own way to ask for an empty array like the chunks
    return without_empty(
        Blocks(parts, weights, identity, x.shape[1], nbytes, tuple(rows), held=meta, lazy=True, missing=missing)
    )


def no_weight(sample_weight: Any, what: str) -> None:
    """Raise InvalidInput where weights came with rows that nobody can count beforehand."""
    if sample_weight is not None:
        raise InvalidInput(f"sample_weight is an array and X is {what}; pass X as an array, or no weights")
