"""Segments beside personas: what is planted is found and worded with the right numbers, and nothing else is."""

import json
from functools import cache

import dask.dataframe as dd
import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Preprocessor, Segmenter, compare_personas
from gpuseg.datasets import make_personas, make_shop
from gpuseg.errors import InvalidInput
from gpuseg.interpret.parting import partings
from gpuseg.interpret.personas import PersonaComparison

TRAITS = ["recency", "frequency", "monetary", "visits", "opens"]
SEEDS = [0, 1, 2]
PLANTS = ["split", "merge", "new", "under-served"]


@cache
def shop_of(seed):
    """Return customers with decoys, their true names, their personas, what is planted, and segments found."""
    shop = make_shop(2000, random_state=seed)
    with gpuseg.config(notices="off"):
        bought, _ = gpuseg.customer_features(shop.transactions, drop_duplicates=True, as_of=shop.as_of)
        seen, _ = gpuseg.event_features(shop.events, as_of=shop.as_of)
        table, _ = gpuseg.join_features({"bought": bought, "seen": seen}, on="customer_id")
        customers = table.select("customer_id", *TRAITS).join(shop.customers, on="customer_id").sort("customer_id")
        found = Segmenter("customer_id", n_clusters=6, columns=TRAITS).fit(customers)
    return customers, shop.truth, make_personas(shop, random_state=seed), found


def true_of(found, truth):
    """Return the segment that has most of each true one."""
    both = found.segments_.join(truth.select("customer_id", "name"), on="customer_id")
    most = both.group_by("name", "segment").len().sort("len", descending=True).group_by("name", maintain_order=True)
    return dict(most.agg(pl.col("segment").first()).rows())


def of_kind(comparison, kind):
    return [one for one in comparison.findings if one.kind == kind]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_planted_is_found_and_nothing_else(seed):
    customers, truth, planted, found = shop_of(seed)
    called = true_of(found, truth)
    comparison = compare_personas(
        found.segments_, planted.table, customers=customers, value="monetary", contacts="budget"
    )
    assert [one.kind for one in comparison.findings] == PLANTS
    split, merge, new, under = comparison.findings
    assert split.figures["persona"] == planted.plants["split"]["persona"]
    assert set(split.figures["segments"]) == {called[name] for name in planted.plants["split"]["segments"]}
    assert [one["column"] for one in split.figures["along"]][:2] == ["monetary", "frequency"]
    assert set(merge.figures["personas"]) == set(planted.plants["merge"]["personas"])
    assert merge.figures["segment"] == called[planted.plants["merge"]["segment"]]
    assert "a medium effect in none" in merge.sentence
    assert new.figures["segment"] == called[planted.plants["new"]["segment"]]
    assert under.figures["segment"] == called[planted.plants["under-served"]["segment"]]
    assert under.figures["low"] < under.figures["ratio"] < under.figures["high"] < 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_the_numbers_are_those_of_the_tables(seed):
    customers, _, planted, found = shop_of(seed)
    comparison = compare_personas(
        found.segments_, planted.table, customers=customers, value="monetary", contacts="budget"
    )
    whole = found.segments_.join(planted.table, on="customer_id").join(customers, on="customer_id")
    split, merge, new, under = comparison.findings
    regulars = whole.filter(pl.col("persona") == "Regulars")
    for segment, size, share in zip(*(split.figures[name] for name in ("segments", "parts", "shares")), strict=True):
        assert size == regulars.filter(pl.col("segment") == segment).height
        assert share == pytest.approx(size / regulars.height)
        assert f"segment {segment} ({size:,}, {share:.1%}".replace("%", " %") in split.sentence
    first, second = (regulars.filter(pl.col("segment") == at)["monetary"] for at in split.figures["segments"])
    pooled = np.sqrt(((len(first) - 1) * first.var() + (len(second) - 1) * second.var()) / (len(regulars) - 2))
    assert split.figures["along"][0]["difference"] == pytest.approx(abs(first.mean() - second.mean()) / pooled, rel=0.1)
    within = whole.filter(pl.col("segment") == merge.figures["segment"])
    assert merge.figures["parts"] == [within.filter(persona=name).height for name in merge.figures["personas"]]
    assert new.figures["without"] == whole.filter(segment=new.figures["segment"])["persona"].null_count()
    served = whole.filter(segment=under.figures["segment"])
    assert under.figures["value_share"] == pytest.approx(served["monetary"].sum() / whole["monetary"].sum())
    assert under.figures["contacts_share"] == pytest.approx(served["budget"].sum() / whole["budget"].sum())
    assert f"{under.figures['value_share']:.1%} of monetary".replace("%", " %") in under.sentence


