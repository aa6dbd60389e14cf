"""What a fit needs on each backend, and which one "auto" would take: told before any work is done."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from gpuseg.backends import KNOWN, NEIGHBOURS, Task, Verdict, asked, first, size, verdicts
from gpuseg.errors import InvalidInput, unknown
from gpuseg.html import Cell, Text, table_html
from gpuseg.settings import wished_backend

ALGORITHMS = tuple(name for name in KNOWN["cpu"].needs if name != "digest")
ITEMS = {"float64": 8, "float32": 4}
REMARKS = {
    "dbscan": "a fit counts the rows within eps of a row on a sample: memory on the CPU depends on them",
    "hdbscan": "where memory runs out under backend='auto', a fit goes on on the CPU: cuML's smaller steps are "
    "approximate",
}
"""What the figures do not say."""
HEAD = ("backend", "needs", "free", "work", "about", "")


class Line(NamedTuple):
    """What a fit needs on a backend: bytes of matrix and working set, bytes free, millions of multiplications, seconds.

    ``free`` is None where nothing says, ``seconds`` where no rate was measured. ``against``: why "auto" passes the
    backend over; None where it does not.
    """

    backend: str
    bytes: int
    free: int | None
    work: float
    seconds: float | None
    against: str | None


class Plan(NamedTuple):
    """What a fit needs, a line a backend, and the backend that is taken, None if none can be; it prints as a table.

    The bytes are those at the peak, the matrix among them. All figures are estimates: of the right size, not of the
    right digit.
    """

    algorithm: str
    rows: int
    columns: int
    dtype: str
    lines: tuple[Line, ...]
    backend: str | None
    reason: str
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, for JSON."""
        return {**self._asdict(), "lines": [line._asdict() for line in self.lines]}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the plan that ``to_dict`` was taken of."""
        return cls(**{**values, "lines": tuple(Line(**line) for line in values["lines"])})

    @property
    def title(self) -> str:
        """Return what is planned."""
        return f"{self.algorithm} of {self.rows:,} rows by {self.columns:,} columns, {self.dtype}"

    def __str__(self) -> str:
        """Return the plan as lines of text."""
        rows = [HEAD, *(self._cells(line) for line in self.lines)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD) - 1)]
        table = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=False)) + "  " + row[-1] for row in rows]
        return "\n".join([self.title, *(line.rstrip() for line in table), *self._said()])

    def _repr_html_(self) -> str:
        cells = [self._cells(line) for line in self.lines]
        rows: list[list[Cell]] = [[Text(row[0]), *row[1:-1], Text(row[-1])] for row in cells]
        return table_html(self.title, [Text(HEAD[0]), *HEAD[1:]], rows, self._said())

    def _said(self) -> list[str]:
        return [self.reason, self.remark] if self.remark else [self.reason]

    def _cells(self, line: Line) -> Sequence[str]:
        free = "?" if line.free is None else size(line.free)
        seconds = "?" if line.seconds is None else lasting(line.seconds)
        word = "taken" if line.backend == self.backend else line.against or ""
        return (line.backend, size(line.bytes), free, f"{line.work:,.0f} M", seconds, word)


def plan(
    algorithm: str,
    n: int,
    d: int,
    *,
    n_clusters: int = 8,
    n_init: int = 1,
    min_samples: int = 5,
    neighbours: float = NEIGHBOURS,
    dtype: str = "float64",
    backend: str = "auto",
) -> Plan:
    """Return what a fit of ``n`` rows by ``d`` columns needs on each backend, and which one is taken and why.

    ``algorithm``: a name of ``gpuseg algorithms``. ``neighbours``: the mean number of rows within eps of a row, on
    which the memory of DBSCAN depends; a fit counts them on a sample. ``work`` is in millions of multiplications.
    Nothing is loaded or worked out. Raises InvalidInput for a name that is not known and for sizes below 1.

    >>> plan("kmeans", 1_000_000, 10, backend="cpu").lines[-1].bytes
    200000000
    """
    if algorithm not in ALGORITHMS:
        raise unknown("algorithm", algorithm, ALGORITHMS)
    if str(dtype) not in ITEMS:
        raise unknown("dtype", dtype, ITEMS)
    sizes = {"n": n, "d": d, "n_clusters": n_clusters, "n_init": n_init, "min_samples": min_samples}
    for name, value in {**sizes, "neighbours": neighbours}.items():
        if not value >= 1:
            raise InvalidInput(f"{name}={value!r} is not allowed; give 1 or more")
    task = Task(algorithm, n, d, ITEMS[str(dtype)], n_clusters, n_init, min_samples, float(neighbours))
    seen = [verdict for verdict in verdicts(task, algorithm) if verdict.need is not None]
    lines = tuple(_line(verdict, task) for verdict in seen)
    return Plan(algorithm, n, d, str(dtype), lines, *_taken(seen, lines, backend), REMARKS.get(algorithm, ""))


def _line(verdict: Verdict, task: Task) -> Line:
    need = KNOWN[verdict.name].needs[task.algorithm](task)
    needed = asked(verdict.name, task, need)
    return Line(verdict.name, needed, verdict.free, need.work, need.seconds, verdict.against)


def _taken(seen: Sequence[Verdict], lines: Sequence[Line], backend: str) -> tuple[str | None, str]:
    """Return the backend that a fit would take, None where it would raise, and why."""
    wish = wished_backend(backend)
    if wish.name == "auto":
        none = "; ".join(f"{line.backend!r} {line.against}" for line in lines)
        return first(seen) or (None, f"no backend can be taken: {none}")
    line = next((line for line in lines if line.backend == wish.name), None)
    if line is None:
        raise unknown("backend", wish.name, [*(line.backend for line in lines), "auto"])
    known = KNOWN[wish.name]
    too_large = line.free is not None and line.bytes > line.free and not known.refuses
    if too_large or known.missing() is not None:
        return None, f"backend={wish.name!r} is {wish.source}, and {line.against}"
    return wish.name, f"backend={wish.name!r} is {wish.source}"


def lasting(seconds: float) -> str:
    """Return a time in words.

    >>> lasting(0.123), lasting(300), lasting(90_000), lasting(1e6)
    ('0.12 s', '5 min', '25 h', '12 days')
    """
    for unit, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {word}"
    return f"{seconds:.2g} s"
