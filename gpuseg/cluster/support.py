"""What each algorithm takes, read off its code: the table of ``gpuseg algorithms``."""

import inspect
from typing import NamedTuple

from gpuseg.backends import EXACT_MEDOIDS, KNOWN, Task
from gpuseg.cluster import ALGORITHMS, Clusterer
from gpuseg.cluster._sized import EXACT_SECONDS

COLUMNS = 10
"""Columns of the rows that an exact fit is measured by."""
MEMORY = 16 * 1024**3
"""Bytes of the machine that an exact fit is measured by: those of a laptop."""
MOST = 1 << 30
"""Rows beyond which nothing is measured."""


class Support(NamedTuple):
    """What an algorithm takes.

    ``number``: whether it is told the number of segments, or finds it. ``exact_rows``: up to about how many rows of
    ten columns method="auto" fits exactly, in 16 GiB and, where that is estimated, in a minute on a CPU; None where
    there is no such bound. ``beyond``: what is done with more. ``gpu``: whether its fit is offered there. ``blocks``:
    whether rows may come from files and from Dask's workers. ``weights``: whether rows may have weights.
    """

    name: str
    number: str
    exact_rows: int | None
    beyond: str
    gpu: bool
    blocks: bool
    weights: bool
    metrics: tuple[str, ...]


def support() -> list[Support]:
    """Return what every algorithm takes, a row each."""
    return [_of(name, algorithm) for name, algorithm in ALGORITHMS.items()]


def _of(name: str, algorithm: type[Clusterer]) -> Support:
    told = "n_clusters" in algorithm().get_params(deep=False)
    return Support(
        name,
        "told" if told else "found",
        _exact_rows(name, algorithm.beyond),
        algorithm.beyond,
        name in KNOWN["cuda"].needs,
        algorithm.in_blocks,
        not {"sample_weight", "weights"}.isdisjoint(inspect.signature(algorithm.fit).parameters),
        algorithm.metrics,
    )


def _exact_rows(name: str, beyond: str) -> int | None:
    """Return the rows of an exact fit, a power of two times a thousand, by halves; or those beyond which are drawn."""
    if beyond == "blocks":
        return None
    if beyond == "samples":  # drawn long before an exact fit has no room
        return EXACT_MEDOIDS
    rows = 1000
    while rows < MOST and _fits(name, 2 * rows):
        rows *= 2
    return None if rows >= MOST else rows


def _fits(name: str, rows: int) -> bool:
    task = Task(name, rows, COLUMNS, solver="exact")
    need = KNOWN["cpu"].needs[name](task)
    return task.matrix + need.working <= MEMORY and (need.seconds is None or need.seconds <= EXACT_SECONDS)
