"""One block against a few centres, in the array API; a kernel of the same name may replace it.

Centres and offset are float64 NumPy arrays and go to the block's device here; sums come back as NumPy,
one number a row stays on the device. Centres are given less offset (the mean of the data): float32
distances are then as good as the data's spread allows.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Block

CELLS = 1 << 22
"""Distances worked on at a time: 32 MiB of float64, whatever the rows and centres."""


class Far(NamedTuple):
    """The rows of a block farthest from their centres: squared distance, row less offset, label, weight."""

    squared: Host
    rows: Host
    labels: Host
    weights: Host


def sums_of(block: Block) -> tuple[int, float, Host]:
    """Return one block's rows, total weight and weighted sums of the rows, float64."""
    xp = array_namespace(block.x)
    x, weight = (xp.astype(field, xp.float64, copy=False) for field in (block.x, block.weight))
    return x.shape[0], float(xp.sum(weight)), to_host(weight @ x)


def squared_about(block: Block, mean: Host) -> tuple[Host]:
    """Return the weighted sums of squares about the mean, (d,): safe where the mean is far from zero."""
    xp = array_namespace(block.x)
    away = xp.astype(block.x, xp.float64, copy=False) - xp.asarray(mean, device=device(block.x))
    return (to_host(xp.astype(block.weight, xp.float64, copy=False) @ (away * away)),)


