import warnings

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from gpuseg.cluster import KMeans
from gpuseg.errors import FewerSegments, InvalidInput
from gpuseg.selection import best_model, choose, choose_k, search
from tests.reference import points, scaled


def test_finds_the_blobs_and_says_why(blobs, backend):
    x, _ = blobs
    found, model, score = choose(backend.to_device(x), range(2, 8), n_init=3, backend=backend.name)
    assert found.k == model.n_clusters == 4
    assert score.mean == max(c.silhouette for c in found.candidates)
    assert found.reason.startswith("4 segments have the highest silhouette 0.")
    assert [c.k for c in found.candidates] == [2, 3, 4, 5, 6, 7]
    assert np.all(np.diff([c.inertia for c in found.candidates]) < 0)


@pytest.mark.parametrize("k", [2, 4, 7])
def test_the_indices_are_those_of_scikit_learn(blobs, k):
    x, _ = blobs
    choice, model, score = choose(x, range(k, k + 1), n_init=3, tol=0.0)
    (candidate,) = choice.candidates
    assert candidate.silhouette == score.mean == pytest.approx(silhouette_score(x, model.labels_), rel=1e-9)
    assert candidate.calinski_harabasz == pytest.approx(calinski_harabasz_score(x, model.labels_), rel=1e-9)
    assert candidate.davies_bouldin == pytest.approx(davies_bouldin_score(x, model.labels_), rel=1e-9)


def test_any_input_of_kmeans_gives_the_same_choice(blobs, spread, tmp_path):
    x, _ = blobs
    plain = choose_k(x, (2, 6))
    assert choose_k(spread(x), (2, 6)).k == plain.k
    assert choose_k(pl.DataFrame(x, schema=["a", "b", "c"]), (2, 6)) == plain
    path = tmp_path / "x.parquet"
    pl.DataFrame(x, schema=["a", "b", "c"]).write_parquet(path)
    assert choose_k(path, (2, 6)).k == plain.k


def test_a_table_larger_than_the_pilot_gets_the_inertia_of_ten_starts_on_all_rows(monkeypatch):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(9, 4)).repeat(2000, axis=0) * 4 + rng.normal(size=(18_000, 4))
    monkeypatch.setattr(search, "PILOT", 5000)
    monkeypatch.setattr(search, "PILOT_OF_SEGMENT", 100)
    for candidate in choose_k(x, (2, 10)).candidates:
        whole = KMeans(candidate.k, n_init=5, random_state=0).fit(x)
        assert candidate.inertia <= 1.001 * whole.inertia_


def test_a_pilot_with_fewer_distinct_rows_than_all_rows_is_not_used(monkeypatch):
    monkeypatch.setattr(search, "PILOT", 50)
    monkeypatch.setattr(search, "PILOT_OF_SEGMENT", 1)
    x = np.zeros((2000, 2))
    x[:3] = [[9.0, 0.0], [0.0, 9.0], [9.0, 9.0]]  # three rows that a sample of 50 misses
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of fewer segments than were asked for
        model = best_model(x, 4)
    assert model.inertia_ == pytest.approx(0)
    assert sorted(model.segment_weight_) == [1, 1, 1, 1997]


def test_the_model_keeps_the_names_of_the_columns(blobs):
    table = pl.DataFrame(blobs[0], schema=["a", "b", "c"])
    model = best_model(table, 4, n_init=2)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert np.array_equal(model.predict(table), model.labels_)  # and no warning of a model without names


def test_a_sample_is_of_the_rows_and_the_same_on_every_engine(blobs, spread):
    x, _ = blobs
    run = KMeans(2).prepare(spread(x))
    sample = np.asarray(run.sample(100, 5))
    assert sample.shape == (100, 3)
    assert len(np.unique(sample, axis=0)) == 100
    assert {tuple(row) for row in sample} <= {tuple(row) for row in x}
    assert np.array_equal(sample, np.asarray(run.sample(100, 5)))
    assert not np.array_equal(sample, np.asarray(run.sample(100, 6)))
    assert np.array_equal(np.asarray(run.sample(10_000, 5)), x)


def test_without_stability_the_recommended_is_never_told_from_the_best_and_fewer_always_are():
    x = np.random.default_rng(0).normal(size=(400, 8))  # no clusters: scores differ by chance
    found = choose_k(x, (2, 11), n_init=2, criteria=[])
    best = max(found.candidates, key=lambda c: c.silhouette)
    assert found.k <= best.k
    assert "the fewest that the rows do not tell from the best" in found.reason or found.k == best.k


def test_rows_without_clusters_are_said_to_give_others_when_resampled():
    found = choose_k(np.random.default_rng(0).normal(size=(400, 8)), (2, 11), n_init=2)
    assert "none near the highest silhouette is stable" in found.reason
    assert max(one.least_stability for one in found.candidates) < 0.75


def test_a_loser_by_less_than_the_error_of_the_difference_is_taken():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(at, 1.0, (60, 2)) for at in ([0, 0], [30, 0])])
    found = choose_k(x, (2, 8))
    assert found.k == 2
    assert "Calinski-Harabasz and Davies-Bouldin agree" in found.reason


