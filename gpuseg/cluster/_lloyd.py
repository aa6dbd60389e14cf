"""Lloyd's algorithm as a list of steps; centres are less offset (the mean) throughout."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Self

import numpy as np

from gpuseg.backends import Host, Kernel
from gpuseg.cluster._labelled import Labelled
from gpuseg.engines import Block, Engine
from gpuseg.engines.blocks import refuse_weightless
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.centers import Far, add, bounds, farthest, join_far, lloyd_step, squared_about, sums_of


class Data(NamedTuple):
    """What is known of the rows before clustering: how many, their weight, what is taken off, their mean variance.

    ``spread``: the weighted sum of squares about the offset, a feature.
    """

    rows: int
    weight: float
    offset: Host
    variance: float
    spread: Host


def describe(engine: Engine, sums_of: Kernel = sums_of, squared_about: Kernel = squared_about) -> Data:
    """Return rows, the weighted mean rounded to float32, and the mean over the features of the weighted variance.

    A rounded mean is the same number in float32 and in float64: rows and centres lose the same.
    """
    rows, weight, sums = engine.reduce(sums_of, add)
    refuse_weightless(weight)
    mean = sums / weight
    (about,) = engine.reduce(squared_about, add, mean)
    if not np.all(np.isfinite(about)):
        raise InvalidInput(
            f"sample_weight sums to {weight:.0e}, too much for sums of squares of X in float64; give smaller weights"
        )
    with np.errstate(over="ignore"):
        rounded = mean.astype(np.float32).astype(np.float64)
    offset = np.where(np.isfinite(rounded), rounded, mean)
    return Data(rows, weight, offset, float(np.mean(about / weight)), about + weight * (mean - offset) ** 2)


class Steps(NamedTuple):
    """The passes over a block that a step takes: a backend's kernels or the array functions of these names."""

    bounds: Kernel = bounds
    lloyd_step: Kernel = lloyd_step

    @classmethod
    def of(cls, kernel: Callable[[Kernel], Kernel]) -> Self:
        """Return the passes that ``kernel`` gives for the array functions."""
        return cls(*map(kernel, cls()))


def lloyd(
    engine: Engine, steps: Steps, centers: Host, data: Data, *, max_iter: int, tolerance: float
) -> tuple[Host, int]:
    """Return the centres and the number of steps taken; ``tolerance`` is of the summed squared shift."""
    n_iter, shift, offset = 0, np.inf, data.offset
    bounded = engine.map(steps.bounds, len(centers), data.spread)
    while n_iter < max_iter and shift > tolerance:
        n_iter += 1
        sums, weights = bounded.reduce(steps.lloyd_step, add, centers, offset)
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


def label_block(block: Block, nearest: Kernel, centers: Host, offset: Host) -> Labelled:
    """Return each row's label, distance and weight, where the block is."""
    label, distance = nearest(block, centers, offset)
    return Labelled(label, distance, block.weight)


def masses_at(
    block: Block, nearest: Kernel, centers: Host, offset: Host, masses_of: Kernel
) -> tuple[Host, Host, float]:
    """Return ``masses_of`` of a block's rows, each at its nearest centre."""
    found: tuple[Host, Host, float] = masses_of(label_block(block, nearest, centers, offset), len(centers))
    return found
