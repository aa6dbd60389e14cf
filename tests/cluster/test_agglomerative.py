"""Agglomerative: SciPy's trees, weights, cuts, metrics, and where rows are placed."""

import csv
import itertools
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from scipy.cluster.hierarchy import fcluster, is_valid_linkage
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.backends import get_backend
from gpuseg.cluster import CLARANS, DIANA, Agglomerative, KMedoids
from gpuseg.errors import FewerSegments, InvalidInput, OutOfMemory
from gpuseg.summary import MicroClusters

LINKAGES = ("ward", "average", "complete", "single")
CITY = {"euclidean": "euclidean", "manhattan": "cityblock", "cosine": "cosine"}
PAIRS = [pair for pair in itertools.product(LINKAGES, CITY) if pair[0] != "ward" or pair[1] == "euclidean"]
LARGEST = 1100
"""Rows of the labelled sets that SciPy's trees are worked out of here: all of fcps but one, and most of sipu."""


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(11)
    return rng.normal(scale=6, size=(5, 3))[rng.integers(0, 5, 400)] + rng.normal(size=(400, 3)) + 8


def same_heights(ours, theirs):
    np.testing.assert_allclose(ours[:, 2], theirs[:, 2], rtol=1e-9, atol=1e-13)


@parametrize_with_checks([Agglomerative(linkage=linkage) for linkage in LINKAGES] + [DIANA()])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


def test_heights_and_partitions_are_scipys_on_every_labelled_set(data):
    trees, seen = {}, 0
    with (data / "reference" / "hierarchical_scipy_vs_published.csv").open() as file:
        for row in csv.DictReader(file):
            name, linkage, k = row["dataset"], row["linkage"], int(row["k"])
            x = np.loadtxt(data / "benchmarks" / row["battery"] / f"{name}.data.gz", ndmin=2)
            if len(x) > LARGEST:
                continue
            if (name, linkage) not in trees:
                trees[name, linkage] = Agglomerative(linkage=linkage).fit(x), scipy_linkage(x, linkage)
                same_heights(
                    *(tree if isinstance(tree, np.ndarray) else tree.linkage_ for tree in trees[name, linkage])
                )
            model, theirs = trees[name, linkage]
            if float(row["scipy_vs_published_ari"]) == 1:
                wanted = fcluster(theirs, k, "maxclust")
                assert adjusted_rand_score(model.cut(n_clusters=k).labels_, wanted) == 1, (name, linkage)
                seen += 1
    assert seen > 50


@pytest.mark.parametrize(("linkage", "metric"), PAIRS)
def test_the_tree_is_scipys_in_every_metric(x, linkage, metric):
    model = Agglomerative(7, linkage=linkage, metric=metric).fit(x)
    theirs = scipy_linkage(x, linkage, metric=CITY[metric])
    same_heights(model.linkage_, theirs)
    np.testing.assert_array_equal(model.linkage_[:, [0, 1, 3]], theirs[:, [0, 1, 3]])
    assert adjusted_rand_score(model.labels_, fcluster(theirs, 7, "maxclust")) == 1
    assert model.n_clusters_ == 7


@pytest.mark.parametrize("linkage", LINKAGES[1:])
@pytest.mark.parametrize("seed", range(4))
def test_ties_fall_as_in_scipy(linkage, seed):
    lattice = np.unique(np.random.default_rng(seed).integers(0, 12, size=(120, 2)), axis=0).astype(float)
    lattice = lattice[np.random.default_rng(seed).permutation(len(lattice))]
    model, theirs = Agglomerative(linkage=linkage).fit(lattice), scipy_linkage(lattice, linkage)
    same_heights(model.linkage_, theirs)


