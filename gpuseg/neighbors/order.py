"""An order of rows that depends on their values alone: what follows does not depend on a table's own order."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines.parts import Parts

SORTED = 1_000_000
"""Rows that are sorted together on a worker: 128 MB of 16 features, of which a sort takes some copies."""
SPLITS = 64
"""Rows looked at for each part of SORTED rows, of which one bounds it: parts then differ by some tenths in size."""


def canonical_order(x: Array) -> Array:
    """Return the rows sorted by their first feature, ties by the second, and so on.

    >>> import numpy as np
    >>> canonical_order(np.array([[2.0, 1.0], [1.0, 9.0], [2.0, 0.0]])).tolist()
    [[1.0, 9.0], [2.0, 0.0], [2.0, 1.0]]
    """
    xp = array_namespace(x)
    for feature in range(x.shape[1] - 1, -1, -1):
        x = xp.take(x, xp.argsort(x[:, feature], stable=True), axis=0)
    return x


def ordered_parts(parts: Parts) -> Parts:
    """Return matrices in parts with their rows sorted as by ``canonical_order``, over all parts, and held.

    A sample sort: rows looked at bound the parts to come, every part sends each of them the rows that belong there,
    and these are sorted.
    """
    ordered = parts.map(canonical_order).kept()
    if parts.count == 1:
        return ordered
    rows = sum(ordered.collect(_height))
    count = max(1, round(rows / SORTED))
    looks = np.concatenate(ordered.collect(_looked, SORTED // SPLITS))
    bounds = canonical_order(looks)[np.arange(1, count) * len(looks) // count]
    return ordered.exchange(between, sorted_again, count, bounds).kept()


def between(ordered: Array, count: int, bounds: Host) -> list[Array]:  # noqa: ARG001 - what cuts is told it
    """Return sorted rows cut at ``count - 1`` sorted bounds; rows equal to several of them are spread over the pieces.

    >>> rows = np.array([[1.0], [2.0], [2.0], [2.0], [2.0], [3.0]])
    >>> [piece.ravel().tolist() for piece in between(rows, 3, np.array([[2.0], [2.0]]))]
    [[1.0, 2.0], [2.0], [2.0, 2.0, 3.0]]
    """
    _, inverse, alike = np.unique(bounds, axis=0, return_inverse=True, return_counts=True)
    cuts, group = [0], inverse.ravel().tolist()
    for at, bound in enumerate(bounds):
        low, high = _span(ordered, bound)
        rank = at - group.index(group[at]) + 1
        cuts.append(low + (high - low) * rank // (int(alike[group[at]]) + 1))
    ends = [*cuts[1:], _height(ordered)]
    return [ordered[start:end, :] for start, end in zip(cuts, ends, strict=True)]


def sorted_again(pieces: list[Array]) -> Array:
    """Return sorted pieces as one sorted part."""
    return canonical_order(array_namespace(*pieces).concat(pieces, axis=0))


def count_distinct(ordered: Parts) -> int:
    """Return how many different rows there are, of rows in parts in canonical order.

    >>> import numpy as np
    >>> from gpuseg.engines.parts import LocalParts
    >>> count_distinct(LocalParts.of([np.array([[1.0], [1.0], [2.0]]), np.array([[2.0], [3.0]])]))
    3
    """
    parts = [part for part in ordered.collect(_distinct) if part.rows]
    alike = [np.array_equal(before.last, after.first) for before, after in pairwise(parts)]
    return sum(part.rows for part in parts) - sum(alike)


class Distinct(NamedTuple):
    """How many rows of a sorted part differ, and its first and last row."""

    rows: int
    first: Host
    last: Host


def _distinct(ordered: Array) -> Distinct:
    xp = array_namespace(ordered)
    ends = to_host(ordered[:1, :]), to_host(ordered[-1:, :])
    differ = xp.any(ordered[1:, :] != ordered[:-1, :], axis=1)
    return Distinct(min(_height(ordered), 1) + int(xp.sum(xp.astype(differ, xp.int64))), *ends)


def _height(x: Array) -> int:
    return int(x.shape[0])


def _looked(ordered: Array, step: int) -> Host:
    """Return every ``step``-th row, and one at least of a part that has rows."""
    step = max(1, min(step, _height(ordered)))
    return to_host(ordered[(step - 1) // 2 :: step, :])


def _span(ordered: Array, row: Host) -> tuple[int, int]:
    """Return the first of the sorted rows that is not below ``row``, and the first that is above it."""
    xp: Any = array_namespace(ordered)
    low, high = 0, _height(ordered)
    for feature, value in enumerate(row.tolist()):
        run, sought = ordered[low:high, feature], xp.asarray([value], dtype=ordered.dtype)
        low, high = (low + int(xp.searchsorted(run, sought, side=side)[0]) for side in ("left", "right"))
    return low, high
