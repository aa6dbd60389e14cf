"""Quantiles of one column from blocks: sorted values with weights, which merge.

Up to EXACT rows every value is kept. Beyond that a sketch keeps one value of every run of ``step`` neighbours in a
block, the middle one: a count of rows below a value is then wrong by at most half a run a block. ``ranking`` looks at
the rows again between values that enclose the wanted ranks, so that quantiles are numpy.quantile's all the same.
Nothing is drawn at random, and blocks merge in their order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host

EXACT = 262_144
"""Up to this many rows every value is kept; beyond it a second look at a few values costs less than sorting all."""
POINTS = 1_024
"""A large block is cut into as many runs: the sketch knows a rank to 1 / (2 * POINTS) of the rows."""
MOST = 1_000_000
"""Where blocks are many, their runs are longer, so that all together keep about as many values of a column."""


class Summary(NamedTuple):
    """Rising values of a column, how many rows each stands for, and by how many rows a rank may be wrong."""

    values: Host
    weights: Host
    error: float = 0.0


def step_of(rows: int, total: int) -> float:
    """Return how long the runs of a block are: 1, every value, where all rows are few."""
    return max(1.0, rows / POINTS, total / MOST) if total > EXACT else 1.0


def summary_of(rising: Host, step: float = 1.0) -> Summary:
    """Return the summary of sorted values: all of them, or one that stands for each run of ``step``.

    >>> summary_of(np.arange(9.0), 3.0).values.tolist()
    [1.0, 4.0, 7.0]
    """
    count = len(rising)
    if step <= 1 or count <= 1:
        return Summary(rising, np.ones(count))
    ends = np.arange(int(np.ceil(count / step)) + 1) * count // int(np.ceil(count / step))
    lengths = np.diff(ends).astype(np.float64)
    return Summary(rising[(ends[:-1] + ends[1:]) // 2], lengths, float(lengths.max() + 1) / 2)


def joined(parts: Sequence[Summary]) -> Summary:
    """Return the summary of all parts together."""
    values = np.concatenate([part.values for part in parts])
    order = np.argsort(values, kind="stable")
    weights = np.concatenate([part.weights for part in parts])[order]
    return Summary(values[order], weights, float(sum(part.error for part in parts)))


def with_point(summary: Summary, value: float, weight: float) -> Summary:
    """Return the summary with ``weight`` more rows of one value, such as the imputed ones."""
    if weight <= 0:
        return summary
    at = int(np.searchsorted(summary.values, value))
    return summary._replace(values=np.insert(summary.values, at, value), weights=np.insert(summary.weights, at, weight))


def quantile(summary: Summary, share: float) -> float:
    """Return the value below which ``share`` of the rows lie, linear between two rows as numpy.quantile has it.

    >>> quantile(summary_of(np.array([1.0, 2.0, 4.0])), 0.75)
    3.0
    """
    if not len(summary.values):
        return 0.0
    ends = np.cumsum(summary.weights)
    position = (ends[-1] - 1) * share
    below, above = (_at(summary.values, ends, rank) for rank in (np.floor(position), np.ceil(position)))
    return between(below, above, position - np.floor(position))


def between(below: float, above: float, share: float) -> float:
    """Return the value at ``share`` of the way between two, from the nearer one, as numpy.quantile does.

    >>> between(1.0, 3.0, 0.25), between(5.0, 5.0, 0.9)
    (1.5, 5.0)
    """
    step = above - below
    return float(below + step * share if share < 0.5 else above - step * (1 - share))  # noqa: PLR2004 - the nearer


def mode(summary: Summary) -> float:
    """Return the most frequent value, the smallest of several.

    >>> mode(summary_of(np.array([1.0, 2.0, 2.0, 3.0, 3.0])))
    2.0
    """
    values, weights = counted(summary)
    return float(values[np.argmax(weights)]) if len(values) else 0.0


def counted(summary: Summary) -> tuple[Host, Host]:
    """Return the values of a summary, each once, and what each weighs.

    >>> [part.tolist() for part in counted(summary_of(np.array([1.0, 2.0, 2.0])))]
    [[1.0, 2.0], [1.0, 2.0]]
    """
    if not len(summary.values):
        return summary.values, summary.weights
    values, first = np.unique(summary.values, return_index=True)
    return values, np.add.reduceat(summary.weights, first)


def _at(values: Host, ends: Host, rank: float) -> float:
    return float(values[min(int(np.searchsorted(ends, rank, side="right")), len(values) - 1)])