@pytest.mark.parametrize("linkage", LINKAGES)
def test_weight_two_is_the_row_twice_and_weight_nought_no_row(x, linkage):
    weight = np.random.default_rng(3).integers(0, 4, len(x))
    model = Agglomerative(6, linkage=linkage).fit(x, sample_weight=weight)
    repeated = np.repeat(x, weight, axis=0)
    same_heights(model.linkage_[model.linkage_[:, 2] > 0], scipy_linkage(repeated, linkage)[-np.sum(weight > 0) + 1 :])
    again = Agglomerative(6, linkage=linkage).fit(repeated)
    assert adjusted_rand_score(np.repeat(model.labels_, weight), again.labels_) == 1
    np.testing.assert_allclose(model.segment_weight_, again.segment_weight_)
    np.testing.assert_array_equal(model.predict(x), again.predict(x))
    assert is_valid_linkage(again.linkage_)
    np.testing.assert_allclose(again.linkage_[:, 2], scipy_linkage(repeated, linkage)[:, 2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("linkage", LINKAGES)
def test_weights_are_the_mass_of_fractions_too(x, linkage):
    weight = np.random.default_rng(4).uniform(0.1, 3, len(x))
    one, other = (Agglomerative(6, linkage=linkage).fit(x, sample_weight=by * weight) for by in (1.0, 8.0))
    np.testing.assert_array_equal(one.labels_, other.labels_)
    factor = np.sqrt(8) if linkage == "ward" else 1
    np.testing.assert_allclose(other.linkage_[:, 2], factor * one.linkage_[:, 2])
    np.testing.assert_allclose(one.linkage_[-1, 3], weight.sum())


@pytest.mark.parametrize("model", [*(Agglomerative(6, linkage=name) for name in LINKAGES), DIANA(6)])
def test_order_place_and_scale_of_the_rows_change_nothing(x, model):
    first = model.fit(x)
    heights, labels = first.linkage_[:, 2], first.labels_
    order = np.random.default_rng(5).permutation(len(x))
    np.testing.assert_array_equal(model.fit(x[order]).labels_, labels[order])
    np.testing.assert_allclose(model.linkage_[:, 2], heights, rtol=1e-12)
    np.testing.assert_array_equal(model.fit(x - 1000).labels_, labels)
    np.testing.assert_allclose(model.linkage_[:, 2], heights, rtol=1e-9)
    for scale in (3.0, 1e-170, 1e130):
        np.testing.assert_array_equal(model.fit(x * scale).labels_, labels)
        np.testing.assert_allclose(model.linkage_[:, 2], scale * heights, rtol=1e-9)


def test_a_points_spread_counts_where_distances_of_rows_are_averaged():
    points = MicroClusters(np.array([[0.0], [3.0], [9.0]]), np.array([1.0, 2.0, 5.0]), np.array([0.0, 4.0, 12.0]))
    for linkage, wanted in (("average", [5.0, (2 * np.sqrt(36 + 160) + 15) / 3]), ("single", [3.0, 6.0])):
        model = Agglomerative(1, linkage=linkage)
        model._learn(points, get_backend("cpu"))
        np.testing.assert_allclose(model.linkage_[:, 2], wanted)
        np.testing.assert_array_equal(model.linkage_[:, 3], [3.0, 8.0])


@pytest.mark.parametrize("linkage", LINKAGES)
def test_a_cut_is_what_a_fit_would_give_and_leaves_the_model_as_it_is(x, linkage):
    model = Agglomerative(3, linkage=linkage).fit(x)
    labels, theirs = model.labels_.copy(), scipy_linkage(x, linkage)
    for k in (1, 2, 9, 400):
        again, fitted = model.cut(n_clusters=k), Agglomerative(k, linkage=linkage).fit(x)
        np.testing.assert_array_equal(again.labels_, fitted.labels_)
        np.testing.assert_array_equal(again.distance_quantiles_, fitted.distance_quantiles_)
        np.testing.assert_array_equal(again.predict(x), again.labels_)
        assert (again.n_clusters_, again.n_clusters, again.distance_threshold) == (k, k, None)
    for height in (0.0, theirs[-4, 2], theirs[-4, 2] * 0.999, theirs[-1, 2] + 1):
        again = model.cut(height=height)
        assert adjusted_rand_score(again.labels_, fcluster(theirs, height, "distance")) == 1
        fitted = Agglomerative(None, linkage=linkage, distance_threshold=height).fit(x)
        np.testing.assert_array_equal(again.labels_, fitted.labels_)
    np.testing.assert_array_equal(model.labels_, labels)
    assert model.n_clusters_ == model.n_clusters == 3


def test_a_restored_model_is_cut_and_predicts_the_same_and_its_state_is_plain(x):
    for metric in ("euclidean", "precomputed"):
        given = cdist(x, x) if metric == "precomputed" else x
        model = Agglomerative(4, linkage="average", metric=metric).fit(given)
        again = Agglomerative.from_state(model.state())
        assert_plain(model.state())
        for one, other in ((model, again), (model.cut(n_clusters=9), again.cut(n_clusters=9))):
            for left, right in zip(one.assign(given), other.assign(given), strict=True):
                np.testing.assert_array_equal(left, right)


def assert_plain(value):
    if isinstance(value, dict):
        for item in value.values():
            assert_plain(item)
    elif isinstance(value, np.ndarray):
        assert value.dtype.kind in "fiU"
    else:
        json.dumps(value)


@pytest.mark.parametrize("metric", [*CITY, "precomputed"])
def test_rows_are_placed_by_their_nearest_in_the_metric(x, backend, metric):
    new = np.random.default_rng(6).normal(scale=9, size=(300, 3)) + 8
    away = cdist(new, x, CITY.get(metric, "euclidean"))
    fitted = cdist(x, x) if metric == "precomputed" else x
    model = Agglomerative(5, linkage="complete", metric=metric).fit(fitted).set_params(backend=backend.name)
    given = away if metric == "precomputed" else new
    segment, distance, confidence, novelty = map(backend.to_host, model.assign(given))
    group = model.labels_[np.argmin(away, axis=1)]
    np.testing.assert_array_equal(segment, group)
    np.testing.assert_array_equal(backend.to_host(model.predict(given)), group)
    np.testing.assert_allclose(distance, away.min(axis=1), atol=1e-7)
    second = np.where(model.labels_ == group[:, None], np.inf, away).min(axis=1)
    np.testing.assert_allclose(confidence, 1 - away.min(axis=1) / second, atol=1e-6)
    assert np.all((novelty >= 0) & (novelty <= 1))
    assert np.ptp(novelty) > 0.5
    np.testing.assert_array_equal(backend.to_host(model.predict(fitted)), model.labels_)


@pytest.mark.parametrize("metric", CITY)
def test_novelty_is_the_rank_among_distances_to_the_nearest_other_row(x, metric):
    model = Agglomerative(4, linkage="average", metric=metric).fit(x)
    apart = cdist(x, x, CITY[metric])
    np.fill_diagonal(apart, np.inf)
    apart[model.labels_[:, None] != model.labels_] = np.inf
    for segment in range(4):
        wanted = np.sort(apart[model.labels_ == segment].min(axis=1))
        np.testing.assert_allclose(model.distance_quantiles_[segment, [0, -1]], wanted[[0, -1]], atol=1e-12)


@pytest.mark.parametrize("linkage", LINKAGES[1:])
def test_precomputed_distances_give_the_tree_of_the_rows(x, linkage):
    weight = np.random.default_rng(7).integers(0, 3, len(x))
    given = {"linkage": linkage}
    for kept in (None, weight):
        rows = Agglomerative(5, **given).fit(x, sample_weight=kept)
        model = Agglomerative(5, **given, metric="precomputed").fit(cdist(x, x), sample_weight=kept)
        same_heights(model.linkage_, rows.linkage_)
        np.testing.assert_array_equal(model.labels_, rows.labels_)


def test_blocks_engines_and_files_predict_the_same(x, tmp_path, spread):
    model = Agglomerative(5, linkage="average", metric="manhattan").fit(x)
    for left, right in zip(model.assign(x), model.assign(spread(x)), strict=True):
        np.testing.assert_array_equal(left, np.asarray(right))
    pl.DataFrame(x, schema=["a", "b", "c"]).write_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(model.predict(tmp_path / "x.parquet"), model.labels_)


def test_equal_rows_are_never_parted():
    x = np.repeat([[0.0], [1.0], [5.0]], [3, 1, 2], axis=0)
    for make in (Agglomerative, DIANA):
        with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows; 3 segments are made"):
            model = make(5).fit(x)
        np.testing.assert_array_equal(model.labels_, [0, 0, 0, 2, 1, 1])
        np.testing.assert_array_equal(model.linkage_[:3, 2], 0)
        assert model.cut(height=0).n_clusters_ == 3
        assert model.points_.shape == (3, 1)


def test_one_row_and_one_segment():
    for make in (Agglomerative, DIANA):
        model = make(1).fit(np.array([[2.0, 3.0]]))
        assert model.linkage_.shape == (0, 4)
        assert model.predict(np.array([[9.0, 9.0]])).tolist() == [0]
        assert make(None, distance_threshold=1.0).fit(np.eye(3)).n_clusters_ == 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters=0 is not allowed; give a whole number of at least 1"),
        ({"n_clusters": 9}, "n_clusters=9 is more than the rows, n_samples=4; use at most 4"),
        ({"n_clusters": None}, "n_clusters=None and distance_threshold=None are not allowed together; give one"),
        ({"distance_threshold": 1.0}, "n_clusters=2 and distance_threshold=1.0 are not allowed together"),
        ({"n_clusters": None, "distance_threshold": -1}, "distance_threshold=-1 is not allowed; give a number of at"),
        ({"linkage": "wards"}, "linkage='wards' is not known; allowed are .* did you mean 'ward'"),
        ({"metric": "cosin"}, "metric='cosin' is not known; .* did you mean 'cosine'"),
        ({"metric": "cosine"}, "metric='cosine' has no means, which linkage='ward' needs; use metric='euclidean' or"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        Agglomerative(**parameters).fit(np.eye(4))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 2)), r"metric='precomputed' got X of shape \(3, 2\), which is not square; pass the distance"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), "metric='precomputed' got X that is not symmetric; pass the same"),
        (np.array([[0.0, -1.0], [-1.0, 0.0]]), "metric='precomputed' got X with negative distances; pass"),
        (np.eye(2), "metric='precomputed' got X with 2 rows that are not at distance 0 from themselves; pass"),
        (np.array([[0.0, np.nan], [np.nan, 0.0]]), "X holds NaN or infinity"),
    ],
)
def test_what_is_no_matrix_of_distances_is_refused(x, message):
    given = {"metric": "precomputed"}
    for model in (Agglomerative(linkage="average", **given), DIANA(**given), KMedoids(2, **given), CLARANS(2, **given)):
        with pytest.raises(InvalidInput, match=message):
            model.fit(x)


