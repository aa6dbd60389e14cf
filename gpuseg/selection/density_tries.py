"""What values of a parameter of density give, tried on one tree of the rows and on one of each subset of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.cluster._cuts import DensityTree, density_tree
from gpuseg.cluster._sized import scaled
from gpuseg.metrics import dbcv
from gpuseg.neighbors.sample import sample_rows
from gpuseg.progress import bar
from gpuseg.selection.density_choice import DensityCandidate

SCORED = 3000
"""Of these, rows that DBCV is worked out on: its time grows with their square."""
SUBSETS = 20
"""Subsets that are to find the segments again: a mean of them errs by a fifth of what one does."""
PART = 1 - float(np.exp(-1))
"""The share of the rows in a subset: as many as differ in a bootstrap sample, whose repeated rows would look dense."""
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
    """Return each segment's mean Jaccard with the nearest segment of subsets of the rows, for each value."""
    rng, count = np.random.default_rng(seed), len(rows)
    part, samples = round(PART * count), scaled(sampled.min_samples, PART)
    found = [np.zeros(int(label.max()) + 1) for _, label in tries]
    for _ in bar(range(SUBSETS), "subsets"):
        picked = np.sort(rng.choice(count, part, replace=False))
        tree = density_tree(rows[picked], samples)
        for at, (value, label) in enumerate(tries):
            if len(found[at]):
                other = cut(tree, value, PART * sampled.share)
                found[at] += _jaccard(label[picked], other, len(found[at])) / SUBSETS
    return found


def _jaccard(label: Host, other: Host, segments: int) -> Host:
    """Return of each segment of ``label`` the largest Jaccard with one of ``other``; noise, -1, is no segment.

    >>> _jaccard(np.array([0, 0, 1, -1]), np.array([1, 1, 0, 0]), 2)
    array([1. , 0.5])
    """
    counts = np.zeros((segments + 1, int(other.max()) + 2))
    np.add.at(counts, (label, other), 1)  # noise is the last of each
    both, either = counts[:-1, :-1], counts.sum(axis=1)[:-1, None] + counts.sum(axis=0)[None, :-1]
    union = either - both
    return np.max(np.divide(both, union, out=np.zeros_like(both), where=union > 0), axis=1, initial=0.0)
