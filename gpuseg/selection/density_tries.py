"""What values of a parameter of density give, tried on one tree of the rows and on one of each resample of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.cluster import NOISE
from gpuseg.cluster._cuts import DensityTree, density_tree
from gpuseg.cluster._sized import scaled
from gpuseg.metrics import dbcv
from gpuseg.neighbors.sample import sample_rows
from gpuseg.progress import bar
from gpuseg.selection.density_choice import DensityCandidate
from gpuseg.selection.stability import DISTINCT, RUNS, jaccards, resamples

SCORED = 3000
"""Of these, rows that DBCV is worked out on: its time grows with their square."""
Cut = Callable[[DensityTree, float, float], Host]
"""What gives the labels of a tree at a value, for rows that are such a share of those that the value counts."""


class Sampled(NamedTuple):
    """Rows in this process, what share of all they are, and ``min_samples`` among them and among all."""

    rows: Host
    share: float
    min_samples: int
    of_all: int


def candidates_of(
    tree: DensityTree, sampled: Sampled, values: Sequence[float], cut: Cut, seed: int
) -> list[DensityCandidate]:
    """Return what each value gives."""
    labellings = [cut(tree, value, sampled.share) for value in values]
    found = _found_again(tree.rows, sampled, list(zip(values, labellings, strict=True)), cut, seed)
    scored = sample_rows(len(tree.rows), SCORED, seed)
    triples = zip(values, labellings, found, strict=True)
    return [_candidate(value, label, again, _dbcv(tree.rows[scored], label[scored])) for value, label, again in triples]


def _candidate(value: float, label: Host, again: Host, score: float | None) -> DensityCandidate:
    sizes = np.bincount(label[label >= 0]) / len(label)
    noise = float(np.mean(label < 0))
    if not len(sizes):
        return DensityCandidate(value, 0, noise, None, None, None, None)
    least = float(sizes.min()), score, float(again.mean()), float(again.min())
    return DensityCandidate(value, len(sizes), noise, *least)


def _dbcv(rows: Host, label: Host) -> float | None:
    """Return the DBCV of labels, None where no two segments have two rows or more."""
    sizes = np.bincount(label[label >= 0])
    return dbcv(rows, label, ties="nearest") if np.count_nonzero(sizes > 1) > 1 else None


def _found_again(rows: Host, sampled: Sampled, tries: Sequence[tuple[float, Host]], cut: Cut, seed: int) -> list[Host]:
    """Return how stable each segment of each value is: see ``stability.stability_of``; one tree a resample for all."""
    weights, samples = resamples(len(rows), RUNS, seed), scaled(sampled.min_samples, DISTINCT)
    others = [np.full(weights.shape, NOISE) for _ in tries]
    for run, row in enumerate(bar(weights, "resamples")):
        picked = np.flatnonzero(row)
        tree = density_tree(rows[picked], samples)
        for other, (value, label) in zip(others, tries, strict=True):
            if label.max() >= 0:
                other[run, picked] = cut(tree, value, DISTINCT * sampled.share)
    found = zip(tries, others, strict=True)
    return [np.nan_to_num(jaccards(label, other, weights, int(label.max()) + 1)) for (_, label), other in found]
