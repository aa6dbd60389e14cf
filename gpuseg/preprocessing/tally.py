"""The first walk over the raw matrix: what is missing, infinite, constant, and how every column is spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Block
from gpuseg.preprocessing import statistics
from gpuseg.preprocessing.quantiles import Summary, joined, step_of, summary_of
from gpuseg.preprocessing.ranking import rising_of
from gpuseg.preprocessing.statistics import Moments, moments_of
from gpuseg.preprocessing.transforms import beside, finite, taken

FEW = 11
"""As many of the different values of a column are kept: more than 10 are many."""
ROUNDING = 4 * float(np.finfo(np.float64).eps)


class Places(NamedTuple):
    """Where in the raw matrix the columns are: measured ones, those to be ranked, coded ones, their levels."""

    measured: Host
    ranked: Host
    coded: Host
    levels: tuple[int, ...]


class Tally(NamedTuple):
    """Counts and moments of the measured columns, sketches of the ranked ones, rows at every code of the coded ones.

    ``sketches`` and ``few``, the smallest different values, have an entry for each of ``Places.ranked``, ``codes``
    one for each of ``Places.coded``.
    """

    rows: int
    missing: Host
    infinite: Host
    moments: Moments
    sketches: list[Summary]
    few: list[Host]
    codes: list[Host]


def tally_block(block: Block, places: Places, total: int) -> Tally:
    """Return the tally of one block of ``total`` rows."""
    xp = array_namespace(block.x)
    raw = taken(block.x, places.measured)
    values = finite(raw)
    missing, odd = (to_host(xp.sum(xp.astype(xp.isnan(part), xp.int64), axis=0)) for part in (raw, values))
    ranked = rising_of(taken(values, places.ranked))
    sketches = [summary_of(column, step_of(block.x.shape[0], total)) for column in ranked]
    few = [column[np.append(True, np.diff(column) > 0)[: len(column)]][:FEW] for column in ranked]
    codes = [_codes(block.x, at, levels) for at, levels in zip(places.coded, places.levels, strict=True)]
    return Tally(block.x.shape[0], missing, odd - missing, moments_of(values), sketches, few, codes)


def combined(parts: Sequence[Tally]) -> Tally:
    """Return the tallies of all blocks together, in their order."""
    return Tally(
        sum(part.rows for part in parts),
        np.sum([part.missing for part in parts], axis=0),
        np.sum([part.infinite for part in parts], axis=0),
        statistics.combined([part.moments for part in parts]),
        [joined(column) for column in zip(*(part.sketches for part in parts), strict=True)],
        [np.unique(np.concatenate(column))[:FEW] for column in zip(*(part.few for part in parts), strict=True)],
        [np.sum(column, axis=0) for column in zip(*(part.codes for part in parts), strict=True)],
    )


def constant_values(tally: Tally) -> Host:
    """Return the one value of each measured column that has no second, NaN for the others.

    Values that differ by rounding alone are the same.
    """
    low, high = tally.moments.low, tally.moments.high
    size = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(invalid="ignore"):  # no value at all: inf - inf
        same = high - low <= ROUNDING * size
    return np.where(same, high, np.nan)


def _codes(x: Array, at: int, levels: int) -> Host:
    xp = array_namespace(x)
    codes = taken(x, np.array([at]))
    members = codes == beside(x, np.arange(levels, dtype=float))[None, :]
    return to_host(xp.sum(xp.astype(members, xp.float64), axis=0))


def rows_without_gaps(x: Array, columns: Host) -> Array:
    """Return which rows have a finite value in all of some columns, as a mask of the array's library."""
    xp = array_namespace(x)
    if not len(columns):
        return xp.ones(x.shape[0], dtype=xp.bool, device=device(x))
    return ~xp.any(xp.isnan(finite(taken(x, columns))), axis=1)
