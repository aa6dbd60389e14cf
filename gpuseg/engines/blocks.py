"""What a block is. The input alone decides the blocks: never the engine, never the workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol, Self

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Backend, get_backend, holder, to_host
from gpuseg.errors import InvalidFile, InvalidInput, listed

ROWS = 65_536
"""Rows of a block of data in memory: a float64 block of 16 columns is 8 MiB."""


SPARE = 1e3
"""How far below the root of a dtype's largest number data must stay: distances add up squares of features."""


class Block(NamedTuple):
    """A run of rows on its device. ``number`` keys random draws and the order of sums."""

    number: int
    x: Array
    weight: Array


class RowGroup(NamedTuple):
    """A part of a Parquet file, and the columns to read from it in this order."""

    path: str
    group: int
    columns: tuple[str, ...]


class Reading(NamedTuple):
    """How a part becomes a block: loaded, on a backend's device, its columns' names, whether NaN may be in it."""

    load: Callable[[Any], Array]
    backend: str
    names: tuple[str, ...] | None
    missing: bool


@dataclass(frozen=True)
class Blocks:
    """The blocks of one input, not yet loaded: parts in row order and how to load one.

    ``held`` is the whole array where it is in memory, an empty one like it for a Dask array, None
    for files. ``nbytes`` is what all blocks take as float64. ``missing`` lets NaN through.
    """

    parts: Sequence[Any]
    weights: Sequence[Any]
    load: Callable[[Any], Array]
    n_features: int
    nbytes: float
    sizes: tuple[int, ...]
    names: tuple[str, ...] | None = None
    held: Any = None
    lazy: bool = False
    missing: bool = False

    @property
    def in_memory(self) -> bool:
        """Return whether a vendor's estimator can take the data as one array."""
        return self.held is not None and not self.lazy

    def read_on(self, backend: str) -> Reading:
        """Return how these parts become blocks of a backend."""
        return Reading(self.load, backend, self.names, self.missing)


class Engine(Protocol):
    """A walk over blocks. Functions take ``(block, *args)``, or ``(block, beside, *args)`` after ``map``."""

    @property
    def name(self) -> str:
        """Return "local" or "dask"."""

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return an engine that keeps ``function``'s value beside each block."""

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every block, in block order."""

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every block, in block order."""

    def each(self, function: Callable[[Any], Any], items: Sequence[Any], *, side_by_side: bool) -> list[Any]:
        """Return ``function``'s value of every item, in order; it may walk the blocks.

        ``side_by_side``: several at once, which is for functions whose walks have one block.
        """

    def rows(self, function: Callable[..., Any], *args: Any, dtypes: Sequence[Any], width: int | None = None) -> Any:
        """Return the arrays of ``function``, a tuple a block, each joined over the blocks.

        ``dtypes`` is one a field; ``width`` is the columns of a two-dimensional field.
        """


def blocks_of(
    x: Any, sample_weight: Any = None, *, names: Sequence[str] | None = None, missing: bool = False
) -> Blocks:
    """Return the blocks of an array, of a Dask array or of Parquet files (a path or a list of paths).

    ``names`` are the columns that a fitted model needs: those of files are read in that order.
    """
    if is_dask(x):
        return _of_dask(x, sample_weight, missing=missing)
    if is_files(x):
        if sample_weight is not None:
            raise InvalidInput("sample_weight is an array and X is files; pass X as an array, or no weights")
        return _of_files(x, names, missing=missing)
    cuts = [slice(start, min(start + ROWS, x.shape[0])) for start in range(0, x.shape[0], ROWS)]
    weights = [None if sample_weight is None else sample_weight[cut] for cut in cuts]
    sizes = tuple(cut.stop - cut.start for cut in cuts)
    nbytes = 8.0 * x.shape[0] * x.shape[1]
    parts = [x[cut, :] for cut in cuts]
    kept = None if names is None else tuple(names)
    return Blocks(parts, weights, identity, x.shape[1], nbytes, sizes, kept, held=x, missing=missing)


