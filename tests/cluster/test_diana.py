"""DIANA: the trees of R's cluster::diana, and of the book's steps taken one by one."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

from gpuseg.backends import get_backend
from gpuseg.cluster import DIANA
from gpuseg.summary import MicroClusters

# R 4.2.2 with cluster 2.1.4 (Debian 2.1.4-1): d <- diana(x, metric = ...); sort(d$height), d$dc,
# cutree(as.hclust(d), k), with x of iris[seq(1, 150, by = 5), 1:4].
EUCLIDEAN = [
    0.141421356237310, 0.173205080756887, 0.223606797749979, 0.264575131106459, 0.300000000000000, 0.316227766016838,
    0.346410161513775, 0.374165738677394, 0.424264068711928, 0.424264068711929, 0.458257569495584, 0.469041575982343,
    0.489897948556636, 0.538516480713451, 0.547722557505166, 0.583095189484530, 0.781024967590666, 0.787400787401181,
    0.787400787401181, 0.806225774829854, 0.854400374531753, 1.053565375285274, 1.174734012447073, 1.670329308849007,
    1.873499399519519, 1.946792233393179, 3.257299494980467, 3.689173349139343, 6.290468980926621,
]  # fmt: skip
MANHATTAN = [
    0.2, 0.3, 0.3, 0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 1.0, 1.3, 1.5, 1.5, 1.7, 1.7, 1.7,
    2.5, 2.9, 3.5, 5.7, 6.5, 10.2,
]  # fmt: skip
GOLDEN = {
    "euclidean": (EUCLIDEAN, 0.918882689541419, [0] * 10 + [1, 1, 0, *[1] * 7] + [2] * 10),
    "manhattan": (MANHATTAN, 0.916013071895425, [0] * 10 + [1, 1, 2, *[1] * 7] + [3] * 10),
}
# The same of x <- iris[seq(1, 150, by = 10), 1:4], y <- x[rep(1:15, times = rep(1:3, 5)), ].
REPEATED = [
    0.173205080757, 0.264575131106, 0.360555127546, 0.583095189485, 0.640312423743, 0.707106781187, 0.854400374532,
    0.877496438739, 1.174734012447, 1.208304597359, 1.352774925847, 2.027313493271, 3.737646318206, 5.643580423809,
]  # fmt: skip
REPEATED_LABELS = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 1, 1, 2, 2, 2, 2, 3, 3, 1, 1, 1, 3, 3, 3, 3, 3, 3]


@pytest.mark.parametrize("metric", GOLDEN)
def test_the_tree_is_that_of_r(metric):
    heights, coefficient, labels = GOLDEN[metric]
    model = DIANA(len(set(labels)), metric=metric).fit(load_iris().data[::5])
    np.testing.assert_allclose(model.linkage_[:, 2], heights, atol=1e-9)
    assert model.divisive_coefficient_ == pytest.approx(coefficient, abs=1e-9)
    assert adjusted_rand_score(model.labels_, labels) == 1
    assert is_valid_linkage(model.linkage_)


def test_repeated_rows_and_weights_give_the_tree_of_r():
    x, times = load_iris().data[::10], np.tile([1, 2, 3], 5)
    repeated = DIANA(4).fit(np.repeat(x, times, axis=0))
    weighted = DIANA(4).fit(x, sample_weight=times)
    np.testing.assert_allclose(repeated.linkage_[:, 2], [0] * 15 + REPEATED, atol=1e-9)
    np.testing.assert_allclose(weighted.linkage_[:, 2], REPEATED, atol=1e-9)
    for model, labels in ((repeated, repeated.labels_), (weighted, np.repeat(weighted.labels_, times))):
        assert adjusted_rand_score(labels, REPEATED_LABELS) == 1
        assert model.divisive_coefficient_ == pytest.approx(0.981449142969314, abs=1e-9)


def by_the_book(d, weight, inner):
    """Return the splits as (members of the splinter group, members of the rest, diameter), step by step."""
    unit, todo, splits = min(1.0, weight.min()), [np.arange(len(d))], []
    own = (weight - unit) * inner
    while todo:
        members = todo.pop()
        if len(members) == 1:
            continue
        sums = d[np.ix_(members, members)] @ weight[members] + own[members]
        splinter, rest = [members[np.argmax(sums)]], np.delete(members, np.argmax(sums))
        while len(rest) > 1:
            mean = (d[np.ix_(rest, rest)] @ weight[rest] + own[rest]) / (weight[rest].sum() - unit)
            there = d[np.ix_(rest, splinter)] @ weight[splinter] / weight[splinter].sum()
            if np.max(mean - there) <= 0:
                break
            at = np.argmax(mean - there)
            splinter, rest = [*splinter, rest[at]], np.delete(rest, at)
        splits.append((frozenset(splinter), frozenset(rest), d[np.ix_(members, members)].max()))
        todo += [np.array(splinter), rest]
    return splits


def splits_of(linkage):
    """Return the same of a tree, each split as the set of its two parts."""
    members = [frozenset([leaf]) for leaf in range(len(linkage) + 1)]
    found = {}
    for one, other, height, _ in linkage:
        parts = members[int(one)], members[int(other)]
        members.append(parts[0] | parts[1])
        found[frozenset(parts)] = height
    return found


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "precomputed"])
@pytest.mark.parametrize("shape", ["round", "tailed", "weighted", "spread"])
def test_every_split_is_that_of_the_book(shape, metric):
    rng = np.random.default_rng(8)
    x = rng.normal(size=(180, 3)) if shape != "tailed" else np.exp(2 * rng.normal(size=(180, 3)))
    weight = rng.uniform(0.3, 4, len(x)) if shape in ("weighted", "spread") else np.ones(len(x))
    spread = rng.uniform(0, 0.5, len(x)) if shape == "spread" and metric == "euclidean" else np.zeros(len(x))
    d = cdist(x, x, "cityblock") if metric == "manhattan" else cdist(x, x)
    d = np.sqrt(d**2 + spread[:, None] ** 2 + spread**2) * (1 - np.eye(len(x))) if np.any(spread) else d
    model = DIANA(metric=metric)
    model._learn(MicroClusters(d if metric == "precomputed" else x, weight, spread), get_backend("cpu"))
    found = splits_of(model.linkage_)
    wanted = {frozenset(parts): height for *parts, height in by_the_book(d, weight, np.sqrt(2) * spread)}
    assert found.keys() == wanted.keys()
    np.testing.assert_allclose([found[parts] for parts in wanted], list(wanted.values()), rtol=1e-12)


def test_equal_dissimilarities_end():
    """All pairs are as far apart as any other, and then all distances are 0: no split is better than another."""
    model = DIANA(3, metric="precomputed").fit(1 - np.eye(6))
    np.testing.assert_array_equal(model.linkage_[:, 2], 1)
    assert model.n_clusters_ == 3
    level = DIANA(1, metric="precomputed").fit(np.zeros((4, 4)))
    np.testing.assert_array_equal(level.linkage_[:, 2], 0)
    assert level.divisive_coefficient_ == 0
