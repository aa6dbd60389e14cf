"""A decision tree of a sample, as flat arrays: rules are read from it, and how well it tells segments apart."""

from typing import NamedTuple

from gpuseg.backends._protocol import Host

LEAF = -1
"""The feature and the children of a node that asks nothing."""


class Tree(NamedTuple):
    """The nodes of a tree: a row goes left where its ``feature`` is at most ``threshold``, else right.

    ``feature``, ``left``, ``right``: (nodes,), -1 at a leaf; ``threshold``: (nodes,); ``value``: (nodes, classes), the
    share of each class among the rows of a node, classes in rising order. Node 0 is the root.
    """

    feature: Host
    threshold: Host
    left: Host
    right: Host
    value: Host


def decision_tree(
    x: Host,
    labels: Host,
    *,
    weights: Host | None = None,
    max_depth: int,
    min_leaf: int = 1,
    max_leaves: int | None = None,
    random_state: int = 0,
) -> Tree:
    """Return a tree of Breiman and others 1984 (CART, Gini) that tells ``labels`` apart by ``x``, (rows, features).

    ``x`` has no NaN. scikit-learn grows it, on the host: the sample that it is grown of is small.

    >>> import numpy as np
    >>> tree = decision_tree(np.array([[1.0], [2.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]), max_depth=2)
    >>> tree.feature.tolist(), float(tree.threshold[0])
    ([0, -1, -1], 5.0)
    """
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(
        max_depth=max_depth, min_samples_leaf=min_leaf, max_leaf_nodes=max_leaves, random_state=random_state
    ).fit(x, labels, sample_weight=weights)
    grown = model.tree_
    feature = grown.feature.copy()
    feature[grown.children_left < 0] = LEAF
    return Tree(feature, grown.threshold.copy(), grown.children_left, grown.children_right, grown.value[:, 0, :].copy())
