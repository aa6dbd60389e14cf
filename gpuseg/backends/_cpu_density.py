"""DBSCAN on the CPU: scikit-learn's; and k-d trees for the searches of neighbors/rows.py.

SciPy's tree releases the GIL, so that blocks are searched side by side. A fit is scikit-learn's own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import sklearn.cluster
from scipy.spatial import cKDTree

from gpuseg.backends._cpu_kernels import _called
from gpuseg.backends._protocol import Fit, Host, Kernel

SLACK = 1e-9
CELLS = 1 << 22
"""Distances of rows to bounding boxes held at a time."""
SMALL, NEAREST = 64, (8, 32, 128)
"""Rows of a group on average up to which so many nearest rows of all are looked at before the groups' boxes are."""


def fit_dbscan(x: Host, *, eps: float, min_samples: int, sample_weight: Host | None) -> Mapping[str, Any]:
    """Return labels and the numbers of the core points by scikit-learn."""
    model = sklearn.cluster.DBSCAN(eps=eps, min_samples=min_samples).fit(x, sample_weight=sample_weight)
    return {"labels_": model.labels_.astype(np.int32), "core_sample_indices_": model.core_sample_indices_}


def fit_optics(x: Host, *, core_distances: Host, reaches: Host, max_eps: float) -> Mapping[str, Any]:
    """Return the order of OPTICS over points, the reachability of each and its predecessor, by our own walk.

    ``reaches``: how far the rows of each point reach towards others, 0 where a point is a row.
    """
    from gpuseg.backends import _cpu_optics

    rows, count = np.asarray(x, dtype=np.float64), len(x)
    number = np.full((-(-count // _cpu_optics.BLOCK), _cpu_optics.BLOCK), -1)
    number.flat[:count] = _tree(rows).indices  # leaf by leaf: what lies together
    inside, place = number >= 0, np.empty(count, dtype=np.int64)
    place[number[inside]] = np.flatnonzero(inside)
    tiles = np.where(inside[:, None, :], rows.T[:, number].swapaxes(0, 1), np.nan)
    boxes = np.nanmin(tiles, axis=2), np.nanmax(tiles, axis=2)
    extents = np.where(inside, reaches[number], 0.0)
    boxed = (*boxes, np.max(extents, axis=1), extents)
    given = np.ascontiguousarray(tiles), boxed, number, place, core_distances, reaches
    order, reach, by = _called(_cpu_optics.walk, *given, float(max_eps))
    predecessor = np.empty(count, dtype=np.int64)
    predecessor[number[inside]] = by[inside]
    return {"ordering": order, "reachability": reach, "predecessor": predecessor}


def nearest_rows(rows: Host, count: int) -> Callable[..., Any]:
    """Return the search for the ``count`` nearest rows; see ``neighbors.rows.nearest_rows``."""
    return partial(_nearest_rows, _tree(rows), np.arange(1, min(count, len(rows)) + 1))


def nearest_group(rows: Host, groups: Host, *, within: float = np.inf) -> Callable[..., Any]:
    """Return the search for the group of the nearest row; see ``neighbors.rows.nearest_group``."""
    return partial(_nearest_group, _tree(rows), groups, within)


def nearest_other_group(rows: Host, groups: Host) -> Callable[..., Any]:
    """Return the search for the nearest row of any other group; see ``neighbors.rows.nearest_other_group``.

    A tree a group: only groups whose bounding box is nearer than the nearest row so far are searched. Where groups are
    small, which most often are many, a few nearest rows of all are looked at before.
    """
    trees = _trees(rows, groups)
    whole = _tree(rows) if len(rows) <= SMALL * len(trees) else None
    return partial(_nearest_other_group, trees, whole, groups)


def nearest_of_group(rows: Host, groups: Host, *, skip: int = 0) -> Callable[..., Any]:
    """Return the search for the nearest row of a group; see ``neighbors.rows.nearest_of_group``."""
    return partial(_nearest_of_group, _tree(rows), _trees(rows, groups), groups, skip)


def _trees(rows: Host, groups: Host) -> list[cKDTree]:
    ends = np.cumsum(np.bincount(groups))
    return [_tree(rows[members]) for members in np.split(np.argsort(groups, kind="stable"), ends[:-1])]


def _tree(rows: Host) -> cKDTree:
    # Splits at the middle, not at the median: customers share values, and medians of ties cost quadratic time.
    return cKDTree(rows.astype(np.float64), balanced_tree=False)


def _nearest_rows(tree: cKDTree, counts: Host, x: Host) -> tuple[Host, Host]:
    distance, number = tree.query(x, k=counts)
    return number, distance


def _nearest_group(tree: cKDTree, groups: Host, within: float, x: Host) -> tuple[Host, Host]:
    # The tree leaves out what lies at its bound: a little beyond, and then exactly.
    distance, number = tree.query(x, k=[1, 2], distance_upper_bound=within * (1 + SLACK))
    near = np.flatnonzero(distance[:, 0] <= within)
    first = _lowest(tree, x[near], distance[near], number[near])
    group, away = np.full(len(x), -1), np.full(len(x), np.inf)
    group[near], away[near] = groups[first], distance[near, 0]
    return group, away


def _nearest_other_group(trees: Sequence[cKDTree], whole: cKDTree | None, groups: Host, x: Host, own: Host) -> Host:
    distance, left = np.full(len(x), np.nan), np.arange(len(x))
    for count in NEAREST if whole is not None else ():
        distance[left] = _other_among(whole, groups, x[left], own[left], count)
        left = left[np.isnan(distance[left])]
    step = max(1, CELLS // len(trees))
    for start in range(0, len(left), step):
        rows = left[start : start + step]
        bound = _box_distances(x[rows], trees)
        bound[np.arange(len(bound)), own[rows]] = np.inf
        distance[rows] = _nearest_below(bound, x[rows], trees)
    return distance


def _other_among(tree: Any, groups: Host, x: Host, own: Host, count: int) -> Host:
    """Return the distance to the nearest row of another group among so many rows, NaN where all are of its own."""
    distance, counts, step = np.full(len(x), np.nan), np.arange(1, min(count, tree.n) + 1), CELLS // count
    for start in range(0, len(x), step):
        cut = slice(start, start + step)
        away, number = tree.query(x[cut], k=counts)
        other = groups[number] != own[cut, None]
        first = np.argmax(other, axis=1)
        found = np.arange(len(first)), first
        distance[cut] = np.where(other[found], away[found], np.nan)
    return distance


def _box_distances(x: Host, trees: Sequence[cKDTree]) -> Host:
    """Return the distance of each row to the bounding box of each tree: no row of it is nearer."""
    low, high = (np.stack(sides).T for sides in zip(*((tree.mins, tree.maxes) for tree in trees), strict=True))
    squared = np.zeros((len(x), len(trees)))
    for column, least, most in zip(x.T[:, :, None], low, high, strict=True):
        squared += np.maximum(np.maximum(least - column, column - most), 0.0) ** 2
    return np.sqrt(squared)


def _nearest_below(bound: Host, x: Host, trees: Sequence[cKDTree]) -> Host:
    """Return the distance of each row to the nearest row of all trees but those whose bound is inf."""
    rows, nearest, best = np.arange(len(x)), np.argmin(bound, axis=1), np.full(len(x), np.inf)
    alone = np.isinf(bound[rows, nearest])
    _improve(best, rows[~alone], nearest[~alone], bound, x, trees)
    bound[rows, nearest] = np.inf
    rows, nearer = np.nonzero(bound < best[:, None])
    _improve(best, rows, nearer, bound, x, trees)
    return best


def _improve(best: Host, rows: Host, numbers: Host, bound: Host, x: Host, trees: Sequence[cKDTree]) -> None:
    for number, members in _by_value(numbers):
        near = rows[members]
        near = near[bound[near, number] < best[near]]
        best[near] = np.minimum(best[near], trees[number].query(x[near])[0])


def _by_value(values: Host) -> Iterator[tuple[int, Host]]:
    """Give each value and where it stands."""
    order = np.argsort(values, kind="stable")
    found, starts = np.unique(values[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts)[1:], strict=True)


def _lowest(tree: cKDTree, x: Host, distance: Host, number: Host) -> Host:
    """Return the number of the nearest row, of equally near ones the lowest; given are the two nearest."""
    nearest, tied, count = number[:, 0], np.flatnonzero(distance[:, 0] == distance[:, 1]), 2
    while tied.size:
        count = min(4 * count, tree.n)
        away, candidates = tree.query(x[tied], k=np.arange(1, count + 1))
        equal = away == away[:, :1]
        nearest[tied] = np.min(np.where(equal, candidates, tree.n), axis=1)
        tied = tied[equal[:, -1]] if count < tree.n else tied[:0]
    return nearest


def _nearest_of_group(
    whole: cKDTree, trees: Sequence[cKDTree], groups: Host, skip: int, x: Host, wanted: Host
) -> tuple[Host, Host]:
    group, distance = wanted.astype(np.int64), np.full(len(x), np.inf)
    for value, members in _by_value(wanted):
        away, number = (whole if value < 0 else trees[value]).query(x[members], k=[skip + 1])
        distance[members] = away[:, 0]
        if value < 0:
            group[members] = groups[np.minimum(number[:, 0], len(groups) - 1)]
    return group, distance


FITS: Mapping[str, Fit] = {"dbscan": fit_dbscan, "optics": fit_optics}
KERNELS: Mapping[str, Kernel] = {
    "nearest_rows": nearest_rows,
    "nearest_group": nearest_group,
    "nearest_other_group": nearest_other_group,
    "nearest_of_group": nearest_of_group,
}
