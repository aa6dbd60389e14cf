"""How often each pair of labels of two labellings occurs: all that an agreement is made of."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Host, to_host
from gpuseg.engines import Block, blocks_of, is_dask
from gpuseg.engines.sites import site_of
from gpuseg.errors import InvalidInput, unknown
from gpuseg.metrics._checks import weights_of

NOISE = ("label", "drop")
"""What noise (-1) may be: a label of its own, or rows that are left out where either labelling has it."""


class Contingency(NamedTuple):
    """The labels of two labellings, in order with noise last, and the pairs that occur.

    ``rows``, ``columns``: the places of a pair's labels; ``counts``: its weight; all (pairs,).
    """

    first: list[Any]
    second: list[Any]
    rows: Host
    columns: Host
    counts: Host

    @property
    def sizes(self) -> tuple[Host, Host]:
        """Return the weight of each label of the first, and of each of the second."""
        return np.bincount(self.rows, self.counts), np.bincount(self.columns, self.counts)


def contingency(first: Any, second: Any, *, sample_weight: Any = None, noise: str = "label") -> Contingency:
    """Return how often each pair of labels occurs; raise InvalidInput where the labels are not of the same rows."""
    if noise not in NOISE:
        raise unknown("noise", noise, NOISE)
    counted = _on_workers if is_dask(first) or is_dask(second) else _in_memory
    pairs = counted(first, second, sample_weight)
    kept = {pair: weight for pair, weight in pairs.items() if weight > 0 and not (noise == "drop" and -1 in pair)}
    if not kept:
        raise InvalidInput("no row is left to compare: all are noise (-1) in one of the labellings; use noise='label'")
    first_labels, second_labels = (in_order({pair[side] for pair in kept}) for side in (0, 1))
    places = [{label: at for at, label in enumerate(labels)} for labels in (first_labels, second_labels)]
    at = np.array(sorted((places[0][one], places[1][other], kept[one, other]) for one, other in kept))
    rows, columns = at[:, :2].astype(np.int64).T
    return Contingency(first_labels, second_labels, rows, columns, at[:, 2])


def in_order(labels: Iterable[Any]) -> list[Any]:
    """Return labels in order, noise last; labels of several kinds by their text.

    >>> in_order({2, -1, 0}), in_order({"b", "a"})
    ([0, 2, -1], ['a', 'b'])
    """
    found = list(labels)
    try:
        return sorted(found, key=lambda label: (label == -1, label))
    except TypeError:
        return sorted(found, key=lambda label: (label == -1, str(label)))


def whole(found: Contingency) -> Contingency:
    """Return counts of whole rows; raise InvalidInput where weights were fractions, of which there are no pairs."""
    if np.any(found.counts != np.round(found.counts)):
        raise InvalidInput("sample_weight holds fractions, and this index counts pairs of rows; give whole numbers")
    return found


def _in_memory(first: Any, second: Any, sample_weight: Any) -> Counter[tuple[Any, Any]]:
    one, other = (np.asarray(to_host(labels)) for labels in (first, second))
    if one.ndim != 1 or one.shape != other.shape or not len(one):
        raise InvalidInput(f"labels have shapes {one.shape} and {other.shape}; pass one label a row, of the same rows")
    try:
        return _counted(one, other, weights_of(one, sample_weight))
    except TypeError as error:
        raise InvalidInput("labels hold missing values, or numbers and words; fill them, or pass one kind") from error


def _on_workers(first: Any, second: Any, sample_weight: Any) -> Counter[tuple[Any, Any]]:
    """Return the counts of two Dask arrays of numbers, added up over their blocks."""
    fine = all(is_dask(one) and getattr(one, "ndim", 0) == 1 and hasattr(one, "chunks") for one in (first, second))
    if not fine or first.shape != second.shape or any(one.dtype.kind not in "biuf" for one in (first, second)):
        raise InvalidInput("labels are on Dask; pass two Dask arrays of numbers, one a row, of the same rows")
    together = np.stack([first, second.rechunk(first.chunks)], axis=1)  # Dask's own, by NumPy's protocol
    site = site_of(lazy=True)
    blocks = blocks_of(together, sample_weight, site=site)
    backend, *_ = site.choose(blocks.held)
    found: Counter[tuple[Any, Any]] = site.engine(blocks, backend.name, keep=False).reduce(_of_block, _added)
    return found


def _of_block(block: Block) -> Counter[tuple[Any, Any]]:
    labels = to_host(block.x)
    return _counted(labels[:, 0], labels[:, 1], to_host(block.weight).astype(np.float64))


def _counted(one: Host, other: Host, weight: Host | None) -> Counter[tuple[Any, Any]]:
    """Return the weight of each pair of labels that occurs; whole floats are whole numbers."""
    if any(labels.dtype.kind == "f" and np.any(np.isnan(labels)) for labels in (one, other)):
        raise InvalidInput("labels hold NaN; give every row a label, -1 for noise")
    (rows, at), (columns, beside) = (np.unique(labels, return_inverse=True) for labels in (one, other))
    joint, place = np.unique(at.ravel().astype(np.int64) * len(columns) + beside.ravel(), return_inverse=True)
    weights = np.bincount(place.ravel(), weight, len(joint))
    names = _plain(rows), _plain(columns)
    pairs = zip(joint.tolist(), weights.tolist(), strict=True)
    return Counter({(names[0][j // len(columns)], names[1][j % len(columns)]): weighs for j, weighs in pairs})


def _added(parts: Sequence[Counter[tuple[Any, Any]]]) -> Counter[tuple[Any, Any]]:
    total: Counter[tuple[Any, Any]] = Counter()
    for part in parts:
        total.update(part)
    return total


def _plain(labels: Host) -> list[Any]:
    if labels.dtype.kind == "f" and np.all(labels == np.round(labels)):
        return labels.astype(np.int64).tolist()
    return labels.tolist()
