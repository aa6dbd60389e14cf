"""The parts of a table on Dask workers: a task a part for a whole chain of steps, values stay where they were made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import getitem
from typing import Any, ClassVar, Self

import dask.array as da
import dask.config
import numpy as np
from dask.delayed import Delayed, delayed
from dask.sizeof import sizeof

from gpuseg.engines._faults import run
from gpuseg.engines.blocks import Engine, itself
from gpuseg.engines.dask import DaskSite
from gpuseg.engines.parts import Cut, Join, called, called_on_two, joined, matrices, pieces_of
from gpuseg.settings import config

Step = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of a part, and its other arguments."""


@dataclass(frozen=True)
class DaskParts:
    """Values in order and the steps from each to its part; nothing runs before ``kept`` or ``collect``.

    The steps run in one task, so that what is between them is held for no longer than they take.
    """

    values: Sequence[Any]
    steps: tuple[Step, ...]
    site: DaskSite
    name: ClassVar[str] = "dask"

    @classmethod
    def of(cls, load: Callable[..., Any], items: Sequence[Any], *, site: DaskSite | None = None) -> Self:
        """Return the parts that ``load`` makes of each item on a worker: again there if a worker is lost."""
        return cls(items, ((load, ()),), site or DaskSite.of("dask"))

    @classmethod
    def holding(cls, frames: Sequence[Any], *, site: DaskSite | None = None) -> Self:
        """Return frames of this process as parts that workers hold.

        They go as tasks, which the scheduler runs again where a worker is lost, and not as data that is gone then:
        Dask warns of tasks so large.
        """
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}):
            return cls.of(itself, frames, site=site).kept()

    @property
    def engine(self) -> Any:
        """Return the client, or "dask" for Dask's own scheduler in this process."""
        return self.site.client or self.name

    @property
    def count(self) -> int:
        """Return how many parts there are."""
        return len(self.values)

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function`` makes of these, when they are asked for."""
        return replace(self, steps=(*self.steps, (function, args)))

    def beside(self, other: Self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, other part, *args)`` makes, when they are asked for."""
        both, pairs = delayed(_both, pure=False), zip(self.tasks(), other.tasks(), strict=True)
        return replace(self, values=[both(one, two, function, args) for one, two in pairs], steps=())

    def along(self, values: Sequence[Any], function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, value, *args)`` makes with a value for each part."""
        both, pairs = delayed(_both, pure=False), zip(self.tasks(), values, strict=True)
        return replace(self, values=[both(part, value, function, args) for part, value in pairs], steps=())

    def exchange(self, cut: Cut, join: Join, count: int, *args: Any) -> Self:
        """Return ``count`` parts, each joined of the pieces of its number that ``cut`` makes of every part."""
        slice_up, take, put = (delayed(task, pure=False) for task in (_sliced, getitem, _put))
        pieces = [slice_up(value, self.steps, cut, count, args) for value in self.values]
        met = [put(join, [take(of, at) for of in pieces]) for at in range(count)]
        return replace(self, values=met, steps=())

    def chosen(self, numbers: Sequence[int]) -> Self:
        """Return the parts of these numbers."""
        return replace(self, values=[self.values[number] for number in numbers])

    def walk(self, sizes: Sequence[int], width: int, backend: str) -> Engine:
        """Return the walk over these parts, matrices of ``sizes`` rows and ``width`` columns, held on the workers."""
        blocks = matrices(self.tasks(), itself, sizes, width, lazy=True)
        return self.site.engine(blocks, self.site.choose(blocks.held, backend).backend.name)

    def kept(self) -> Self:
        """Return the parts worked out once and held on the workers."""
        return replace(self, values=self.site.kept(self.tasks()), steps=())

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every part, in order."""
        return run(self.site.client, self.map(function, *args).tasks())

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every part, in order."""
        return combine(self.collect(partial, *args))

    def rows(self, size: int | None = None) -> da.Array:
        """Return the parts, which are arrays, as one Dask array: a chunk a part, or chunks of ``size`` rows."""
        looks = self.collect(_looked)
        chunks = [da.from_delayed(v, *look) for v, look in zip(self.tasks(), looks, strict=True)]
        whole = da.concatenate(chunks)
        return whole if size is None else whole.rechunk({0: size})

    def tasks(self) -> list[Delayed]:
        """Return a task a part, that makes it."""
        if not self.steps:
            return list(self.values)
        made = delayed(_made, pure=False)
        return [made(value, self.steps) for value in self.values]


def _made(value: Any, steps: Sequence[Step]) -> Any:
    """Return a part; what workers would say, the client says once."""
    with config(notices="off"):
        for function, args in steps:
            value = called(value, function, *args)
    return value


def _both(one: Any, two: Any, function: Callable[..., Any], args: Sequence[Any]) -> Any:
    with config(notices="off"):
        return called_on_two(one, two, function, *args)


def _sliced(value: Any, steps: Sequence[Step], cut: Cut, count: int, args: Sequence[Any]) -> list[Any]:
    part = _made(value, steps)
    with config(notices="off"):
        return pieces_of(part, cut, count, args)


def _put(join: Join, pieces: Sequence[Any]) -> Any:
    with config(notices="off"):
        return joined(join, pieces)


def _looked(part: Any) -> tuple[tuple[int, ...], Any]:
    """Return what Dask needs to know of an array before it is there."""
    return tuple(part.shape), np.dtype(str(part.dtype).rpartition(".")[2])


@sizeof.register_lazy("polars")
def _know_polars() -> None:
    """Tell Dask how much memory a Polars frame takes: workers move frames to disk before their memory is full."""
    import polars as pl

    @sizeof.register(pl.DataFrame)
    def _size(frame: pl.DataFrame) -> int:
        return int(frame.estimated_size())
