"""One process, a thread a block: array libraries and kernels release the GIL."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, ClassVar

from array_api_compat import array_namespace

from gpuseg.backends import get_backend, one_blas_thread
from gpuseg.engines.blocks import TOGETHER, Blocks, itself, place

HELD = 0.5
"""The share of the free memory up to which blocks of files are kept; beyond it they are read at every walk."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def threads(process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a fork must not wait for its parent's threads
    """Return the threads that work on blocks, one a core; walks are many and short, so they are kept."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="gpuseg")


def each(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return ``function``'s value of every item, in order, a thread an item; it must not call this in turn."""
    # One BLAS thread an item, as on a Dask worker: the number of threads changes the last bits.
    with one_blas_thread():
        if len(items) == 1:
            return [function(items[0])]
        return list(threads(os.getpid()).map(function, items))


@dataclass(frozen=True)
class LocalEngine:
    """Blocks in row order, each given by a call, and what ``map`` put beside each.

    ``thrifty``: one block is worked on at a time. ``held``: the sources hold what they give.
    """

    sources: Sequence[Callable[[], Any]]
    beside: Sequence[tuple[Any, ...]]
    thrifty: bool = False
    held: bool = False
    name: ClassVar[str] = "local"

    @classmethod
    def of(cls, blocks: Blocks, backend: str, *, thrifty: bool = False) -> "LocalEngine":
        """Return the engine with every block on its device, or put there anew at each walk where they do not fit."""
        pairs = enumerate(zip(blocks.parts, blocks.weights, strict=True))
        reading = blocks.read_on(backend)
        sources = [partial(place, i, part, weight, reading) for i, (part, weight) in pairs]
        engine = cls(sources, [()] * len(sources), thrifty)
        if thrifty:
            return engine
        if blocks.in_memory:  # views and shared weights, for which threads would take longer to wake
            return _holding(engine, [source() for source in sources])
        if blocks.nbytes > HELD * get_backend(backend).free_memory():
            return engine
        return _holding(engine, engine.collect(itself))

    def map(self, function: Callable[..., Any], *args: Any) -> "LocalEngine":
        """Return the engine that keeps ``function``'s value beside each block."""
        return replace(self, beside=[(value,) for value in self.collect(function, *args)])

    def become(self, function: Callable[..., Any], *args: Any) -> "LocalEngine":
        """Return the engine whose blocks are ``function``'s values."""
        return _holding(self, self.collect(function, *args))

    def within(self, function: Callable[..., Any], *args: Any) -> "LocalEngine":
        """Return the engine whose blocks are ``function``'s values, held where the blocks are held."""
        if self.held:
            return self.become(function, *args)
        pairs = zip(self.sources, self.beside, strict=True)
        made = [partial(_called, pair, function, args) for pair in pairs]
        return replace(self, sources=made, beside=[()] * len(made))

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every block, in block order."""
        return self._walked(slice(None), function, args)

    def merge(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s values, TOGETHER at a time, until one is left."""
        starts = range(0, len(self.sources), TOGETHER)
        parts = [combine(self._walked(slice(start, start + TOGETHER), partial, args)) for start in starts]
        while len(parts) > 1:
            parts = [combine(parts[start : start + TOGETHER]) for start in range(0, len(parts), TOGETHER)]
        return parts[0]

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every block, in block order."""
        return combine(self.collect(partial, *args))

    def each(self, function: Callable[[Any], Any], items: Sequence[Any], *, side_by_side: bool) -> list[Any]:
        """Return ``function``'s value of every item, in order."""
        return each(function, items) if side_by_side else [function(item) for item in items]

    def rows(self, function: Callable[..., Any], *args: Any, dtypes: Sequence[Any], width: int | None = None) -> Any:  # noqa: ARG002 - Dask needs what memory shows
        """Return the arrays of ``function``, a tuple a block, each joined over the blocks."""
        fields = zip(*self.collect(function, *args), strict=True)
        return tuple(array_namespace(*parts).concat(parts, axis=0) for parts in map(list, fields))

    def _walked(self, run: slice, function: Callable[..., Any], args: Any) -> list[Any]:
        """Return ``function``'s value of every block of a run."""
        pairs = list(zip(self.sources[run], self.beside[run], strict=True))
        if self.thrifty:
            with one_blas_thread():
                return [_called(pair, function, args) for pair in pairs]
        return each(lambda pair: _called(pair, function, args), pairs)


def _holding(engine: LocalEngine, blocks: Sequence[Any]) -> LocalEngine:
    """Return the engine of blocks that are here, with nothing beside them."""
    return replace(engine, sources=[partial(itself, block) for block in blocks], beside=[()] * len(blocks), held=True)


def _called(pair: tuple[Callable[[], Any], tuple[Any, ...]], function: Callable[..., Any], args: Any) -> Any:
    source, beside = pair
    return function(source(), *beside, *args)
