"""How stable segments are: the Jaccard similarity of each to its best match in fits of resampled rows (Hennig 2007).

A segment that comes again whichever customers were drawn is no accident of those that were. Hennig calls one of at
least .75 valid and one of at least .85 highly stable; below .5 it dissolves.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, to_host
from gpuseg.neighbors.sample import rows_of, sample_rows
from gpuseg.selection.resampled import ends_of_runs

RUNS = 20
"""Resamples: a segment's mean Jaccard then has a standard error of about .02."""
LOOK, LOST = 5, 0.5
"""Resamples that are looked at first, and the stability of a segment below which no more are: it dissolves."""
ROWS = 1000
"""Rows that are resampled, at most: of a segment of 2 % there are 20."""
DISTINCT = 1 - float(np.exp(-1))
"""The share of the rows that differ in a resample: parameters that count rows are scaled by it."""


FEWEST, FEW = 5, 0.02
"""Rows of a segment below which its stability is not known, and of a small table the share that is as few.

Whether one or two customers come again together hangs on their being drawn: alone they look as stable as can be.
"""


class Sampled(NamedTuple):
    """A few rows of a sample, by their numbers in it, and how often each of RUNS resamples has each of them.

    ``x``: about its mean, float64, (rows, features); ``weights``: (runs, rows).
    """

    x: Array
    picked: Host
    weights: Host
    seed: int


def sampled_runs(sample: Array, seed: int, *, rows: int = ROWS, runs: int = RUNS) -> Sampled:
    """Return at most so many rows of a sample, and bootstrap resamples of them: the same for every k."""
    picked = sample_rows(sample.shape[0], rows, seed)
    xp = array_namespace(sample)
    x = xp.astype(rows_of(sample, picked), xp.float64)
    return Sampled(x - xp.mean(x, axis=0)[None, :], picked, resamples(len(picked), runs, seed), seed)


def resamples(rows: int, runs: int, seed: int) -> Host:
    """Return how often each run has each row, (runs, rows): drawn with replacement, as many as there are.

    >>> resamples(4, 2, 0).sum(axis=1)
    array([4., 4.])
    """
    rng = np.random.default_rng([seed, runs])
    return rng.multinomial(rows, np.full(rows, 1 / rows), size=runs).astype(np.float64)


def stability_of_k_means(sampled: Sampled, labels: Host, n_clusters: int, *, lost: float = LOST) -> Host:
    """Return the stability of each of ``n_clusters`` segments, whose numbers the rows of the sample have.

    k-means is run on each resample from starts of its own: from the segments' centres it would find them again.
    ``lost``: where LOOK resamples show a segment below it, the others are left out.
    """
    own, rng = labels[sampled.picked], np.random.default_rng([sampled.seed, n_clusters])
    parts = []
    for weights in (sampled.weights[:LOOK], sampled.weights[LOOK:]):
        parts.append(_by_run(own, ends_of_runs(sampled.x, weights, n_clusters, rng).labels, weights, n_clusters))
        if np.nanmin(_mean(parts), initial=1.0) < lost:
            break
    return _known(_mean(parts), own)


def stability_of(
    fit: Callable[[int, Array], Array],
    x: Array,
    labels: Host,
    segments: Sequence[int],
    *,
    seed: int,
    runs: int = RUNS,
    lost: float = LOST,
) -> Host:
    """Return the stability of each of ``segments`` by fits, each of the distinct rows of a bootstrap resample.

    ``fit(run, rows)`` gives the rows' segments in a run, from 0, -1 for noise. A row that is drawn twice counts once:
    copies of rows would be crowds to methods of density. ``x``: (rows, features), and ``labels``, their segments.
    ``lost``: where LOOK resamples show a segment below it, the others are left out.
    """
    weights, parts = resamples(x.shape[0], runs, seed), []
    places = {segment: place for place, segment in enumerate(segments)}
    own = np.array([places.get(label, -1) for label in labels.tolist()])
    for run, weight in enumerate(weights):
        rows, other = np.flatnonzero(weight > 0), np.full(len(weight), -1)
        other[rows] = to_host(fit(run, rows_of(x, rows)))
        parts.append(_by_run(own, other[None, :], weight[None, :], len(segments)))
        if run + 1 == LOOK and np.nanmin(_mean(parts), initial=1.0) < lost:
            break
    return _known(_mean(parts), own)


def jaccards(labels: Host, others: Host, weights: Host, n_segments: int) -> Host:
    """Return of each segment the mean over the runs of the Jaccard similarity to its best match, (n_segments,).

    ``labels``: (rows,), and ``others``, those of each run, (runs, rows); -1 is noise, in no segment. Rows that a run
    does not have, by ``weights``, are left out of it, as those are that it has twice, but once. NaN: no run has a row
    of the segment.

    >>> jaccards(np.array([0, 0, 1, 1]), np.array([[0, 0, 0, 1], [1, 1, 0, 0]]), np.ones((2, 4)), 2)
    array([0.83333333, 0.75      ])
    """
    return _mean([_by_run(labels, others, weights, n_segments)])


def _known(values: Host, labels: Host) -> Host:
    """Return the stability of segments that have rows enough; NaN for the others."""
    counts = np.bincount(labels[labels >= 0], minlength=len(values))
    return np.where(counts >= min(FEWEST, np.ceil(FEW * len(labels))), values, np.nan)


def _by_run(labels: Host, others: Host, weights: Host, n_segments: int) -> Host:
    """Return the similarities of each run, (runs, n_segments)."""
    there = weights > 0
    runs = [_jaccards(labels[row], other[row], n_segments) for other, row in zip(others, there, strict=True)]
    return np.stack(runs) if runs else np.empty((0, n_segments))


def _mean(parts: Sequence[Host]) -> Host:
    """Return the mean over runs of each segment, of those that have a row of it; NaN where none has."""
    runs = np.concatenate(parts)
    there = np.sum(~np.isnan(runs), axis=0)
    return np.divide(np.nansum(runs, axis=0), there, out=np.full(runs.shape[1], np.nan), where=there > 0)


def _jaccards(labels: Host, other: Host, n_segments: int) -> Host:
    """Return of each segment the Jaccard similarity to its best match in another labelling; NaN where it has no row."""
    width = max(int(other.max(initial=-1)), 0) + 2
    shared = np.bincount((labels + 1) * width + other + 1, minlength=(n_segments + 1) * width).reshape(-1, width)
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    best = np.max((shared / np.maximum(union, 1))[1:, 1:], axis=1, initial=0.0)
    return np.where(shared.sum(axis=1)[1:] > 0, best, np.nan)
