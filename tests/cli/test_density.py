"""Density that is left to be chosen, on the command line."""

import json

import polars as pl
import pytest

from gpuseg import Segmenter
from gpuseg.cli._density import lines_of, result_of
from gpuseg.planning import plan
from gpuseg.selection import DensityCandidate, DensityChoice

AUTO = {"hdbscan": "min_cluster_size=auto", "dbscan": "eps=auto"}


@pytest.fixture(autouse=True)
def table(gpuseg, customers):
    customers.write_csv("c.csv")


@pytest.mark.parametrize("algorithm", AUTO)
def test_a_segmentation_chooses_and_says_why(gpuseg, algorithm):
    given = ("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--algorithm", algorithm)
    code, out, err = gpuseg(*given, "--set-param", AUTO[algorithm], "--model", "m.gpuseg")
    name = AUTO[algorithm].partition("=")[0]
    assert code == 0
    assert f"3 segments of 120 customers: {name}=" in out
    assert "makes 3 segments of the highest DBCV" in out
    assert f"{name}=" in err
    card = json.loads(gpuseg("inspect", "m.gpuseg", "--json")[1])
    assert card["density"]["parameter"] == name
    assert card["parameters"][name] == card["density"]["value"]


def test_a_plan_of_what_is_to_be_chosen(gpuseg):
    given = ("segment", "c.csv", "-o", "s.csv", "--algorithm", "hdbscan", "--set-param", "min_cluster_size=auto")
    told = json.loads(gpuseg(*given, "--dry-run", "--json")[1])["plan"]
    assert told["reason"] == plan("hdbscan", 120, 4, min_samples=5).reason


def test_the_comparison_is_a_table_and_a_recommendation():
    tried = [DensityCandidate(10, 3, 0.1, 0.2, 0.5, 0.9, 0.8), DensityCandidate(20, 0, 1.0, None, None, None, None)]
    choice = DensityChoice("min_cluster_size", 10, 5, "as it is", tried)
    head, first, second, last = lines_of(choice)
    assert head.split()[:4] == ["min_cluster_size", "segments", "noise", "smallest"]
    assert first.split() == ["*", "10", "3", "10.0%", "20.0%", "0.50", "0.90", "0.80"]
    assert second.split() == ["20", "0", "100.0%", "-", "-", "-", "-"]
    assert last == "recommended: min_cluster_size=10, min_samples=5 (*): as it is"
    assert json.loads(json.dumps(result_of(choice)))["parameters"] == {"min_cluster_size": 10, "min_samples": 5}


@pytest.mark.parametrize("algorithm", AUTO)
def test_choose_k_compares_how_dense_segments_are(gpuseg, customers, algorithm):
    given = ("choose-k", "c.csv", "--id", "customer_id", "--algorithm", algorithm, "--max-segments", "3")
    choice = Segmenter("customer_id", algorithm=algorithm, max_segments=3).choose_k(customers)
    code, out, _ = gpuseg(*given, "-o", "t.csv")
    assert (code, out.splitlines()[:-1]) == (0, lines_of(choice))
    assert pl.read_csv("t.csv").columns == choice.table.columns
    result = json.loads(gpuseg(*given, "--json")[1])
    assert result["parameters"] == choice.parameters
    assert result["candidates"] == choice.table.to_dicts()


def test_limits_are_for_what_is_chosen_alone(gpuseg, customers):
    given = ("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--algorithm", "hdbscan", "--max-segments", "2")
    assert "--max-segments is not for hdbscan" in gpuseg(*given)[2]
    code, _, error = gpuseg(*given, "--set-param", AUTO["hdbscan"], "--min-share", "0.45")
    assert code == 2
    assert "keeps within --min-share 0.45 and --max-segments 2" in error
