"""Planted bots, resellers and errors are found as kinds of their own; nothing tells of single persons."""

import json

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Segmenter
from gpuseg.errors import InvalidInput
from gpuseg.interpret.atypical import atypical, oddest, oddness, of_enough

PLANTED = {"bots": (5000.0, 0.0, 0.0, 30), "resellers": (20.0, 500.0, 40_000.0, 15), "errors": (10.0, 2.0, -900.0, 12)}


def shop(planted=PLANTED):
    """Return a shop of two segments and some customers who are of neither, with what each is."""
    rng = np.random.default_rng(0)
    group = np.arange(600) % 2
    orders = rng.poisson(2 + 8 * group) + 1.0
    rows = [np.column_stack([rng.poisson(10 + 20 * group), orders, orders * rng.lognormal(3, 0.3, 600)])]
    kinds = ["shopper"] * 600
    for kind, (visits, bought, spent, count) in planted.items():
        rows.append(np.array([visits, bought, spent]) + rng.uniform(0, 1, (count, 3)))
        kinds += [kind] * count
    table = pl.DataFrame(np.concatenate(rows), schema=["visits", "orders", "spend"])
    return table.with_columns(id=pl.Series([f"secret-{at}" for at in range(len(table))]), kind=pl.Series(kinds))


def fitted(table, **parameters):
    with gpuseg.config(notices="off"):
        return Segmenter("id", columns=["visits", "orders", "spend"], value_column="spend", **parameters).fit(table)


@pytest.fixture(scope="module")
def segmenter():
    return fitted(shop(), algorithm="hdbscan", algorithm_params={"min_cluster_size": 60})


def test_noise_is_told_by_kinds(segmenter):
    found = segmenter.insight()["atypical"]
    noise = segmenter.card_["rows"]["noise"]
    assert (found["by"], found["customers"]) == ("noise", noise)
    assert found["share"] == pytest.approx(noise / 657)
    kinds = {(kind["feature"], kind["direction"]): kind for kind in found["kinds"]}
    assert set(kinds) >= {("visits", "high"), ("spend", "high"), ("spend", "low")}
    assert [kinds[key]["customers"] for key in (("visits", "high"), ("spend", "high"), ("spend", "low"))] == [
        30,
        15,
        12,
    ]
    assert kinds["visits", "high"]["hint"].startswith("they look at much and buy little: bots")
    assert kinds["spend", "high"]["hint"].startswith("they buy far more than others: resellers")
    assert kinds["spend", "low"]["hint"].startswith("negative where others are not")
    table = shop()
    assert kinds["visits", "high"]["median"] == table.filter(pl.col("kind") == "bots")["visits"].median()
    assert kinds["visits", "high"]["median_all"] == table["visits"].median()
    assert sum(kind["share"] for kind in found["kinds"]) == pytest.approx(1.0)


def test_their_share_of_value_is_that_of_the_profile(segmenter):
    told = segmenter.profile_.filter(pl.col("segment") == -1)["value_share"].item()
    assert segmenter.insight()["atypical"]["value_share"] == pytest.approx(told)


