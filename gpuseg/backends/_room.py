"""What happens when memory runs out in the middle of a fit: smaller batches, the next backend, or an error."""

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from gpuseg.backends._attempt import LONGEST, Attempt, RanOut, current, out_of_memory, ran_out, room_sentence
from gpuseg.backends._choice import verdicts
from gpuseg.backends._registry import KNOWN, free_memory, get_backend
from gpuseg.errors import GpusegError, OutOfMemory
from gpuseg.settings import log

Given = ParamSpec("Given")
Value = TypeVar("Value")


def with_room(function: Callable[Given, Value]) -> Callable[Given, Value]:
    """Return ``function``, a whole fit, such that one that runs out of memory under "auto" is tried again.

    First on the same backend in smaller batches, where there are any, then on the next one. Every step is logged,
    and is in what ``choose`` returns from then on. Where one such function calls another, the outer one tries
    again. Raises OutOfMemory where nothing is left to try, or where the backend was asked for by name.
    """

    @wraps(function)
    def tried(*args: Given.args, **kwargs: Given.kwargs) -> Value:
        if current.get() is not None:
            return function(*args, **kwargs)
        attempt = Attempt()
        token = current.set(attempt)
        try:
            while True:
                try:
                    return function(*args, **kwargs)
                except (MemoryError, RuntimeError) as error:
                    final = isinstance(error, GpusegError) and not isinstance(error, RanOut)
                    if final or not ran_out(error) or attempt.backend is None:
                        raise
                    _step(attempt, attempt.backend, error)
                # Out of the handler, where nothing holds the arrays of what failed any more.
                gc.collect()
                while attempt.pending:
                    attempt.pending.pop()()
        finally:
            current.reset(token)

    return tried


def _step(attempt: Attempt, name: str, error: BaseException) -> None:
    """Note and log what comes after ``error``; raise OutOfMemory where nothing does."""
    if not attempt.free:
        raise _spent(attempt, name, error) from error
    if name not in attempt.thrifty and _has_smaller(attempt, name):
        attempt.thrifty.add(name)
        step = f"{name!r} ran out of memory, tried again in smaller batches"
    else:
        attempt.left.add(name)
        if not (left := _left(attempt, name)):
            raise _spent(attempt, name, error) from error
        step = f"{name!r} ran out of memory, went on on {left[0]!r}"
    attempt.steps.append(step)
    log.info(step)


def _has_smaller(attempt: Attempt, name: str) -> bool:
    """Return whether smaller batches can be tried: our loop over blocks has them, of the library's fits a few."""
    if attempt.fit is not None:
        return attempt.fit in get_backend(name).thrifty
    return attempt.task is not None and attempt.task.solver != "vendor"


def _left(attempt: Attempt, name: str) -> list[str]:
    """Return the backends to go on with; of workers it is only known that they all have the last one."""
    if attempt.remote:
        return list(KNOWN)[list(KNOWN).index(name) + 1 :]
    return [verdict.name for verdict in verdicts(attempt.task, attempt.fit) if verdict.against is None]


def _spent(attempt: Attempt, name: str, error: BaseException) -> OutOfMemory:
    """Return the error for memory that ran out, with the plan's figures."""
    if isinstance(error, RanOut) and error.__cause__ is not None:
        error = error.__cause__
    said = " ".join(str(error).split())[:LONGEST] or type(error).__name__
    where = "on a worker, " if attempt.remote else ""
    spent, task = f"{where}backend {name!r} ran out of memory ({said})", attempt.task
    if task is None or task.algorithm not in KNOWN[name].needs:
        return OutOfMemory(f"{spent}; use fewer rows")
    free = None if attempt.remote else free_memory(name)
    room = room_sentence(name, task, KNOWN[name].needs[task.algorithm](task), free)
    others = "" if attempt.free else "; or use backend='auto', which goes on elsewhere"
    return out_of_memory(attempt, task, [f"{spent}: {room}"], others)