def add(parts: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the sum of the blocks' shares, field by field, in block order."""
    return tuple(sum(field[1:], start=field[0]) for field in zip(*parts, strict=True))


def squared_distances(x: Array, centers: Array) -> Array:
    """Return the squared distance of every row to every centre, (rows, centres)."""
    xp = array_namespace(x)
    d2 = xp.sum(x * x, axis=1)[:, None] - 2 * (x @ centers.T) + xp.sum(centers * centers, axis=1)[None, :]
    return xp.where(d2 > 0, d2, xp.zeros_like(d2))


def beside(x: Array, host: Host) -> Array:
    """Return a host array in the namespace, dtype and device of ``x``."""
    return array_namespace(x).asarray(host, dtype=x.dtype, device=device(x))


def tiles(x: Array, offset: Host, width: int) -> Iterator[tuple[slice, Array]]:
    """Give runs of rows, less offset, so short that rows x width stays within CELLS."""
    rows = max(1, CELLS // max(width, 1))
    shift = beside(x, offset)[None, :]
    for start in range(0, x.shape[0], rows):
        cut = slice(start, min(start + rows, x.shape[0]))
        yield cut, x[cut, :] - shift


def bounds(block: Block, n_clusters: int, spread: Host) -> None:
    """Return what the steps keep of a block, so as to pass over rows: nothing, array functions look at each row."""


def lloyd_step(block: Block, bounds: Any, centers: Host, offset: Host) -> tuple[Host, Host]:  # noqa: ARG001 - a kernel keeps bounds
    """Return one block's share of a Lloyd step: weighted sums (k, d) and weights (k,), float64."""
    xp = array_namespace(block.x)
    placed, numbers = beside(block.x, centers), xp.arange(len(centers), device=device(block.x))
    sums, weights = np.zeros(centers.shape), np.zeros(len(centers))
    for cut, x in tiles(block.x, offset, len(centers)):
        labels = xp.argmin(squared_distances(x, placed), axis=1)
        members = xp.astype(labels[:, None] == numbers[None, :], xp.float64)
        shares = members * xp.astype(block.weight[cut], xp.float64)[:, None]
        sums += to_host(shares.T @ xp.astype(x, xp.float64))
        weights += to_host(xp.sum(shares, axis=0))
    return sums, weights


def labels(block: Block, centers: Host, offset: Host) -> tuple[Array]:
    """Return the nearest centre of each row, int32."""
    xp, placed = array_namespace(block.x), beside(block.x, centers)
    found = [xp.argmin(squared_distances(x, placed), axis=1) for _, x in tiles(block.x, offset, len(centers))]
    return (xp.astype(xp.concat(found, axis=0), xp.int32),)


def nearest(block: Block, centers: Host, offset: Host) -> tuple[Array, Array]:
    """Return the nearest centre of each row, int32, and the unsquared distance to it."""
    xp, placed = array_namespace(block.x), beside(block.x, centers)
    found = []
    for _, x in tiles(block.x, offset, len(centers)):
        label = xp.argmin(squared_distances(x, placed), axis=1)
        found.append((xp.astype(label, xp.int32), _away(x, placed, label)))
    return tuple(xp.concat(field, axis=0) for field in map(list, zip(*found, strict=True)))


def inertia(block: Block, centers: Host, offset: Host) -> float:
    """Return a block's weighted sum of squared distances to the nearest centre, float64."""
    xp, (_, distance) = array_namespace(block.x), nearest(block, centers, offset)
    return float(xp.astype(block.weight, xp.float64) @ xp.astype(distance, xp.float64) ** 2)


def two_nearest(block: Block, centers: Host, offset: Host) -> tuple[Array, Array, Array]:
    """Return nearest centre, distance to it, and distance to the best other (inf if none), a row each."""
    xp = array_namespace(block.x)
    placed, numbers = beside(block.x, centers), xp.arange(len(centers), device=device(block.x))
    found = []
    for _, x in tiles(block.x, offset, len(centers)):
        d2 = squared_distances(x, placed)
        label = xp.argmin(d2, axis=1)
        taken = label[:, None] == numbers[None, :]
        second = xp.sqrt(xp.min(xp.where(taken, xp.full_like(d2, xp.inf), d2), axis=1))
        found.append((xp.astype(label, xp.int32), _away(x, placed, label), second))
    return tuple(xp.concat(field, axis=0) for field in map(list, zip(*found, strict=True)))


def _away(x: Array, centers: Array, label: Array) -> Array:
    """Return each row's distance to its centre: by the difference itself, exact also for a row close to it."""
    xp = array_namespace(x)
    return xp.sqrt(xp.sum((x - xp.take(centers, label, axis=0)) ** 2, axis=1))


def squared_norms(block: Block, offset: Host) -> Array:
    """Return each row's squared norm less offset."""
    return _squared(block.x - beside(block.x, offset)[None, :])


def costs_with(block: Block, norms: Array, d2: Array, candidates: Host, offset: Host) -> tuple[Host]:
    """Return a block's costs, (starts, trials): the sum of weight * D^2, were each candidate its start's next centre.

    ``norms`` are the rows' squared ones, (rows,); ``d2`` is (starts, rows), ``candidates`` (starts, trials, features).
    """
    xp = array_namespace(block.x)
    rows = (block.x - beside(block.x, offset)[None, :]).T
    weight = xp.astype(block.weight, xp.float64, copy=False)
    costs = []
    for start, some in enumerate(candidates):  # one after the other: what all of them take does not stay in the cache
        # A row a candidate, so that every pass runs along memory; -2 goes into the product.
        product = beside(block.x, -2 * some) @ rows
        product += norms[None, :]
        product += beside(block.x, np.sum(some**2, axis=1))[:, None]
        costs.append(xp.astype(xp.minimum(product, d2[start, :][None, :]), xp.float64, copy=False) @ weight)
    return (to_host(xp.stack(costs)),)


def nearer(block: Block, d2: Array, centers: Host, offset: Host) -> Array:
    """Return D^2, (starts, rows), the squared distance to the nearest centre, after one more centre a start."""
    xp = array_namespace(block.x)
    # Offset and centre apart: their float32 sum would not be the row itself, and D^2 must be 0 there.
    x = block.x - beside(block.x, offset)[None, :]
    placed = beside(x, centers)
    away = xp.stack([_squared(x - placed[start, :][None, :]) for start in range(len(centers))])
    return xp.minimum(d2, away)


def _squared(x: Array) -> Array:
    """Return each row's squared norm; by a product, for a sum over few columns takes several times as long."""
    xp = array_namespace(x)
    return (x * x) @ xp.ones(x.shape[1], dtype=x.dtype, device=device(x))


def farthest(block: Block, centers: Host, offset: Host, count: int) -> Far:
    """Return the ``count`` rows of positive weight that lie farthest from their centres."""
    xp: Any = array_namespace(block.x)
    label, distance = nearest(block, centers, offset)
    weight, away = (xp.astype(field, xp.float64, copy=False) for field in (block.weight, distance))
    squared = xp.where(weight > 0, away * away, -xp.ones_like(away))
    picked = xp.argsort(-squared, stable=True)[:count]
    rows = to_host(xp.take(block.x, picked, axis=0)).astype(np.float64) - offset
    return Far(to_host(xp.take(squared, picked)), rows, *(to_host(xp.take(of, picked)) for of in (label, weight)))


def join_far(parts: Sequence[Far]) -> Far:
    """Return the blocks' farthest rows as one, in block order."""
    return Far(*(np.concatenate(field) for field in zip(*parts, strict=True)))
