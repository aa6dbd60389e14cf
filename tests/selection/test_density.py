"""How dense segments are to be: each value's labels are held to the algorithms' fits, the choice to what is there."""

import json

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import DBSCAN, HDBSCAN, DensityChoice, Segmenter, choose_density, k_distances
from gpuseg.cluster._cuts import density_tree, labels_of_size, labels_within
from gpuseg.errors import InvalidInput
from gpuseg.metrics import adjusted_rand, dbcv
from gpuseg.selection import density_tries, distances
from gpuseg.selection.density_choice import DensityCandidate, DensityLimits, recommended
from tests.reference import points, scaled


@pytest.fixture(scope="module")
def islands():
    """Return rows of four groups of unlike size and density among noise, and the groups, -1 for noise."""
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1, 2, 3, -1], [200, 125, 75, 50, 30])
    center, spread = np.array([[0, 0], [8, 0], [0, 9], [9, 9], [0, 0]]), np.array([1.0, 0.6, 0.8, 0.4, 0.0])
    x = center[group] + rng.normal(size=(480, 2)) * spread[group, None]
    x[group < 0] = rng.uniform(-4, 13, (30, 2))
    order = rng.permutation(480)
    return x[order], group[order]


@pytest.mark.parametrize("min_samples", [1, 4, 20])
@pytest.mark.parametrize("digits", [9, 1])
def test_one_tree_gives_the_labels_of_every_fit(islands, min_samples, digits):
    x = np.round(islands[0], digits)  # of one digit: rows that are equal, and as near as each other
    tree = density_tree(x, min_samples)
    for eps in (0.153, 0.407, 0.913, 2.03):
        assert np.array_equal(labels_within(tree, eps), DBSCAN(eps, min_samples=min_samples).fit(x).labels_)
    for size in (5, 30, 120):
        assert np.array_equal(labels_of_size(tree, size), HDBSCAN(size, min_samples=min_samples).fit(x).labels_)
    leaf = {"cluster_selection_method": "leaf", "cluster_selection_epsilon": 0.5}
    ours = labels_of_size(tree, 10, method="leaf", epsilon=0.5)
    assert np.array_equal(ours, HDBSCAN(10, min_samples=min_samples, **leaf).fit(x).labels_)


@pytest.mark.parametrize("algorithm", ["hdbscan", "dbscan"])
def test_the_choice_finds_what_is_there_and_tells_why(islands, algorithm, spread):
    x, group = islands
    choice = choose_density(spread(x), algorithm, random_state=1)
    model = {"hdbscan": HDBSCAN, "dbscan": DBSCAN}[algorithm](**choice.parameters).fit(x)
    assert model.n_clusters_ == 4
    assert adjusted_rand(model.labels_[group >= 0], group[group >= 0]) > 0.9
    assert choice.reason.startswith(f"{choice.parameter}={choice.value:g} makes 4 segments of the highest DBCV, 0.")
    assert ("knee of the distances" in choice.reason) == (algorithm == "dbscan")
    taken = choice.table.filter(pl.col(choice.parameter) == choice.value).row(0, named=True)
    assert taken["noise"] == pytest.approx(np.mean(model.labels_ < 0))
    assert taken["smallest_share"] == pytest.approx(np.bincount(model.labels_[model.labels_ >= 0]).min() / 480)
    assert taken["dbcv"] == pytest.approx(dbcv(x, model.labels_, ties="nearest"))
    assert 0.85 < taken["least_stability"] <= taken["stability"] <= 1
    assert choice == DensityChoice.of(json.loads(json.dumps(choice.plain())))
    assert "◀" in choice._repr_html_()


@pytest.fixture
def few_resamples(monkeypatch):
    """Let fewer resamples tell how stable segments are, where that is not what is tested."""
    monkeypatch.setattr(density_tries, "RUNS", 4)


def test_limits_leave_out_what_is_beyond_them(islands, few_resamples):
    x, _ = islands
    free = choose_density(x, "dbscan", random_state=1)
    fewer = choose_density(x, "dbscan", random_state=1, max_segments=3)
    row = fewer.table.filter(pl.col("eps") == fewer.value).row(0, named=True)
    assert row["segments"] <= 3 < free.table.filter(pl.col("eps") == free.value)["segments"].item()
    quiet = choose_density(x, "dbscan", random_state=1, max_noise=0.03)
    assert quiet.table.filter(pl.col("eps") == quiet.value)["noise"].item() <= 0.03
    with pytest.raises(InvalidInput, match=r"keeps within min_share=0.4: the largest smallest share is 0\.\d+; loosen"):
        choose_density(x, "dbscan", random_state=1, min_share=0.4)


def test_a_sample_counts_in_rows_of_the_whole_table(islands, few_resamples):
    x, _ = islands
    whole, part = choose_density(x, "hdbscan"), choose_density(x, "hdbscan", sample_size=240)
    assert part.min_samples == 2 * whole.min_samples == 10
    assert part.reason.endswith("tried on a sample of 240 rows")
    assert HDBSCAN(**part.parameters).fit(x).n_clusters_ == 4
    with pytest.raises(
        InvalidInput, match=r"min_samples=2 of 480 rows is less than two of the 240 .* at least 3, a larger"
    ):
        choose_density(x, "hdbscan", sample_size=240, min_samples=2)