def _of_dask(x: Any, sample_weight: Any, *, missing: bool) -> Blocks:
    if not hasattr(x, "chunks") or x.ndim != 2:  # noqa: PLR2004 - a matrix
        raise InvalidInput(
            f"X is a Dask {type(x).__name__}; pass a Dask array of two dimensions, as X.to_dask_array(lengths=True)"
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
    kept = [i for i, size in enumerate(rows) if size] or _no_rows()
    nbytes = 8.0 * sum(rows) * x.shape[1]
    meta = x._meta  # noqa: SLF001 - Dask's own way to ask for an empty array like the chunks
    parts, weights, sizes = [parts[i] for i in kept], [weights[i] for i in kept], tuple(rows[i] for i in kept)
    return Blocks(parts, weights, identity, x.shape[1], nbytes, sizes, held=meta, lazy=True, missing=missing)


def _no_rows() -> NoReturn:
    raise InvalidInput("X has no rows; pass at least one")


def _of_files(x: Any, names: Sequence[str] | None, *, missing: bool) -> Blocks:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    parts: list[RowGroup] = []
    sizes: list[int] = []
    wanted = None if names is None else tuple(names)
    for path in [x] if isinstance(x, str | Path) else x:
        try:
            file = ParquetFile(path)
        except FileNotFoundError as error:
            raise InvalidFile(f"{path} does not exist; check the path") from error
        except (OSError, ArrowInvalid) as error:
            raise InvalidFile(f"{path} cannot be read as Parquet ({error}); give a Parquet file") from error
        wanted = wanted or tuple(file.schema_arrow.names)
        if lacking := [name for name in wanted if name not in file.schema_arrow.names]:
            raise InvalidInput(f"{path} has no column {listed(lacking)}; it has {listed(file.schema_arrow.names)}")
        groups = [g for g in range(file.metadata.num_row_groups) if file.metadata.row_group(g).num_rows]
        parts += [RowGroup(str(path), group, wanted) for group in groups]
        sizes += [file.metadata.row_group(group).num_rows for group in groups]
    if not parts:
        _no_rows()
    width = len(wanted or ())
    weights = [None] * len(parts)
    return Blocks(
        parts, weights, read_row_group, width, 8.0 * sum(sizes) * width, tuple(sizes), wanted, missing=missing
    )


def is_dask(x: object) -> bool:
    """Return whether ``x`` is a Dask collection, without importing Dask."""
    return type(x).__module__.partition(".")[0] in ("dask", "dask_expr")


def is_files(x: object) -> bool:
    """Return whether ``x`` is a path or a list of paths."""
    if isinstance(x, str | Path):
        return True
    return isinstance(x, list) and len(x) > 0 and all(isinstance(p, str | Path) for p in x)


def identity(part: Array) -> Array:
    """Return the part, which is an array already."""
    return part


def read_row_group(part: RowGroup) -> np.ndarray:
    """Return the rows of one row group as float64; a null is NaN."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    table = ParquetFile(part.path).read_row_group(part.group, columns=list(part.columns)).select(list(part.columns))
    try:
        columns = [column.cast(pa.float64()).to_numpy() for column in table.columns]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidInput(f"{part.path} holds a column that is not of numbers ({error}); pass numbers only") from error
    return np.column_stack(columns)


def place(number: int, part: Any, weight: Any, reading: Reading) -> Block:
    """Return one block on the device of the backend; the engine calls this where it works."""
    worker = get_backend(reading.backend)
    x = carried(reading.load(part), worker)
    xp = array_namespace(x)
    x = worker.to_device(x if xp.isdtype(x.dtype, "real floating") else xp.astype(x, xp.float64))
    if not reading.missing:
        refuse_odd(x, reading.names, at_least=True)
    if weight is None:
        return Block(number, x, xp.ones(x.shape[0], dtype=x.dtype, device=device(x)))
    return Block(number, x, xp.astype(refuse_weight(worker.to_device(carried(weight, worker))), x.dtype))


def carried(array: Array, worker: Backend) -> Array:
    """Return an array where a backend works, by way of the host: no device knows another one's arrays."""
    return array if worker is holder(array) else worker.to_device(to_host(array))


def matrix_of(block: Block) -> tuple[Array]:
    """Return a block's rows, to be joined."""
    return (block.x,)


def check_weights(weight: Any, rows: int) -> None:
    """Raise InvalidInput unless there is one weight a row."""
    if tuple(weight.shape) != (rows,):
        raise InvalidInput(f"sample_weight has shape {tuple(weight.shape)}; give one a row, ({rows},)")


def refuse_odd(x: Array, names: Sequence[str] | None, *, at_least: bool = False) -> None:
    """Raise InvalidInput where a row holds NaN, infinity or a number too large to square, with columns and counts.

    ``at_least``: the rows are a part of all, so there may be more.
    """
    xp = array_namespace(x)
    most = float(xp.finfo(x.dtype).max) ** 0.5 / SPARE
    if bool(xp.all(xp.abs(x) <= most)):  # false of NaN, too: one pass where nothing is odd
        return
    for bad, what in ((~xp.isfinite(x), "NaN or infinity"), (xp.abs(x) > most, f"numbers beyond {most:.0e}")):
        counts = xp.sum(xp.astype(bad, xp.int64), axis=0)
        if int(xp.sum(counts)):
            found = ", ".join(
                f"{repr(names[i]) if names else i} ({'at least ' * at_least}{int(counts[i])})"
                for i in range(x.shape[1])
                if int(counts[i])
            )
            raise InvalidInput(f"X holds {what} in column (rows): {found}; clean them or use Preprocessor")


def refuse_weight(weight: Array) -> Array:
    """Return the weights; raise InvalidInput where one is negative or not finite."""
    xp = array_namespace(weight)
    if not bool(xp.all(xp.isfinite(weight))) or bool(xp.any(weight < 0)):
        raise InvalidInput("sample_weight holds a negative, missing or infinite number; give weights of 0 or more")
    return weight
