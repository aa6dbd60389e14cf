"""What a block is. The input alone decides the blocks: never the engine, never the workers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Backend, get_backend, holder, one_blas_thread, to_host
from gpuseg.errors import InvalidInput

ROWS = 65_536
"""Rows of a block of data in memory: a float64 block of 16 columns is 8 MiB."""

UNKNOWN = -1
"""The size of a block whose rows nobody counted."""
TOGETHER = 16
"""Blocks' values that are merged at a time: few enough to be held at once, enough for all cores."""
SPARE = 1e3
"""How far below the root of a dtype's largest number data must stay: distances add up squares of features."""


class Block(NamedTuple):
    """A run of rows on its device. ``number`` keys random draws and the order of sums."""

    number: int
    x: Array
    weight: Array


class Reading(NamedTuple):
    """How a part becomes a block: loaded, on a backend's device, its columns' names, whether NaN may be in it."""

    load: Callable[[Any], Array]
    backend: str
    names: tuple[str, ...] | None
    missing: bool


@dataclass(frozen=True)
class Blocks:
    """The blocks of one input, not yet loaded: parts in row order and how to load one.

    ``held`` is the whole array where it is in memory, an empty one like it for a Dask collection, None
    for files. ``nbytes`` is what all blocks take as float64. ``sizes`` are UNKNOWN where nobody counted the
    rows of a Dask DataFrame. ``missing`` lets NaN through.
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

    def become(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return an engine whose blocks are ``function``'s values; the blocks they were made of are not looked at."""

    def within(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return ``become``'s engine for parts of the blocks: made anew at each walk where the blocks are, too."""

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every block, in block order."""

    def merge(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``reduce``'s value, combined where the blocks are, TOGETHER at a time: for large partials.

        ``combine`` takes what it gives.
        """

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


def place(number: int, part: Any, weight: Any, reading: Reading) -> Block:
    """Return one block on the device of the backend; the engine calls this where it works."""
    worker = get_backend(reading.backend)
    x = carried(reading.load(part), worker)
    xp = array_namespace(x)
    x = worker.to_device(x if xp.isdtype(x.dtype, "real floating") else xp.astype(x, xp.float64))
    if not reading.missing:
        refuse_odd(x, reading.names, at_least=True)
    if weight is None:
        return Block(number, x, _ones(x))
    return Block(number, x, xp.astype(refuse_weight(worker.to_device(carried(weight, worker))), x.dtype))


def carried(array: Array, worker: Backend) -> Array:
    """Return an array where a backend works, by way of the host: no device knows another one's arrays."""
    return array if worker is holder(array) else worker.to_device(to_host(array))


def _ones(x: Array) -> Array:
    """Return a weight of one for each row; blocks of the usual size share theirs on the host, and with it the cache."""
    if isinstance(x, np.ndarray) and len(x) <= ROWS:
        return _shared_ones(ROWS, x.dtype)[: len(x)]
    xp = array_namespace(x)
    return xp.ones(x.shape[0], dtype=x.dtype, device=device(x))


@cache
def _shared_ones(rows: int, dtype: Any) -> Array:
    # Not made read-only: Numba would compile every loop once more for that.
    return np.ones(rows, dtype)


def matrix_of(block: Block) -> tuple[Array]:
    """Return a block's rows, to be joined."""
    return (block.x,)


def check_weights(weight: Any, rows: int) -> None:
    """Raise InvalidInput unless there is one weight a row."""
    if tuple(weight.shape) != (rows,):
        raise InvalidInput(f"sample_weight has shape {tuple(weight.shape)}; give one a row, ({rows},)")


def refuse_odd(
    x: Array,
    names: Sequence[str] | None,
    *,
    at_least: bool = False,
    walk: Callable[[Callable[[Array], bool], Sequence[Array]], Iterable[bool]] = map,
) -> None:
    """Raise InvalidInput where a row holds NaN, infinity or a number too large to square, with columns and counts.

    ``at_least``: the rows are a part of all, so there may be more. ``walk``: what maps a function over runs of rows.
    """
    xp = array_namespace(x)
    most = float(xp.finfo(x.dtype).max) ** 0.5 / SPARE
    runs = [x[run, :] for run in runs_of(x.shape[0], ROWS)]
    with one_blas_thread():  # BLAS' own threads would go on spinning beside the walk that follows
        if all(walk(partial(_within, most=most), runs)):
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


def runs_of(rows: int, most: int) -> Iterator[slice]:
    """Give runs of ``most`` rows, and what is left.

    >>> list(runs_of(5, 3))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    for start in range(0, rows, most):
        yield slice(start, min(start + most, rows))


def _within(x: Array, *, most: float) -> bool:
    """Return whether no number is beyond ``most``; False for NaN. One walk over the numbers where they are usual."""
    xp = array_namespace(x)
    flat = xp.reshape(x, (-1,))
    with np.errstate(over="ignore", invalid="ignore"):
        # No square is above their sum, which is NaN where a number is.
        if bool(flat @ flat <= most * most):
            return True
    return bool(xp.max(x) <= most) and bool(xp.min(x) >= -most)


def refuse_weightless(weighs: float) -> None:
    """Raise InvalidInput where no row weighs anything."""
    if not weighs > 0:
        raise InvalidInput("sample_weight is zero for every row; give at least one row a weight above 0")


def refuse_weight(weight: Array) -> Array:
    """Return the weights; raise InvalidInput where one is negative or not finite."""
    xp = array_namespace(weight)
    if not bool(xp.all(xp.isfinite(weight))) or bool(xp.any(weight < 0)):
        raise InvalidInput("sample_weight holds a negative, missing or infinite number; give weights of 0 or more")
    return weight


def itself(value: Any) -> Any:
    """Return a block or a part as it is: what is collected or held is often that.

    >>> itself(3)
    3
    """
    return value
