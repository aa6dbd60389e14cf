"""The choice of the number of segments as a Segmenter makes it: limits by ids and columns, and how stable it is."""

import json

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Segmenter, load
from gpuseg.errors import InvalidInput


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


@pytest.fixture
def customers():
    """Return four crowds, of which the third and the fourth are near to each other, and a column of beliefs."""
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(4), [60, 60, 50, 10])
    x = np.array([[0, 0], [30, 0], [0, 30], [9, 36]], dtype=float)[true] + rng.normal(size=(180, 2))
    names = [f"cust-{row:03}" for row in range(180)]
    belief = np.array(["old", "new", "rare", "odd"])[true]
    return pl.DataFrame({"id": names, "a": x[:, 0], "b": x[:, 1], "belief": belief}).sample(180, shuffle=True, seed=1)


def of(customers, **given):
    return Segmenter("id", columns=["a", "b"], k_range=(2, 6), **given).fit(customers)


def test_the_smallest_share_is_held(customers):
    assert of(customers).choice_.k == 4
    limited = of(customers, min_share=0.1)
    assert limited.profile_["share"].min() >= 0.1
    assert limited.choice_.k == 3
    assert of(customers, max_segments=2).choice_.k == 2


@pytest.mark.parametrize("algorithm", ["kmeans", "agglomerative"])
def test_customers_are_apart_by_their_ids(customers, algorithm):
    with pytest.raises(InvalidInput, match="the customers of pair 1 in one segment, which must_separate forbids"):
        of(customers, algorithm=algorithm, must_separate=[("cust-130", "cust-175")], max_segments=3)
    found = of(customers, algorithm=algorithm, must_separate=[("cust-130", "cust-175")]).segments_
    segments = dict(zip(found["id"], found["segment"], strict=True))
    assert segments["cust-130"] != segments["cust-175"]


def test_levels_of_a_column_are_apart(customers):
    found = of(customers, must_separate="belief")
    assert found.choice_.k == 4
    with pytest.raises(InvalidInput, match="'odd' and 'rare' in one segment"):
        of(customers, must_separate="belief", max_segments=3)


def test_rows_without_ids_are_apart_by_their_numbers(customers):
    plain = customers.select("a", "b")
    far = [int(customers["a"].arg_max()), int(customers["a"].arg_min())]
    assert Segmenter(k_range=(2, 4), must_separate=[tuple(far)]).fit(plain).choice_.k in (2, 3, 4)


def test_the_order_of_rows_does_not_matter(customers):
    given = {"must_separate": "belief", "min_share": 0.03}
    one, other = (of(table, **given).choice_ for table in (customers, customers.reverse()))
    assert (one.k, one.reason) == (other.k, other.reason)
    assert one.stability == pytest.approx(other.stability)


def test_a_model_file_holds_the_limits_and_no_id(customers, tmp_path):
    segmenter = of(customers, must_separate=[("cust-130", "cust-175")], min_share=0.03, criteria=["stability", "gap"])
    path = segmenter.save(tmp_path / "m.gpuseg")
    again = load(path)
    assert again.choice_ == segmenter.choice_
    assert (again.min_share, again.criteria, again.must_separate) == (0.03, ["stability", "gap"], None)
    assert "cust-1" not in json.dumps(again.card_)
    assert b"cust-1" not in path.read_bytes()
    assert load(of(customers, must_separate="belief").save(path)).must_separate == "belief"
    assert again.stability().equals(segmenter.stability())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_share": 2}, "min_share=2 is not allowed"),
        ({"criteria": "stability"}, "criteria='stability' is no list"),
        ({"must_separate": [("c1",)]}, "give pairs of ids, as in"),
        ({"must_separate": 5}, "must_separate=5 is not allowed"),
        ({"must_separate": [("c1", "c1")]}, "must_separate has 'c1' beside itself"),
        ({"must_separate": [("cust-130", "nobody")]}, "must_separate has 'nobody', which is no id"),
        ({"must_separate": "beleif"}, "must_separate='beleif' is not a column .*did you mean 'belief'"),
        ({"n_clusters": 3, "min_share": 0.1}, "min_share limits the choice .* n_clusters=3 leaves none"),
        ({"algorithm": "hdbscan", "max_segments": 3}, "max_segments is not for hdbscan"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(customers, options, message):
    with pytest.raises(InvalidInput, match=message):
        of(customers, **options)


@pytest.mark.parametrize(
    ("algorithm", "own"),
    [
        ("kmeans", {}),
        ("kmedoids", {}),
        ("agglomerative", {}),
        ("dbscan", {"eps": 0.4, "min_samples": 5}),
        ("hdbscan", {"min_cluster_size": 8}),
    ],
)
def test_segments_far_apart_are_stable_whatever_found_them(customers, algorithm, own):
    segmenter = of(customers, algorithm=algorithm, algorithm_params=own)
    found = segmenter.stability()
    assert found["segment"].to_list() == list(range(segmenter.choice_.k))
    assert found["jaccard"].is_between(0, 1).all()
    assert found.head(3)["jaccard"].min() > 0.9
    assert segmenter.insight()["stability"] == found.to_dicts()


def test_pieces_of_one_crowd_are_not_stable():
    x = np.random.default_rng(0).normal(size=(400, 3))
    assert Segmenter(n_clusters=5).fit(x).stability()["jaccard"].mean() < 0.75


def test_parts_of_a_split_segment_are_found_again_in_it(customers):
    segmenter = of(customers, max_segments=3)
    before = segmenter.stability()
    largest = int(segmenter.predict(customers.filter(pl.col("belief") == "odd"))[0])
    segmenter.split(largest, n_clusters=2)
    after = segmenter.stability()
    assert after["segment"].to_list() == sorted({0, 1, 2, 3, 4} - {largest})
    kept = [one for one in range(3) if one != largest]
    assert after.filter(pl.col("segment").is_in(kept)).equals(before.filter(pl.col("segment").is_in(kept)))
    assert after["jaccard"].min() > 0.9


@pytest.mark.parametrize("seed", [0, 1])
def test_columns_that_tell_of_no_segment_do_not_change_the_number(seed):
    from benchmarks.data import DECOYS, prepared_shop
    from gpuseg.datasets import make_shop
    from gpuseg.selection import choose

    assert choose(prepared_shop(make_shop(1500, random_state=seed), DECOYS), range(2, 10)).choice.k == 6
