"""Data and values that cannot be segmented: exit code 2, one line that says what to do, and nothing left behind."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gpuseg.backends import available


def written(table, name="in.parquet"):
    pl.DataFrame(table, strict=False).write_parquet(name)
    return name


def rows(**changes):
    """Return four transactions as text, with some columns exchanged."""
    return {
        "customer_id": ["1", "2", "3", "3"],
        "date": ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"],
        "amount": ["1.5", "2", "3", "4"],
        **changes,
    }


# Files


@pytest.mark.parametrize("command", ["features", "segment", "run"])
def test_a_missing_file(refused, command, tmp_path):
    Path("shop.parquet").touch()
    output = "out" if command == "run" else "out.csv"
    assert "shp.parquet does not exist" in refused(command, "shp.parquet", "-o", output)
    assert "did you mean 'shop.parquet'" in refused(command, "shp.parquet", "-o", output)
    assert [p.name for p in tmp_path.iterdir()] == ["shop.parquet"]


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.arrow"])
def test_an_empty_file(refused, name):
    Path(name).touch()
    assert "x." in refused("segment", name, "-o", "out.csv")


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.arrow"])
def test_a_corrupt_file(refused, name):
    Path(name).write_bytes(np.random.default_rng(0).bytes(4000))
    assert name in refused("features", name, "-o", "out.csv")


def test_a_truncated_file(refused, customers):
    customers.write_parquet("x.parquet")
    Path("x.parquet").write_bytes(Path("x.parquet").read_bytes()[:-100])
    assert "x.parquet" in refused("segment", "x.parquet", "-o", "out.csv")


def test_a_file_with_a_header_only(refused):
    Path("x.csv").write_text("a,b\n")
    assert "no rows" in refused("segment", "x.csv", "-o", "out.csv")
    Path("x.csv").write_text("customer_id,date,amount\n")
    assert "no rows" in refused("features", "x.csv", "-o", "out.csv")


# Columns


def test_a_wrong_column_of_transactions(refused):
    message = refused("features", written(rows()), "-o", "out.csv", "--customer", "custmer_id")
    assert "custmer_id" in message
    assert "did you mean 'customer_id'" in message


def test_a_role_that_no_column_has(refused):
    table = rows()
    del table["date"]
    assert "time" in refused("features", written(table), "-o", "out.csv")


def test_an_ambiguous_role_lists_the_candidates(refused):
    message = refused("features", written(rows(timestamp=["2026-01-01"] * 4)), "-o", "out.csv")
    assert "'date'" in message
    assert "'timestamp'" in message


@pytest.mark.parametrize("option", [["--id", "custmer_id"], ["--columns", "spend,vsits"]])
def test_a_wrong_column_of_customers(refused, customers, option):
    customers.write_csv("c.csv")
    message = refused("segment", "c.csv", "-o", "out.csv", *option)
    assert "did you mean" in message
    assert not Path("out.csv").exists()


# Values


@pytest.mark.parametrize("bad", ["£3.50", "three", "1,5", "$4"])
def test_text_in_the_amount(refused, bad):
    message = refused("features", written(rows(amount=["1.5", bad, "3", "4"])), "-o", "out.csv")
    assert "'amount'" in message
    assert bad in message


def test_missing_and_infinite_amounts_are_dropped_and_counted(gpuseg):
    table = rows(amount=[1.5, float("nan"), float("inf"), None])
    code, out, _ = gpuseg("features", written(table), "-o", "out.csv", "--json")
    assert code == 0
    assert json.loads(out)["cleaning"]["dropped"]["no amount"] == 3


@pytest.mark.parametrize("bad", ["n/k", "$ 12", "£3.50"])
def test_text_in_a_number_column_of_customers(refused, bad):
    spend = [str(i) for i in range(39)] + [bad]
    message = refused("segment", written({"spend": spend, "visits": list(range(40))}), "-o", "out.csv")
    assert "'spend'" in message
    assert bad in message


def test_missing_and_infinite_numbers_of_customers_are_filled(gpuseg, customers):
    spend = customers["spend"].to_list()
    spend[0], spend[1], spend[2] = float("nan"), float("inf"), None
    table = written(customers.with_columns(spend=pl.Series(spend)).to_dict(as_series=False))
    code, _, err = gpuseg("segment", table, "-o", "out.csv", "--id", "customer_id", "--model", "m.gpuseg")
    assert code == 0
    assert "column 'spend': 3 of 120 values are missing or infinite and taken as" in err
    assert pl.read_csv("out.csv").height == 120
    assert "column 'spend': number, 2 missing, 1 infinite taken as missing" in gpuseg("inspect", "m.gpuseg")[1]
    assert "column 'spend': 3 missing or infinite values" in gpuseg("predict", "m.gpuseg", table, "-o", "p.csv")[2]


@pytest.mark.parametrize(
    ("dates", "word"),
    [
        (["soon", "later", "never", "2026-01-01"], "reads as times in only 1 of 4 rows"),
        (["01/02/2026", "03/04/2026", "05/06/2026", "07/08/2026"], "--time-format '%m/%d/%Y'"),
        (["2026-01-01T00:00:00Z", "2026-01-02T00:00:00+02:00", "2026-01-03T00:00:00", "2026-01-03"], "zone"),
    ],
)
def test_times_that_cannot_be_read(refused, dates, word):
    message = refused("features", written(rows(date=dates)), "-o", "out.csv")
    assert "'date'" in message
    assert word in message


def test_every_id_missing(refused):
    assert "holds no id" in refused("features", written(rows(customer_id=[None, "", "nan", " "])), "-o", "out.csv")


def test_a_feature_that_there_is_not(refused):
    assert "did you mean 'recency'" in refused("features", written(rows()), "-o", "out.csv", "--set", "recncy,monetary")


def test_an_as_of_before_every_row_or_unreadable(refused):
    assert "none of 4 rows is left" in refused("features", written(rows()), "-o", "out.csv", "--as-of", "2020-01-01")
    assert "soon" in refused("features", written(rows()), "-o", "out.csv", "--as-of", "soon")


# Customers


def test_duplicate_and_missing_ids(refused, customers):
    twice = pl.concat([customers, customers.head(2)])
    twice.write_csv("c.csv")
    message = refused("segment", "c.csv", "-o", "out.csv", "--id", "customer_id")
    assert "repeats ids in 2 of 122 rows, such as '1000', '1001'" in message
    customers.with_columns(pl.when(pl.col("customer_id") > 1002).then("customer_id")).write_csv("c.csv")
    message = refused("segment", "c.csv", "-o", "out.csv", "--id", "customer_id")
    assert "missing in 3 of 120 rows" in message


def test_one_customer(refused, customers):
    customers.head(1).write_csv("c.csv")
    assert "1 row" in refused("segment", "c.csv", "-o", "out.csv", "--id", "customer_id")


def test_fewer_distinct_rows_than_k(refused):
    table = {"a": [1.0, 2.0, 3.0] * 10, "b": [1.0, 5.0, 2.0] * 10}
    message = refused("segment", written(table), "-o", "out.csv", "--k", "5")
    assert message == "gpuseg: --k 5 is more than the 3 distinct rows; ask for fewer segments\n"
    assert not Path("out.csv").exists()


def test_more_segments_than_customers(refused, customers):
    customers.write_csv("c.csv")
    message = refused("segment", "c.csv", "-o", "out.csv", "--id", "customer_id", "--k", "121")
    assert "--k 121 is more than the rows, n_samples=120; use at most 120" in message


def test_a_constant_table(refused):
    assert "constant" in refused("segment", written({"a": [1.0] * 30, "b": ["x"] * 30}), "-o", "out.csv")


# Options


@pytest.mark.parametrize(
    ("option", "word"),
    [
        (["--k", "0"], "'0' is no number of segments"),
        (["--k", "many"], "'many' is no number of segments"),
        (["--k", "-3"], "'-3' is no number of segments"),
        (["--k", "3", "--algorithm", "dbscan"], "--k 3 is not for dbscan, which finds the number itself"),
        (["--k-range", "5"], "'5' is no range of k"),
        (["--k-range", "9:3"], "'9:3' is no range of k"),
        (["--set-param", "eps"], "'eps' sets nothing"),
        (["--set-param", "n_int=3"], "did you mean 'n_init'"),
        (["--set-param", "n_init=few"], "n_init='few' is not allowed"),
        (["--set-param", "preprocessor__scael=robust"], "did you mean 'scale'"),
        (["--set-param", "preprocessor__scale=big"], "preprocessor__scale='big' is not known"),
        (["--set-param", 'preprocessor__min_share="x"'], "preprocessor__min_share='x' is no share of the rows"),
        (["--set-param", "preprocessor__columns=5"], "columns=5 is no list; give a list of column names"),
        (["--set-param", "preprocessor__numeric=plan"], "preprocessor__numeric='plan' is no list"),
        (
            ["--set-param", "n_clusters=3"],
            "--set-param cannot set n_clusters, which has an option of its own; give --k",
        ),
        (["--value", "spnd"], "--value 'spnd' is not a column of the table"),
        (["--columns", "spend,visit"], "--columns 'visit' is not a column of the table"),
        (["--k-range", "400:500"], "--k-range (400, 500) starts above"),
        (["--algorithm", "hdbscan", "--set-param", "min_cluster_size=200"], "min_cluster_size=200 is asked of too few"),
        (["--algorithm", "kmedoid"], "'kmedoid' is not known; allowed are 'kmeans'"),
        (["--random-state", "x"], "'x' is no seed"),
        (["--colum", "spend"], "--colum is no option of 'gpuseg segment'; did you mean '--columns'?"),
        (["--k", "3", "--k", "4"], "--k is given twice"),
    ],
)
def test_a_wrong_option(refused, customers, option, word):
    customers.write_csv("c.csv")
    assert word in refused("segment", "c.csv", "-o", "out.csv", "--id", "customer_id", *option)
    assert not Path("out.csv").exists()


@pytest.mark.skipif(any(b.name == "cuda" for b in available()), reason="there is a GPU here")
def test_a_gpu_that_is_missing_is_said_before_the_features(gpuseg, transactions):
    transactions.write_csv("t.csv")
    _, _, said = gpuseg("run", "t.csv", "-o", "out", "--backend", "cuda")
    assert said.startswith("gpuseg: backend='cuda' cannot be used here")


@pytest.mark.skipif(any(b.name == "cuda" for b in available()), reason="there is a GPU here")
@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_gpu_asked_for_where_there_is_none(refused, customers, monkeypatch, by):
    customers.write_csv("c.csv")
    option = ["--backend", "cuda"] if by == "option" else []
    if by == "variable":
        monkeypatch.setenv("GPUSEG_BACKEND", "cuda")
    message = refused("segment", "c.csv", "-o", "out.csv", "--id", "customer_id", *option)
    assert "backend='cuda' cannot be used here" in message
    assert "usable here are 'cpu'" in message


def test_an_unknown_backend_in_the_variable(refused, customers, monkeypatch):
    customers.write_csv("c.csv")
    monkeypatch.setenv("GPUSEG_BACKEND", "gpu")
    assert "GPUSEG_BACKEND='gpu' is not known" in refused("segment", "c.csv", "-o", "out.csv")
