"""How a row of the table is run: a process a contender, all of them in turns."""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import distributions
from typing import Any, NamedTuple

from gpuseg.backends.devices import driver
from gpuseg.card import versions

MB = 1024
"""Kilobytes, in which Linux gives the peak, of a megabyte."""
PEERS = (
    "scikit-learn-intelex", "faiss", "fast_hdbscan", "fastcluster", "kmedoids", "kmodes", "betula-cluster", "pandas",
    "cuml-cu", "cudf-cu", "cupy-cuda",
)  # fmt: skip
"""How the names of the peers' packages begin."""
Data = Any
Scores = Mapping[str, float]
Run = Callable[[Data], Any]


class Benchmark(NamedTuple):
    """A row of the table. ``data`` makes the input, untimed; ``runs`` gives contenders by name, ours first.

    ``score`` says how good a result is; it is worked out in the contender's process, untimed. ``needs`` are the
    options without which the row cannot run; ``long``: runs only where it is asked for by name.
    """

    name: str
    data: Callable[[Any], Data]
    runs: Callable[[Any], Mapping[str, Run]]
    score: Callable[[Data, Any], Scores]
    needs: tuple[str, ...] = ()
    long: bool = False


class Taken(NamedTuple):
    """One run: seconds, and megabytes at the peak (what the process grew by, or all of a command it ran)."""

    seconds: float
    peak_mb: float


class Contender:
    """A process that has imported what it needs and made its data, and runs when it is told to."""

    def __init__(self, row: Benchmark, name: str, options: Any) -> None:
        """Start the process; it gets ready beside the others."""
        context = multiprocessing.get_context("spawn")
        self.name, (self.pipe, theirs) = name, context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, row, name, options))
        self.process.start()
        theirs.close()

    def ask(self, word: str) -> Any:
        """Return the answer to "ready", "run" or "score"."""
        self.pipe.send(word)
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            raise SystemExit(f"{self.name} ended without a result; see its error above") from None

    def end(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.join()


def _serve(pipe: Any, row: Benchmark, name: str, options: Any) -> None:
    data, run = row.data(options), row.runs(options)[name]
    before, result = _peak(resource.RUSAGE_SELF), None
    while True:
        try:
            word = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if word == "run":
            result = None  # the result before must not stand in the memory of this one
            start = time.perf_counter()
            result = run(data)
            pipe.send((time.perf_counter() - start, _grown(before)))
        else:
            pipe.send(dict(row.score(data, result)) if word == "score" else True)


def _grown(before: float) -> float:
    own, started = _peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN)
    # Linux counts a child from its parent's size on: only above that is it what a command took.
    return started if started > own else own - before


def _peak(of: int) -> float:
    """Return the largest memory that this process or one that it started has had, in MB."""
    return resource.getrusage(of).ru_maxrss / MB


def compared(row: Benchmark, options: Any, repeats: int) -> dict[str, Any]:
    """Return the runs of all contenders in turns after a first one each, medians, and each turn's ratios to ours.

    With no ``repeats`` the first runs are the only turn.
    """
    contenders = [Contender(row, name, options) for name in row.runs(options)]
    for each in contenders:
        each.ask("ready")
    first = {each.name: Taken(*each.ask("run")) for each in contenders}
    turns = [{each.name: Taken(*each.ask("run")) for each in contenders} for _ in range(repeats)] or [first]
    scores = {each.name: each.ask("score") for each in contenders}
    for each in contenders:
        each.end()
    ours, *peers = first
    return {
        "name": row.name,
        "first": {name: round(taken.seconds, 4) for name, taken in first.items()},
        "seconds": {name: [round(turn[name].seconds, 4) for turn in turns] for name in first},
        "median": {name: _median([turn[name] for turn in turns], scores[name]) for name in first},
        "times_faster": {peer: [round(turn[peer].seconds / turn[ours].seconds, 3) for turn in turns] for peer in peers},
    }


def _median(runs: Sequence[Taken], scores: Scores) -> dict[str, float]:
    seconds, peaks = (statistics.median(getattr(run, field) for run in runs) for field in Taken._fields)
    return {"seconds": round(seconds, 4), "peak_mb": round(peaks, 1), **scores}


def machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    found = driver()
    gpus = [gpu.name for gpu in found.gpus] if found else []
    peers = {dist.name: dist.version for dist in distributions() if dist.name.startswith(PEERS)}
    return {"cores": os.cpu_count(), "gpus": gpus, "platform": platform.platform(), "versions": versions() | peers}


def printed(found: Mapping[str, Any]) -> str:
    """Return a comparison as text: a line a contender, with how many times as fast as it the first one is."""
    lines = [found["name"]]
    for name, median in found["median"].items():
        scores = "  ".join(f"{what} {value:,.6g}" for what, value in median.items() if what not in Taken._fields)
        line = f"  {name:16} {median['seconds']:9.3f} s {median['peak_mb']:8,.0f} MB  {scores}"
        if ratios := found["times_faster"].get(name):
            line += f"  | gpuseg is {statistics.median(ratios):.2f} times as fast ({min(ratios):.2f}-{max(ratios):.2f})"
        lines.append(line)
    return "\n".join(lines)


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return all comparisons with the machine they were taken on."""
    return json.dumps({"machine": machine(), "rows": list(rows)}, indent=1)
