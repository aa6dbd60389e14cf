"""What a fit has tried where memory ran out, and how memory is told in a sentence."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from gpuseg.backends._needs import ADVICE, Need, Task
from gpuseg.errors import OutOfMemory

SPENT = ("out of memory", "bad_alloc", "memoryallocation", "alloc_failed")
"""What the errors of CUDA, its libraries and C++ say, beside MemoryError, from which CuPy's and RMM's derive."""
LONGEST = 200
"""Characters of a library's own words in an error: CUDA's come with a stack."""
MORE_WORKERS = "use more workers, workers with more memory, or smaller blocks of data"
"""What a user can do where a worker ran out of memory."""
UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))
"""Units of memory and the digits that are shown after the point."""


@dataclass
class Attempt:
    """Backends tried in smaller batches, backends given up, a sentence for each step, and what runs now.

    ``backend`` is what was chosen for ``task``, ``free`` whether "auto" chose it, ``remote`` whether workers use it:
    then ``task`` is the share of one of them. ``pending`` are calls that let go of what is
    held elsewhere.
    """

    thrifty: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    steps: list[str] = field(default_factory=list)
    backend: str | None = None
    fit: str | None = None
    task: Task | None = None
    free: bool = True
    remote: bool = False
    pending: list[Callable[[], None]] = field(default_factory=list)


class RanOut(OutOfMemory):
    """Memory ran out in a task: what ``with_room`` may mend, unlike a plan that was refused."""


current: ContextVar[Attempt | None] = ContextVar("gpuseg_attempt", default=None)


def attempted() -> Attempt | None:
    """Return what the fit that runs here has tried, None outside of one."""
    return current.get()


@contextmanager
def without(names: Collection[str]) -> Iterator[None]:
    """Choose inside the block as after these backends ran out of memory."""
    token = current.set(Attempt(left=set(names)))
    try:
        yield
    finally:
        current.reset(token)


def ran_out(error: BaseException) -> bool:
    """Return whether an error says that memory ran out.

    >>> ran_out(RuntimeError("cudaErrorMemoryAllocation: out of memory")), ran_out(RuntimeError("no GPU"))
    (True, False)
    """
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in SPENT)


def asked(name: str, task: Task, need: Need) -> int:
    """Return the bytes that a fit takes on a backend beyond what is taken already."""
    return need.working + (0 if task.held == name or task.streamed else task.matrix)


def room_sentence(name: str, task: Task, need: Need, free: int | None) -> str:
    """Return what a fit needs on a backend beside what is free there."""
    about = f"{task.algorithm} of {task.rows:,} rows by {task.columns:,} columns"
    lists = f", with about {task.neighbours:,.0f} rows within eps of a row," if task.algorithm == "dbscan" else ""
    there = "" if free is None else f" and {size(free)} are free"
    return f"{about}{lists} needs about {size(asked(name, task, need))} on {name!r}{there}"


def out_of_memory(attempt: Attempt, task: Task, rooms: list[str], more: str = "") -> OutOfMemory:
    """Return the error: what the fit needs where, what was tried before, and what to do."""
    before = f" (before that: {'; '.join(attempt.steps)})" if attempt.steps else ""
    advice = MORE_WORKERS if attempt.remote else ADVICE[task.algorithm]
    return OutOfMemory(f"{'; '.join(rooms)}{before}; {advice}{more}")


def size(count: float) -> str:
    """Return bytes in words.

    >>> size(80_000), size(80_000_000), size(3_500_000_000)
    ('80 kB', '80 MB', '3.5 GB')
    """
    scale, unit, digits = next((row for row in UNITS if count >= row[0]), UNITS[-1])
    return f"{count / scale:,.{digits}f} {unit}"
