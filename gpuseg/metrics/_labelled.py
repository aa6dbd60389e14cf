"""Rows and their labels in blocks, in memory or on Dask workers, and what each cluster's centre is."""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, get_backend, holder, to_host
from gpuseg.engines import Block, Engine, blocks_of, engine_for, is_dask
from gpuseg.engines.blocks import runs_of
from gpuseg.engines.sites import site_of
from gpuseg.errors import InvalidInput
from gpuseg.metrics._checks import checked, weights_of
from gpuseg.neighbors.centers import add, sums_of

CELLS = 1 << 18
"""Numbers worked on at a time: 2 MiB of float64, which a core's cache holds."""


class Labelled(NamedTuple):
    """Rows in blocks with their labels beside them: the first ``width`` columns of a block are its features."""

    engine: Engine
    width: int


class Centers(NamedTuple):
    """The clusters that weigh something, in order of their labels: label, weight, rows, and centre less offset."""

    labels: Host
    weights: Host
    rows: Host
    centers: Host
    offset: Host


class Rows(NamedTuple):
    """A run of a block without noise, float64: rows less offset, the place of each one's cluster, and weights."""

    x: Array
    own: Array
    weight: Array


def opened(x: Any, labels: Any, sample_weight: Any) -> Labelled:
    """Return rows in memory, or both rows and labels as Dask arrays, in blocks; raise InvalidInput for other pairs."""
    if is_dask(x):
        return _on_workers(x, labels, sample_weight)
    rows, of = checked(x, labels)
    blocks = blocks_of(rows, weights_of(rows, sample_weight))
    starts = np.cumsum([0, *blocks.sizes])
    backend = holder(rows) or get_backend("cpu")
    engine = engine_for(blocks, backend.name)
    return Labelled(engine.map(_run_of, backend.to_device(of), starts), rows.shape[1])


def centers_of(given: Labelled) -> Centers:
    """Return the centres of the clusters; raise InvalidInput for fewer than two."""
    seen: list[tuple[Host, tuple[int, float, Host]]] = given.engine.collect(_seen, given.width)
    if not seen:
        raise InvalidInput("x has 0 rows; pass rows of at least 2 clusters")
    labels = np.unique(np.concatenate([found for found, _ in seen]))
    labels = labels[labels >= 0].astype(np.float64)
    rows, weight, sums = add([totals for _, totals in seen])
    offset = sums / (weight or rows)
    weights, counts, totals = given.engine.reduce(_cluster_sums, add, labels, offset)
    there = weights > 0
    if np.count_nonzero(there) < 2:  # noqa: PLR2004 - clusters to tell apart
        found = np.count_nonzero(there)
        raise InvalidInput(f"labels hold {found} cluster(s); pass at least 2 clusters")
    centers = totals[there] / weights[there, None]
    return Centers(labels[there], weights[there], counts[there], centers, offset)


def runs(block: Block, of: Array, labels: Host, offset: Host) -> Any:
    """Give a block in runs without noise, so short that rows x clusters and rows x features stay within CELLS."""
    xp: Any = array_namespace(block.x)
    there = device(block.x)
    known, shift = (xp.asarray(one, dtype=xp.float64, device=there) for one in (labels, offset))
    if not len(labels):
        return
    for run in runs_of(block.x.shape[0], max(1, CELLS // max(len(labels), len(offset)))):
        label, weight = (xp.astype(one[run], xp.float64) for one in (of, block.weight))
        own = xp.minimum(xp.searchsorted(known, label), xp.asarray(len(labels) - 1, device=there))
        taken = xp.nonzero((xp.take(known, own) == label) & (weight > 0))[0]
        x = xp.astype(xp.take(block.x[run, : len(offset)], taken, axis=0), xp.float64)
        yield Rows(x - shift[None, :], xp.take(own, taken), xp.take(weight, taken))


def by_cluster(rows: Rows, values: Array, count: int) -> Host:
    """Return the weighted sums of values by cluster; values: (rows,) or (rows, columns)."""
    xp = array_namespace(values)
    numbers = xp.arange(count, dtype=rows.own.dtype, device=device(values))
    members = xp.where(rows.own[:, None] == numbers[None, :], rows.weight[:, None], xp.zeros_like(rows.weight)[:, None])
    return to_host(members.T @ values)


def _on_workers(x: Any, labels: Any, sample_weight: Any) -> Labelled:
    """Return a Dask array with its labels as one more column, so that both of a row are in one block."""
    if not (hasattr(x, "chunks") and getattr(labels, "shape", None) == x.shape[:1] and is_dask(labels)):
        raise InvalidInput(
            "x is a Dask collection; pass it as a Dask array, and labels as a Dask array of the same rows"
        )
    together = np.concatenate([x, labels.rechunk((x.chunks[0],))[:, None]], axis=1)  # Dask's own, by NumPy's protocol
    site = site_of(lazy=True)
    blocks = blocks_of(together, sample_weight, site=site)
    backend, *_ = site.choose(blocks.held)
    return Labelled(site.engine(blocks, backend.name, keep=True).map(_last_column), x.shape[1])


def _last_column(block: Block) -> Array:
    return block.x[:, -1]


def _run_of(block: Block, labels: Array, starts: Host) -> Array:
    return labels[int(starts[block.number]) : int(starts[block.number + 1])]


def _seen(block: Block, of: Array, width: int) -> tuple[Host, tuple[int, float, Host]]:
    """Return the labels of a block, and its rows, total weight and sums of the features."""
    xp = array_namespace(block.x)
    # A copy: a product of rows that have a label beside them is another one in its last bits.
    features = xp.astype(block.x[:, :width], xp.float64, copy=True)
    return to_host(xp.unique_values(of)), sums_of(block._replace(x=features))


def _cluster_sums(block: Block, of: Array, labels: Host, offset: Host) -> tuple[Host, Host, Host]:
    """Return the weight, the rows and the sums of the features of each cluster in a block."""
    weights, counts, totals = np.zeros(len(labels)), np.zeros(len(labels)), np.zeros((len(labels), len(offset)))
    for rows in runs(block, of, labels, offset):
        ones = array_namespace(rows.weight).ones_like(rows.weight)
        weights += by_cluster(rows, ones, len(labels))
        counts += by_cluster(rows._replace(weight=ones), ones, len(labels))
        totals += by_cluster(rows, rows.x, len(labels))
    return weights, counts, totals
