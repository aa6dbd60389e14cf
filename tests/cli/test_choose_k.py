"""``gpuseg choose-k``: the comparison that the library makes, as a table, as a file and as JSON."""

import json
from pathlib import Path

import polars as pl
import pytest

from gpuseg import Segmenter
from gpuseg.selection import Candidate, KChoice

GIVEN = ("choose-k", "c.csv", "--id", "customer_id", "--k-range", "2:5")


@pytest.fixture(autouse=True)
def table(gpuseg, customers):
    customers.write_csv("c.csv")


def test_it_is_the_librarys_choice(gpuseg):
    code, out, _ = gpuseg(*GIVEN, "--json", "--random-state", "4")
    result = json.loads(out)
    choice = Segmenter("customer_id", k_range=(2, 5), random_state=4).choose_k("c.csv")
    assert (code, result["k"], result["reason"]) == (0, choice.k, choice.reason)
    assert result["candidates"] == choice.table.to_dicts()
    assert result["k"] == 3


def test_it_prints_a_row_a_candidate_and_the_reason(gpuseg):
    code, out, _ = gpuseg(*GIVEN)
    head, *rows, last = out.splitlines()
    assert code == 0
    assert head.split()[:3] == ["k", "silhouette", "stability"]
    assert head.endswith("Calinski-Harabasz  Davies-Bouldin  inertia")
    assert [row.split()[0] for row in rows] == ["2", "*", "4", "5"]
    assert last.startswith("recommended: k=3 (*): 3 segments")


def test_it_writes_its_table(gpuseg):
    assert gpuseg(*GIVEN, "-o", "k.parquet", "--quiet") == (0, "", "")
    assert pl.read_parquet("k.parquet").columns == list(Candidate._fields)
    assert pl.read_parquet("k.parquet")["k"].to_list() == [2, 3, 4, 5]


def test_columns_and_parameters_are_heeded(gpuseg):
    spend = json.loads(gpuseg(*GIVEN, "--columns", "spend", "--json")[1])
    both = json.loads(gpuseg(*GIVEN, "--columns", "spend,visits", "--json")[1])
    assert spend["candidates"][0]["inertia"] < both["candidates"][0]["inertia"]
    once = json.loads(gpuseg(*GIVEN, "--set-param", "preprocessor__scale=none", "--json")[1])
    assert once["candidates"][0]["inertia"] != both["candidates"][0]["inertia"]


def test_scores_that_are_not_defined_are_dashes():
    from gpuseg.cli.choose_k import lines_of

    choice = KChoice(2, "it is so", [Candidate(2, 1.5, None, None, 9.0, None), Candidate(3, 1.0, None, None, None, 2)])
    assert [line.split() for line in lines_of(choice)[1:3]] == [
        ["*", "2", "-", "9", "-", "1.5"],
        ["3", "-", "-", "2", "1"],
    ]


def test_another_algorithm_and_limits_are_the_librarys(gpuseg):
    given = ("--algorithm", "agglomerative", "--criteria", "gap", "--max-segments", "4", "--min-share", "5%")
    result = json.loads(gpuseg(*GIVEN, *given, "--json")[1])
    segmenter = Segmenter(
        "customer_id", algorithm="agglomerative", k_range=(2, 5), criteria=["gap"], max_segments=4, min_share=0.05
    )
    choice = segmenter.choose_k("c.csv")
    assert (result["k"], result["reason"]) == (choice.k, choice.reason)
    assert result["candidates"] == choice.table.to_dicts()
    assert [one["k"] for one in result["candidates"]] == [2, 3, 4]
    assert all(one["gap"] is not None and one["stability"] is None for one in result["candidates"])


def test_limits_that_nothing_meets_are_said_in_options(gpuseg):
    code, _, error = gpuseg(*GIVEN, "--min-share", "0.5")
    assert code == 2
    assert "less than --min-share 0.5; loosen that limit, or give another --k-range" in error
    code, _, error = gpuseg(*GIVEN, "--max-segments", "1")
    assert (code, "give a whole number from 2 up" in error) == (2, True)
    code, _, error = gpuseg(*GIVEN, "--min-share", "3")
    assert (code, "give one above 0 and up to 0.5" in error) == (2, True)


@pytest.mark.parametrize(
    ("option", "word"),
    [
        (["--k-range", "1:3"], "'1:3' is no range of k"),
        (["--k", "3"], "--k is no option of 'gpuseg choose-k'"),
        (["--columns", "spnd"], "did you mean 'spend'"),
        (["--set-param", "n_int=3"], "did you mean 'n_init'"),
        (["-o", "c.csv"], "is also the input"),
    ],
)
def test_a_wrong_option(refused, option, word):
    given = [part for part in GIVEN if option[0] != "--k-range" or part not in ("--k-range", "2:5")]
    assert word in refused(*given, *option)
    assert [path.name for path in Path().iterdir()] == ["c.csv"]
