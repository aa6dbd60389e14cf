"""The segments of the simulated shop are there to be found, and as hard to find as is said."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency, f_oneway
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from gpuseg.datasets import make_shop
from gpuseg.datasets._archetypes import SPREADS, planned
from gpuseg.datasets._chunk import PLAN, _stream, request
from tests.datasets.conftest import TRAITS, matrix, oracle, traits


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("difficulty", "reached"), [("easy", 0.99), ("medium", 0.90), ("hard", 0.75)])
def test_the_oracle_reaches_what_is_said(difficulty, reached, seed):
    shop = make_shop(10_000, random_state=seed, difficulty=difficulty, lines_per_order=1)  # 1: quicker
    assert oracle(traits(shop)) == pytest.approx(reached, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_silhouette_is_at_the_true_number_of_segments(seed):
    table = traits(make_shop(1_500, random_state=seed, lines_per_order=1))
    x = matrix(table)
    labels = {k: KMeans(k, n_init=2, random_state=seed).fit_predict(x) for k in range(4, 9)}
    scores = {k: silhouette_score(x, found) for k, found in labels.items()}
    assert max(scores, key=scores.get) == 6
    assert adjusted_rand_score(table["segment"], labels[6]) == pytest.approx(oracle(table), abs=0.03)


def test_what_is_seen_is_what_was_planned(shop):
    plan = planned(
        _stream(request(2_000, 3, "medium", 3.4, dirty=True), 0, PLAN), np.arange(1, 2_001), SPREADS["medium"]
    )
    seen = traits(shop)
    assert seen["segment"].to_list() == plan.segment.tolist()
    assert seen["recency"].to_list() == (730 - plan.last).tolist()
    assert seen["frequency"].to_list() == plan.orders.tolist()
    assert seen["visits"].to_list() == plan.visits.tolist()
    assert seen["opens"].to_list() == plan.opens.tolist()
    off = np.abs(seen["monetary"].to_numpy() / plan.spend - 1)  # prices are whole cents
    assert np.median(off) < 0.001
    assert np.quantile(off, 0.99) < 0.02


def test_centers_are_what_is_typical(shop):
    medians = traits(shop).group_by("segment").agg(pl.col(TRAITS).median()).sort("segment")
    for trait in TRAITS:
        assert medians[trait].to_numpy() == pytest.approx(shop.centers[trait].to_numpy(), rel=0.15, abs=1)
    shares = shop.truth["segment"].value_counts().sort("segment")["count"] / shop.truth.height
    assert shares.to_numpy() == pytest.approx(shop.centers["share"].to_numpy(), abs=0.03)
    names = shop.truth.select("segment", "name").unique().sort("segment")
    assert names["name"].to_list() == shop.centers["name"].to_list()


def test_decoys_belong_to_no_segment(shop):
    table = shop.customers.join(shop.truth, on="customer_id")
    for name in ("age", "shoe_size"):
        groups = [group[name].to_numpy() for group in table.partition_by("segment")]
        assert f_oneway(*groups).pvalue > 0.01
    for name in ("region", "favourite_colour"):
        counts = table.pivot(on="segment", index=name, values="age", aggregate_function="len").drop(name)
        assert chi2_contingency(counts.to_numpy()).pvalue > 0.01
