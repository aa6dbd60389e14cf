"""Exact quantiles by weight of every segment's distances, over blocks: rows are counted in bins, few are looked at.

A sample cuts each segment's distances into bins of about as many rows. A larger distance never falls into an earlier
bin, so that the counts say which bin holds a rank, and a second walk takes the different distances of those bins
alone. Of n rows in k segments each walk gives about sqrt(201 n k) numbers, which are added up where the blocks are.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Backend, Host, Kernel, to_host
from gpuseg.cluster._assignment import RANKS
from gpuseg.cluster._labelled import Labelled
from gpuseg.engines import Block, Engine, blocks_of, engine_for
from gpuseg.neighbors.groups import sums_by

PIECES = 32
"""Pieces of a segment's distances, a power of two, each of bins as wide as one another: tails cost few bins."""
SAMPLED = 64
"""One of so many rows is in the sample that decides the bins, which decide nothing but the work."""
MOST = 1024
"""Rows of a block's sample at most: more do not make the bins more even."""
FINER = 2
"""Bins above the number at which as many are counted as rows are looked at: to look at a row takes longer."""


class Bins(NamedTuple):
    """Where each segment's pieces start, (k, PIECES), their bins per unit of distance, and the bins of a piece."""

    starts: Host
    scales: Host
    each: int

    @property
    def total(self) -> int:
        """Return the number of bins of all segments."""
        return self.starts.size * self.each


class Binned(NamedTuple):
    """Each row's bin, the number of bins where it does not count, its distance and its weight."""

    place: Array
    distance: Array
    weight: Array


class Sample(NamedTuple):
    """Some rows of a block, how many there are, and the least and the largest weight above 0."""

    label: Host
    distance: Host
    rows: int
    least: float
    largest: float


class Seen(NamedTuple):
    """The different distances of some bins, rising: all rows' weight, and that of the lightest row."""

    place: Array
    distance: Array
    weight: Array
    first: Array


def quantiles_of(seen: Engine, backend: Backend, segments: int) -> Host:
    """Return each segment's distances at RANKS by weight, (segments, 201), of an engine whose blocks are Labelled.

    With rows in rising order, the i-th of which weighs w_i and ends at W_i = w_1 + ... + w_i, a rank p of the whole
    weight lies between two rows: linear from the (i-1)-th at W_(i-1) to the i-th at W_i; the first stands for all
    below. Of equal distances the lightest row comes first; rows of weight 0 do not count.
    """
    if not segments:
        return np.zeros((0, len(RANKS)))
    samples = seen.collect(sampled)
    weights = [sample.least for sample in samples], [sample.largest for sample in samples]
    alike, heaviest = min(weights[0]) == max(weights[1]), max(weights[1])
    bins = bins_for(samples, segments)
    rows = sum(sample.rows for sample in samples)
    binned = seen.become(with_bins, backend.kernel_or(bins_of, work=rows * RANKS.size), bins, alike)
    mass = binned.merge(counted, sum, backend.kernel_or(sums_by), bins.total, alike).reshape(segments, -1)
    wanted = needed(mass, 1.0 if alike else heaviest)
    found = binned.merge(picked, different, wanted.ravel())
    return settled(mass, Seen(*map(to_host, found)))


def distance_quantiles(label: Array, distance: Array, weight: Array, segments: int, backend: Backend) -> Host:
    """Return ``quantiles_of`` of arrays, one value a row; label -1 is noise.

    >>> from gpuseg.backends import get_backend
    >>> rows = np.array([0, 0, -1]), np.array([1.0, 3.0, 9.0]), np.ones(3)
    >>> distance_quantiles(*rows, 1, get_backend("cpu"))[0, [0, 100, 200]]
    array([1., 1., 3.])
    """
    xp = array_namespace(distance)
    if not distance.shape[0] or not segments:
        return np.zeros((segments, len(RANKS)))
    fields = xp.stack([xp.astype(field, xp.float64) for field in (label, distance)], axis=1)
    engine = engine_for(blocks_of(fields, weight, missing=True), backend.name, "local")
    return quantiles_of(engine.become(labelled_columns), backend, segments)


