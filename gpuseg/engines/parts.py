"""A table in parts, each worked on by one call, here or on workers; the input alone decides the parts.

What a part is travels as the frame of its own library (Polars on the host, cuDF on a device) or as an array; a
function gets tables as Narwhals frames. Nothing is worked out before it is asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Protocol, Self

import narwhals as nw
import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import choose
from gpuseg.engines.blocks import Blocks, Engine, itself
from gpuseg.engines.local import LocalEngine

Cut = Callable[..., Sequence[Any]]
"""``cut(value, count, *args)``: a part as ``count`` pieces, some of them empty."""
Join = Callable[[list[Any]], Any]
"""The piece of one number of every part, in order of the parts, as one part."""


class Parts(Protocol):
    """A walk over the parts of a table, in their order. Functions take ``(part, *args)`` and can be pickled."""

    @property
    def name(self) -> str:
        """Return "local" or "dask"."""

    @property
    def engine(self) -> Any:
        """Return what to pass on as ``engine`` of an estimator that is to work in the same place."""

    @property
    def count(self) -> int:
        """Return how many parts there are."""

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function`` makes of these, when they are asked for."""

    def beside(self, other: Self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, other part, *args)`` makes, when they are asked for."""

    def along(self, values: Sequence[Any], function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, value, *args)`` makes with a value for each part."""

    def exchange(self, cut: Cut, join: Join, count: int, *args: Any) -> Self:
        """Return ``count`` parts, each joined of the pieces of its number that ``cut`` makes of every part."""

    def chosen(self, numbers: Sequence[int]) -> Self:
        """Return the parts of these numbers."""

    def walk(self, sizes: Sequence[int], width: int, backend: str) -> Engine:
        """Return the walk over these parts, matrices of ``sizes`` rows and ``width`` columns; NaN may be in them.

        A part is a block, one without rows too, so that blocks and parts stay in step. ``backend`` is the user's word.
        """

    def kept(self) -> Self:
        """Return the parts worked out once and held where they are: for walks that come again."""

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every part, in order: small ones, for they come here."""

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every part, in order."""

    def rows(self, size: int | None = None) -> Any:
        """Return the parts, which are arrays, as one: in memory, or as a Dask array of blocks of ``size`` rows."""


@dataclass(frozen=True)
class LocalParts:
    """Parts in this process, each given by a call; one at a time, for Polars takes every core itself."""

    sources: Sequence[Callable[[], Any]]
    name: ClassVar[str] = "local"
    engine: ClassVar[str] = "auto"

    @classmethod
    def of(cls, values: Sequence[Any]) -> Self:
        """Return the parts that these tables or arrays are.

        >>> import polars as pl
        >>> parts = LocalParts.of([pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})])
        >>> parts.collect(len)
        [2, 1]
        """
        return cls([partial(itself, native_of(value)) for value in values])

    @property
    def count(self) -> int:
        """Return how many parts there are."""
        return len(self.sources)

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function`` makes of these, when they are asked for."""
        return replace(self, sources=[partial(_made, source, function, args) for source in self.sources])

    def beside(self, other: Self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, other part, *args)`` makes, when they are asked for."""
        pairs = zip(self.sources, other.sources, strict=True)
        return replace(self, sources=[partial(_paired, one, two, function, args) for one, two in pairs])

    def along(self, values: Sequence[Any], function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, value, *args)`` makes with a value for each part."""
        pairs = zip(self.sources, values, strict=True)
        return replace(self, sources=[partial(_made, source, function, (value, *args)) for source, value in pairs])

    def exchange(self, cut: Cut, join: Join, count: int, *args: Any) -> Self:
        """Return ``count`` parts, each joined of the pieces of its number that ``cut`` makes of every part."""
        pieces = [pieces_of(source(), cut, count, args) for source in self.sources]
        return replace(self, sources=[partial(joined, join, [of[at] for of in pieces]) for at in range(count)])

    def chosen(self, numbers: Sequence[int]) -> Self:
        """Return the parts of these numbers."""
        return replace(self, sources=[self.sources[number] for number in numbers])

    def walk(self, sizes: Sequence[int], width: int, backend: str) -> Engine:
        """Return the walk over these parts, matrices of ``sizes`` rows and ``width`` columns."""
        blocks = matrices(self.sources, _of_source, sizes, width, lazy=False)
        return LocalEngine.of(blocks, choose(np.empty((0, width)), backend).backend.name)

    def kept(self) -> Self:
        """Return the parts worked out once and held."""
        return replace(self, sources=[partial(itself, source()) for source in self.sources])

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every part, in order."""
        return [called(source(), function, *args) for source in self.sources]

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every part, in order."""
        return combine(self.collect(partial, *args))

    def rows(self, size: int | None = None) -> Any:  # noqa: ARG002 - blocks in memory are views
        """Return the parts, which are arrays, as one."""
        arrays = [source() for source in self.sources]
        return array_namespace(*arrays).concat(arrays, axis=0) if len(arrays) > 1 else arrays[0]


def called(value: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Return ``function``'s value of a part, a table as the frame of its own library."""
    return native_of(function(nw.from_native(value, pass_through=True), *args))


def called_on_two(value: Any, other: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Return ``function``'s value of two parts of the same number."""
    return called(value, function, nw.from_native(other, pass_through=True), *args)


def pieces_of(value: Any, cut: Cut, count: int, args: Sequence[Any]) -> list[Any]:
    """Return the pieces of a part, each a table of its own library or an array."""
    return [native_of(piece) for piece in cut(nw.from_native(value, pass_through=True), count, *args)]


def joined(join: Join, pieces: Sequence[Any]) -> Any:
    """Return pieces joined to a part."""
    return native_of(join([nw.from_native(piece, pass_through=True) for piece in pieces]))


def native_of(value: Any) -> Any:
    """Return a Narwhals frame as the frame of its own library, in memory; anything else as it is."""
    if isinstance(value, nw.LazyFrame):
        value = value.collect()
    return nw.to_native(value, pass_through=True)


def matrices(
    parts: Sequence[Any], load: Callable[[Any], Any], sizes: Sequence[int], width: int, *, lazy: bool
) -> Blocks:
    """Return matrices as blocks, a block a part."""
    held, weights = np.empty((0, width)) if lazy else None, [None] * len(parts)
    nbytes = 8.0 * sum(sizes) * width
    return Blocks(parts, weights, load, width, nbytes, tuple(sizes), held=held, lazy=lazy, missing=True)


def _of_source(source: Callable[[], Any]) -> Any:
    return source()


def _made(source: Callable[[], Any], function: Callable[..., Any], args: Sequence[Any]) -> Any:
    return called(source(), function, *args)


def _paired(one: Callable[[], Any], two: Callable[[], Any], function: Callable[..., Any], args: Sequence[Any]) -> Any:
    return called_on_two(one(), two(), function, *args)
