"""A digest of rows in blocks: rows drawn as seeds, then two walks that move each to the mean of the rows nearest to it.

Half of the seeds are drawn evenly and half in proportion to the squared distance to the mean (a lightweight coreset,
Bachem, Lucic and Krause 2018), so that few far rows keep points of their own. Sums are merged over the blocks in
their order: the points are the same on every engine.
"""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from gpuseg._checks import check_count
from gpuseg._estimator import seed_of
from gpuseg.backends import Array, Backend, Host, Kernel, to_host
from gpuseg.engines import Block, Engine, blocks_of, is_dask, is_files, site_of
from gpuseg.engines.blocks import check_weights, refuse_weightless
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.centers import add, sums_of
from gpuseg.neighbors.groups import sums_by
from gpuseg.neighbors.rows import nearest_rows
from gpuseg.summary.coreset import coreset
from gpuseg.summary.micro import MicroClusters, rows_as_points

N_MICRO = 8192
"""Points of a digest, unless asked otherwise: their matrix of distances takes 0.27 GB."""
WALKS = 2
"""Walks that move the points: the first makes them means of rows, the second measures how far these lie from them."""


class Masses(NamedTuple):
    """Of each point its rows' weight, (m,), weighted sum of differences from it, (m, d), and of their squares, (m,)."""

    weight: Host
    sums: Host
    squares: Host


def summarise(
    x: Any,
    n_micro: int = N_MICRO,
    *,
    sample_weight: Any = None,
    random_state: Any = 0,
    backend: str = "auto",
    engine: Any = "auto",
) -> MicroClusters:
    """Return up to ``n_micro`` weighted points that stand for the rows of ``x``, (n, d): the rows if they are no more.

    ``x``: an array, a Dask array or DataFrame, or Parquet files, walked in blocks; the points are the same on every
    engine. ``sample_weight``: (n,), not negative, counts as that many rows. Raises InvalidInput for NaN, infinity, an
    ``n_micro`` below 1, no row of any weight and what is no matrix of rows.

    >>> found = summarise(np.array([[0.0], [1.0], [8.0]]))
    >>> found.rows.ravel(), found.weight
    (array([0., 1., 8.]), array([1., 1., 1.]))
    """
    check_count("n_micro", n_micro)
    seed, site = seed_of(random_state), site_of(engine, lazy=is_dask(x))
    if not is_dask(x) and not is_files(x):
        x, sample_weight = matrix_and_weights(x, sample_weight)
    blocks = blocks_of(x, sample_weight, site=site)
    choice = site.choose(blocks.held, backend)
    return digest_of(site.engine(blocks, choice.backend.name), choice.backend, int(n_micro), seed)


def matrix_and_weights(x: Any, sample_weight: Any) -> tuple[Array, Any]:
    """Return rows in memory as a matrix, and their weights as an array; raise InvalidInput where they are none."""
    rows = x if is_array_api_obj(x) else np.asarray(x)
    if rows.ndim != 2 or not rows.shape[0] or not rows.shape[1]:  # noqa: PLR2004 - a matrix
        raise InvalidInput(f"X has shape {tuple(rows.shape)}; pass rows and features, at least one of each")
    if isinstance(rows, np.ndarray) and rows.dtype.kind not in "biuf":
        raise InvalidInput(f"X holds {rows.dtype}; pass an array of numbers, as Preprocessor makes of a table")
    if sample_weight is not None:
        sample_weight = sample_weight if is_array_api_obj(sample_weight) else np.asarray(sample_weight)
        check_weights(sample_weight, rows.shape[0])
    return rows, sample_weight


def digest_of(engine: Engine, backend: Backend, n_micro: int, seed: int) -> MicroClusters:
    """Return up to ``n_micro`` points that stand for the rows of an engine: the rows where they are no more.

    A row of weight 0 is none of them.
    """
    rows, weight, sums = engine.reduce(sums_of, add)
    refuse_weightless(weight)
    if rows <= n_micro:
        fields = zip(*engine.collect(rows_and_weights), strict=True)
        x, weight = (np.concatenate([to_host(part) for part in field]) for field in fields)
        return rows_as_points(x[weight > 0], weight[weight > 0])
    seeds, _ = coreset(engine, sums / weight, n_micro, seed)
    return digested(engine, backend, to_host(seeds))


def rows_and_weights(block: Block) -> tuple[Array, Array]:
    """Return a block's rows and weights, to be joined."""
    return block.x, block.weight


def digested(engine: Engine, backend: Backend, seeds: Host) -> MicroClusters:
    """Return the points that rows drawn as ``seeds``, (m, d), come to stand for, without those that no row is nearest.

    ``spread`` is exact: about the mean.
    """
    points, sums = np.unique(np.asarray(seeds, dtype=np.float64), axis=0), backend.kernel_or(sums_by)
    for _ in range(WALKS):
        search = backend.kernel_or(nearest_rows)(points, 1)
        found = Masses(*engine.merge(masses_at, add, search, points, sums))
        kept = found.weight > 0
        weight, moved = found.weight[kept], found.sums[kept] / found.weight[kept, None]
        spread = found.squares[kept] / weight - np.sum(moved * moved, axis=1)
        points = points[kept] + moved
    return MicroClusters(points, weight, np.sqrt(np.maximum(spread, 0.0)))


def masses_at(block: Block, search: Any, points: Host, sums_by: Kernel) -> Masses:
    """Return what a block's rows add to their nearest points."""
    number, distance = search(block.x)
    xp, count = array_namespace(number), len(points)
    label, away = number[:, 0], distance[:, 0]
    weight = xp.astype(block.weight, xp.float64, copy=False)
    nearest = xp.take(xp.asarray(points, device=device(block.x)), label, axis=0)
    apart = (xp.astype(block.x, xp.float64, copy=False) - nearest) * weight[:, None]
    sums = np.stack([sums_by(label, apart[:, f], count) for f in range(points.shape[1])], axis=1)
    return Masses(sums_by(label, weight, count), sums, sums_by(label, weight * away * away, count))
