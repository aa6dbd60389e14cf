"""The lambda of Yeo and Johnson (2000) by maximum likelihood, from passes over blocks.

A pass evaluates eleven lambdas at once: each needs the variance of the transformed column (merged as
Moments) and the sum of sign(x) log(1 + |x|). The grid is narrowed around the best one four times; a
parabola through the last three points gives the rest. The likelihood has one summit.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Host, to_host
from gpuseg.engines import Block
from gpuseg.preprocessing import statistics
from gpuseg.preprocessing.statistics import Moments, moments_of
from gpuseg.preprocessing.transforms import (
    NONE,
    STEEPEST,
    Preparation,
    beside,
    finite,
    prepared,
    signed_log1p,
    taken,
    yeo_johnson,
)

if TYPE_CHECKING:
    from gpuseg.engines import Engine

STEEP = 5.0
"""No lambda lies outside [-5, 5]."""
DIGITS = 8.0
"""A lambda is held where the column's extremes keep this many digits on the way there and back."""
SMALLEST = 1e-9
"""Logarithms below this bound no lambda."""
SMOOTH = 1e-11
"""A transformed column whose deviation is below this share of its size has lost its digits."""
LAMBDAS = 11
WIDTHS = (STEEP, 1.6, 0.32, 0.064)
"""Each is 1.6 steps of the grid before: the summit lies within a step of the best, the parabola within half."""


class Likelihood(NamedTuple):
    """What the likelihood needs: the moments at every lambda, flat, and the sums of logarithms."""

    moments: Moments
    logarithms: Host


def learn_powers(engine: "Engine", measured: Host, preparation: Preparation) -> tuple[Host, Host]:
    """Return the lambda of every column of ``measured``, prepared, and whether it lies inside its bounds."""
    straight = preparation._replace(method=np.full(len(measured), NONE))
    low, high = _range(straight)
    best = np.zeros(len(measured))
    for width in WIDTHS:
        lambdas = np.linspace(np.maximum(best - width, low), np.minimum(best + width, high), LAMBDAS)
        found = engine.reduce(likelihood_block, combined, measured, straight, lambdas)
        best = _summit(lambdas, log_likelihood(found, lambdas))
    return best, (low < best) & (best < high)


def likelihood_block(block: Block, measured: Host, preparation: Preparation, lambdas: Host) -> Likelihood:
    """Return one block's share of the likelihood at ``lambdas`` (lambdas, columns)."""
    x = prepared(finite(taken(block.x, measured)), preparation)
    x = x / beside(x, preparation.unit)
    moments = [moments_of(yeo_johnson(x, beside(x, row))) for row in lambdas]
    fields = (np.stack(field) for field in zip(*moments, strict=True))
    return Likelihood(Moments(*fields), to_host(array_namespace(x).sum(signed_log1p(x), axis=0)))


def combined(parts: Sequence[Likelihood]) -> Likelihood:
    """Return the shares of all blocks together, in their order."""
    moments = statistics.combined([part.moments for part in parts])
    return Likelihood(moments, np.sum([part.logarithms for part in parts], axis=0))


def log_likelihood(found: Likelihood, lambdas: Host) -> Host:
    """Return the log-likelihood (lambdas, columns), their equation 3.1 with the variance put in."""
    moments = found.moments
    count = np.maximum(moments.rows, 1.0)
    variance = moments.second / count
    size = np.maximum(np.abs(moments.low), np.abs(moments.high))
    kept = (variance > (SMOOTH * size) ** 2) & (variance > 0)
    likelihood = -0.5 * count * np.log(np.where(kept, variance, 1.0)) + (lambdas - 1.0) * found.logarithms
    return np.where(kept, likelihood, -np.inf)


def _summit(lambdas: Host, values: Host) -> Host:
    """Return the lambda of the highest value of every column, by a parabola where it has two neighbours."""
    columns = np.arange(lambdas.shape[1])
    top = np.argmax(values, axis=0)
    inner = np.clip(top, 1, len(lambdas) - 2)
    below, middle, above = (values[inner + step, columns] for step in (-1, 0, 1))
    step = (lambdas[inner + 1, columns] - lambdas[inner - 1, columns]) / 2
    usable = (top == inner) & np.isfinite(below) & np.isfinite(above) & np.isfinite(middle)
    below, middle, above = (np.where(usable, value, 0.0) for value in (below, middle, above))
    bow = below - 2 * middle + above
    shift = np.where(bow < 0, (below - above) / np.where(bow < 0, 2 * bow, 1.0), 0.0)
    found = lambdas[top, columns] + np.where(usable, shift * step, 0.0)
    return np.where(np.any(np.isfinite(values), axis=0), found, 1.0)


def _range(preparation: Preparation) -> tuple[Host, Host]:
    """Return the lambdas between which the extremes of the columns stay in float64 and can be had back."""
    top, bottom = (np.maximum(edge, 0.0) / preparation.unit for edge in (preparation.top, -preparation.bottom))
    kept = [DIGITS / np.maximum(np.log10(1.0 + size), SMALLEST) for size in (top, bottom)]
    steep = [STEEPEST / np.maximum(np.log1p(size), SMALLEST) for size in (top, bottom)]
    low = np.maximum(np.maximum(-STEEP, -kept[0]), 2.0 - steep[1])
    high = np.minimum(np.minimum(STEEP, 2.0 + kept[1]), steep[0])
    return low, high
