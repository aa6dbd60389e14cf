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

from gpuseg.backends import to_host
from gpuseg.engines.blocks import Blocks, place


@dataclass(frozen=True)
class DaskEngine:
    """Persisted blocks in row order, and what ``map`` put beside each; ``sizes`` are their rows."""

    values: Sequence[Delayed]
    beside: Sequence[tuple[Delayed, ...]]
    sizes: Sequence[int]
    name: ClassVar[str] = "dask"

    @classmethod
    def of(cls, blocks: Blocks, backend: str) -> Self:
        """Return the engine with every block loaded onto a worker's device."""
        run = delayed(place, traverse=False, pure=False)
        parts, weights = scattered(blocks.parts), scattered(blocks.weights)
        values = [
            run(i, part, weight, blocks.load, backend, missing=blocks.missing)
            for i, (part, weight) in enumerate(zip(parts, weights, strict=True))
        ]
        return cls(persist(*values), [()] * len(values), blocks.sizes or ())

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the engine that keeps ``function``'s value beside each block."""
        return replace(self, beside=[(value,) for value in persist(*self._tasks(function, *args))])

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every block, in block order."""
        return list(compute(*self._tasks(function, *args)))

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every block, in block order."""
        return combine(self.collect(partial, *args))

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
        run = delayed(function, pure=False)
        return [run(value, *beside, *args) for value, beside in zip(self.values, self.beside, strict=True)]


def hosted(fields: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a block's arrays as NumPy arrays, which is what Dask joins."""
    return tuple(to_host(array) for array in fields)


def scattered(parts: Sequence[Any]) -> Sequence[Any]:
    """Return arrays as futures on the workers, so that no graph holds data; other parts as they are."""
    if not any(isinstance(part, np.ndarray) for part in parts):
        return parts
    try:
        client = get_client()
    except ValueError:  # no cluster: Dask's own threads share this memory
        return parts
    return list(client.scatter(list(parts), hash=False))