def test_it_is_plain_and_holds_no_id(segmenter, tmp_path):
    found = segmenter.insight()["atypical"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert "secret" not in json.dumps(found)
    assert gpuseg.load(segmenter.save(tmp_path / "m.gpuseg")).insight()["atypical"] == found


def test_the_oddest_customers_are_ranked_with_reasons(segmenter):
    table = shop()
    found = segmenter.atypical(1000)
    assert found.columns == ["id", "segment", "novelty", "distance", "reasons"]
    assert len(found) == segmenter.card_["rows"]["noise"]
    assert found.equals(found.sort("novelty", "distance", descending=True, maintain_order=True))
    known = found.join(table, on="id")
    bots = known.filter(pl.col("kind") == "bots")
    assert bots["reasons"].str.starts_with("visits 50").all()
    assert bots["reasons"].str.contains("(high)", literal=True).all()
    assert known.filter(pl.col("kind") == "errors")["reasons"].str.starts_with("spend -").all()
    assert segmenter.atypical(3).equals(found[:3])


def test_where_nobody_is_left_out_the_novel_ones_are_atypical():
    segmenter = fitted(shop({}), n_clusters=2)
    segments = segmenter.segments_
    found = segmenter.atypical(1000)
    assert set(found["id"]) == set(segments.filter(pl.col("novelty") > 0.99)["id"])
    told = segmenter.insight()["atypical"]
    assert (told["by"], told["customers"]) == ("novelty", len(found))


def test_of_fewer_than_ten_nothing_is_told_but_how_many():
    planted = {"bots": (*PLANTED["bots"][:3], 9)}
    found = fitted(shop(planted), algorithm="dbscan", algorithm_params={"eps": 1.2, "min_samples": 10}).insight()
    told = found["atypical"]
    assert told["customers"] == 9
    assert (told["kinds"], told["value_share"]) == ([], None)
    assert told["sentence"] == "too few customers are atypical to be told of"


def test_kinds_of_few_are_one(segmenter):
    evidence = segmenter.evidence_
    spend = evidence.raw[:, 2]
    kept = np.ones(len(spend), dtype=bool)
    kept[np.flatnonzero(spend > 30_000)[4:]] = kept[np.flatnonzero(spend < -100)[5:]] = False
    rows = ("raw", "matrix", "segments", "distance", "confidence", "novelty", "value")
    few = evidence._replace(**{name: getattr(evidence, name)[kept] for name in rows}, customers=int(kept.sum()))
    told = atypical(few)["kinds"]
    assert all(kind["customers"] >= 10 for kind in told if kind["direction"] != "other")
    kinds = {kind["sentence"].partition(" (")[0]: kind["customers"] for kind in told}
    assert kinds["high visits"] == 30
    assert {"high spend", "low spend"}.isdisjoint(kinds)
    assert kinds["others, of several kinds"] >= 9
    assert sum(kinds.values()) == np.count_nonzero(few.segments == -1)


def test_rare_levels_gaps_and_constant_values_are_worked_on():
    rng = np.random.default_rng(3)
    table = pl.DataFrame(
        {
            "plan": ["basic", "gold"] * 150 + ["broken"] * 12,
            "flat": [1.0] * 299 + [None] + [1.0] * 11 + [2.0],
            "age": [*rng.normal(40, 3, 300), *rng.normal(40, 3, 12)],
        }
    )
    with gpuseg.config(notices="off"):
        segmenter = Segmenter(n_clusters=2).fit(table)
    odd = oddness(segmenter.evidence_)
    assert np.isfinite(odd).all()
    rare = np.array(
        [segmenter.evidence_.fields[0].levels[int(code)] == "broken" for code in segmenter.evidence_.raw[:, 0]]
    )
    assert odd[rare, 0].min() > 2
    assert np.abs(odd[~rare, 0]).max() == 0


def test_it_hangs_not_on_the_order_of_the_customers(segmenter):
    evidence = segmenter.evidence_
    back = evidence._replace(
        **{name: getattr(evidence, name)[::-1] for name in ("raw", "matrix", "segments", "distance", "confidence")},
        novelty=evidence.novelty[::-1], value=evidence.value[::-1], ids=evidence.ids.reverse(),
    )  # fmt: skip
    one, other = atypical(evidence), atypical(back)
    assert [kind["sentence"] for kind in one["kinds"]] == [kind["sentence"] for kind in other["kinds"]]
    assert one["value_share"] == pytest.approx(other["value_share"])
    assert set(oddest(evidence, 100)["id"]) == set(oddest(back, 100)["id"])


def test_all_noise_and_bad_numbers(segmenter):
    noise = segmenter.evidence_._replace(segments=np.full(657, -1))
    assert atypical(noise)["customers"] == 657
    for wrong in (0, True, 2.5):
        with pytest.raises(InvalidInput, match=f"n={wrong} is not allowed; give a whole number from 1 up"):
            segmenter.atypical(wrong)


def test_values_that_are_missing_or_infinite_are_no_reason():
    table = shop().with_columns(
        orders=pl.when(pl.col("kind") == "bots").then(None).otherwise("orders"),
        spend=pl.when(pl.col("kind") == "bots").then(float("inf")).otherwise("spend"),
    )
    with gpuseg.config(notices="off"):
        segmenter = Segmenter(
            "id", columns=["visits", "orders", "spend"], algorithm="hdbscan", algorithm_params={"min_cluster_size": 60}
        ).fit(table)
    kinds = {(kind["feature"], kind["direction"]): kind for kind in segmenter.insight()["atypical"]["kinds"]}
    assert kinds["visits", "high"]["customers"] == 30
    assert kinds["visits", "high"]["hint"].startswith("they look at much and buy little")
    assert "inf" not in " ".join(segmenter.atypical(60)["reasons"])


def test_a_report_tells_of_no_kind_of_fewer_customers_than_it_asks_for():
    kinds = [
        {"feature": "spend", "customers": 12, "sentence": "high spend (median 9, of all 1)"},
        {"feature": "visits", "customers": 40, "sentence": "high visits (median 8, of all 2)"},
        {"feature": None, "customers": 3, "sentence": "others, of several kinds"},
    ]
    known = {"by": "noise", "customers": 55, "share": 0.1, "value_share": 0.2, "kinds": kinds, "sentence": "..."}
    told = of_enough(known, 20)
    assert [kind["feature"] for kind in told["kinds"]] == ["visits", None]
    assert "high visits" in told["sentence"]
    assert "spend" not in told["sentence"]
    few = of_enough(known, 60)
    assert (few["value_share"], few["kinds"], few["sentence"]) == (
        None, [], "too few customers are atypical to be told of",
    )  # fmt: skip
