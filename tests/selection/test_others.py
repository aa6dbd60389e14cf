import numpy as np
import polars as pl
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from gpuseg import Agglomerative, choose_k
from gpuseg.cluster import ALGORITHMS
from gpuseg.selection import takes_number

TOLD = [name for name, one in ALGORITHMS.items() if takes_number(one) and name not in ("kmeans", "kprototypes")]


@pytest.mark.parametrize("algorithm", TOLD)
def test_every_algorithm_that_is_told_the_number_finds_the_blobs(blobs, algorithm):
    x, _ = blobs
    choice = choose_k(x[:300], (2, 6), algorithm=algorithm)
    assert choice.k == 4
    assert f"(by {algorithm} itself)" in choice.reason
    assert [one.k for one in choice.candidates] == [2, 3, 4, 5, 6]
    assert all(one.stability is not None and one.separability is not None for one in choice.candidates)
    assert len(choice.stability) == 4
    assert min(choice.stability) > 0.75


def test_a_tree_is_fitted_once_and_its_indices_are_those_of_its_cuts(blobs, monkeypatch):
    x, _ = blobs
    fits = []
    whole = Agglomerative.fit

    def watched(self, given, *rest):
        fits.append(len(given))
        return whole(self, given, *rest)

    monkeypatch.setattr(Agglomerative, "fit", watched)
    choice = choose_k(x, (2, 5), algorithm="agglomerative", criteria=[])
    assert fits == [600]
    tree = whole(Agglomerative(5), x)
    for one in choice.candidates:
        labels = tree.cut(n_clusters=one.k).labels_
        assert one.silhouette == pytest.approx(silhouette_score(x, labels))
        assert one.calinski_harabasz == pytest.approx(calinski_harabasz_score(x, labels))
        assert one.davies_bouldin == pytest.approx(davies_bouldin_score(x, labels))
        assert one.smallest_share == pytest.approx(np.bincount(labels).min() / 600)


def test_any_input_gives_the_same_choice(blobs, tmp_path, spread):
    x, _ = blobs
    table = pl.DataFrame(x, schema=["a", "b", "c"])
    plain = choose_k(x, (2, 4), algorithm="kmedoids")
    assert choose_k(table, (2, 4), algorithm="kmedoids") == plain
    table.write_parquet(tmp_path / "x.parquet")
    assert choose_k(tmp_path / "x.parquet", (2, 4), algorithm="kmedoids").k == plain.k
    assert (
        choose_k(spread(x), (2, 4), algorithm="bisectingkmeans").k == choose_k(x, (2, 4), algorithm="bisectingkmeans").k
    )


@pytest.mark.filterwarnings("ignore::gpuseg.errors.FewerSegments")
def test_rows_of_few_values_end_at_the_distinct_ones():
    choice = choose_k(np.repeat(np.eye(3), [10, 7, 3], axis=0), (2, 6), algorithm="agglomerative")
    assert [one.k for one in choice.candidates] == [2, 3]
    assert choice.k == 3


def test_stability_is_none_where_it_was_not_asked_for(blobs):
    choice = choose_k(blobs[0], (2, 4), criteria=["separability"])
    assert {one.stability for one in choice.candidates} == {None}
    assert choice.stability == ()
    assert "stable" not in choice.reason


def test_the_gap_says_one_number_of_even_rows_and_the_true_one_of_blobs(blobs):
    x, _ = blobs
    choice = choose_k(x, (2, 6), criteria=["gap"])
    gaps = {one.k: one.gap for one in choice.candidates}
    assert max(gaps, key=gaps.get) == 4
    assert all(one.gap_error > 0 for one in choice.candidates)
    assert "the gap" in choice.reason
    even = choose_k(np.random.default_rng(0).uniform(size=(500, 2)) * [9, 1], (2, 5), criteria=["gap"])
    assert max(abs(one.gap) for one in even.candidates) < 0.15 < gaps[4]
