"""One tree of mutual reachability for many parameters: the segments of DBSCAN at any eps, of HDBSCAN of any least size.

The edges of the tree of up to eps join the core points of DBSCAN just as its chains of neighbours do (Campello,
Moulavi and Sander, PAKDD 2013, corollary 1).
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host, get_backend, to_host
from gpuseg.cluster._assignment import NOISE
from gpuseg.cluster._condensed import SingleLinkage, climbed, condense, memberships, select
from gpuseg.cluster._sized import HOST
from gpuseg.cluster._training import alike, numbered, row_order
from gpuseg.engines import each
from gpuseg.neighbors.rows import nearest_group


class DensityTree(NamedTuple):
    """Rows, (n, d), their single-linkage tree of mutual reachability, and their core distances."""

    rows: Host
    linkage: SingleLinkage
    core: Host


def density_tree(rows: Host, min_samples: int) -> DensityTree:
    """Return the tree of rows in this process, of which at least 2 and ``min_samples``; this is the host's work.

    >>> density_tree(np.array([[0.0], [1.0], [3.0]]), 2).core
    array([1., 1., 2.])
    """
    rows = np.asarray(rows, dtype=np.float64)
    found = get_backend(HOST).fits["hdbscan"](rows, min_samples=min_samples, each=each)
    linkage = SingleLinkage(found["children"], found["heights"], found["sizes"], found["gaps"])
    return DensityTree(rows, linkage, found["core_distances"])


def labels_of_size(
    tree: DensityTree,
    min_cluster_size: int,
    *,
    method: str = "eom",
    epsilon: float = 0.0,
    allow_single_cluster: bool = False,
) -> Host:
    """Return the labels of HDBSCAN with this least size and the tree's ``min_samples``, int32.

    >>> rows = np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0], [10.0]])
    >>> labels_of_size(density_tree(rows, 2), 3)
    array([1, 1, 1, 0, 0, 0, 0], dtype=int32)
    """
    condensed = condense(tree.linkage, min_cluster_size, core=tree.core)
    selection = select(condensed, method=method, epsilon=epsilon, allow_single_cluster=allow_single_cluster)
    chosen, _ = alike(tree.rows, *memberships(condensed.row_cluster, condensed.row_lambda, selection))
    return _numbered(tree.rows, chosen, len(condensed.parent))


def labels_within(tree: DensityTree, eps: float) -> Host:
    """Return the labels of DBSCAN with this ``eps`` and the tree's ``min_samples``, int32.

    >>> labels_within(density_tree(np.array([[0.0], [1.0], [2.0], [9.0]]), 3), 1.0)
    array([ 0,  0,  0, -1], dtype=int32)
    """
    n, joined = len(tree.rows), int(np.searchsorted(tree.linkage.heights, eps, side="right"))
    above = np.arange(2 * n - 1)
    above[tree.linkage.children[:joined].ravel()] = np.repeat(np.arange(n, n + joined), 2)
    core, label = tree.core <= eps, np.full(n, NOISE, dtype=np.int64)
    # A node that is not joined is above itself.
    label[core] = np.unique(climbed(above, above == np.arange(len(above)))[:n][core], return_inverse=True)[1]
    dense, others = np.flatnonzero(core), np.flatnonzero(~core)
    if dense.size and others.size:
        dense = dense[row_order(tree.rows[dense])]  # of core points that are as near the first by coordinates
        search = get_backend(HOST).kernel_or(nearest_group)(tree.rows[dense], label[dense], within=eps)
        label[others] = to_host(search(tree.rows[others])[0])
    return _numbered(tree.rows, label, int(np.max(label)) + 1)


def _numbered(rows: Host, label: Host, count: int) -> Host:
    """Return labels by falling size of the segments, as estimators give them."""
    number, _ = numbered(label, rows, np.ones(len(rows)), count)
    return number[label]
