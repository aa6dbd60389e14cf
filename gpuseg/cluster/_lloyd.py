"""Lloyd's algorithm as a list of steps; centres are less offset (the mean) throughout."""

from functools import partial
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Array, Host, Kernel, to_host
from gpuseg.cluster._assignment import distance_histogram
from gpuseg.engines import Block, Engine
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.centers import Far, Moments, add, farthest, join_far, squared_about


class Data(NamedTuple):
    """What is known of the rows before clustering: how many, their mean, and their mean variance."""

    rows: int
    mean: Host
    variance: float


class Labelled(NamedTuple):
    """The rows' labels and, per cluster, the weight in bins of distance; the inertia, float64."""

    labels: list[Array]
    histogram: Host
    inertia: float


def describe(engine: Engine, moments: Kernel) -> Data:
    """Return rows, weighted mean and the mean over the features of the weighted variance."""
    rows, weight, sums, squares = Moments(*engine.reduce(moments, add))
    if not weight > 0:
        raise InvalidInput(f"sample_weight sums to {weight}; give at least one row a positive weight")
    if not np.all(np.isfinite(squares)):
        columns = np.flatnonzero(~np.isfinite(squares)).tolist()
        raise InvalidInput(f"X is too large to square in columns {columns}; scale it below 1e150 first")
    mean = sums / weight
    (about,) = engine.reduce(squared_about, add, mean)
    return Data(rows, mean, float(np.mean(about / weight)))


def lloyd(
    engine: Engine, step: Kernel, centers: Host, offset: Host, *, max_iter: int, tolerance: float
) -> tuple[Host, int]:
    """Return the centres and the number of steps taken; ``tolerance`` is of the summed squared shift."""
    n_iter, shift = 0, np.inf
    while n_iter < max_iter and shift > tolerance:
        n_iter += 1
        sums, weights = engine.reduce(step, add, centers, offset)
        if (empty := np.flatnonzero(weights == 0)).size:
            far = engine.reduce(partial(farthest, count=len(empty)), join_far, centers, offset)
            sums, weights = relocate(sums, weights, empty, far)
        moved = update(sums, weights, centers)
        shift = float(np.sum((moved - centers) ** 2))
        centers = moved
    return centers, n_iter


def relocate(sums: Host, weights: Host, empty: Host, far: Far) -> tuple[Host, Host]:
    """Return sums and weights with each empty cluster moved onto one of the farthest rows, as scikit-learn does."""
    sums, weights = sums.copy(), weights.copy()
    order = np.argsort(-far.squared, kind="stable")[: len(empty)]
    for cluster, row in zip(empty, order, strict=False):
        if far.squared[row] > 0:
            share = far.rows[row] * far.weights[row]
            sums[far.labels[row]] -= share
            weights[far.labels[row]] -= far.weights[row]
            sums[cluster], weights[cluster] = share, far.weights[row]
    return sums, weights


def update(sums: Host, weights: Host, centers: Host) -> Host:
    """Return the mean of each cluster's rows; a cluster without weight keeps its centre."""
    kept = weights[:, None] > 0
    return np.where(kept, sums / np.where(kept, weights[:, None], 1.0), centers)


def label(engine: Engine, nearest: Kernel, centers: Host, offset: Host) -> Labelled:
    """Return labels, histograms of distance and inertia of all blocks."""
    labels, histograms, inertias = zip(*engine.collect(label_block, nearest, centers, offset), strict=True)
    return Labelled(list(labels), sum(histograms[1:], start=histograms[0]), float(sum(inertias)))


def label_block(block: Block, nearest: Kernel, centers: Host, offset: Host) -> tuple[Array, Host, float]:
    """Return a block's labels, distance histogram and inertia."""
    labels, distance = nearest(block, centers, offset)
    weight, away = to_host(block.weight).astype(np.float64), to_host(distance).astype(np.float64)
    return labels, distance_histogram(to_host(labels), away, weight, len(centers)), float(weight @ away**2)
