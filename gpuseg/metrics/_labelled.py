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
    found: dict[float, tuple[float, float]] = given.engine.reduce(_masses, _joined)
    labels = np.array(sorted(label for label, (weight, _) in found.items() if weight > 0))
    if len(labels) < 2:  # noqa: PLR2004 - clusters to tell apart
        raise InvalidInput(f"labels hold {len(labels)} cluster(s); pass at least 2 clusters")
    rows, weight, sums = given.engine.reduce(_sums_of, add, given.width)
    offset = sums / weight if weight > 0 else sums / rows
    (totals,) = given.engine.reduce(_cluster_sums, add, labels, offset)
    weights, counts = (np.array([found[label][at] for label in labels.tolist()]) for at in (0, 1))
    return Centers(labels, weights, counts, totals / weights[:, None], offset)


def runs(block: Block, of: Array, labels: Host, offset: Host) -> Any:
    """Give a block in runs without noise, so short that rows x clusters and rows x features stay within CELLS."""
    xp: Any = array_namespace(block.x)
    there = device(block.x)
    known, shift = (xp.asarray(one, dtype=xp.float64, device=there) for one in (labels, offset))
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


def _masses(block: Block, of: Array) -> dict[float, tuple[float, float]]:
    """Return the weight and the rows of each label of a block but noise."""
    label, weight = (to_host(one).astype(np.float64) for one in (of, block.weight))
    known, own = np.unique(label, return_inverse=True)
    sums = zip(np.bincount(own, weight, len(known)), np.bincount(own, weight > 0, len(known)), strict=True)
    pairs = zip(known.tolist(), sums, strict=True)
    return {label: (float(weighs), float(rows)) for label, (weighs, rows) in pairs if label >= 0}


def _joined(parts: Any) -> dict[float, tuple[float, float]]:
    whole: dict[float, tuple[float, float]] = {}
    for part in parts:
        for label, (weight, rows) in part.items():
            before = whole.get(label, (0.0, 0.0))
            whole[label] = before[0] + weight, before[1] + rows
    return whole


def _sums_of(block: Block, _: Array, width: int) -> tuple[int, float, Host]:
    xp = array_namespace(block.x)
    # A copy: a product of rows that have a label beside them is another one in its last bits.
    return sums_of(block._replace(x=xp.astype(block.x[:, :width], xp.float64, copy=True)))


def _cluster_sums(block: Block, of: Array, labels: Host, offset: Host) -> tuple[Host]:
    total = np.zeros((len(labels), len(offset)))
    for rows in runs(block, of, labels, offset):
        total += by_cluster(rows, rows.x, len(labels))
    return (total,)
