"""What the insight adds to a report: each part where it is, nothing where it is not, and nothing of few customers."""

import json
import re

import numpy as np
import polars as pl
import pytest

from gpuseg import Segmenter
from gpuseg.errors import InvalidInput
from gpuseg.interpret.effects import strength
from gpuseg.report import markdown, render, summary
from gpuseg.report.words import headline
from tests.report.conftest import HOSTILE, fitted

SECTIONS = {
    "importance": "features", "map": "map", "personas": "personas", "atypical": "atypical", "tree": "tree",
    "reachability": "tree",
}  # fmt: skip
"""The section of each part of a summary that tells of all segments together."""
PARTS = {
    "names": [{"segment": 0, "name": "Loyal & large", "features": [], "renamed": True}],
    "stability": [{"segment": 0, "jaccard": 0.91, "runs": 20}, {"segment": 1, "jaccard": 0.52, "runs": 20}],
    "rules": {"rules": [{"segment": 1, "text": "spend <= 3 or plan is <b>", "precision": 0.94, "recall": 0.9,
                         "coverage": 0.31}]},
    "atypical": {"by": "noise", "customers": 12, "share": 0.1, "value_share": None, "sentence": "12 customers",
                 "kinds": [{"feature": "visits", "customers": 12, "sentence": "high visits", "hint": "bots?"}]},
    "actions": {"segments": [{"segment": 0, "actions": [{"action": "reward", "text": "Thank them.", "because": [
        {"words": "spend: median 9, above the median of all, 3"}]}]}]},
}  # fmt: skip
"""Parts of an insight, as those who make them give them."""


@pytest.fixture(scope="module")
def told(card):
    return summary({**card, "insight": PARTS})


def test_each_part_is_told_of_its_segment(told):
    first, second, _ = told["segments"]
    assert (first["name"], second["name"]) == ("Loyal & large", None)
    assert (first["stability"]["jaccard"], first["actions"][0]["action"]) == (0.91, "reward")
    assert (first["rule"], second["rule"]["recall"]) == (None, 0.9)
    page, text = render(told), markdown(told)
    for words in (
        "Loyal &amp; large",
        "0.910",
        "not to be trusted",
        "Thank them.",
        "high visits",
        "above the median of all",
    ):
        assert words in page, words
        assert words in text, words
    assert "spend &lt;= 3 or plan is &lt;b&gt;" in page
    assert "94.0 %" in page


def test_what_is_not_there_has_no_section(card, full_card):
    bare = summary({name: value for name, value in card.items() if name != "insight"})
    page = render(bare)
    for part, section in SECTIONS.items():
        assert bare[part] is None
        assert f'id="{section}"' not in page
    assert 'id="rules"' not in page
    whole = render(summary(full_card))
    assert all(f'id="{section}"' in whole for section in ("features", "map", "personas", "sure"))


def test_the_headline_is_what_a_marketer_would_say(told, full_card):
    said = " ".join(headline(told))
    assert said.startswith("Your 120 customers fall into 3 groups. The largest is Loyal & large (0): 40 customers")
    assert said.endswith("Be careful with Segment 1: in other samples of the same customers it would look different.")
    assert re.search(
        r" [\d.]+ % of the value comes from [\d.]+ % of the customers: ", " ".join(headline(summary(full_card)))
    )


def test_the_traits_of_a_segment_are_those_of_the_largest_effects(full_card):
    told = summary(full_card)
    details = full_card["insight"]["details"]
    for row in told["segments"]:
        at = details["segments"].index(row["segment"])
        large = [f for f in details["features"] if f["mark"][at] == "large"]
        effects = {f["name"]: strength(f["effect"][at], f["effect_name"]) for f in large}
        named = [trait["feature"] for trait in row["traits"]]
        assert set(named) <= {f["name"] for f in details["features"] if f["mark"][at]}
        assert sorted(effects, key=effects.get, reverse=True)[:1] == named[:1]
    words = [trait["words"] for row in told["segments"] for trait in row["traits"]]
    assert any(re.fullmatch(r"Many \d: number \d typically [\d.,]+, against [\d.,]+ of all", word) for word in words)
    assert any(word.startswith("plan gold: 100.0 %, against ") for word in words)


def test_personas_that_would_be_markup_are_text(full_card):
    page, text = render(summary(full_card)), markdown(summary(full_card))
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert HOSTILE[0] not in text
    assert "Flow of 860 customers" in text


