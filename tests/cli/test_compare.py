"""``gpuseg compare``, and ``gpuseg segment --personas``: the library's comparison as text, as JSON and as a file."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gpuseg import compare_personas


@pytest.fixture
def files(gpuseg, customers):
    """Write customers, segments and personas: one persona for two groups, and too small a budget for one of these."""
    group = np.repeat([0, 1, 2], 40)
    customers.write_csv("c.csv")
    customers.select("customer_id", segment=pl.Series(group)).write_csv("s.csv")
    personas = customers.select("customer_id", persona=pl.Series(np.array(["low", "low", "high"])[group]))
    personas.with_columns(budget=customers["spend"] * np.array([1.0, 0.2, 1.0])[group]).write_csv("p.csv")
    return "s.csv", "p.csv"


MORE = ("--customers", "c.csv", "--value", "spend", "--contacts", "budget")


def test_it_is_the_librarys_comparison(gpuseg, files):
    code, out, _ = gpuseg("compare", *files, *MORE, "--json")
    found = compare_personas(*files, customers="c.csv", value="spend", contacts="budget")
    assert code == 0
    assert json.loads(out) == {"output": None, **json.loads(json.dumps(found.to_dict()))}
    assert [one["kind"] for one in json.loads(out)["findings"]] == ["split", "under-served"]


def test_it_prints_flows_and_findings(gpuseg, files):
    code, out, _ = gpuseg("compare", *files, *MORE)
    head, low, high, overlap, agreement, split, under = out.splitlines()
    assert code == 0
    assert head.split() == ["persona", "customers", "0", "1", "2"]
    assert low.split() == ["low", "80", "50.0", "%", "50.0", "%", "0.0", "%"]
    assert high.split() == ["high", "40", "0.0", "%", "0.0", "%", "100.0", "%"]
    assert overlap == "100.0 % of 120 customers are among the personas"
    assert agreement.startswith("personas and segments agree to an adjusted Rand index of 0.")
    assert split.startswith("persona 'low' (80 customers) is split into segment 0 (40, 50.0 %) and segment 1")
    assert "plan (basic against gold)" in split
    assert under.startswith("segment 1 is under-served: ")


def test_it_writes_the_flows(gpuseg, files):
    assert gpuseg("compare", *files, "-o", "f.parquet", "--quiet") == (0, "", "")
    assert pl.read_parquet("f.parquet").equals(compare_personas(*files).flows)


def test_columns_are_named(gpuseg, files):
    pl.read_csv("s.csv").rename({"segment": "kind", "customer_id": "who"}).write_csv("t.csv")
    pl.read_csv("p.csv").rename({"persona": "name it", "customer_id": "who"}).write_parquet("q.parquet")
    named = ("--id", "who", "--segment", "kind", "--persona", "name it")
    first, second = (
        json.loads(gpuseg("compare", *given, "--json")[1]) for given in (files, ("t.csv", "q.parquet", *named))
    )
    assert second["flows"] == first["flows"]
    assert gpuseg("compare", *files, "--customers", "c.csv", "--features", "visits")[1].count("visits (") == 1


def test_personas_may_be_a_column_of_the_customers(gpuseg, files):
    code, out, _ = gpuseg("compare", "s.csv", "plan", "--customers", "c.csv", "--json")
    assert (code, json.loads(out)["agreement"]["adjusted_rand"]) == (0, 1)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (
            ["--persona", "persna"],
            "--persona 'persna' is not a column of the table, which has 'customer_id', 'persona'",
        ),
        (["--segment", "x"], "--segment 'x' is not a column"),
        (["--value", "spnd", *MORE[:2], *MORE[4:]], "did you mean 'spend'"),
        (["--value", "plan", *MORE[:2], *MORE[4:]], "column 'plan' holds String; give a column of numbers as"),
        (["-o", "p.csv"], "is also the input"),
        (["--model", "m.gpuseg"], "--model is no option of 'gpuseg compare'"),
    ],
)
def test_a_wrong_option(refused, files, options, word):
    assert word in refused("compare", *files, *options)


def test_other_customers_and_no_file(refused, files):
    pl.read_csv("p.csv").with_columns(pl.col("customer_id") + 100).write_csv("p.csv")
    assert "20 of the 120 customers (16.7%) have an id among the 120 of the personas" in refused("compare", *files)
    assert "q.csv does not exist" in refused("compare", "s.csv", "q.csv")
    assert "the personas 'plan' are neither a column" in refused("compare", "s.csv", "plan")


SEGMENT = ("segment", "c.csv", "-o", "o.csv", "--id", "customer_id", "--k", "3", "--value", "spend")


def test_segment_compares_and_keeps_it(gpuseg, files):
    given = ("--personas", "p.csv", "--contacts", "budget", "--model", "m.gpuseg", "--report", "r.html")
    code, out, _ = gpuseg(*SEGMENT, *given)
    assert code == 0
    assert "persona 'low' (80 customers) is split into segment " in out
    assert " is under-served: " in out
    result = json.loads(gpuseg(*SEGMENT, *given, "--json")[1])
    assert [one["kind"] for one in result["personas"]["findings"]] == ["split", "under-served"]
    kept = json.loads(gpuseg("inspect", "m.gpuseg", "--json")[1])
    assert kept["personas"] == result["personas"]
    ids = pl.read_csv("c.csv")["customer_id"].cast(pl.String).to_list()
    assert not any(f'"{name}"' in json.dumps(kept["personas"]) for name in ids)


def test_a_column_of_personas_is_not_fitted_to(gpuseg, files):
    pl.read_csv("c.csv").join(pl.read_csv("p.csv"), on="customer_id").drop("budget").write_csv("both.csv")
    alone = gpuseg(*SEGMENT, "--json")[1]
    given = [part if part != "c.csv" else "both.csv" for part in SEGMENT]
    code, out, err = gpuseg(*given, "--personas", "persona", "--json")
    assert (code, json.loads(out)["profile"]) == (0, json.loads(alone)["profile"])
    assert "'persona' holds the personas and is left out of the fit" in err


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--persona", "x"], "--persona needs --personas"),
        (["--personas", "q.csv"], "q.csv does not exist"),
        (["--personas", "p.csv", "--persona", "x"], "--persona 'x' is not a column"),
        (["--personas", "p.csv", "--contacts", "x"], "--contacts 'x' is not a column"),
        (["--personas", "c.csv"], "name theirs as --persona"),
    ],
)
def test_segment_refuses_before_the_fit(refused, files, options, word, monkeypatch):
    monkeypatch.setattr("gpuseg.segmenter.Segmenter.fit", lambda *_: pytest.fail("it was fitted"))
    assert word in refused(*SEGMENT, *options)
    assert not Path("o.csv").exists()
