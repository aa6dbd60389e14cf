"""Choose the backend. This is the only place in gpuseg where a choice is made."""

import importlib
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends._protocol import Array, Backend, Host, Kernel, Known
from gpuseg.backends._threads import one_blas_thread
from gpuseg.backends.devices import gpu_missing
from gpuseg.errors import BackendUnavailable, UnsupportedOnBackend, listed, nearest_hint
from gpuseg.settings import wished_backend

__all__ = [
    "KNOWN", "Array", "Backend", "Choice", "Host", "Kernel", "Known", "available", "choose", "get_backend",
    "holder", "like", "one_blas_thread", "to_host",
]  # fmt: skip

KNOWN: dict[str, Known] = {
    "cuda": Known("gpuseg.backends.cuda", frozenset({"cupy", "cudf"}), gpu_missing),
    "cpu": Known("gpuseg.backends.cpu", frozenset({"numpy"}), lambda: None),
}
"""Every backend, the preferred one first. A new one is a file and a row here."""


class Choice(NamedTuple):
    """A backend, and why it was taken."""

    backend: Backend
    reason: str


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


def available() -> tuple[Backend, ...]:
    """Return the backends that can be used here, the preferred one first."""
    return tuple(get_backend(name) for name, known in KNOWN.items() if known.missing() is None)


def holder(x: object) -> Backend | None:
    """Return the backend whose array or table ``x`` is, or None; imports nothing to find out."""
    root = type(x).__module__.partition(".")[0]
    return next((get_backend(name) for name, known in KNOWN.items() if root in known.roots), None)


def choose(x: object, argument: str = "auto", *, fit: str | None = None) -> Choice:
    """Return the backend asked for, else the one that holds ``x``, else the preferred usable one.

    ``fit`` names the row of the backends' ``fits`` that is needed; None where array code is enough.
    Host data goes to a GPU only where somebody asked for it or there is one that offers the algorithm.
    """
    wish = wished_backend(argument)
    if wish.name != "auto":
        return _offering(Choice(get_backend(wish.name), wish.source), fit)
    holding = holder(x)
    if holding is not None and not isinstance(x, np.ndarray):
        return _offering(Choice(holding, f"the data is held by {holding.name!r}"), fit)
    for name, known in KNOWN.items():
        why = known.missing()
        if why is None and (fit is None or fit in get_backend(name).fits):
            return Choice(get_backend(name), _reason(name, fit))
    raise UnsupportedOnBackend(f"{fit!r} is offered by no backend here; known are {listed(KNOWN)}")


def _reason(name: str, fit: str | None) -> str:
    """Return why ``name`` was taken: what was before it in the order, and why that was passed over."""
    before = list(KNOWN.items())[: list(KNOWN).index(name)]
    passed = [
        f"{other!r} cannot: {why.partition(';')[0]}"
        if (why := known.missing())
        else f"{other!r} does not offer {fit!r}"
        for other, known in before
    ]
    return f"auto took {name!r}, the first that can be used" + (f" ({'; '.join(passed)})" if passed else "")


def _offering(choice: Choice, fit: str | None) -> Choice:
    if fit is None or fit in choice.backend.fits:
        return choice
    others = listed(b.name for b in available() if fit in b.fits) or "no other one here"
    raise UnsupportedOnBackend(f"backend={choice.backend.name!r} does not offer {fit!r}; use {others}")


def to_host(x: Array) -> Host:
    """Return an array of any backend as a NumPy array."""
    holding = holder(x)
    return np.asarray(x) if holding is None else holding.to_host(x)


def like(x: Any, original: Any) -> Any:
    """Return the array ``x`` in the library of ``original``: device data stays there, all else is NumPy."""
    return x if holder(original) is not None and holder(x) is holder(original) else to_host(x)
