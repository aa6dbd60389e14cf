import numpy as np

from gpuseg.backends import decision_tree
from gpuseg.selection.separability import leaves, separability


def test_segments_along_the_columns_are_told_and_shuffled_ones_are_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(1200, 3))
    labels = (x[:, 0] > 0.5).astype(int) + 2 * (x[:, 1] > 0.5)
    assert separability(x, labels) > 0.97
    assert separability(x, rng.permutation(labels)) < 0.35


def test_a_small_segment_counts_as_much_as_a_large_one():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2))
    labels = (rng.random(2000) < 0.02).astype(int)  # one in fifty, by nothing that the columns tell
    assert separability(x, labels) < 0.7


def test_noise_is_left_out_and_one_segment_has_nothing_to_be_told_from():
    x = np.arange(200.0)[:, None]
    labels = np.where(np.arange(200) % 4 == 0, -1, np.arange(200) > 99)
    assert separability(x[np.random.default_rng(0).permutation(200)], np.zeros(200, int)) is None
    order = np.random.default_rng(0).permutation(200)
    assert separability(x[order], labels[order]) > 0.95


def test_leaves_are_those_of_scikit_learn():
    from sklearn.tree import DecisionTreeClassifier

    x = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32).astype(np.float64)
    labels = (x.sum(axis=1) > 0).astype(int)
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(x, labels)
    np.testing.assert_array_equal(leaves(decision_tree(x, labels, max_depth=4), x), model.apply(x))
