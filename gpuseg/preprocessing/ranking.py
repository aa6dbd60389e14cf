"""Exact quantiles over blocks of any number of rows: a sketch encloses the wanted ranks, a second look settles them.

What lies between the enclosing values is at most about 1 / POINTS of the rows, and equal values among it count as
one: memory is bounded, and heavy ties cost nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Block, Engine
from gpuseg.preprocessing.quantiles import Summary, joined, quantile, step_of, summary_of
from gpuseg.preprocessing.transforms import finite, taken

Read = Callable[..., list[Array]]
"""``read(block, *beside, about)``: arrays of values, (rows, columns), NaN for what is left out."""


class Span(NamedTuple):
    """What lies from one value to another, both in: the rows below, the different values, and their rows."""

    below: float
    values: Host
    weights: Host


def ranks_at(shares: Iterable[float], rows: float) -> Host:
    """Return the places, from 0, of the two neighbours of every quantile among ``rows`` values.

    >>> ranks_at([0.5], 4).tolist()
    [1.0, 2.0]
    """
    positions = (rows - 1) * np.array(list(shares), dtype=np.float64)
    return np.unique([np.floor(positions), np.ceil(positions)])


def bounds_of(summary: Summary, ranks: Host, values: Host | Sequence[float] = ()) -> Host:
    """Return (spans, 2) values, apart and rising, that enclose what is at ``ranks``, and ``values`` themselves.

    >>> bounds_of(summary_of(np.arange(100.0), 10), np.array([50.0])).tolist()
    [[45.0, 55.0]]
    """
    if not summary.error:
        return np.empty((0, 2))
    ends = np.cumsum(summary.weights)
    starts = ends - summary.weights
    first = np.searchsorted(starts, ranks - summary.error, side="right") - 1
    last = np.searchsorted(ends, ranks + 1 + summary.error)
    low = np.where(first >= 0, summary.values[np.maximum(first, 0)], -np.inf)
    high = np.where(last < len(ends), summary.values[np.minimum(last, len(ends) - 1)], np.inf)
    return _apart(np.vstack([np.column_stack([low, high]), np.column_stack([values, values])]))


def looked_at(engine: Engine, places: Host, sketches: Sequence[Summary], bounds: Sequence[Host]) -> list[Summary]:
    """Return the summaries of some columns of the blocks, exact between their ``bounds``."""
    return _looked(engine, columns_of, places, sketches, bounds)


def quantiles_of(engine: Engine, shares: Sequence[float], *, groups: int | None = None) -> Host:
    """Return the quantiles of the finite values of every column, (columns, shares), as numpy.quantile has them.

    With ``groups`` the engine holds beside each block the group of each row, a whole number (``engine.map``); rows
    outside 0 ... groups - 1 are left out, and the result is (groups, columns, shares). NaN where there is no value.

    >>> from gpuseg.engines import blocks_of, engine_for
    >>> engine = engine_for(blocks_of(np.array([[1.0], [2.0], [np.nan], [4.0]]), missing=True), "cpu")
    >>> quantiles_of(engine, [0.5, 1.0]).tolist()
    [[2.0, 4.0]]
    """
    if groups is None:
        return _quantiles(engine, all_columns, None, shares)
    return _quantiles(engine, groups_of, groups, shares).reshape(groups, -1, len(shares))


def quantile_of_sizes(engine: Engine, places: Host, share: float) -> Host:
    """Return a quantile of the finite values of some columns without their signs, zeros left out; NaN where none is."""
    return _quantiles(engine, sizes_of, places, [share])[:, 0]


def all_columns(block: Block, *_: object) -> list[Array]:
    """Return the finite values of a block, NaN for the others."""
    return [finite(taken(block.x, np.arange(block.x.shape[1])))]


def columns_of(block: Block, places: Host) -> list[Array]:
    """Return the finite values of some columns of a block."""
    return [finite(taken(block.x, places))]


def sizes_of(block: Block, places: Host) -> list[Array]:
    """Return the finite values of some columns without their signs; zeros are left out."""
    (values,) = columns_of(block, places)
    xp = array_namespace(values)
    return [xp.where(values == 0, xp.full_like(values, xp.nan), xp.abs(values))]


def groups_of(block: Block, codes: Array, groups: int) -> list[Array]:
    """Return the finite values of a block's rows, group by group."""
    (values,) = all_columns(block)
    xp = array_namespace(values)
    return [xp.take(values, xp.nonzero(codes == group)[0], axis=0) for group in range(groups)]


def rising_of(values: Array) -> list[Host]:
    """Return every column of a block's values on the host, sorted, NaN left out."""
    xp = array_namespace(values)
    rising = to_host(xp.sort(xp.where(xp.isnan(values), xp.full_like(values, xp.inf), values), axis=0))
    counts = to_host(xp.sum(xp.astype(~xp.isnan(values), xp.int64), axis=0))
    return [rising[:count, j].copy() for j, count in enumerate(counts)]


