"""Quantiles of one column from blocks: sorted values with weights, which merge.

Up to EXACT rows every value is kept and quantiles are numpy.quantile's. Beyond that every block is cut
into POINTS groups of equal size, each stood for by its middle value: a rank is then wrong by at most
1 / (2 * POINTS) of the rows, 0.012 %. Nothing is drawn at random, and blocks merge in their order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host

EXACT = 2_000_000
POINTS = 4_096


class Summary(NamedTuple):
    """Rising values of a column and how many rows each stands for."""

    values: Host
    weights: Host


def summary_of(rising: Host, points: int | None = None) -> Summary:
    """Return the summary of sorted values: all of them, or ``points`` that stand for equal groups.

    >>> summary_of(np.arange(9.0), points=3).values.tolist()
    [1.0, 4.0, 7.0]
    """
    return _compressed(Summary(rising, np.ones(len(rising))), points)


def joined(parts: Sequence[Summary]) -> Summary:
    """Return the summary of all parts together, cut down again where it grows beyond EXACT points."""
    values = np.concatenate([part.values for part in parts])
    order = np.argsort(values, kind="stable")
    whole = Summary(values[order], np.concatenate([part.weights for part in parts])[order])
    return _compressed(whole, EXACT // 2) if len(values) > 2 * EXACT else whole


def with_point(summary: Summary, value: float, weight: float) -> Summary:
    """Return the summary with ``weight`` more rows of one value, such as the imputed ones."""
    if weight <= 0:
        return summary
    at = int(np.searchsorted(summary.values, value))
    return Summary(np.insert(summary.values, at, value), np.insert(summary.weights, at, weight))


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
    return float(below + (above - below) * (position - np.floor(position)))


def mode(summary: Summary) -> float:
    """Return the most frequent value, the smallest of several.

    >>> mode(summary_of(np.array([1.0, 2.0, 2.0, 3.0, 3.0])))
    2.0
    """
    values, first = np.unique(summary.values, return_index=True)
    return float(values[np.argmax(np.add.reduceat(summary.weights, first))]) if len(values) else 0.0


def different(summary: Summary) -> int:
    """Return how many different values there are.

    >>> different(summary_of(np.array([1.0, 2.0, 2.0])))
    2
    """
    return int(np.count_nonzero(np.diff(summary.values))) + (len(summary.values) > 0)


def sizes_of(summary: Summary) -> Summary:
    """Return the summary of the values without their signs, zeros left out.

    >>> sizes_of(summary_of(np.array([-3.0, 0.0, 1.0]))).values.tolist()
    [1.0, 3.0]
    """
    sizes = np.abs(summary.values)
    order = np.argsort(sizes, kind="stable")[np.count_nonzero(sizes == 0) :]
    return Summary(sizes[order], summary.weights[order])


def _at(values: Host, ends: Host, rank: float) -> float:
    return float(values[min(int(np.searchsorted(ends, rank, side="right")), len(values) - 1)])


def _compressed(summary: Summary, points: int | None) -> Summary:
    if points is None or len(summary.values) <= points:
        return summary
    ends = np.cumsum(summary.weights)
    middle = (np.arange(points) + 0.5) * (ends[-1] / points)
    taken = np.searchsorted(ends, middle, side="right")
    return Summary(summary.values[taken], np.full(points, ends[-1] / points))
