"""The condensed tree of HDBSCAN and the choice of clusters in it, from a single-linkage tree.

Campello, Moulavi, Zimek and Sander, "Hierarchical density estimates for data clustering, visualization, and
outlier detection", ACM TKDD 10(1), 2015: ``condense`` is algorithm 2, ``excess_of_mass`` algorithm 3. lambda is
1 / height. A cluster's number is above its parent's; the root is 0. Rows are climbed side by side by
doubling pointers: 100,000 take a tenth of a second.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host

METHODS = ("eom", "leaf")
SLACK = 1e-12
"""What sums of weights may be short of ``min_cluster_size``, as a share of it: ten times 0.1 are to be 1."""


class SingleLinkage(NamedTuple):
    """A dendrogram in SciPy's numbering: node n + i joins ``children[i]`` at ``heights[i]`` into ``sizes[i]`` rows.

    Sizes are weights where rows have any. ``gaps``: how far apart the rows are that join there: nodes of one height
    have an order by it, and what is equal in both joins at once. None where the order of the nodes is all there is.
    """

    children: Host
    heights: Host
    sizes: Host
    gaps: Host | None = None


class CondensedTree(NamedTuple):
    """The cluster that each row fell out of and its lambda there; each cluster's parent, lambda at birth and size.

    The root's parent is -1, its birth 0.
    """

    row_cluster: Host
    row_lambda: Host
    parent: Host
    birth: Host
    size: Host


class Selection(NamedTuple):
    """For each cluster the selected one that it is in, or -1, its rows' largest lambda, and the least asked of a row.

    The root alone asks for a lambda: it is born at 0, and without one nothing would be noise.
    """

    chosen: Host
    densest: Host
    least: Host


def lambda_of(height: Host) -> Host:
    """Return 1 / height, inf at 0.

    >>> lambda_of(np.array([0.5, 0.0]))
    array([ 2., inf])
    """
    return np.divide(1.0, height, out=np.full(np.shape(height), np.inf), where=height > 0)


def condense(
    tree: SingleLinkage, min_cluster_size: float, *, weight: Host | None = None, core: Host | None = None
) -> CondensedTree:
    """Return the tree in which a split counts only where two sides have ``min_cluster_size`` rows, or more sides.

    ``weight``: a row counts as that many, which are told apart at the row's ``core`` distance: a row that weighs
    enough is a cluster by itself up to there.

    >>> children = np.array([[0, 1], [2, 3], [4, 5]])
    >>> tree = condense(SingleLinkage(children, np.array([1.0, 2.0, 8.0]), np.array([2, 2, 4])), 2)
    >>> tree.row_cluster, tree.row_lambda, tree.birth
    (array([2, 2, 1, 1]), array([1. , 1. , 0.5, 0.5]), array([0.   , 0.125, 0.125]))
    """
    n, root = len(tree.heights) + 1, 2 * len(tree.heights)
    heights = np.concatenate([np.zeros(n) if core is None else core, tree.heights])
    gaps = np.concatenate([np.zeros(n), 1.0 + np.arange(n - 1) if tree.gaps is None else tree.gaps])
    size = np.concatenate([np.ones(n, dtype=np.int64) if weight is None else weight, tree.sizes])
    above = np.full(root + 1, root)
    above[tree.children.ravel()] = np.repeat(np.arange(n, root + 1), 2)
    # What is joined just as the node above is one node with it: its sides are sides of that.
    tied = (heights == heights[above]) & (gaps == gaps[above])
    inner = tied & (np.arange(root + 1) >= n)
    inner[root] = False
    above = climbed(above, ~inner)[above]
    big = (size >= min_cluster_size * (1 - SLACK)) & ~tied
    big[root] = False
    # Equal rows, joined at height 0, are never told apart.
    splits = (np.bincount(above[big], minlength=root + 1) > 1) & (heights > 0)
    head = big & splits[above]
    big[root] = head[root] = True
    heads = np.flatnonzero(head)[::-1]
    number = np.empty(root + 1, dtype=np.int64)
    number[heads] = np.arange(len(heads))
    number = number[climbed(above, head)]
    out_of, lambdas = climbed(above, big)[:n], lambda_of(heights)
    parent, birth = number[above[heads]], lambdas[above[heads]]
    parent[0], birth[0] = -1, 0.0
    return CondensedTree(number[out_of], lambdas[out_of], parent, birth, size[heads])


def stability(tree: CondensedTree, weight: Host | None = None) -> Host:
    """Return each cluster's stability: the sum over its rows of the lambda they leave it at, less that of its birth."""
    inner, k = tree.parent[1:], len(tree.parent)
    with np.errstate(invalid="ignore"):
        rows = tree.row_lambda - tree.birth[tree.row_cluster]
        clusters = (tree.birth[1:] - tree.birth[inner]) * tree.size[1:]
    rows = rows if weight is None else rows * weight
    return np.bincount(tree.row_cluster, rows, k) + np.bincount(inner, clusters, k)


