"""``gpuseg segment --dry-run``: the plan and nothing else."""

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
