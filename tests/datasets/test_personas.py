"""Personas of the simulated shop: what is planted is there, and all else is as the truth has it."""

import polars as pl
import pytest

from gpuseg.datasets import make_personas
from gpuseg.errors import InvalidInput
from tests.datasets.conftest import traits


def test_without_mistakes_personas_are_the_planted_ones(shop):
    made = make_personas(shop, mistaken=0)
    both = made.table.join(shop.truth, on="customer_id")
    assert made.table["customer_id"].equals(shop.truth["customer_id"])
    found = {name: set(of["persona"]) for (name,), of in both.group_by("name")}
    assert found["champions"] == found["loyal small baskets"] == {made.plants["split"]["persona"]}
    assert found[made.plants["merge"]["segment"]] == set(made.plants["merge"]["personas"])
    assert found[made.plants["new"]["segment"]] == {None}
    assert (found["newcomers"], found["lapsing"]) == ({"New Faces"}, {"Gone Quiet"})


def test_budget_goes_with_what_was_spent_but_for_the_under_served(shop):
    made = make_personas(shop)
    both = traits(shop).join(made.table, on="customer_id")
    shares = both.group_by("name").agg(pl.col("monetary", "budget").sum())
    rate = dict(shares.select("name", pl.col("budget") / pl.col("monetary")).rows())
    fair = [share for name, share in rate.items() if name != made.plants["under-served"]["segment"]]
    assert max(fair) / min(fair) < 1.2
    assert rate["lapsing"] * 2 == pytest.approx(sum(fair) / 5, rel=0.1)


def test_some_personas_are_mistaken(shop):
    whole, some = (make_personas(shop, mistaken=share).table["persona"] for share in (0, 0.2))
    assert 0.1 < (whole.ne_missing(some)).mean() < 0.2
    assert sorted(whole.fill_null("")) == sorted(some.fill_null(""))


def test_a_seed_gives_one_table(shop):
    assert make_personas(shop, random_state=4).table.equals(make_personas(shop, random_state=4).table)
    assert not make_personas(shop).table.equals(make_personas(shop, random_state=4).table)


def test_it_shows_itself(shop):
    made = make_personas(shop)
    assert repr(made) == "<Personas of 2,000 customers of a simulated shop>"
    assert "no persona for newsletter readers" in made._repr_html_()
    assert "one persona, Regulars, for champions and loyal small baskets" in made._repr_html_()


@pytest.mark.parametrize("mistaken", [-0.1, 1, None])
def test_a_share_that_is_none(shop, mistaken):
    with pytest.raises(InvalidInput, match="mistaken="):
        make_personas(shop, mistaken=mistaken)