def excess_of_mass(tree: CondensedTree, weight: Host | None = None, *, allow_single_cluster: bool) -> Host:
    """Return which clusters are selected: of all that do not overlap, those of the largest summed stability."""
    own, parent = stability(tree, weight).tolist(), tree.parent.tolist()
    below, kept = [0.0] * len(own), [True] * len(own)
    for cluster in reversed(range(len(own))):
        if below[cluster] > own[cluster]:
            kept[cluster], own[cluster] = False, below[cluster]
        if cluster > 0:
            below[parent[cluster]] += own[cluster]
    kept[0] = kept[0] and allow_single_cluster
    covered = kept.copy()
    for cluster in range(1, len(kept)):
        kept[cluster] = kept[cluster] and not covered[parent[cluster]]
        covered[cluster] = kept[cluster] or covered[parent[cluster]]
    return np.array(kept)


def leaves(tree: CondensedTree) -> Host:
    """Return which clusters are selected where all that are never split are; the root is none."""
    selected = np.ones(len(tree.parent), dtype=bool)
    selected[tree.parent[1:]] = selected[0] = False
    return selected


def merge_below(tree: CondensedTree, selected: Host, epsilon: float, *, allow_single_cluster: bool) -> Host:
    """Return the selection with clusters born below height ``epsilon`` replaced by an ancestor born above it.

    Malzer and Baum, "A hybrid approach to hierarchical density-based cluster selection", 2020.
    """
    merged, height = np.zeros(len(selected), dtype=bool), lambda_of(tree.birth)
    for leaf in np.flatnonzero(selected):
        cluster = leaf
        while height[cluster] < epsilon and (tree.parent[cluster] > 0 or allow_single_cluster):
            cluster = tree.parent[cluster]
        merged[cluster] = True
    return merged


def select(
    tree: CondensedTree, weight: Host | None = None, *, method: str, epsilon: float, allow_single_cluster: bool
) -> Selection:
    """Return the clusters selected by ``method``, one of METHODS, and ``epsilon``; a row counts as ``weight`` many."""
    single = allow_single_cluster
    selected = excess_of_mass(tree, weight, allow_single_cluster=single) if method == "eom" else leaves(tree)
    if epsilon > 0:
        selected = merge_below(tree, selected, epsilon, allow_single_cluster=single)
    chosen = np.where(selected, np.arange(len(selected)), -1).tolist()
    for cluster, parent in enumerate(tree.parent.tolist()):
        if chosen[cluster] < 0 <= parent:
            chosen[cluster] = chosen[parent]
    densest = np.zeros(len(selected))
    np.maximum.at(densest, tree.row_cluster, tree.row_lambda)
    np.maximum.at(densest, tree.parent[1:], tree.birth[1:])
    least = np.zeros(len(selected))
    least[0] = 1 / epsilon if epsilon > 0 else densest[0]
    return Selection(np.array(chosen), densest, least)


def memberships(cluster: Host, lambdas: Host, selection: Selection) -> tuple[Host, Host]:
    """Return the selected cluster of rows that fall out of ``cluster`` at lambda, or -1, and their strength in [0, 1].

    A strength is lambda over the largest one of the selected cluster; 1 for rows that equal others.
    """
    chosen = selection.chosen[cluster]
    chosen = np.where(lambdas < selection.least[chosen], -1, chosen)
    densest = selection.densest[chosen]
    shared = np.isfinite(lambdas) & (densest > 0)
    strength = np.divide(np.minimum(lambdas, densest), densest, out=np.ones(len(densest)), where=shared)
    return chosen, np.where(chosen >= 0, strength, 0.0)


def climbed(above: Host, stop: Host) -> Host:
    """Return for each node the nearest one upwards, itself included, that stops."""
    jump = np.where(stop, np.arange(len(above)), above)
    while not np.array_equal(further := jump[jump], jump):
        jump = further
    return jump