def spans(values: Array, bounds: Sequence[Host]) -> list[list[Span]]:
    """Return what lies between the bounds of every column."""
    xp = array_namespace(values)
    found = []
    for j, pairs in enumerate(bounds):
        column = values[:, j]
        inside = [_inside(column, low, high) for low, high in pairs.tolist()]
        below = [float(xp.sum(xp.astype(column < low, xp.float64))) for low, _ in pairs.tolist()]
        found.append([Span(count, *of) for count, of in zip(below, inside, strict=True)])
    return found


def spans_together(parts: Sequence[list[list[Span]]]) -> list[list[Span]]:
    """Return the spans of all blocks together."""
    return [[_one_span(same) for same in zip(*column, strict=True)] for column in zip(*parts, strict=True)]


def _one_span(parts: Sequence[Span]) -> Span:
    values = np.concatenate([part.values for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    different, place = np.unique(values, return_inverse=True)
    return Span(
        sum(part.below for part in parts), different, np.bincount(place, weights, len(different)).astype(np.float64)
    )


def _inside(column: Array, low: float, high: float) -> tuple[Host, Host]:
    values, counts = np.unique(to_host(column[(column >= low) & (column <= high)]), return_counts=True)
    return values, counts.astype(np.float64)


def _apart(pairs: Host) -> Host:
    """Return intervals that do not meet, in rising order, of some that may overlap."""
    if not len(pairs):
        return pairs
    rising = pairs[np.argsort(pairs[:, 0], kind="stable")]
    reach = np.maximum.accumulate(rising[:, 1])
    first = np.append(True, rising[1:, 0] > reach[:-1])
    last = np.append(np.flatnonzero(first)[1:] - 1, len(rising) - 1)
    return np.column_stack([rising[first, 0], reach[last]])


def _settled(summary: Summary, bounds: Host, found: Sequence[Span]) -> Summary:
    """Return the summary with its spans as they were found, and between them its own points, of the mass left."""
    if not len(bounds):
        return summary
    edges, before = np.vstack([bounds, [[np.inf, np.inf]]]), -np.inf
    total, seen = float(summary.weights.sum()), 0.0
    values: list[Host] = []
    weights: list[Host] = []
    for (low, high), span in zip(edges, [*found, Span(total, np.empty(0), np.empty(0))], strict=True):
        points, shares = _between(summary, before, low, span.below - seen)
        values += [points, span.values]
        weights += [shares, span.weights]
        before, seen = high, span.below + float(span.weights.sum())
    return Summary(np.concatenate(values), np.concatenate(weights))


def _between(summary: Summary, low: float, high: float, mass: float) -> tuple[Host, Host]:
    """Return points that stand for ``mass`` rows with values between two others, which are not among them."""
    if mass <= 0:
        return np.empty(0), np.empty(0)
    inside = (summary.values > low) & (summary.values < high)
    if not np.any(inside):
        return np.array([np.nextafter(low, high)]), np.array([mass])
    ends = np.cumsum(summary.weights[inside])
    return summary.values[inside], np.diff(np.rint(ends * (mass / ends[-1])), prepend=0.0)


def _quantiles(engine: Engine, read: Read, about: Any, shares: Sequence[float]) -> Host:
    """Return (columns, shares) quantiles of what ``read`` takes of a block, its arrays side by side."""
    total = engine.reduce(_height, sum)
    sketches: list[Summary] = engine.reduce(_sketched, _columns_joined, read, about, total)
    bounds = [bounds_of(one, ranks_at(shares, float(one.weights.sum()))) for one in sketches]
    exact = _looked(engine, read, about, sketches, bounds)
    shown = [[quantile(one, share) if len(one.values) else np.nan for share in shares] for one in exact]
    return np.array(shown, dtype=np.float64).reshape(len(shown), len(shares))


def _looked(
    engine: Engine, read: Read, about: Any, sketches: Sequence[Summary], bounds: Sequence[Host]
) -> list[Summary]:
    if not any(len(pairs) for pairs in bounds):
        return list(sketches)
    found = engine.reduce(_spans, spans_together, read, about, bounds)
    return [_settled(*each) for each in zip(sketches, bounds, found, strict=True)]


def _height(block: Block, *_: object) -> int:
    return int(block.x.shape[0])


def _sketched(block: Block, *rest: Any) -> list[Summary]:
    """Return the summaries of a block's columns; ``rest`` is what is beside it, then how to read, and all rows."""
    *beside, read, about, total = rest
    step = step_of(block.x.shape[0], total)
    return [summary_of(column, step) for values in read(block, *beside, about) for column in rising_of(values)]


def _spans(block: Block, *rest: Any) -> list[list[Span]]:
    """Return what lies between the bounds of a block's columns; ``rest`` as of ``_sketched``, and the bounds."""
    *beside, read, about, bounds = rest
    found: list[list[Span]] = []
    for values in read(block, *beside, about):
        found += spans(values, bounds[len(found) : len(found) + values.shape[1]])
    return found


def _columns_joined(parts: Sequence[Sequence[Summary]]) -> list[Summary]:
    return [joined(column) for column in zip(*parts, strict=True)]