@pytest.mark.parametrize("seed", SEEDS)
def test_random_and_perfect_personas_give_no_findings(seed):
    customers, truth, planted, found = shop_of(seed)
    fair = customers.with_columns(budget=pl.col("monetary") * np.random.default_rng(seed).lognormal(size=2000) / 20)
    given = {"customers": fair, "value": "monetary", "contacts": "budget"}
    at_random = planted.table.select("customer_id", pl.col("persona").shuffle(seed))
    assert compare_personas(found.segments_, at_random, **given).findings == []
    for perfect in (truth.select("customer_id", persona="name"), found.segments_.select("customer_id", p="segment")):
        comparison = compare_personas(found.segments_, perfect, **given)
        assert comparison.findings == []
    assert comparison.agreement["adjusted_rand"] == 1


def test_chance_makes_no_findings():
    rng = np.random.default_rng(0)
    for _ in range(60):
        rows, personas, segments = rng.integers(60, 3000), rng.integers(2, 9), rng.integers(2, 9)
        one = rng.choice(segments, rows, p=rng.dirichlet(np.full(segments, 3)))
        other = rng.choice(personas, rows, p=rng.dirichlet(np.full(personas, 3)))
        if len(np.unique(one)) > 1 and len(np.unique(other)) > 1:
            assert compare_personas(one, [f"p{at}" for at in other]).findings == []


