"""The first walk over the raw matrix: what is missing, infinite, constant, and how every column is spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Block
from gpuseg.preprocessing import quantiles, statistics
from gpuseg.preprocessing.quantiles import Summary, summary_of
from gpuseg.preprocessing.statistics import Moments, moments_of
from gpuseg.preprocessing.transforms import beside, finite, taken

ROUNDING = 4 * float(np.finfo(np.float64).eps)


class Places(NamedTuple):
    """Where in the raw matrix the columns are: measured ones, those to be ranked, coded ones, their levels."""

    measured: Host
    ranked: Host
    coded: Host
    levels: tuple[int, ...]


class Tally(NamedTuple):
    """Counts, moments and summaries of the measured columns, the rows at every code of the coded ones.

    ``summaries`` has an entry for each of ``Places.ranked``, ``codes`` one for each of ``Places.coded``.
    """

    rows: int
    missing: Host
    infinite: Host
    moments: Moments
    summaries: list[Summary]
    codes: list[Host]


def tally_block(block: Block, places: Places, points: int | None) -> Tally:
    """Return the tally of one block; ``points`` bounds each summary, None keeps every value."""
    xp = array_namespace(block.x)
    raw = taken(block.x, places.measured)
    values = finite(raw)
    missing, odd = (to_host(xp.sum(xp.astype(xp.isnan(part), xp.int64), axis=0)) for part in (raw, values))
    moments = moments_of(values)
    ranked = taken(values, places.ranked)
    rising = to_host(xp.sort(xp.where(xp.isnan(ranked), xp.full_like(ranked, xp.inf), ranked), axis=0))
    counts = moments.rows[places.ranked].astype(np.int64)
    summaries = [summary_of(rising[:count, j].copy(), points) for j, count in enumerate(counts)]
    codes = [_codes(block.x, at, levels) for at, levels in zip(places.coded, places.levels, strict=True)]
    return Tally(block.x.shape[0], missing, odd - missing, moments, summaries, codes)


def combined(parts: Sequence[Tally]) -> Tally:
    """Return the tallies of all blocks together, in their order."""
    return Tally(
        sum(part.rows for part in parts),
        np.sum([part.missing for part in parts], axis=0),
        np.sum([part.infinite for part in parts], axis=0),
        statistics.combined([part.moments for part in parts]),
        [quantiles.joined(column) for column in zip(*(part.summaries for part in parts), strict=True)],
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
