"""Many processes (one a GPU under dask-cuda): a task a block, values stay on the workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, ClassVar, Self

import dask.array as da
import numpy as np
from dask.base import compute, persist
from dask.delayed import Delayed, delayed
from distributed import get_client

from gpuseg.backends import holder, one_blas_thread, to_host
from gpuseg.engines.blocks import Blocks, place


@dataclass(frozen=True)
class DaskEngine:
    """Persisted blocks in row order, and what ``map`` put beside each; ``sizes`` are their rows."""

    values: Sequence[Delayed]
    beside: Sequence[tuple[Delayed, ...]]
    sizes: Sequence[int]
    name: ClassVar[str] = "dask"

    @classmethod
    def of(cls, blocks: Blocks, backend: str, *, keep: bool) -> Self:
        """Return the engine with every block loaded onto a worker's device; ``keep`` for walks that come again."""
        run = delayed(place, traverse=False, pure=False)
        parts, weights = scattered(blocks.parts), scattered(blocks.weights)
        reading = blocks.read_on(backend)
        values = [run(i, part, weight, reading) for i, (part, weight) in enumerate(zip(parts, weights, strict=True))]
        return cls(persist(*values) if keep else values, [()] * len(values), blocks.sizes)

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the engine that keeps ``function``'s value beside each block."""
        return replace(self, beside=[(value,) for value in persist(*self._tasks(function, *args))])

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every block, in block order."""
        return list(compute(*[delayed(hosted)(task) for task in self._tasks(function, *args)]))

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every block, in block order."""
        return combine(self.collect(partial, *args))

    def each(self, function: Callable[[Any], Any], items: Sequence[Any], *, side_by_side: bool) -> list[Any]:  # noqa: ARG002 - the workers are busy with the blocks
        """Return ``function``'s value of every item, in order."""
        return [function(item) for item in items]

    def rows(self, function: Callable[..., Any], *args: Any, dtypes: Sequence[Any], width: int | None = None) -> Any:
        """Return Dask arrays of ``function``'s fields, lazy, a chunk a block."""
        tasks = [delayed(hosted)(task) for task in self._tasks(function, *args)]
        columns = () if width is None else (width,)
        return tuple(
            da.concatenate(
                [
                    da.from_delayed(delayed(itemgetter(field))(task), (size, *columns), dtype=dtype)
                    for task, size in zip(tasks, self.sizes, strict=True)
                ]
            )
            for field, dtype in enumerate(dtypes)
        )

    def _tasks(self, function: Callable[..., Any], *args: Any) -> list[Delayed]:
        run = delayed(alone, pure=False)
        return [run(function, value, *beside, *args) for value, beside in zip(self.values, self.beside, strict=True)]


def alone(function: Callable[..., Any], *args: Any) -> Any:
    """Return the function's value, worked out with one BLAS thread, as on any engine."""
    with one_blas_thread():
        return function(*args)


def hosted(value: Any) -> Any:
    """Return a block's value with device arrays as NumPy arrays: a client may have no device."""
    if isinstance(value, tuple):
        fields = [hosted(field) for field in value]
        return type(value)(*fields) if hasattr(value, "_fields") else tuple(fields)
    return value if holder(value) is None else to_host(value)


def scattered(parts: Sequence[Any]) -> Sequence[Any]:
    """Return arrays as futures on the workers, so that no graph holds data; other parts as they are."""
    if not any(isinstance(part, np.ndarray) for part in parts):
        return parts
    try:
        client = get_client()
    except ValueError:  # no cluster: Dask's own threads share this memory
        return parts
    return list(client.scatter(list(parts), hash=False))