def test_personas_who_cover_no_segment_but_are_there():
    rng = np.random.default_rng(1)
    segment = rng.integers(0, 5, 2000)
    persona = np.where(segment == 4, rng.integers(0, 4, 2000), segment)
    comparison = compare_personas(segment, [f"p{at}" for at in persona])
    (new,) = comparison.findings
    assert (new.kind, new.figures["segment"], new.figures["without"]) == ("new", 4, 0)
    assert "have none, and its largest, 'p" in new.sentence


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    segments = pl.DataFrame({"customer_id": range(600), "segment": rng.integers(0, 4, 600)})
    personas = segments.select("customer_id", persona=pl.lit("p") + (pl.col("segment") // 2).cast(pl.String), calls=1)
    one = compare_personas(segments, personas, contacts="calls").to_dict()
    other = compare_personas(segments.sample(fraction=1, shuffle=True, seed=1), personas.reverse(), contacts="calls")
    assert other.to_dict() == one
    assert [kind["kind"] for kind in one["findings"]] == ["split", "split"]


def test_flows_add_up_both_ways_and_noise_is_last():
    segments = [0, 0, 1, -1, 1, 0]
    comparison = compare_personas(segments, ["a", "b", "b", "a", None, "a"])
    flows = comparison.flows
    assert flows["customers"].sum() == 6
    assert flows["segment"].unique(maintain_order=True).to_list() == [0, 1, -1]
    assert flows.group_by("persona").agg(pl.col("of_persona").sum())["of_persona"].to_list() == [1, 1, 1]
    assert flows.group_by("segment").agg(pl.col("of_segment").sum())["of_segment"].to_list() == [1, 1, 1]
    assert comparison.personas.rows() == [("a", 3, 0.5), ("b", 2, 2 / 6), (None, 1, 1 / 6)]
    assert comparison.agreement["customers"] == 4


def test_noise_is_in_no_finding():
    segments = [-1] * 200 + [0] * 200 + [1] * 200
    personas = ["a"] * 400 + ["b"] * 200
    comparison = compare_personas(segments, personas)
    assert [one.kind for one in comparison.findings] == []
    assert compare_personas([2] * 200 + segments[200:], personas).findings[0].figures["segments"] == [0, 2]


def test_parts_of_many_kinds_of_columns_are_told():
    n = 300
    rng = np.random.default_rng(0)
    part = np.repeat([0, 1, 2], n)
    table = pl.DataFrame(
        {
            "joined": np.datetime64("2025-01-01") + (part == 1) * np.timedelta64(300, "D") + rng.integers(0, 30, 3 * n),
            "vip": rng.random(3 * n) < np.where(part == 1, 0.9, 0.2),
            "plan": np.where(rng.random(3 * n) < np.where(part == 1, 0.9, 0.1), "gold", "basic"),
            "age": rng.normal(40, 10, 3 * n),
            "note": [f"text {at}" for at in range(3 * n)],
            "gap": [None] * (3 * n),
        }
    )
    comparison = compare_personas(part, np.where(part < 2, "old", "new"), customers=table)
    (split,) = comparison.findings
    along = {one["column"]: one for one in split.figures["along"]}
    assert set(along) == {"joined", "vip", "plan", "age"}
    middle = [table["joined"].filter(pl.Series(part == at)).cast(pl.Datetime).median() for at in (0, 1)]
    assert along["joined"]["values"] == [f"{day:%Y-%m-%d}" for day in middle]
    assert along["vip"]["values"] == [
        f"{table['vip'][at * n : at * n + n].mean():.1%}".replace("%", " %") for at in (0, 1)
    ]
    assert along["plan"]["values"] == ["basic", "gold"]
    assert [along[name]["mark"] for name in ("joined", "vip", "plan", "age")] == ["large", "large", "large", None]
    assert "age" not in split.sentence


def test_the_plain_dict_is_json_and_pools_small_flows():
    segments = [0] * 100 + [1] * 100 + [1] * 4 + [0] * 3
    personas = ["a"] * 100 + ["b"] * 100 + ["a"] * 4 + ["b"] * 3
    comparison = compare_personas(segments, personas)
    plain = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert [(row["persona"], row["segment"], row["customers"]) for row in plain["flows"]] == [
        ("a", 0, 100),
        ("b", 1, 100),
        ("a", None, 4),
        ("b", None, 3),
    ]
    assert len(comparison.to_dict(least=1)["flows"]) == 4
    assert all(row["segment"] is not None for row in comparison.to_dict(least=1)["flows"])


def test_what_few_customers_are_worth_is_not_told():
    table = pl.DataFrame({"spend": [1.0] * 30 + [500.0], "calls": [1] * 31})
    comparison = compare_personas(
        [0] * 15 + [1] * 15 + [2], ["a"] * 15 + ["b"] * 15 + ["c"], customers=table, value="spend", contacts="calls"
    )
    plain = comparison.to_dict()
    assert [row["value_share"] is None for row in plain["personas"]] == [False, False, True]
    assert [row["ratio"] is None for row in plain["served"]] == [False, False, True]


def test_it_shows_itself():
    comparison = compare_personas([0] * 20 + [1] * 20, ["<b>"] * 20 + ["c"] * 10 + [None] * 10)
    page = comparison._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<td>20</td><td>100.0 %</td><td>0.0 %</td>" in page
    assert "no persona" in page
    assert "Where the customers of 2 personas go" in page
    assert repr(comparison).startswith("personas and segments agree to an adjusted Rand index of 1.00")


def test_a_segmenter_compares_its_customers_and_keeps_aggregates(tmp_path):
    customers, _, planted, fitted = shop_of(0)
    found = Segmenter("customer_id", n_clusters=6, columns=TRAITS, value_column="monetary").fit(customers)
    comparison = found.compare_personas(planted.table, contacts="budget")
    by_hand = compare_personas(
        found.segments_, planted.table, customers=customers.select("customer_id", *TRAITS),
        value="monetary", contacts="budget", names=found.names_,
    )  # fmt: skip
    assert isinstance(comparison, PersonaComparison)
    assert comparison.to_dict() == by_hand.to_dict() == found.card_["personas"]
    assert [one.kind for one in comparison.findings] == PLANTS
    assert f'"{found.names_[comparison.findings[-1].figures["segment"]]}" is under-served' in repr(comparison)
    loaded = gpuseg.load(found.save(tmp_path / "m.gpuseg"))
    assert loaded.card_["personas"] == json.loads(json.dumps(found.card_["personas"]))
    with pytest.raises(InvalidInput, match="has no customers to look at"):
        loaded.compare_personas(planted.table)
    assert "personas" not in fitted.card_


@pytest.mark.parametrize("library", ["pandas", "pyarrow", "file", "dask"])
def test_a_segmenter_takes_tables_of_all_kinds(library, tmp_path):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 240)
    table = pl.DataFrame(
        {
            "who": [f"c{at}" for at in range(240)],
            "spend": np.array([10.0, 50, 900])[group] + rng.normal(size=240),
            "plan": np.array(["basic", "gold", "trial"])[group],
            "kind": np.array(["low", "low", "high"])[group],
            "calls": np.where(group == 0, 1, 10),
        }
    )
    given = {"pandas": table.to_pandas, "pyarrow": table.to_arrow}.get(library, lambda: table)()
    if library == "file":
        table.write_parquet(tmp_path / "c.parquet")
        given = tmp_path / "c.parquet"
    if library == "dask":
        given = dd.from_pandas(table.to_pandas(), npartitions=2)
    found = Segmenter("who", n_clusters=3, columns=["spend", "plan"], preprocessor=Preprocessor(scale="standard"))
    comparison = found.fit(given).compare_personas("kind", contacts="calls")
    (split,), (under,) = of_kind(comparison, "split"), of_kind(comparison, "under-served")
    assert split.figures["persona"] == "low"
    assert {one["column"] for one in split.figures["along"]} == {"spend", "plan"}
    assert under.figures["customers"] == int((group == 0).sum())


def test_customers_without_ids_are_matched_by_row():
    rows = pl.DataFrame({"spend": [1.0, 2, 1, 2, 90, 91, 92, 90] * 5, "kind": (["a"] * 4 + ["b"] * 4) * 5})
    found = Segmenter(n_clusters=2, columns=["spend"]).fit(rows)
    assert found.compare_personas("kind").agreement["adjusted_rand"] == 1
    assert found.compare_personas(rows["kind"]).agreement["adjusted_rand"] == 1
    with pytest.raises(InvalidInput, match="segments are numbered by row and personas have ids in 'customer_id'"):
        found.compare_personas(rows.select("kind", customer_id=pl.int_range(pl.len())), persona_column="kind")


def test_no_level_of_few_customers_is_named_where_personas_part():
    towns = [f"town {at}" for at in range(12)]
    found = partings([pl.DataFrame({"home": towns}), pl.DataFrame({"home": ["city"] * 12})])
    assert found[0].values == ["several", "city"]


def test_contacts_of_customers_and_of_personas_that_differ_are_told(capsys):
    ids, segments = list(range(60)), [0] * 30 + [1] * 30
    customers = pl.DataFrame({"customer_id": ids, "calls": [1.0] * 30 + [3.0] * 30})
    personas = pl.DataFrame({"customer_id": ids, "persona": ["a", "b"] * 30, "calls": [1.0] * 60})
    placed = pl.DataFrame({"customer_id": ids, "segment": segments})
    found = compare_personas(placed, personas, customers=customers, contacts="calls")
    assert found.served["contacts_share"].to_list() == [0.25, 0.75]
    assert "contacts are taken of column 'calls' of the customers; the personas have another of that name" in str(
        capsys.readouterr()
    )
    compare_personas(placed, personas.with_columns(customers["calls"]), customers=customers, contacts="calls")
    assert "contacts" not in str(capsys.readouterr())
