"""What runs on the workers: a block's task, a backend's kernels, and the choice that a worker would make."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpuseg.backends import KNOWN, Task, choose, get_backend, holder, one_blas_thread, to_host
from gpuseg.backends import without as choosing_without
from gpuseg.backends._protocol import Backend, Kernel
from gpuseg.engines.blocks import Block, place


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


def placing(task: Callable[..., Any], function: Callable[..., Any], given: tuple[Any, ...], *args: Any) -> Any:
    """Return what the task gives for a block that is on the device for no longer."""
    return task(function, place(*given), *args)


def brought(function: Callable[..., Any], *args: Any) -> Any:
    """Return the function's value for the client, which may have no device."""
    return hosted(alone(function, *args))


def rows_of_block(block: Any, function: Callable[..., Any], dtypes: Any, columns: Any, *args: Any) -> tuple[Any, ...]:
    """Return a block's arrays on the host; a part of a Dask collection may have no rows."""
    if isinstance(block, Block) and not block.x.shape[0]:
        return tuple(np.empty((0, *columns), dtype=dtype) for dtype in dtypes)
    return hosted(function(block, *args))


@dataclass(frozen=True)
class Elsewhere(Backend):
    """A backend that the workers can use and this process cannot: its kernels are looked up where they run."""

    def kernel_or(self, body: Kernel, *, work: float = math.inf) -> Kernel:
        """Return a function that is the worker's kernel of that name, else the array function."""
        return OnWorker(self.name, body, work)


@dataclass(frozen=True)
class OnWorker:
    """An array function, or the faster twin of it that a worker's backend has."""

    backend: str
    body: Kernel
    work: float

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Return what the function gives on this worker."""
        return get_backend(self.backend).kernel_or(self.body, work=self.work)(*args, **options)


def known_here(name: str) -> Backend:
    """Return a backend that the workers can use; results come to this process as NumPy arrays, whatever it can use."""
    if KNOWN[name].missing() is None:
        return get_backend(name)
    cpu = get_backend("cpu")
    return Elsewhere(name, cpu.matrix, cpu.to_device, cpu.to_host, cpu.free_memory)


def offered(backend: str, fit: str | None, task: Task | None, left: Sequence[str]) -> tuple[str, str]:
    """Return the backend that a worker would choose, and why; ``left`` ran out of memory before."""
    with choosing_without(left):
        choice = choose(None, backend, fit=fit, task=task)
    return choice.backend.name, choice.reason
