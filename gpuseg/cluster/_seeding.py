"""Greedy k-means++ over blocks (Arthur and Vassilvitskii 2007), of 2 + log2(k) candidates a step.

Every block draws its own candidates in proportion to weight * D^2, then the host draws which
block's candidate counts, in proportion to the blocks' totals: together an exact draw over all
rows, in one walk, for any engine. D^2 is the squared distance to the nearest centre so far.
scikit-learn tries 2 + ln(k) candidates: at k = 50 two more brought the median inertia of ten
starts on the set a3 from 1.000 to 0.938 of the published one.
"""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Block, Engine
from gpuseg.neighbors.centers import add, beside, nearest

HOST = 2**32 - 1
"""The block number that keys the host's own draws."""


class Seed(NamedTuple):
    """What keys a draw: the user's seed and the number of the start."""

    seed: int
    start: int


class Seen(NamedTuple):
    """What is kept beside a block: its rows' squared norms less offset, and their D^2; infinity at first."""

    norms: Array
    d2: Array


class Draw(NamedTuple):
    """A block's total of weight * D^2 and the candidates drawn in proportion to it."""

    total: float
    rows: Host


def seed_centers(engine: Engine, n_clusters: int, offset: Host, seed: Seed, known: Host | None = None) -> Host:
    """Return ``n_clusters`` centres less offset, fewer if fewer rows are distinct; alike on every engine.

    The first are those ``known``, less offset, if any; the others are rows.
    """
    trials = 2 + int(np.log2(n_clusters))
    seen = engine.map(unseen, offset) if known is None else engine.map(seen_by, known, offset)
    centers: list[Host] = [] if known is None else list(known)
    for step in range(len(centers), n_clusters):
        draws = seen.collect(draw, offset, seed, step, trials if step else 1)
        totals = np.array([d.total for d in draws])
        if not totals.sum() > 0:
            break
        chosen = weighted_draw(totals, generator(seed, HOST, step).random(len(draws[0].rows)))
        candidates = np.stack([draws[block].rows[trial] for trial, block in enumerate(chosen)])
        best = 0
        if step:
            (costs,) = seen.reduce(costs_with, add, candidates, offset)
            best = int(np.argmin(costs))
        centers.append(candidates[best])
        if len(centers) < n_clusters:
            seen = seen.map(nearer, centers[-1], offset)
    return np.stack(centers)


def generator(seed: Seed, block: int, step: int) -> np.random.Generator:
    """Return the generator of one block in one round: counter-based, so no order matters."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed.seed, seed.start, block, step])))


def weighted_draw(weights: Array, uniform: Host) -> Array:
    """Return for each uniform number in [0, 1) an index, drawn in proportion to the weights, where these are.

    >>> weighted_draw(np.array([1.0, 0.0, 3.0]), np.array([0.2, 0.25, 0.99]))
    array([0, 2, 2])
    """
    xp = array_namespace(weights)
    sums = xp.cumulative_sum(xp.astype(weights, xp.float64, copy=False))
    found = xp.searchsorted(sums, beside(sums, uniform) * sums[-1], side="right")
    return xp.minimum(found, xp.searchsorted(sums, sums[-1:]))  # the last index of positive weight


def unseen(block: Block, offset: Host) -> Seen:
    """Return what is kept beside rows that no centre has seen."""
    xp = array_namespace(block.x)
    x = block.x - beside(block.x, offset)[None, :]
    return Seen(xp.sum(x * x, axis=1), xp.full(x.shape[0], xp.inf, dtype=x.dtype, device=device(x)))


def seen_by(block: Block, centers: Host, offset: Host) -> Seen:
    """Return what is kept beside rows that these centres have seen."""
    xp = array_namespace(block.x)
    _, distance = nearest(block, centers, offset)
    return unseen(block, offset)._replace(d2=xp.astype(distance * distance, block.x.dtype, copy=False))


def draw(block: Block, seen: Seen, offset: Host, seed: Seed, step: int, trials: int) -> Draw:
    """Return a block's total and its candidates less offset; the numbers are drawn on the host."""
    xp = array_namespace(block.x)
    share = xp.astype(block.weight, xp.float64)
    if step:
        share = share * xp.astype(seen.d2, xp.float64, copy=False)
    picked = weighted_draw(share, generator(seed, block.number, step).random(trials))
    rows = to_host(xp.take(block.x, picked, axis=0)).astype(np.float64)
    return Draw(float(xp.sum(share)), rows - offset)


def costs_with(block: Block, seen: Seen, candidates: Host, offset: Host) -> tuple[Any]:
    """Return a block's cost, the sum of weight * D^2, were each candidate the next centre."""
    xp = array_namespace(block.x)
    x = block.x - beside(block.x, offset)[None, :]
    # A row a candidate, so that every pass runs along memory; -2 goes into the product.
    product = beside(x, -2 * candidates) @ x.T
    squared = product + beside(x, np.sum(candidates**2, axis=1))[:, None] + seen.norms[None, :]
    cost = xp.astype(xp.minimum(squared, seen.d2[None, :]), xp.float64, copy=False)
    return (to_host(cost @ xp.astype(block.weight, xp.float64, copy=False)),)


def nearer(block: Block, seen: Seen, center: Host, offset: Host) -> Seen:
    """Return what is kept beside the block after it has seen one more centre."""
    xp = array_namespace(block.x)
    # Offset and centre apart: their float32 sum would not be the row itself, and D^2 must be 0 there.
    away = (block.x - beside(block.x, offset)[None, :]) - beside(block.x, center)[None, :]
    return seen._replace(d2=xp.minimum(seen.d2, xp.sum(away * away, axis=1)))
