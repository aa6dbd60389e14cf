"""The parts of a table on Dask workers: a task a part, values stay where they were made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import getitem
from typing import Any, ClassVar, Self

from dask.base import compute, persist
from dask.delayed import Delayed, delayed
from dask.sizeof import sizeof

from gpuseg.engines.parts import Cut, Join, called, called_on_two, joined, pieces_of


@dataclass(frozen=True)
class DaskParts:
    """Delayed parts in order; nothing runs before ``kept`` or ``collect``."""

    values: Sequence[Delayed]
    name: ClassVar[str] = "dask"

    @classmethod
    def of(cls, load: Callable[..., Any], items: Sequence[Any]) -> Self:
        """Return the parts that ``load`` makes of each item on a worker: again there if a worker is lost."""
        run = delayed(load, pure=False)
        return cls([run(item) for item in items])

    @property
    def count(self) -> int:
        """Return how many parts there are."""
        return len(self.values)

    def map(self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function`` makes of these, when they are asked for."""
        run = delayed(called, pure=False)
        return replace(self, values=[run(value, function, *args) for value in self.values])

    def beside(self, other: Self, function: Callable[..., Any], *args: Any) -> Self:
        """Return the parts that ``function(part, other part, *args)`` makes, when they are asked for."""
        run, pairs = delayed(called_on_two, pure=False), zip(self.values, other.values, strict=True)
        return replace(self, values=[run(one, two, function, *args) for one, two in pairs])

    def exchange(self, cut: Cut, join: Join, count: int, *args: Any) -> Self:
        """Return ``count`` parts, each joined of the pieces of its number that ``cut`` makes of every part."""
        run, take, put = (delayed(task, pure=False) for task in (pieces_of, getitem, joined))
        pieces = [run(value, cut, count, args) for value in self.values]
        return replace(self, values=[put(join, [take(of, at) for of in pieces]) for at in range(count)])

    def kept(self) -> Self:
        """Return the parts worked out once and held on the workers."""
        return replace(self, values=list(persist(*self.values)))

    def collect(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return ``function``'s value of every part, in order."""
        run = delayed(called, pure=False)
        return list(compute(*[run(value, function, *args) for value in self.values]))

    def reduce(self, partial: Callable[..., Any], combine: Callable[[list[Any]], Any], *args: Any) -> Any:
        """Return ``combine`` of ``partial``'s value of every part, in order."""
        return combine(self.collect(partial, *args))


@sizeof.register_lazy("polars")
def _know_polars() -> None:
    """Tell Dask how much memory a Polars frame takes: workers move frames to disk before their memory is full."""
    import polars as pl

    @sizeof.register(pl.DataFrame)
    def _size(frame: pl.DataFrame) -> int:
        return int(frame.estimated_size())
