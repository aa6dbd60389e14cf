"""Settings of the process: which backend, whether notices are printed, whether bars are shown."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, TextIO

from gpuseg.errors import InvalidInput, unknown

VARIABLE = "GPUSEG_BACKEND"
BACKENDS = ("auto", "cpu", "cuda")
THRESHOLD_VARIABLE = "GPUSEG_GPU_THRESHOLD"
THRESHOLD = 8.0
"""Seconds: loading cuML took 7.7 on the two cores that it was measured on, so shorter work is done sooner without."""
MIN_REPORT_SIZE = 10
"""Customers of the smallest segment that a report tells of: a mean of one is that person's row. (Statistical offices
use 3 to 10.)"""
log = logging.getLogger("gpuseg")


class Settings(NamedTuple):
    """What holds here; None means that nothing was said."""

    backend: str | None = None
    notices: Literal["stdout", "stderr", "off"] = "stdout"
    progress: bool | None = None
    words: Callable[[str], str] = str
    gpu_threshold: float | None = None


_current: ContextVar[Settings] = ContextVar("gpuseg_settings", default=Settings())  # noqa: B039 - a tuple


def settings() -> Settings:
    """Return the settings that hold here."""
    return _current.get()


@contextmanager
def config(
    *,
    backend: str | None = None,
    notices: Literal["stdout", "stderr", "off"] | None = None,
    progress: bool | None = None,
    gpu_threshold: float | None = None,
) -> Iterator[Settings]:
    """Set settings inside a ``with`` block; what is not named stays as it is.

    ``backend``: "auto", "cpu" or "cuda"; an estimator's own argument wins over it, and it wins over
    the environment variable GPUSEG_BACKEND. ``notices``: where guesses and defaults are printed.
    ``progress``: whether bars are shown; left out, they are shown in a terminal and in a notebook.
    ``gpu_threshold``: seconds that a fit must be estimated to take on the CPU before "auto" loads the GPU's
    libraries for it; it wins over the variable GPUSEG_GPU_THRESHOLD; left out, 8, for loading cuML takes about that.
    Raises InvalidInput for a value that is not known.

    >>> import gpuseg
    >>> with gpuseg.config(backend="cpu") as now:
    ...     now.backend
    'cpu'
    """
    if notices not in (None, "stdout", "stderr", "off"):
        raise unknown("notices", notices, ("stdout", "stderr", "off"))
    now = settings()
    token = _current.set(
        Settings(
            now.backend if backend is None else _checked("backend", backend),
            now.notices if notices is None else notices,
            now.progress if progress is None else progress,
            now.words,
            now.gpu_threshold if gpu_threshold is None else _seconds("gpu_threshold", gpu_threshold),
        )
    )
    try:
        yield settings()
    finally:
        _current.reset(token)


@contextmanager
def worded(words: Callable[[str], str]) -> Iterator[None]:
    """Print notices inside a ``with`` block as ``words`` puts them: the command line has options, not arguments."""
    token = _current.set(settings()._replace(words=words))
    try:
        yield
    finally:
        _current.reset(token)


class Wish(NamedTuple):
    """The backend that was asked for, and who asked."""

    name: str
    source: str


def wished_backend(argument: str) -> Wish:
    """Return the backend asked for: the argument wins over the context, the context over the variable.

    The argument "auto" leaves the choice to the context, and then to the variable.
    """
    if argument != "auto":
        return Wish(argument, "asked for by name")
    if (inside := settings().backend) is not None:
        return Wish(inside, "asked for by gpuseg.config")
    if variable := os.environ.get(VARIABLE, "").strip():
        return Wish(_checked(VARIABLE, variable), f"asked for by {VARIABLE}")
    return Wish("auto", "nothing was asked for")


def gpu_threshold() -> float:
    """Return the seconds of work on the CPU below which "auto" does not load the libraries of the GPU."""
    if (inside := settings().gpu_threshold) is not None:
        return inside
    variable = os.environ.get(THRESHOLD_VARIABLE, "").strip()
    return _seconds(THRESHOLD_VARIABLE, variable) if variable else THRESHOLD


def say(message: str) -> None:
    """Log a guess or a default that was taken, and print it where notices go."""
    log.info(message)
    streams: dict[str, TextIO] = {"stdout": sys.stdout, "stderr": sys.stderr}
    if (where := settings().notices) in streams:
        print(settings().words(message), file=streams[where])


def _checked(what: str, backend: str) -> str:
    if backend not in BACKENDS:
        raise unknown(what, backend, BACKENDS)
    return backend


def _seconds(what: str, value: float | str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds >= 0:
        raise InvalidInput(f"{what}={value!r} is no number of seconds; give 0 or more")
    return seconds
