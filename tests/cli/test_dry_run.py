"""``gpuseg segment --dry-run`` and ``gpuseg run --dry-run``: the plan and nothing else."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from gpuseg.planning import plan


@pytest.fixture
def customers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pl.DataFrame({"who": range(90), "spend": [1.5, 2.5, 90.0] * 30, "visits": [1, 2, 3] * 30})
    table.write_csv("customers.csv")
    table.write_parquet("customers.parquet")


@pytest.mark.parametrize("name", ["customers.csv", "customers.parquet"])
def test_it_prints_the_plan_and_writes_nothing(gpuseg, customers, name):
    before = sorted(Path().iterdir())
    code, out, err = gpuseg("segment", name, "-o", "s.csv", "--model", "m.gpuseg", "--id", "who", "--dry-run")
    assert (code, err) == (0, "")
    assert out.startswith("kmeans of 90 rows by 2 columns")
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--k", "3"], plan("kmeans", 90, 3, n_clusters=3, n_init=10)),
        (["--columns", "spend", "--set-param", "n_init=2"], plan("kmeans", 90, 1, n_clusters=12, n_init=2)),
        (["--algorithm", "hdbscan", "--set-param", "min_cluster_size=9"], plan("hdbscan", 90, 3, min_samples=9)),
        (["--algorithm", "dbscan", "--id", "who", "--backend", "cpu"], plan("dbscan", 90, 2, backend="cpu")),
    ],
)
def test_it_plans_what_the_options_ask_for(gpuseg, customers, options, expected):
    told = json.loads(gpuseg("segment", "customers.csv", "-o", "s.csv", "--dry-run", "--json", *options)[1])["plan"]
    assert (told["rows"], told["columns"], told["reason"]) == (90, expected.columns, expected.reason)
    figures = [(line["backend"], line["bytes"], line["work"]) for line in told["lines"]]
    assert figures == [(line.backend, line.bytes, line.work) for line in expected.lines]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--columns", "spent"], "--columns 'spent' is not a column of the table, .*; did you mean 'spend'"),
        (["--id", "whom"], "--id 'whom' is not a column of the table"),
        (["--model", "m.txt"], "m.txt"),
    ],
)
def test_what_the_fit_would_refuse_at_once_is_refused(gpuseg, customers, options, words):
    code, out, err = gpuseg("segment", "customers.csv", "-o", "s.csv", "--dry-run", *options)
    assert (code, out) == (2, "")
    assert re.search(words, err)


@pytest.fixture
def transactions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = [f"2026-01-{day:02}" for day in range(1, 31)] * 10
    table = pl.DataFrame({"customer": [5 + i % 40 for i in range(300)], "date": days, "amount": [1.5] * 300})
    table.write_csv("t.csv")
    Path("t").mkdir()
    table[:200].write_parquet("t/0.parquet")
    table[200:].write_parquet("t/1.parquet")


def of_run(gpuseg, *arguments):
    before = sorted(Path().rglob("*"))
    code, out, err = gpuseg("run", *arguments, "-o", "out", "--dry-run")
    assert sorted(Path().rglob("*")) == before
    return code, out, err


def test_the_plan_of_a_run_is_told_from_footers(gpuseg, transactions):
    code, out, err = of_run(gpuseg, "t", "--workers", "2", "--report", "r.html")
    assert code == 0
    assert err.startswith("columns taken by their names: --customer 'customer'")
    assert re.search(r"^t: 2 files, .* [kM]?B, 300 rows$", out, re.MULTILINE)
    assert "features: 'recency', 'frequency', 'monetary'\n" in out
    assert "customers: 40 at most (column 'customer' holds 5 to 44)" in out
    assert "\nkmeans of 40 rows by 3 columns" in out
    assert "\nwork: 2 new workers on this machine\n" in out
    assert out.endswith("to be written: out/model.gpuseg\nto be written: r.html\n")


def test_rows_of_a_csv_are_said_to_be_an_estimate(gpuseg, transactions):
    code, out, _ = of_run(gpuseg, "t.csv", "--quiet")
    assert (code, out) == (0, "")
    _, out, _ = of_run(gpuseg, "t.csv")
    assert "about 300 rows, estimated from the size\n" in out
    assert "customers: 300 at most (as many as rows)" in out
    told = json.loads(of_run(gpuseg, "t.csv", "--json", "--set", "all", "--k", "4", "--scheduler", "tcp://h:8786")[1])
    assert told["transactions"] == {"rows": 300, "exact": False, "bytes": Path("t.csv").stat().st_size}
    assert "products" not in told["features"]  # no column names one
    assert told["plan"]["columns"] == len(told["features"])
    assert (
        told["plan"]["lines"][-1]["work"]
        == plan("kmeans", 300, told["plan"]["columns"], n_clusters=4, n_init=10).lines[-1].work
    )
    assert told["work"] == "the workers at tcp://h:8786"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--amount", "value"], "--amount 'value' is not a column of the table"),
        (["--columns", "recency,spend"], "--columns 'spend' is not a column of the table"),
        (["--workers", "2", "--scheduler", "tcp://h:8786"], "two ways to have workers"),
        (["--report", "r.txt"], "r.txt"),
    ],
)
def test_what_a_run_would_refuse_at_once_is_refused(gpuseg, transactions, options, words):
    code, out, err = of_run(gpuseg, "t.csv", *options)
    assert (code, out) == (2, "")
    assert words in err


def test_a_part_that_is_no_parquet_is_told_by_the_plan(gpuseg, transactions):
    Path("t/2.parquet").write_text("customer,date\n")
    code, out, err = of_run(gpuseg, "t")
    assert (code, out) == (2, "")
    assert "cannot be read as Parquet" in err