def labelled_columns(block: Block) -> Labelled:
    """Return a block of two columns, segment and distance, as Labelled."""
    xp = array_namespace(block.x)
    return Labelled(xp.astype(block.x[:, 0], xp.int32), block.x[:, 1], block.weight)


def sampled(block: Labelled) -> Sample:
    """Return every so many-th row of a block, and what is known of its weights."""
    xp, rows = array_namespace(block.distance), block.distance.shape[0]
    step = max(SAMPLED, -(-rows // MOST))
    label, distance = to_host(block.label[::step]), to_host(block.distance[::step]).astype(np.float64)
    least = xp.min(xp.where(block.weight > 0, block.weight, xp.full_like(block.weight, xp.inf)))
    return Sample(label, distance, rows, float(least), float(xp.max(block.weight)))


def bins_for(samples: Sequence[Sample], segments: int) -> Bins:
    """Return bins into which about as many rows fall, by a sample of the blocks."""
    label, distance = (np.concatenate(field) for field in ([s.label for s in samples], [s.distance for s in samples]))
    rows = sum(sample.rows for sample in samples)
    each = int(np.ceil(FINER * np.sqrt(RANKS.size * rows / segments) / PIECES))
    edges, shares = np.zeros((segments, PIECES + 1)), np.linspace(0, 1, PIECES + 1)
    for segment in range(segments):
        if len(there := distance[label == segment]):
            edges[segment] = np.quantile(there, shares)
    width = np.diff(edges, axis=1)
    scales = np.divide(each, width, out=np.zeros_like(width), where=width > each * np.finfo(float).tiny)
    return Bins(np.ascontiguousarray(edges[:, :-1]), scales, each)


def bins_of(label: Array, distance: Array, weight: Array, bins: Bins) -> Array:
    """Return the bin of each row, int32; the number of bins for noise and for rows of no weight."""
    xp: Any = array_namespace(distance)
    there = device(distance)
    starts, scales = (xp.asarray(table.ravel(), device=there) for table in (bins.starts, bins.scales))
    counts = (label >= 0) & (weight > 0)
    # Noise may be infinitely far from every segment.
    away = xp.astype(xp.where(counts, distance, xp.zeros_like(distance)), xp.float64, copy=False)
    at = xp.astype(xp.where(counts, label, xp.zeros_like(label)), xp.int64) * PIECES
    step = PIECES // 2
    while step:
        at = at + step * xp.astype(xp.take(starts, at + step) <= away, xp.int64)
        step //= 2
    within = xp.floor((away - xp.take(starts, at)) * xp.take(scales, at))
    place = at * bins.each + xp.astype(xp.clip(within, 0, bins.each - 1), xp.int64)
    return xp.astype(xp.where(counts, place, xp.full_like(place, bins.total)), xp.int32)


def with_bins(block: Labelled, kernel: Kernel, bins: Bins, alike: bool) -> Binned:  # noqa: FBT001 - engines pass no names
    """Return a block's rows with their bins; ``alike``: rows that weigh anything weigh one."""
    xp = array_namespace(block.distance)
    weight = xp.astype(block.weight > 0, xp.float64) if alike else xp.astype(block.weight, xp.float64, copy=False)
    return Binned(kernel(block.label, block.distance, block.weight, bins), block.distance, weight)


def counted(block: Binned, kernel: Kernel, bins: int, alike: bool) -> Host:  # noqa: FBT001 - engines pass no names
    """Return the weight of each bin in a block."""
    found: Host = kernel(block.place, None if alike else block.weight, bins)
    return found


def needed(mass: Host, heaviest: float) -> Host:
    """Return in which bins, (k, bins), the rows are between which the ranks lie; a row weighs ``heaviest`` at most."""
    ends, wanted = np.cumsum(mass, axis=1), np.zeros(mass.shape, dtype=bool)
    for segment, (rising, filled) in enumerate(zip(ends, mass > 0, strict=True)):
        numbers = np.flatnonzero(filled)
        if not numbers.size:
            continue
        places = RANKS * rising[-1]
        at = np.minimum(np.searchsorted(rising[numbers], places, side="right"), len(numbers) - 1)
        before = np.append(0.0, rising[numbers])[at]
        # The row before lies in an earlier bin where the rank falls on the first row of its bin.
        early = (places - before < heaviest) & (at > 0)
        wanted[segment, numbers[np.append(at, at[early] - 1)]] = True
    return wanted


def picked(block: Binned, wanted: Host) -> Seen:
    """Return the different distances of a block in the bins that are wanted, on the host."""
    xp: Any = array_namespace(block.distance)
    table = xp.asarray(np.append(wanted, False), device=device(block.distance))
    rows = xp.nonzero(xp.take(table, block.place))[0]
    place, distance, weight = (xp.take(field, rows) for field in block)
    return Seen(*map(to_host, different([Seen(place, distance, weight, weight)])))


def different(parts: Sequence[Seen]) -> Seen:
    """Return parts as one, of each distance in a bin one: with the weight of all, and that of the lightest row."""
    xp: Any = array_namespace(parts[0].distance)
    found = Seen(*(xp.concat(list(field), axis=0) for field in zip(*parts, strict=True)))
    order = xp.argsort(found.first, stable=True)
    for key in (found.distance, found.place):
        order = xp.take(order, xp.argsort(xp.take(key, order), stable=True))
    place, distance, weight, first = (xp.take(field, order) for field in found)
    new = (place[1:] != place[:-1]) | (distance[1:] != distance[:-1])
    starts = xp.nonzero(xp.concat([xp.ones_like(place[:1], dtype=xp.bool), new]))[0]
    sums = xp.concat([xp.zeros_like(weight[:1]), xp.cumulative_sum(weight)])
    ends = xp.concat([starts, xp.asarray([place.shape[0]], dtype=starts.dtype, device=device(place))])[1:]
    totals = xp.take(sums, ends) - xp.take(sums, starts)
    return Seen(xp.take(place, starts), xp.take(distance, starts), totals, xp.take(first, starts))


def settled(mass: Host, seen: Seen) -> Host:
    """Return each segment's distances at RANKS from the weights of all bins and the distances of those needed."""
    quantiles, ends = np.zeros((len(mass), len(RANKS))), np.cumsum(mass, axis=1)
    cuts = np.searchsorted(seen.place, np.arange(len(mass) + 1) * mass.shape[1])
    for segment, (low, high) in enumerate(pairwise(cuts.tolist())):
        if high > low:
            part = Seen(*(field[low:high] for field in seen))
            part = part._replace(place=part.place - segment * mass.shape[1])
            quantiles[segment] = _at_ranks(part, ends[segment], mass[segment])
    return quantiles


def _at_ranks(seen: Seen, ends: Host, mass: Host) -> Host:
    """Return one segment's distances at RANKS; ``ends`` are the weights of all bins up to each."""
    away, within = seen.distance.astype(np.float64), np.cumsum(seen.weight)
    new = np.flatnonzero(np.append(True, seen.place[1:] != seen.place[:-1]))
    offset = np.repeat((within - seen.weight)[new], np.diff(np.append(new, len(away))))
    until = (ends - mass)[seen.place] + (within - offset)
    places = RANKS * ends[-1]
    at = np.minimum(np.searchsorted(until, places, side="right"), len(away) - 1)
    share = np.maximum(places - (until - seen.weight)[at], 0.0) / seen.first[at]
    least = away[np.maximum(at - 1, 0)]
    return np.where(share < 1, least + share * (away[at] - least), away[at])
