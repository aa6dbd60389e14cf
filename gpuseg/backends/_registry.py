"""Every backend, and the crossings between their arrays: what is known of each before its libraries are loaded."""

import importlib
import sys
from functools import cache
from typing import Any

import numpy as np

from gpuseg.backends._needs import CPU, CUDA
from gpuseg.backends._protocol import Array, Backend, Host, Known, host_memory
from gpuseg.backends.devices import gpu_memory, gpu_missing
from gpuseg.errors import BackendUnavailable, listed, nearest_hint

KNOWN: dict[str, Known] = {
    "cuda": Known(
        "gpuseg.backends.cuda",
        frozenset({"cupy", "cudf"}),
        gpu_missing,
        needs=CUDA,
        free=gpu_memory,
        loads="cuml",
        refuses=True,
    ),
    "cpu": Known("gpuseg.backends.cpu", frozenset({"numpy"}), lambda: None, needs=CPU, free=host_memory),
}
"""Every backend, the preferred one first. A new one is a file and a row here."""


@cache
def get_backend(name: str) -> Backend:
    """Return the named backend; raise BackendUnavailable where it cannot be used."""
    if name not in KNOWN:
        hint = nearest_hint(name, list(KNOWN))
        raise BackendUnavailable(f"backend={name!r} is not known; known are {listed(KNOWN)} and 'auto'{hint}")
    if (why := KNOWN[name].missing()) is not None:
        usable = listed(other for other in KNOWN if other != name and KNOWN[other].missing() is None)
        raise BackendUnavailable(f"backend={name!r} cannot be used here: {why}; usable here are {usable} and 'auto'")
    backend: Backend = importlib.import_module(KNOWN[name].module).BACKEND
    return backend


def started(name: str) -> bool:
    """Return whether nothing that takes seconds has to be loaded for a fit of the backend."""
    return KNOWN[name].loads is None or KNOWN[name].loads in sys.modules


def free_memory(name: str) -> int | None:
    """Return the bytes free where a backend works, None where nothing says; loads nothing to find out."""
    return get_backend(name).free_memory() if KNOWN[name].module in sys.modules else KNOWN[name].free()


def available() -> tuple[Backend, ...]:
    """Return the backends that can be used here, the preferred one first."""
    return tuple(get_backend(name) for name, known in KNOWN.items() if known.missing() is None)


def holder(x: object) -> Backend | None:
    """Return the backend whose array or table ``x`` is, or None; imports nothing to find out."""
    root = type(x).__module__.partition(".")[0]
    return next((get_backend(name) for name, known in KNOWN.items() if root in known.roots), None)


def to_host(x: Array) -> Host:
    """Return an array of any backend as a NumPy array."""
    holding = holder(x)
    return np.asarray(x) if holding is None else holding.to_host(x)


def like(x: Any, original: Any) -> Any:
    """Return the array ``x`` in the library of ``original``: device data stays there, all else is NumPy."""
    return x if holder(original) is not None and holder(x) is holder(original) else to_host(x)
