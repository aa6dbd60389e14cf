"""How the error of a digest falls with its points: a million rows of each pinned set."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.families import ROWS, Pinned, agreement, methods, rows_of
from benchmarks.harness import Run, Scores

POINTS = (512, 1024, 2048, 4096, 8192, 16_384)
CURVES = ("Ward", "HDBSCAN", "DBSCAN", "OPTICS")


class Step(NamedTuple):
    """A fit by so many points: seconds of the processor, labels of all rows, and the error that the fit measured."""

    points: int
    seconds: float
    found: tuple[np.ndarray, float]


def curve(data: Pinned, *, make: Callable[[], Any]) -> list[Step]:
    """Return a fit by each of POINTS; a method that counts rows needs points as fine as its counts."""
    finest = getattr(make(), "min_samples", len(data.x))
    return [_step(data, make(), points) for points in POINTS if points * finest >= len(data.x)]


def _step(data: Pinned, model: Any, points: int) -> Step:
    start = time.process_time()
    model.set_params(n_micro=points).fit(data.x)
    seconds = time.process_time() - start
    return Step(points, seconds, (np.asarray(model.labels_), float(model.digest_error_)))


def contenders(_: Any, *, name: str, method: str) -> dict[str, Run]:
    """Return ours alone."""
    return {"gpuseg": partial(curve, make=methods(name, ROWS, "digest")[method])}


def each_step(data: Pinned, found: list[Step]) -> Scores:
    """Return agreement with the truth, error and seconds of every step under names of their own.

    Seconds are the processor's, on both cores together: these rows are of scores, which other work may run beside.
    """
    scores = {}
    for step in found:
        about = {**agreement(data, step.found), "cpu_seconds": round(step.seconds, 3)}
        scores |= {f"{what}_{step.points}": value for what, value in about.items()}
    return scores


ROWS_OF_THE_TABLE = rows_of("digest error", contenders, each_step, lambda _: CURVES)
"""A row a set and a method."""
