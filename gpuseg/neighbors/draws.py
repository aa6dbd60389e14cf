"""Random draws that hang on the seed, the start, the block and the round alone: no order, no engine changes them."""

from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host
from gpuseg.neighbors.centers import beside

HOST = 2**32 - 1
"""The block number that keys the host's own draws."""


class Seed(NamedTuple):
    """What keys a draw: the user's seed and the number of the start."""

    seed: int
    start: int


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