def test_nothing_is_told_of_few_customers(full_card):
    told = summary(full_card, min_report_size=100)
    assert told["small"] == [3]
    assert [row[name] for row in told["segments"][3:] for name in ("rule", "stability", "quality", "traits")] == [
        None, None, None, []
    ]  # fmt: skip
    assert all(row["customers"] >= 100 for part in ("flows", "personas") for row in told["personas"][part])
    assert full_card["personas"]["findings"]
    parts = [[one["customers"], *one.get("parts", ())] for one in told["personas"]["findings"]]
    assert all(min(sizes) >= 100 for sizes in parts)
    assert 3 not in told["map"]["bins"]["segment"]
    assert 3 not in [center["segment"] for center in told["map"]["centers"]]
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_sixty_columns_and_twelve_segments_with_all_parts():
    rng = np.random.default_rng(0)
    group = np.arange(2400) % 12
    centers = rng.normal(size=(12, 50)) * 9
    table = {f"a rather long name of column {at}": centers[group, at] + rng.normal(size=2400) for at in range(50)}
    table |= {f"category {at}": rng.permutation([f"level {j}" for j in range(12)])[group] for at in range(10)}
    segmenter = fitted(pl.DataFrame(table), n_clusters=12, algorithm_params={"n_init": 1})
    segmenter.card_["insight"]["stability"] = []  # which takes as long as all others together, and adds a column
    page = render(segmenter.summary())
    assert len(page.encode()) < 2_000_000
    assert page.count('<li class="card') == 12


def test_ids_and_addresses_are_in_no_report(tmp_path):
    rng = np.random.default_rng(1)
    group = np.arange(200) % 2
    mail = [f"person{at}@example.org" for at in range(200)]
    table = pl.DataFrame(
        {"id": [f"key-{at}" for at in range(200)], "mail": mail, "spend": group * 50 + rng.random(200)}
    )
    segmenter = fitted(table, id_column="id", n_clusters=2)
    for name in ("r.html", "r.md"):
        text = segmenter.report(tmp_path / name).read_text(encoding="utf-8")
        assert "key-" not in text
        assert "@example" not in text
        assert "mail" in text


@pytest.mark.parametrize("algorithm", ["agglomerative", "optics"])
def test_a_tree_and_an_order_are_drawn_of_branches_and_bars(algorithm):
    rng = np.random.default_rng(2)
    near = rng.normal(size=(240, 2)) + (np.arange(240) % 3)[:, None] * 20
    own = {"agglomerative": {}, "optics": {"min_samples": 20}}[algorithm]
    segmenter = fitted(pl.DataFrame(near, schema=["a", "b"]), algorithm=algorithm, algorithm_params=own)
    told = segmenter.summary()
    part = {"agglomerative": "tree", "optics": "reachability"}[algorithm]
    assert told[part] is not None
    page, text = render(told), markdown(told)
    words = {"tree": "Tree of 30 branches in 3 segments.", "reachability": "in the order of OPTICS, 24 bars."}[part]
    assert words in page
    assert words in text
    assert page.count("<svg") == 2 + bool(told["choice"]["candidates"])


def test_how_dense_segments_were_tried_to_be_is_told():
    rng = np.random.default_rng(3)
    near = rng.normal(size=(240, 2)) + (np.arange(240) % 3)[:, None] * 20
    own = {"min_cluster_size": "auto"}
    segmenter = fitted(pl.DataFrame(near, schema=["a", "b"]), algorithm="hdbscan", algorithm_params=own)
    told = summary(segmenter.card_)
    tried = segmenter.density_.rows()
    assert len(tried) > 1
    for text in (render(told), markdown(told)):
        assert "min_cluster_size" in text
        assert all(cell in text for row in tried for cell in row)


def test_a_report_asked_for_wrongly(full_card):
    with pytest.raises(InvalidInput, match="card is no model card"):
        summary({**full_card, "insight": {"names": [3]}})


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_personas_of_few_customers_each_leave_a_report_without_them(tmp_path, suffix):
    spend = [*range(15), *range(100, 115)]
    segmenter = Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": spend}))
    segmenter.compare_personas([f"persona {at % 5}" for at in range(30)])
    assert segmenter.summary()["personas"] is None
    page = segmenter.report(tmp_path / f"report.{suffix}").read_text(encoding="utf-8")
    assert "persona 1" not in page
    assert "persona 1" in segmenter.report(tmp_path / f"report.{suffix}", min_report_size=1).read_text(encoding="utf-8")


def test_findings_of_fewer_customers_than_asked_for_are_not_told():
    segmenter = Segmenter(n_clusters=3, value_column="spend")
    segmenter.fit(pl.DataFrame({"spend": [*range(60), *range(1000, 1020), *range(3000, 3060)]}))
    contacts = pl.DataFrame({"row": range(140), "persona": ["a"] * 80 + ["b"] * 60, "calls": [1.0] * 80 + [9.0] * 60})
    segmenter.compare_personas(contacts, contacts="calls")
    few = next(row["segment"] for row in segmenter.profile_.to_dicts() if row["size"] == 20)
    told = [summary(segmenter.card_, min_report_size=fewest)["personas"] for fewest in (20, 21)]
    assert [few in {row["segment"] for row in one["served"]} for one in told] == [True, False]
    assert [any(f"segment {few} " in row["sentence"] for row in one["findings"]) for one in told] == [True, False]


def test_names_in_letters_that_no_font_here_has_are_text(card):
    called = card["insight"] | {"names": [{"segment": at, "name": f"\u5ba2\u6237 {at}"} for at in range(3)]}
    assert "\u5ba2\u6237 1" in render(summary(card | {"insight": called}))