def test_rows_without_direction_and_without_weight_are_refused(x):
    with pytest.raises(InvalidInput, match="metric='cosine' compares directions, and X holds 1 rows of zeros alone"):
        Agglomerative(linkage="average", metric="cosine").fit(np.array([[0.0, 0.0], [1.0, 0.0]]))
    with pytest.raises(InvalidInput, match="sample_weight is zero for every row"):
        Agglomerative().fit(x, sample_weight=np.zeros(len(x)))


def test_a_cut_needs_one_of_the_two(x):
    model = Agglomerative(3).fit(x)
    with pytest.raises(InvalidInput, match="n_clusters=None and height=None are not allowed together"):
        model.cut()
    with pytest.raises(InvalidInput, match="n_clusters=401 is more than the rows, n_samples=400"):
        model.cut(n_clusters=401)
    with pytest.raises(InvalidInput, match="height=-2 is not allowed"):
        model.cut(height=-2)


def test_pairs_that_no_memory_holds_are_refused_with_the_numbers(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(3000, 2))
    monkeypatch.setattr("gpuseg.backends._choice.free_memory", lambda _: 30_000_000)
    with pytest.raises(OutOfMemory, match=r"agglomerative of 3,000 rows .*linkage='ward' or 'single'"):
        Agglomerative(linkage="average", method="exact").fit(rows)
    assert Agglomerative(linkage="single").fit(rows).n_clusters_ == 2


GROWTH = """
import sys
import numpy as np
from gpuseg.cluster import Agglomerative

x = np.random.default_rng(0).normal(size=(5000, 4))
model = Agglomerative(linkage=sys.argv[1])
model.fit(x[:100])  # libraries are loaded by then
def held(what):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what)) * 1024
before = held("VmRSS")
model.fit(x)
print(held("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
@pytest.mark.parametrize(("linkage", "pairs"), [("average", 1.1), ("ward", 0.1), ("single", 0.1)])
def test_no_more_memory_is_held_than_said(linkage, pairs):
    grown = int(subprocess.check_output([sys.executable, "-c", GROWTH, linkage], text=True))
    condensed, data = 5000 * 4999 / 2 * 8, 5000 * 4 * 8
    assert grown < pairs * condensed + data
