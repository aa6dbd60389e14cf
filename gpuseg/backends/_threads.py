"""One thread a task in the libraries below: the engine owns parallelism, and a thread count changes the last bits."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def pools(modules: int) -> ThreadpoolController:  # noqa: ARG001 - a module that is loaded later may bring its own pool
    """Return the control of the thread pools that are loaded; looking for them takes milliseconds."""
    return ThreadpoolController()


@dataclass
class OneThread:
    """A limit of one thread for BLAS, counted: BLAS has one pool for the whole process.

    The first walk sets the limit, and the last one out restores what was there.
    """

    depth: int = 0
    before: list[tuple[Any, int]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the limit inside a ``with`` block."""
        with self.lock:
            if self.depth == 0:
                found = pools(len(sys.modules)).select(user_api="blas").lib_controllers
                self.before = [(library, library.num_threads) for library in found]
                _set([(library, 1) for library in found])
            self.depth += 1
        try:
            yield
        finally:
            with self.lock:
                self.depth -= 1
                if self.depth == 0:
                    _set(self.before)


def _set(limits: list[tuple[Any, int]]) -> None:
    """Set limits whichever thread set one before: newer threadpoolctl obeys the first thread alone, silently."""
    for library, number in limits:
        release = getattr(library, "clear_controlling_thread", lambda **_: None)
        release(force=True)
        library.set_num_threads(number)
        release(force=True)


one_blas_thread = OneThread()


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Hold a limit of one OpenMP thread inside a ``with`` block: OpenMP keeps a limit for each thread."""
    with pools(len(sys.modules)).select(user_api="openmp").limit(limits=1):
        yield
