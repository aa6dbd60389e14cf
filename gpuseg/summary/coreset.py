"""Random rows that stand for all, drawn block by block: a lightweight coreset (Bachem, Lucic and Krause 2018).

Half of the draws are uniform, half in proportion to the squared distance to the mean, so that few far rows, which
decide the centres of heavy tails, are not missed.
"""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Block, Engine
from gpuseg.neighbors.draws import Seed, generator, weighted_draw

HALF = 0.5
"""The share of the draws that are uniform."""


def coreset(engine: Engine, offset: Host, rows: int, seed: int, found: Host | None = None) -> tuple[Array, Host]:
    """Return ``rows`` random rows, some of them twice, and the weight of each: the same on every engine.

    ``offset`` is the rows' mean; ``found`` what ``masses`` says of it, where it is known.
    """
    weight, far, _ = (masses(engine, offset) if found is None else found).T
    share = np.array([HALF / weight.sum(), HALF / max(far.sum(), np.finfo(float).tiny)])
    chances = share[0] * weight + share[1] * far
    counts = np.random.default_rng(seed).multinomial(rows, chances / chances.sum())
    parts = engine.collect(drawn_of, counts, share, offset, seed)
    weights = np.concatenate([part for _, part in parts])
    return array_namespace(*(x for x, _ in parts)).concat([x for x, _ in parts], axis=0), weights / rows


def masses(engine: Engine, offset: Host) -> Host:
    """Return what ``mass_of`` says of every block, a row a block."""
    return np.array(engine.collect(mass_of, offset))


def mass_of(block: Block, offset: Host) -> tuple[float, float, float]:
    """Return a block's weight, and the weighted sums of squared distances to the offset and of their squares."""
    xp, squared = array_namespace(block.x), squared_to(block, offset)
    weight = xp.astype(block.weight, xp.float64, copy=False)
    return float(xp.sum(weight)), float(weight @ squared), float(weight @ squared**2)


def drawn_of(block: Block, counts: Host, share: Host, offset: Host, seed: int) -> tuple[Array, Host]:
    """Return as many rows of a block as were drawn for it, with what each weighs before the number of all draws."""
    xp: Any = array_namespace(block.x)
    chance = float(share[0]) + float(share[1]) * squared_to(block, offset)
    uniform = generator(Seed(seed, 0), block.number, 0).random(int(counts[block.number]))
    picked = xp.sort(weighted_draw(xp.astype(block.weight, xp.float64) * chance, uniform))
    return xp.take(block.x, picked, axis=0), 1.0 / to_host(xp.take(chance, picked))


def squared_to(block: Block, offset: Host) -> Array:
    """Return each row's squared distance to the offset, float64."""
    xp = array_namespace(block.x)
    away = xp.astype(block.x, xp.float64, copy=False) - xp.asarray(offset, device=device(block.x))[None, :]
    return xp.sum(away * away, axis=1)
