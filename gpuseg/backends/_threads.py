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
    """A limit of one thread for one kind of pool ("blas" or "openmp"), counted.

    The limit is the process's own: the first walk sets it and the last one out restores what was there.
    """

    kind: str
    depth: int = 0
    limit: Any = None
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the limit inside a ``with`` block."""
        with self.lock:
            if self.depth == 0:
                self.limit = pools(len(sys.modules)).limit(limits=1, user_api=self.kind)
            self.depth += 1
        try:
            yield
        finally:
            with self.lock:
                self.depth -= 1
                if self.depth == 0:
                    self.limit.restore_original_limits()


one_blas_thread = OneThread("blas")
one_openmp_thread = OneThread("openmp")