@pytest.mark.parametrize("name", ["hepta", "tetra", "r15", "s1", "a1"])
def test_the_true_number_of_labelled_sets(data, name):
    true = {"hepta": 7, "tetra": 4, "r15": 15, "s1": 15, "a1": 20}[name]
    battery = "fcps" if name in ("hepta", "tetra") else "sipu"
    assert choose_k(scaled(points(data, battery, name)), (2, 24)).k == true


def test_the_best_at_the_end_of_the_range_is_said(blobs):
    x, _ = blobs
    found = choose_k(x, (2, 4), n_init=3)
    assert found.reason.endswith("the last of those tried: a wider k range may do better")


@pytest.mark.parametrize("tried", [range(1, 2), range(2, 3)])
def test_what_cannot_be_scored_is_said(tried):
    x = np.zeros((20_001, 2))
    x[-1] = 1e3  # of two segments the sample shows one
    with pytest.raises(InvalidInput, match="has two segments among the rows scored"):
        choose_k(x, tried, sample_size=50)


def test_a_range_is_taken_in_order_of_k(blobs):
    assert choose_k(blobs[0], range(6, 1, -1), n_init=2) == choose_k(blobs[0], (2, 6), n_init=2)


@pytest.mark.parametrize(("k_range", "made"), [((2, 6), [2, 3]), ((5, 8), [3]), ((2, 3), [2, 3])])
@pytest.mark.filterwarnings("ignore::gpuseg.errors.FewerSegments")
def test_rows_of_few_values_end_at_the_distinct_ones(spread, k_range, made):
    choice = choose_k(spread(np.repeat(np.eye(3), [10, 7, 3], axis=0)), k_range, n_init=2)
    assert [c.k for c in choice.candidates] == made
    assert choice.k == 3
    assert choice.candidates[-1].inertia == pytest.approx(0)
    assert "says" not in choice.reason
    assert "wider" not in choice.reason


def test_more_segments_than_distinct_rows_are_said():
    with pytest.warns(FewerSegments, match="n_clusters=4 is more than the 3 distinct rows"):
        choose_k(np.repeat(np.eye(3), 5, axis=0), (2, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_size": 0}, "sample_size=0 is not allowed; give a whole number of at least 2"),
        ({"sample_size": None}, "sample_size=None is not allowed"),
        ({"n_init": 0}, "n_init=0 is not allowed"),
        ({"max_itr": 5}, "parameter='max_itr' is not known; .*did you mean 'max_iter'"),
        ({"n_clusters": 5}, "parameter='n_clusters' is not known"),
        ({"random_state": -1}, "random_state=-1 is no seed"),
    ],
)
def test_a_wrong_parameter_is_said(blobs, options, message):
    with pytest.raises(InvalidInput, match=message):
        choose_k(blobs[0], (2, 3), **options)


@pytest.mark.parametrize("k_range", [(5, 2), (1, 3), (2,), "2:5", (2, 3, 4), range(0), (2.5, 4), (True, 4), None])
def test_a_range_that_is_none_is_refused(blobs, k_range):
    with pytest.raises(InvalidInput, match="give two whole numbers from 2 up"):
        choose_k(blobs[0], k_range)


def test_centres_given_are_for_one_number_of_segments(blobs):
    x, _ = blobs
    with pytest.raises(InvalidInput, match="init holds centres"):
        choose_k(x, (2, 4), init=x[:2])
    assert best_model(x, 2, init=x[:2]).inertia_ == KMeans(2, init=x[:2]).fit(x).inertia_


def test_the_choice_shows_itself(blobs):
    choice = choose_k(blobs[0], (2, 5))
    assert choice.table.shape == (4, 12)
    page = choice._repr_html_()
    assert "Calinski-Harabasz" in page
    assert "least stable" in page
    assert "gap" not in page
    assert choice.reason in page.replace("&#x27;", "'")


def test_heavy_tails_and_rare_far_rows_get_the_inertia_of_ten_starts_on_all_rows(spread):
    rng = np.random.default_rng(0)
    tails = rng.lognormal(sigma=1.3, size=(60_000, 3))
    rare = np.concatenate([rng.normal(size=(60_000, 2)), rng.normal(size=(30, 2)) + 80])
    for x in (tails, rare):
        found = best_model(spread(x) if x is rare else x, 5, solver="lloyd" if x is rare else "auto")
        assert found.inertia_ <= 1.01 * KMeans(5, n_init=5, random_state=0).fit(x).inertia_


def test_a_coreset_weighs_what_all_rows_weigh(backend):
    x = np.random.default_rng(0).lognormal(size=(5000, 2))
    rows, weights = KMeans(2, backend=backend.name).prepare(backend.to_device(x)).coreset(4000, 0)
    assert rows.shape == (4000, 2)
    assert weights.sum() == pytest.approx(5000, rel=0.05)
    assert weights @ np.asarray(backend.to_host(rows)) == pytest.approx(x.sum(axis=0), rel=0.05)
