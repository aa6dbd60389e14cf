import copy
import json

import numpy as np
import polars as pl
import pytest

from gpuseg import customer_features
from gpuseg.card import profile_of
from gpuseg.errors import InvalidInput
from gpuseg.report import summary
from tests.report.conftest import customers, fitted


def test_it_is_plain_and_says_what_the_card_says(card):
    told = summary(card)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    frame = profile_of(card["profile"])
    named = frame.select("segment", "size", "share", name=pl.col("segment").cast(pl.String))
    assert told["segments"] == named.to_dicts()
    assert (told["customers"], told["found"], told["noise"]) == (120, 3, 0)
    for name in ("choice", "metrics", "backend", "versions", "training_data_sha256", "algorithm", "created"):
        assert told[name] == card[name]
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


def test_small_segments_are_named():
    group = np.repeat([0, 1], [3, 40])
    told = summary(fitted(pl.DataFrame({"a": group * 50.0 + np.arange(43) / 50}), n_clusters=2).card_)
    assert told["small"] == [1]
    column = told["profile"][0]
    assert [part[1] for part in (column["mean"], column["median"], column["contrast"])] == [None] * 3
    assert column["all"] == column["mean"][0] == pytest.approx(np.mean(np.arange(3, 43) / 50 + 50))
    assert [row["size"] for row in told["segments"]] == [40, 3]


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
    ],
)
def test_what_is_no_cleaning_report_or_title(card, given, said):
    with pytest.raises(InvalidInput, match=said):
        summary(card, **given)
