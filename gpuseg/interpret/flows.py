"""How customers flow between personas and segments: counts, shares both ways, and which pairs belong together."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import hypergeom

from gpuseg.backends import Host
from gpuseg.settings import MIN_REPORT_SIZE

TIE = 2.5
"""The least odds ratio of a persona and a segment that belong together: a medium difference, Cohen's d of 0.5, as
ln(odds ratio) * sqrt(3) / pi gives it (Chinn 2000)."""
ERROR = 0.05
"""How often chance may make at least one tie or one finding of a kind, over all that are looked at."""
LEAST = MIN_REPORT_SIZE
"""Customers that a finding is made of at least: fewer would be told of as persons."""


class Flows(NamedTuple):
    """How many customers of each persona are in each segment.

    ``personas`` stand by falling size; ``segments`` by number or name, noise (-1) last. ``row`` and ``column``:
    (customers,), the place of each one's persona and segment; who has no persona has the place after the last one.
    ``counts``: (personas + 1, segments).
    """

    personas: Sequence[str]
    segments: Sequence[int | str]
    row: Host
    column: Host
    counts: Host

    @property
    def real(self) -> Host:
        """Return which segments are no noise, (segments,)."""
        return np.array([not is_noise(segment) for segment in self.segments])

    @property
    def of_persona(self) -> Host:
        """Return the share of each persona that is in each segment, (personas + 1, segments)."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    @property
    def of_segment(self) -> Host:
        """Return the share of each segment that is of each persona, (personas + 1, segments)."""
        return self.counts / np.maximum(self.counts.sum(axis=0, keepdims=True), 1)


def flows_of(personas: pl.Series, segments: pl.Series) -> Flows:
    """Return the flows of customers whose persona (text, missing where there is none) and segment are given.

    >>> found = flows_of(pl.Series(["a", "a", None]), pl.Series([1, 0, -1]))
    >>> found.personas, found.segments, found.counts.tolist()
    (['a'], [0, 1, -1], [[1, 1, 0], [0, 0, 1]])
    """
    sizes = personas.drop_nulls().value_counts().rows()
    names = [name for name, _ in sorted(sizes, key=lambda pair: (-pair[1], pair[0]))]
    found = sorted(segments.unique().to_list(), key=lambda segment: (is_noise(segment), segment))
    row = personas.replace_strict(names, range(len(names)), default=len(names), return_dtype=pl.Int64).to_numpy()
    column = segments.replace_strict(found, range(len(found)), return_dtype=pl.Int64).to_numpy()
    cells = np.bincount(row * len(found) + column, minlength=(len(names) + 1) * len(found))
    return Flows(names, found, row, column, cells.reshape(len(names) + 1, len(found)))


def is_noise(segment: int | str) -> bool:
    """Return whether a segment is what a density method leaves out.

    >>> is_noise(-1), is_noise(0), is_noise("-1")
    (True, False, False)
    """
    return isinstance(segment, int) and segment < 0


def odds_ratios(counts: Host) -> Host:
    """Return how much the odds of each segment rise with each persona, against all other customers.

    ``counts``: (personas, segments). One half is added to each count (Haldane 1956), so that none is infinite.

    >>> odds_ratios(np.array([[9.5, 0.5], [0.5, 9.5]])).round(1).tolist()
    [[100.0, 0.0], [0.0, 100.0]]
    """
    inside = counts.astype(np.float64)
    of_row, of_column = inside.sum(axis=1, keepdims=True), inside.sum(axis=0, keepdims=True)
    cells = [inside, of_row - inside, of_column - inside, inside.sum() - of_row - of_column + inside]
    both, row, column, neither = (cell + 0.5 for cell in cells)
    return both * neither / (row * column)


def tied(counts: Host) -> Host:
    """Return which personas and segments belong together, (personas, segments): an odds ratio of 2.5 and more.

    As many customers in both, or more, are also beyond chance: by Fisher's exact test (1935), at 5 % over all pairs
    (Bonferroni).
    """
    of_row, of_column = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    chance = hypergeom.sf(counts - 1, counts.sum(), of_row, of_column)
    return (odds_ratios(counts) >= TIE) & (chance < ERROR / counts.size) & (counts >= LEAST)


def quantile(looks: int) -> float:
    """Return how many standard errors a finding is beyond chance, of as many that are looked at.

    >>> round(quantile(1), 2), round(quantile(5), 2)
    (1.64, 2.33)
    """
    return NormalDist().inv_cdf(1 - ERROR / max(looks, 1))
