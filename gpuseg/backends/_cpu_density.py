"""Density methods on the CPU: scikit-learn's DBSCAN and HDBSCAN, and k-d trees for the searches of neighbors/rows.py.

SciPy's tree releases the GIL, so that blocks are searched side by side. A fit is scikit-learn's own.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import sklearn.cluster
from scipy.spatial import cKDTree

from gpuseg.backends._protocol import Fit, Host, Kernel

SLACK = 1e-9


def fit_dbscan(x: Host, *, eps: float, min_samples: int, sample_weight: Host | None) -> Mapping[str, Any]:
    """Return labels and the numbers of the core points by scikit-learn."""
    model = sklearn.cluster.DBSCAN(eps=eps, min_samples=min_samples).fit(x, sample_weight=sample_weight)
    return {"labels_": model.labels_.astype(np.int32), "core_sample_indices_": model.core_sample_indices_}


def fit_hdbscan(x: Host, *, min_samples: int) -> Mapping[str, Any]:
    """Return the single-linkage tree of mutual reachability by scikit-learn: children, heights and sizes."""
    # Clusters are selected in cluster/_condensed.py: scikit-learn 1.9 raises for an epsilon under NumPy 2.4.
    model = sklearn.cluster.HDBSCAN(min_cluster_size=max(2, len(x)), min_samples=min_samples, copy=True).fit(x)
    tree = model._single_linkage_tree_  # scikit-learn 1.6 to 1.9 offer it under no other name
    return {
        "children": np.stack([tree["left_node"], tree["right_node"]], axis=1).astype(np.int64),
        "heights": tree["value"].astype(np.float64),
        "sizes": tree["cluster_size"].astype(np.int64),
    }


def nearest_rows(rows: Host, count: int) -> Callable[..., Any]:
    """Return the search for the ``count`` nearest rows; see ``neighbors.rows.nearest_rows``."""
    return partial(_nearest_rows, _tree(rows), np.arange(1, min(count, len(rows)) + 1))


def nearest_group(rows: Host, groups: Host, *, within: float = np.inf) -> Callable[..., Any]:
    """Return the search for the group of the nearest row; see ``neighbors.rows.nearest_group``."""
    return partial(_nearest_group, _tree(rows), groups, within)


def nearest_other_group(rows: Host, groups: Host) -> Callable[..., Any]:
    """Return the search for the nearest row of any other group; see ``neighbors.rows.nearest_other_group``.

    Any other group's number differs from a row's own in at least one bit: a tree of the rows without each bit and
    one of those with it answer in log2(groups) searches.
    """
    bits = [(groups >> bit) & 1 for bit in range(int(np.max(groups)).bit_length())]
    return partial(_nearest_other_group, [(_tree(rows[bit == 0]), _tree(rows[bit == 1])) for bit in bits])


def nearest_of_group(rows: Host, groups: Host, *, skip: int = 0) -> Callable[..., Any]:
    """Return the search for the nearest row of a group; see ``neighbors.rows.nearest_of_group``."""
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups))
    trees = [_tree(rows[members]) for members in np.split(order, ends[:-1])]
    return partial(_nearest_of_group, _tree(rows), trees, groups, skip)


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


def _nearest_other_group(halves: Sequence[tuple[cKDTree, cKDTree]], x: Host, own: Host) -> Host:
    distance = np.full(len(x), np.inf)
    for bit, trees in enumerate(halves):
        for has, tree in enumerate(trees):
            rows = np.flatnonzero((own >> bit) & 1 != has)
            distance[rows] = np.minimum(distance[rows], tree.query(x[rows])[0])
    return distance


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
    order = np.argsort(wanted, kind="stable")
    values, starts = np.unique(wanted[order], return_index=True)
    for value, members in zip(values, np.split(order, starts)[1:], strict=True):
        tree = whole if value < 0 else trees[value]
        away, number = tree.query(x[members], k=[skip + 1])
        distance[members] = away[:, 0]
        if value < 0:
            group[members] = groups[np.minimum(number[:, 0], len(groups) - 1)]
    return group, distance


FITS: Mapping[str, Fit] = {"dbscan": fit_dbscan, "hdbscan": fit_hdbscan}
KERNELS: Mapping[str, Kernel] = {
    "nearest_rows": nearest_rows,
    "nearest_group": nearest_group,
    "nearest_other_group": nearest_other_group,
    "nearest_of_group": nearest_of_group,
}
