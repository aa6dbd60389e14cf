"""What every benchmark is, and how one is run: contenders in turns, each in a process of its own."""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gpuseg.card import versions

MB = 1024
"""Kilobytes, in which Linux gives the peak, of a megabyte."""
Data = Any
Scores = Mapping[str, float]


class Benchmark(NamedTuple):
    """A row of the table. ``data`` makes the input, untimed; ``run`` has ours first and then its peers.

    ``score`` says how good a result is; it is worked out in the contender's process, untimed.
    """

    name: str
    data: Callable[[Any], Data]
    run: Mapping[str, Callable[[Data], Any]]
    score: Callable[[Data, Any], Scores]


class Taken(NamedTuple):
    """One run: seconds, megabytes at the peak (what the process grew by, all of a command it ran), and the scores."""

    seconds: float
    peak_mb: float
    scores: Scores


def measured(benchmark: Benchmark, contender: str, options: Any) -> Taken:
    """Return one run of a contender, in a new process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, benchmark, contender, options))
    process.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError:
        raise SystemExit(f"{benchmark.name}: {contender} ended without a result; see its error above") from None
    process.join()
    return Taken(*found)


def _work(pipe: Any, benchmark: Benchmark, contender: str, options: Any) -> None:
    data = benchmark.data(options)
    before = _peak(resource.RUSAGE_SELF)
    start = time.perf_counter()
    result = benchmark.run[contender](data)
    seconds = time.perf_counter() - start
    own, started = _peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN)
    # Linux counts a child from its parent's size on: only above that is it what a command took.
    peak = started if started > own else own - before
    pipe.send((seconds, peak, dict(benchmark.score(data, result))))


def _peak(of: int) -> float:
    """Return the largest memory that this process or one that it started has had, in MB."""
    return resource.getrusage(of).ru_maxrss / MB


def compared(benchmark: Benchmark, options: Any, repeats: int) -> dict[str, Any]:
    """Return the runs of all contenders, taken in turns, their medians, and the ratios of each turn to ours."""
    turns = [{name: measured(benchmark, name, options) for name in benchmark.run} for _ in range(repeats)]
    ours, *peers = benchmark.run
    ratios = {peer: [round(turn[peer].seconds / turn[ours].seconds, 3) for turn in turns] for peer in peers}
    return {
        "name": benchmark.name,
        "runs": {name: [turn[name]._asdict() for turn in turns] for name in benchmark.run},
        "median": {name: _median([turn[name] for turn in turns]) for name in benchmark.run},
        "times_faster": ratios,
    }


def _median(runs: Sequence[Taken]) -> dict[str, float]:
    scores = {name: statistics.median(run.scores[name] for run in runs) for name in runs[0].scores}
    seconds, peaks = (statistics.median(getattr(run, field) for run in runs) for field in ("seconds", "peak_mb"))
    return {"seconds": round(seconds, 3), "peak_mb": round(peaks, 1), **scores}


def machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    return {"cores": os.cpu_count(), "platform": platform.platform(), "versions": versions()}


def printed(found: Mapping[str, Any]) -> str:
    """Return a comparison as text: a line a contender, and the ratios of the turns."""
    lines = [found["name"]]
    for name, median in found["median"].items():
        lines.append(f"  {name:14} " + "  ".join(f"{what} {value:,.6g}" for what, value in median.items()))
    for peer, ratios in found["times_faster"].items():
        middle = statistics.median(ratios)
        lines.append(f"  {middle:.2f} times as fast as {peer} (turns: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")
    return "\n".join(lines)


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return all comparisons with the machine they were taken on."""
    return json.dumps({"machine": machine(), "rows": list(rows)}, indent=1)