def row(value, segments, score, stability, noise=0.1):
    return DensityCandidate(value, segments, noise, 0.1, score, stability, stability)


def test_the_rule_takes_the_densest_of_those_found_again_and_says_who_disagrees():
    tried = [
        row(5, 9, 0.9, 0.4),
        row(10, 4, 0.6, 0.8),
        row(20, 4, 0.6, 0.8),
        row(30, 4, 0.6, 0.8),
        row(40, 2, 0.3, 0.99),
    ]
    taken, reason = recommended("min_cluster_size", tried, DensityLimits())
    assert taken.value == 20  # the middle of those that make the same segments
    assert "DBCV alone says 5 with 9 segments, 0.90 but a Jaccard of 0.40" in reason
    assert "stability alone says 40 with 2 segments" in reason
    taken, reason = recommended("eps", [row(1, 3, -0.2, 0.5), row(2, 2, -0.4, 0.7)], DensityLimits(), knee=1.5)
    assert taken.value == 2
    assert "no value reaches 0.75" in reason
    assert "a DBCV below 0" in reason
    assert "knee of the distances is at eps=1.5" in reason


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"algorithm": "dbscan", "values": [0.001]}, "every row is noise at the 1 eps tried"),
        (
            {"algorithm": "dbscan", "values": [50.0, 99.0]},
            "no more than one segment comes of the 2 eps tried, 50 to 99",
        ),
        ({"values": [241]}, "min_cluster_size=241 leaves no room for two segments in 480 rows; give at most 240"),
        ({"values": [1]}, "min_cluster_size=1 is not allowed; give a whole number of at least 2"),
        ({"values": []}, "holds nothing to try"),
        ({"algorithm": "dbscan", "values": [0.0]}, "eps=0.0 is not allowed"),
        ({"algorithm": "optics"}, "algorithm='optics' is not known; allowed are 'hdbscan', 'dbscan'"),
        ({"cluster_selection_method": "best"}, "cluster_selection_method='best' is not known"),
        ({"eps": 3}, "parameter of hdbscan='eps' is not known"),
        ({"min_samples": 500}, "480 rows are too few to choose by with min_samples=500; give at least 1000"),
        ({"max_segments": 1}, "max_segments=1 is not allowed"),
        ({"min_share": -1}, "min_share=-1 is not allowed"),
        ({"max_noise": -1}, "max_noise=-1 is not allowed"),
    ],
)
def test_bad_input_is_one_sentence(islands, changes, sentence):
    with pytest.raises(InvalidInput, match=sentence) as told:
        choose_density(islands[0], **{"algorithm": "hdbscan", **changes})
    assert "\n" not in str(told.value)


def test_rows_that_are_all_equal_have_no_distance():
    with pytest.raises(InvalidInput, match="every row equals 4 others, so that no eps tells segments apart"):
        choose_density(np.zeros((50, 2)), "dbscan")


def test_k_distances_are_those_of_all_pairs(islands):
    x, _ = islands
    pairs = np.sqrt(((x[:, None, :] - x) ** 2).sum(axis=2))
    expected = np.sort(np.sort(pairs, axis=1)[:, 6])
    np.testing.assert_allclose(k_distances(x, 7), expected, atol=1e-12)
    few = k_distances(x, 7, sample_size=100)
    assert len(few) == 100
    assert np.all(np.isin(np.round(few, 9), np.round(expected, 9)))  # to all rows, not to those of the sample
    with pytest.raises(InvalidInput, match="min_samples=481 is more than the 480 rows"):
        k_distances(x, 481)
    assert distances.knee_of(np.full(5, 2.0)) == 2.0


@pytest.mark.parametrize("algorithm", ["hdbscan", "dbscan"])
def test_a_segmenter_chooses_and_its_file_keeps_the_choice(islands, algorithm, tmp_path, capsys, few_resamples):
    x, group = islands
    table = pl.DataFrame({"id": np.arange(480), "a": x[:, 0], "b": x[:, 1]})
    own = {"hdbscan": {"min_cluster_size": "auto"}, "dbscan": {"eps": "auto"}}[algorithm]
    segmenter = Segmenter("id", algorithm=algorithm, algorithm_params=own).fit(table)
    choice = segmenter.density_
    assert choice.reason in capsys.readouterr().out.replace("\n", " ")
    assert segmenter.choice_.k == 4
    assert segmenter.choice_.reason == choice.reason
    assert segmenter.model_.get_params()[choice.parameter] == choice.value
    assert segmenter.model_.min_samples == choice.min_samples
    assert adjusted_rand(segmenter.labels_[group >= 0], group[group >= 0]) > 0.9
    assert segmenter.choose_k(table) == choice
    loaded = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    assert loaded.density_ == choice
    with gpuseg.config(notices="off"):
        plain = Segmenter("id", algorithm=algorithm, algorithm_params={"min_samples": 5}).fit(table)
    assert plain.density_ is None
    assert plain.choice_.reason == f"{algorithm} found the number itself"


@pytest.mark.parametrize(("battery", "dataset", "k"), [("fcps", "lsun", 3), ("fcps", "hepta", 7)])
def test_on_labelled_sets(data, battery, dataset, k):
    choice = choose_density(scaled(points(data, battery, dataset)), "hdbscan")
    by_value = choice.table.filter(pl.col("min_cluster_size") == choice.value)
    assert by_value["segments"].item() == k
