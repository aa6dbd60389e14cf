"""Choose the backend. This is the only place in gpuseg where a choice is made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gpuseg.backends._attempt import Attempt, asked, current, out_of_memory, room_sentence, size
from gpuseg.backends._needs import Need, Task
from gpuseg.backends._protocol import Backend
from gpuseg.backends._registry import KNOWN, available, free_memory, get_backend, holder, started
from gpuseg.errors import UnsupportedOnBackend, listed
from gpuseg.settings import Wish, gpu_threshold, wished_backend

HOST = "cpu"
"""Where NumPy arrays and tables in memory are."""


class Choice(NamedTuple):
    """A backend, why it was taken, what was tried before it and ran out of memory, and whether to spare memory."""

    backend: Backend
    reason: str
    steps: tuple[str, ...] = ()
    thrifty: bool = False


class Verdict(NamedTuple):
    """What a fit needs on a backend, the bytes free there, and what speaks against it under "auto", None if nothing."""

    name: str
    need: Need | None
    free: int | None
    against: str | None


def choose(x: object, argument: str = "auto", *, fit: str | None = None, task: Task | None = None) -> Choice:
    """Return the backend asked for, else the one that holds ``x``, else the first that nothing speaks against.

    ``fit`` names the row of the backends' ``fits`` that is needed, None where array code is enough; ``task`` says
    what the fit is like, and how large. With neither, data on the host stays there. Raises OutOfMemory before the
    work where no backend has room for ``task``.
    """
    attempt = current.get() or Attempt()
    wish = wished_backend(argument)
    choice = _chosen(x, wish, fit, task, attempt)
    return noted(choice, fit=fit, task=task, free=wish.name == "auto")


def noted(choice: Choice, *, fit: str | None, task: Task | None, free: bool, remote: bool = False) -> Choice:
    """Return the choice with what was tried before it; it is what the attempt runs now, see ``Attempt``."""
    attempt = current.get() or Attempt()
    if fit is not None or task is not None:
        attempt.backend, attempt.fit, attempt.task = choice.backend.name, fit, task
        attempt.free, attempt.remote = free, remote
    thrifty = choice.backend.name in attempt.thrifty
    if thrifty:
        fits = {**choice.backend.fits, **choice.backend.thrifty}
        choice = choice._replace(backend=replace(choice.backend, fits=fits))
    return choice._replace(steps=tuple(attempt.steps), thrifty=thrifty)


def verdicts(task: Task | None, fit: str | None) -> list[Verdict]:
    """Return what speaks against each backend, the preferred one first; loads none of them."""
    attempt = current.get() or Attempt()
    seen = [_judged(name, task, fit, attempt) for name in KNOWN]
    return [_repaying(verdict, [other for other in seen if other.against is None]) for verdict in seen]


def refuse_too_large(name: str, task: Task) -> None:
    """Raise OutOfMemory where a backend asked for by name has no room and would not raise an error of its own."""
    verdict = _judged(name, task, None, Attempt())
    if verdict.against is not None and not KNOWN[name].refuses and verdict.need is not None:
        raise out_of_memory(Attempt(), task, [room_sentence(name, task, verdict.need, verdict.free)])


def _chosen(x: object, wish: Wish, fit: str | None, task: Task | None, attempt: Attempt) -> Choice:
    holding = holder(x)
    if wish.name != "auto":
        choice = _offering(Choice(get_backend(wish.name), wish.source), fit)
        if task is not None:
            refuse_too_large(wish.name, task)
        return choice
    if holding is not None and not isinstance(x, np.ndarray) and holding.name not in attempt.left:
        return _offering(Choice(holding, f"the data is held by {holding.name!r}"), fit)
    if fit is None and task is None:
        return Choice(get_backend(HOST), f"auto took {HOST!r}: no fit is asked for, so what is on the host stays there")
    return _first(fit or (task.algorithm if task else None), task, attempt)


def first(seen: Sequence[Verdict]) -> tuple[str, str] | None:
    """Return the first backend that nothing speaks against, and why it is taken; None where there is none."""
    for at, verdict in enumerate(seen):
        if verdict.against is None:
            passed = "; ".join(f"{other.name!r} {other.against}" for other in seen[:at])
            return verdict.name, f"auto took {verdict.name!r}, the first that can be used{passed and f' ({passed})'}"
    return None


def _first(fit: str | None, task: Task | None, attempt: Attempt) -> Choice:
    seen = verdicts(task, fit)
    if (found := first(seen)) is not None:
        return Choice(get_backend(found[0]), found[1])
    full = [verdict for verdict in seen if verdict.need is not None and verdict.free is not None]
    if task is not None and full:
        raise out_of_memory(attempt, task, [room_sentence(v.name, task, v.need, v.free) for v in full if v.need])
    raise UnsupportedOnBackend(f"{fit!r} is offered by no backend here; known are {listed(KNOWN)}")


def _judged(name: str, task: Task | None, fit: str | None, attempt: Attempt) -> Verdict:
    known = KNOWN[name]
    need = known.needs[task.algorithm](task) if task is not None and task.algorithm in known.needs else None
    if (why := known.missing()) is not None:
        return Verdict(name, need, None, f"cannot: {why.partition(';')[0]}")
    if (wanted := fit or (task.algorithm if task else None)) is not None and wanted not in known.needs:
        return Verdict(name, None, None, f"does not offer {wanted!r}")
    free = free_memory(name)
    if need is not None and need.against is not None:
        return Verdict(name, need, free, need.against)
    if name in attempt.left:
        return Verdict(name, need, free, "ran out of memory")
    if task is not None and need is not None and free is not None and (most := asked(name, task, need)) > free:
        return Verdict(name, need, free, f"has no room: {size(most)} are needed and {size(free)} free")
    return Verdict(name, need, free, None)


def _repaying(verdict: Verdict, usable: list[Verdict]) -> Verdict:
    """Return the verdict, against a backend that is slow to load if another one is done with the work before."""
    if verdict.against is not None or started(verdict.name):
        return verdict
    others = [other.need.seconds for other in usable if other is not verdict and other.need is not None]
    seconds = min((value for value in others if value is not None), default=None)
    if seconds is None or seconds >= gpu_threshold():
        return verdict
    done = f"others are done in about {seconds:.2g} s, below gpu_threshold={gpu_threshold():g}"
    return verdict._replace(against=f"would not repay loading it: {done}")


def _offering(choice: Choice, fit: str | None) -> Choice:
    if fit is None or fit in choice.backend.fits:
        return choice
    others = listed(b.name for b in available() if fit in b.fits) or "no other one here"
    raise UnsupportedOnBackend(f"backend={choice.backend.name!r} does not offer {fit!r}; use {others}")
