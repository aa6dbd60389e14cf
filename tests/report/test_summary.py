import copy
import json

import numpy as np
import polars as pl
import pytest

from gpuseg import customer_features
from gpuseg.card import profile_of
from gpuseg.errors import InvalidInput
from gpuseg.report import render, summary
from tests.report.conftest import customers, fitted


def test_it_is_plain_and_says_what_the_card_says(card):
    told = summary(card)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    frame = profile_of(card["profile"])
    named = frame.select("segment", "size", "share", number=pl.col("segment").cast(pl.String)).to_dicts()
    assert [{name: row[name] for name in named[0]} for row in told["segments"]] == named
    assert (told["customers"], told["found"], told["noise"]) == (120, 3, 0)
    for name in ("choice", "metrics", "backend", "versions", "training_data_sha256", "algorithm", "created"):
        assert told[name] == json.loads(json.dumps(card[name]))
    assert told["title"] == "3 segments of 120 customers"


def test_each_kind_of_column_has_its_summaries(card):
    columns = {column["name"]: column for column in summary(card)["profile"]}
    frame = profile_of(card["profile"])
    assert list(columns) == ["spend", "age", "joined", "member", "plan"]
    assert columns["spend"]["mean"] == frame["spend_mean"].to_list()
    assert columns["spend"]["median"] == frame["spend_median"].to_list()
    assert columns["member"]["share"] == frame["member_share"].to_list()
    assert columns["plan"]["top"] == frame["plan_top"].to_list()
    assert columns["plan"]["top_share"] == frame["plan_top_share"].to_list()
    assert [text[:10] for text in columns["joined"]["mean"]] == [str(day.date()) for day in frame["joined_mean"]]


def test_all_is_the_mean_of_the_table_and_nothing_where_values_were_missing(card):
    table = customers()
    columns = {column["name"]: column for column in summary(card)["profile"]}
    assert columns["spend"]["all"] == pytest.approx(table["spend"].mean())
    assert columns["member"]["all"] == pytest.approx(table["member"].mean())
    assert columns["joined"]["all"][:10] == str(table["joined"].mean().date())
    assert columns["age"]["all"] is None


def test_what_preprocessing_did_is_told(card):
    told = summary(card)["preparation"]
    columns = {column["name"]: column for column in told["columns"]}
    assert (told["rows_read"], told["rows_kept"]) == (120, 120)
    assert columns["age"]["missing"] == 3
    assert "missing as" in columns["age"]["done"]
    assert not columns["same"]["used"]
    assert "constant" in columns["same"]["done"]


def test_a_small_segment_is_told_by_its_size_alone():
    group = np.repeat([0, 1], [9, 40])
    told = summary(fitted(pl.DataFrame({"a": group * 50.0 + np.arange(49) / 50}), n_clusters=2).card_)
    assert told["small"] == [1]
    column = told["profile"][0]
    assert [part[1] for part in (column["mean"], column["median"], column["contrast"])] == [None] * 3
    assert column["all"] == column["mean"][0] == pytest.approx(np.mean(np.arange(9, 49) / 50 + 50))
    assert [row["size"] for row in told["segments"]] == [40, 9]


@pytest.fixture(scope="module")
def valued_card():
    """Return the card of segments of 40, 30, 6 and 5 customers, of which the smallest are worth most."""
    group = np.repeat([0, 1, 2, 3], [40, 30, 6, 5])
    spend = np.array([1.0, 10.0, 100.0, 1000.0])[group] + np.arange(81) / 500
    return fitted(pl.DataFrame({"spend": spend, "group": group * 9.0}), n_clusters=4, value_column="spend").card_


def test_several_small_segments_are_pooled(valued_card):
    told = summary(valued_card)
    assert told["small"] == [2, 3]
    assert [row["segment"] for row in told["segments"]] == [0, 1, None]
    assert [row["size"] for row in told["segments"]] == [40, 30, 11]
    assert told["segments"][2]["name"] == "2 small segments"
    whole = profile_of(valued_card["profile"])["value_share"].to_list()
    assert [row["value_share"] for row in told["segments"]] == pytest.approx([*whole[:2], sum(whole[2:])])
    for column in told["profile"]:
        assert [len(column["mean"]), column["mean"][2], column["median"][2]] == [3, None, None]
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    page = render(told)
    assert "Fewer than 10 customers: 2 small segments." in page


@pytest.mark.parametrize(("fewest", "small"), [(1, []), (5, []), (6, [3]), (7, [2, 3]), (31, [1, 2, 3])])
def test_the_smallest_segment_told_of_is_the_users_to_say(valued_card, fewest, small):
    told = summary(valued_card, min_report_size=fewest)
    assert (told["small"], told["min_report_size"]) == (small, fewest)
    assert sum(row["size"] for row in told["segments"]) == 81
    assert sum(row["value_share"] or 0.0 for row in told["segments"]) == pytest.approx(1.0)


def test_the_rest_of_a_share_of_value_tells_of_no_few(valued_card):
    whole = profile_of(valued_card["profile"])["value_share"].to_list()
    shares = [row["value_share"] for row in summary(valued_card, min_report_size=6)["segments"]]
    assert shares[3] is None
    assert shares[:3] == pytest.approx([share / sum(whole[:3]) for share in whole[:3]])


def test_long_parameters_are_cut(card):
    told = summary({**card, "parameters": {"weights": list(range(1000)), "tol": 0.5, "name": "x", "none": None}})
    assert len(told["parameters"]["weights"]) < 250
    assert told["parameters"]["weights"].startswith("[0, 1, 2")
    assert {name: told["parameters"][name] for name in ("tol", "name", "none")} == {
        "tol": 0.5,
        "name": "x",
        "none": None,
    }


@pytest.fixture(scope="module")
def cleaned():
    rows = {"customer_id": ["a", "b", None, "a"], "date": ["2024-01-01", "2024-02-01", "2024-02-02", "2024-03-01"]}
    return customer_features(pl.DataFrame({**rows, "amount": [5.0, 7.0, 1.0, 2.0], "order_id": [1, 2, 3, 4]}))[1]


def test_a_cleaning_report_is_taken_as_object_and_as_dict(card, cleaned):
    told = summary(card, cleaning=cleaned)
    assert told == summary(card, cleaning=cleaned.to_dict())
    assert told["cleaning"]["read"] == 4
    assert told["cleaning"]["dropped"]["no id"] == 1
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("path", [["profile"], ["rows", "kept"], ["preprocessing", "columns"], ["backend"]])
def test_what_is_no_card_is_refused(card, path):
    broken = copy.deepcopy(card)
    inner = broken
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    with pytest.raises(InvalidInput, match=r"card is no model card .*; give Segmenter\.card_"):
        summary(broken)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cleaning": {"rows": 3}}, "cleaning is a dict that tells no rows read and kept; give the CleaningReport"),
        ({"cleaning": 3}, "cleaning is a int that tells"),
        ({"title": 3}, "title=3 is not text; give a string"),
        ({"min_report_size": 0}, "min_report_size=0 is no number of customers; give a whole number from 1 up"),
        ({"min_report_size": True}, "min_report_size=True is no number of customers"),
    ],
)
def test_what_is_no_cleaning_report_title_or_size(card, given, said):
    with pytest.raises(InvalidInput, match=said):
        summary(card, **given)
