"""Rules: what is learnt on one half holds on the other, reads well, and says why there is none."""

import json

import duckdb
import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.datasets import make_shop
from gpuseg.datasets._archetypes import ARCHETYPES
from gpuseg.errors import InvalidInput
from gpuseg.explaining import PARTS
from gpuseg.interpret.conditions import fulfilled
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import Field
from gpuseg.interpret.rules import halved, rules
from tests.datasets.conftest import TRAITS, traits

NAN = float("nan")


def sample(raw, segments, fields=None):
    raw = np.asarray(raw, dtype=float)
    rows = len(raw)
    known = fields or [Field(f"c{at}", "number", []) for at in range(raw.shape[1])]
    return Evidence(
        known, [], raw, raw, np.asarray(segments), *[np.zeros(rows)] * 3, None, pl.Series(range(rows)), rows
    )


@pytest.fixture(scope="module")
def shop():
    """Give a fitted shop of medium difficulty with decoys, its table, the true kind of each segment, and the rules."""
    made = make_shop(8_000, random_state=2, lines_per_order=1)
    decoys = made.customers.select("customer_id", "age", "region", "favourite_colour", "shoe_size")
    with gpuseg.config(notices="off"):
        table = traits(made).join(decoys, on="customer_id").sort("customer_id")
        fitted = gpuseg.Segmenter("customer_id", n_clusters=6).fit(table.drop("segment", "name"))
    both = table.select("customer_id", "name").join(fitted.segments_, on="customer_id")
    kinds = both.group_by("segment").agg(pl.col("name").mode().first())
    return fitted, table, dict(kinds.iter_rows()), fitted.rules()


def test_rules_of_a_shop_use_what_made_its_segments_and_replay(shop):
    _, _, kinds, found = shop
    assert [one.segment for one in found.rules] == list(range(6))
    assert not found.left_out
    for one in found.rules:
        kind = next(kind for kind in ARCHETYPES if kind.name == kinds[one.segment])
        used = {condition.column for alternative in one.alternatives for condition in alternative}
        assert used <= set(TRAITS)
        assert any(getattr(kind, trait) for trait in used)
        assert min(one.precision, one.recall) > 0.88
        assert all(len(alternative) <= 5 for alternative in one.alternatives)
    assert np.mean([(one.precision, one.recall) for one in found.rules]) > 0.92


def test_the_figures_are_those_of_the_customers_held_out(shop):
    fitted, _, _, found = shop
    evidence = fitted.evidence_
    held = ~halved(evidence.raw, evidence.segments)
    assert (found.learnt, found.replayed) == (len(held) - held.sum(), held.sum())
    for one in found.rules:
        chosen = fulfilled(one.alternatives, evidence.raw[held], evidence.fields)
        members = evidence.segments[held] == one.segment
        counts = (np.sum(chosen & members), chosen.sum(), members.sum(), held.sum())
        assert (one.hits, one.chosen, one.members, one.rows) == counts
        shares = (counts[0] / counts[1], counts[0] / counts[2], counts[1] / counts[3])
        assert (one.precision, one.recall, one.coverage) == pytest.approx(shares)


def test_sql_of_a_rule_finds_the_customers_in_the_users_table(shop):
    fitted, table, _, found = shop
    with duckdb.connect() as connection:
        connection.register("customers", table.to_arrow())
        for segment in (0, 5):
            theirs = connection.sql(f"SELECT customer_id FROM customers WHERE {found.to_sql(segment)}")  # noqa: S608
            evidence = fitted.evidence_
            chosen = fulfilled(found.of(segment).alternatives, evidence.raw, evidence.fields)
            assert sorted(row for (row,) in theirs.fetchall()) == evidence.ids.filter(chosen.tolist()).sort().to_list()


def test_fewer_conditions_are_asked_for_and_given(shop):
    fitted, _, _, long = shop
    short = fitted.rules(max_conditions=2, max_alternatives=1)
    assert all(len(one.alternatives) == 1 and len(one.alternatives[0]) <= 2 for one in short.rules)
    easy = fitted.rules(enough=0.7)
    lengths = [sum(sum(map(len, one.alternatives)) for one in found.rules) for found in (short, easy, long)]
    assert lengths[1] < lengths[2]
    assert np.mean([one.precision for one in short.rules]) < np.mean([one.precision for one in long.rules])


def test_rules_do_not_hang_on_the_order_of_the_customers(shop):
    fitted, _, _, found = shop
    evidence = fitted.evidence_
    order = np.random.default_rng(0).permutation(len(evidence.raw))
    moved = evidence._replace(raw=evidence.raw[order], segments=evidence.segments[order])
    assert rules(moved) == found._replace(names=None)


def test_halves_are_halves_of_each_segment():
    rng = np.random.default_rng(0)
    segments = rng.choice([-1, 0, 3], size=101, p=[0.2, 0.3, 0.5])
    half = halved(rng.normal(size=(101, 2)), segments)
    for segment in (-1, 0, 3):
        mine = half[segments == segment]
        assert 0 <= mine.sum() - (~mine).sum() <= 1


def test_as_a_table_as_plain_values_and_in_a_notebook(shop):
    fitted, _, _, found = shop
    columns = ["segment", "rule", "precision", "recall", "coverage", "hits", "chosen", "members", "rows"]
    assert found.table.columns == columns
    assert found.table["rule"].to_list() == [str(one) for one in found.rules]
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain == found.to_dict() == PARTS["rules"](fitted)
    assert plain["rules"][0]["sql"] == found.to_sql(plain["rules"][0]["segment"])
    assert "&lt;=" in found._repr_html_()
    assert f">0 {fitted.names_[0]}<" in found._repr_html_()


