import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st

from gpuseg.backends import get_backend
from gpuseg.cluster._condensed import SingleLinkage, condense, memberships, select, stability


def linkage(x, min_samples=5):
    return SingleLinkage(**get_backend("cpu").fits["hdbscan"](x, min_samples=min_samples))


def by_definition(tree, min_cluster_size):
    """Return cluster and lambda of each row, walking down from the root one node at a time."""
    n = len(tree.heights) + 1
    row_cluster, row_lambda, clusters = np.zeros(n, dtype=int), np.zeros(n), 1
    todo = [(2 * n - 2, 0, None)]
    while todo:
        node, cluster, fallen = todo.pop()
        if node < n:
            row_cluster[node], row_lambda[node] = cluster, fallen
            continue
        height = tree.heights[node - n]
        here = np.inf if height == 0 else 1 / height
        children = tree.children[node - n]
        sizes = [1 if child < n else tree.sizes[child - n] for child in children]
        big = [size >= min_cluster_size for size in sizes]
        for child, fits in zip(children, big, strict=True):
            if fallen is not None or not fits:
                todo.append((child, cluster, here if fallen is None else fallen))
            elif all(big) and height > 0:
                todo.append((child, clusters, None))
                clusters += 1
            else:
                todo.append((child, cluster, None))
    return row_cluster, row_lambda, clusters


def same_partition(left, right):
    return len(set(zip(left.tolist(), right.tolist(), strict=True))) == len(set(left)) == len(set(right))


@given(st.integers(2, 60), st.integers(2, 9), st.integers(0, 10**6), st.booleans())
def test_rows_fall_out_where_the_definition_says(rows, min_cluster_size, seed, lattice):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, size=(rows, 2)).astype(float) if lattice else rng.normal(size=(rows, 2))
    tree = linkage(x, min(3, rows))
    ours = condense(tree, min_cluster_size)
    cluster, lambdas, clusters = by_definition(tree, min_cluster_size)
    np.testing.assert_array_equal(ours.row_lambda, lambdas)
    assert same_partition(ours.row_cluster, cluster)
    assert len(ours.parent) == clusters
    assert np.all(ours.parent < np.arange(clusters))
    assert np.all(ours.birth[1:] >= ours.birth[ours.parent[1:]])
    assert np.all(ours.row_lambda >= ours.birth[ours.row_cluster])
    assert ours.size[0] == rows


@pytest.mark.parametrize("method", ["eom", "leaf"])
@pytest.mark.parametrize("single", [False, True])
def test_labels_and_strengths_are_sklearns_on_every_labelled_set(data, method, single):
    for path in sorted(data.glob("benchmarks/*/*.data.gz")):
        if path.name.startswith("birch1"):
            continue  # 100,000 rows: scikit-learn takes minutes
        x = np.loadtxt(path, ndmin=2)
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        theirs = sklearn.cluster.HDBSCAN(
            min_cluster_size=25, min_samples=10, cluster_selection_method=method, allow_single_cluster=single, copy=True
        ).fit(x)
        tree = condense(linkage(x, 10), 25)
        selection = select(tree, method=method, epsilon=0.0, allow_single_cluster=single)
        chosen, strength = memberships(tree.row_cluster, tree.row_lambda, selection)
        assert same_partition(chosen, theirs.labels_), path.name
        np.testing.assert_array_equal(chosen == -1, theirs.labels_ == -1, err_msg=path.name)
        np.testing.assert_allclose(strength, theirs.probabilities_, rtol=1e-12, err_msg=path.name)


def test_stability_by_hand():
    # Two triples, 1 apart inside and 10 apart: each is born at 1/10 and its three rows leave at 1.
    tree = condense(linkage(np.array([[0.0], [1.0], [2.0], [12.0], [13.0], [14.0]]), 2), 3)
    np.testing.assert_allclose(stability(tree), [6 * 0.1, 3 * 0.9, 3 * 0.9])
    selection = select(tree, method="eom", epsilon=0.0, allow_single_cluster=True)
    assert selection.chosen.tolist() == [-1, 1, 2]


def test_epsilon_joins_what_splits_below_it():
    # Pairs of triples 4 apart, the pairs 50 apart: an epsilon of 10 undoes the splits at 4 and keeps the one at 50.
    x = (np.array([0.0, 1, 2])[None, :] + np.array([0.0, 6, 58, 64])[:, None]).reshape(-1, 1)
    tree = condense(linkage(x, 2), 3)
    for epsilon, found in ((0.0, 4), (3.0, 4), (10.0, 2), (100.0, 2)):
        selection = select(tree, method="leaf", epsilon=epsilon, allow_single_cluster=False)
        chosen, _ = memberships(tree.row_cluster, tree.row_lambda, selection)
        assert len(set(chosen[chosen >= 0])) == found
    selection = select(tree, method="leaf", epsilon=100.0, allow_single_cluster=True)
    assert set(selection.chosen) == {0}


def test_equal_rows_are_never_told_apart():
    tree = condense(linkage(np.repeat([[0.0], [9.0]], 20, axis=0), 3), 4)
    assert len(tree.parent) == 3
    assert np.all(np.isinf(tree.row_lambda))
    _, strength = memberships(
        tree.row_cluster, tree.row_lambda, select(tree, method="eom", epsilon=0.0, allow_single_cluster=False)
    )
    np.testing.assert_array_equal(strength, 1.0)


def test_one_hundred_thousand_rows_are_no_trouble():
    n = 100_000
    rng = np.random.default_rng(0)
    # A dendrogram of chance: every step joins two of the nodes not yet joined.
    free, children, size = list(range(n)), np.empty((n - 1, 2), dtype=np.int64), np.ones(2 * n - 1, dtype=np.int64)
    for step in range(n - 1):
        for side in range(2):
            at = int(rng.random() * len(free))
            free[at], free[-1] = free[-1], free[at]
            children[step, side] = free.pop()
        free.append(n + step)
        size[n + step] = size[children[step]].sum()
    tree = SingleLinkage(children, np.sort(rng.random(n - 1)), size[n:])
    condensed = condense(tree, 2)
    select(condensed, method="eom", epsilon=0.001, allow_single_cluster=False)
    assert len(condensed.parent) > 10_000