def test_thresholds_are_short_and_dates_are_dates():
    rng = np.random.default_rng(1)
    spend = np.concatenate([rng.uniform(0, 100, 200), rng.uniform(300, 999, 200)])
    day = np.concatenate([rng.uniform(19_000.0, 19_100, 200), rng.uniform(19_100, 19_300, 200)])
    other = rng.normal(size=400)
    fields = [Field("spend", "number", []), Field("noise", "number", [])]
    found = rules(sample(np.column_stack([spend, other]), np.repeat([0, 1], 200), fields))
    assert [str(one) for one in found.rules] == ["spend <= 200", "spend > 200"]
    fields = [Field("joined", "date", []), Field("noise", "number", [])]
    found = rules(sample(np.column_stack([day, other]), np.repeat([0, 1], 200), fields))
    assert str(found.rules[0]).startswith("joined <= 2022-04-1")
    assert found.rules[0].to_dict()["alternatives"][0][0]["at_most"].startswith("2022-04-1")


def test_categories_missing_values_and_yes_or_no():
    rng = np.random.default_rng(2)
    n = 600
    plan, gone, yes = rng.integers(0, 3, n).astype(float), rng.random(n) < 0.5, rng.integers(0, 2, n).astype(float)
    spend = np.where(gone, NAN, rng.normal(size=n))
    fields = [Field("plan", "category", ["a", "b", "c"]), Field("spend", "number", []), Field("member", "boolean", [])]
    raw = np.column_stack([plan, spend, yes])
    by_plan = rules(sample(raw, (plan == 1).astype(int), fields))
    assert [str(one) for one in by_plan.rules] == ["plan is one of (a, c)", "plan is b"]
    by_gap = rules(sample(raw, gone.astype(int), fields))
    assert [str(one) for one in by_gap.rules] == ["spend is known", "spend is missing"]
    by_both = rules(sample(raw, ((yes == 1) & gone).astype(int), fields))
    assert set(str(by_both.rules[1]).split(" and ")) == {"member is yes", "spend is missing"}
    assert all(one.precision == one.recall == 1 for one in (*by_plan.rules, *by_gap.rules, *by_both.rules))


def test_a_segment_of_two_crowds_has_two_alternatives():
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 100, size=(3000, 2))
    inside = (x[:, 0] < 20) | ((x[:, 0] > 70) & (x[:, 1] > 70))
    one = rules(sample(x, inside.astype(int))).of(1)
    assert len(one.alternatives) == 2
    assert min(one.precision, one.recall) > 0.97
    assert " or " in str(one)


def test_who_has_no_rule_and_why():
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.normal(size=(100, 1)), rng.normal(size=(100, 1)) + 9, rng.normal(size=(29, 1)) + 50])
    found = rules(sample(x, np.repeat([0, 3, -1, 7], [100, 100, 20, 9])))
    assert [one.segment for one in found.rules] == [0, 3]
    assert list(found.left_out) == [7, -1]
    assert "9 customers in the sample" in found.left_out[7]
    with pytest.raises(InvalidInput, match="segment 7 has no rule: it has 9 customers in the sample, and a rule is of"):
        found.of(7)
    with pytest.raises(InvalidInput, match="segment=5 is no segment; those with a rule: 0, 3"):
        found.to_sql(5)
    alone = rules(sample(x, np.zeros(229, dtype=int)))
    assert alone.left_out == {0: "it holds all customers, so that no rule is needed"}
    assert alone.table.is_empty()
    assert rules(sample(x[:12], np.full(12, -1))).rules == ()


def test_what_chance_made_is_no_rule():
    rng = np.random.default_rng(5)
    found = rules(sample(rng.normal(size=(200, 300)), rng.integers(0, 4, 200)))
    assert not found.rules
    assert set(found.left_out.values()) == {"no column tells it from the others"}


def test_of_many_columns_those_that_tell_are_found():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(1000, 800))
    segments = (x[:, 417] > 0.3).astype(int) + (x[:, 417] > 1).astype(int)
    found = rules(sample(x, segments))
    used = {condition.column for one in found.rules for alternative in one.alternatives for condition in alternative}
    assert used == {"c417"}
    assert min(min(one.precision, one.recall) for one in found.rules) > 0.9


def test_a_split_has_rules_of_its_parts_and_a_loaded_model_keeps_them(tmp_path):
    rng = np.random.default_rng(7)
    spend = np.repeat([10.0, 100.0, 130.0], 60) + rng.normal(size=180)
    with gpuseg.config(notices="off"):
        fitted = gpuseg.Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": spend, "noise": rng.normal(size=180)}))
        fitted.split(0, n_clusters=2)
    found = fitted.rules()
    assert [one.segment for one in found.rules] == [1, 2, 3]
    assert all(one.precision == one.recall == 1 for one in found.rules)
    loaded = gpuseg.load(fitted.save(tmp_path / "m.gpuseg"))
    assert loaded.insight()["rules"] == found.to_dict()
    with pytest.raises(InvalidInput, match="has no customers to look at"):
        loaded.rules()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"max_conditions": 0}, "max_conditions=0 allows no rule; give a whole number from 1 up"),
        ({"max_alternatives": True}, "max_alternatives=True allows no rule"),
        ({"enough": 1.5}, "enough=1.5 is no share; give a number above 0 and up to 1"),
    ],
)
def test_limits_that_allow_no_rule_are_refused(asked, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        rules(sample([[1.0], [2.0]], [0, 1]), **asked)
