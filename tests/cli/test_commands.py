"""What the commands do when all is well."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import gpuseg as library
from gpuseg.cluster import ALGORITHMS


def test_run_and_predict_on_online_retail(gpuseg, data):
    tx = data / "transactions" / "online_retail.parquet"
    code, out, _ = gpuseg("run", tx, "-o", "out", "--as-of", "2011-12-10", "--returns", "exclude", "--json")
    assert code == 0
    result = json.loads(out)
    cleaning = result["features"]["cleaning"]
    assert cleaning["kept"] + sum(cleaning["dropped"].values()) == cleaning["read"] == 541_909
    segments = pl.read_parquet("out/segments.parquet")
    assert segments.columns == ["CustomerID", "segment", "distance", "confidence", "novelty"]
    assert (segments.height, segments["CustomerID"].n_unique()) == (4338, 4338)
    assert gpuseg("predict", "out/model.gpuseg", "out/customers.parquet", "-o", "p.parquet")[0] == 0
    assert pl.read_parquet("p.parquet").equals(segments)
    assert sum(row["size"] for row in result["profile"]) == 4338


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Mall_Customers.csv", ["--id", "CustomerID"]),
        ("marketing_campaign.csv", ["--id", "ID"]),
        ("wholesale_customers.csv", []),
        ("online_shoppers_intention.csv", []),
    ],
)
def test_real_customer_tables_segment_with_no_option_but_the_id(gpuseg, data, name, options):
    table = data / "customers" / name
    code, out, _ = gpuseg("segment", table, "-o", "s.parquet", "--model", "m.gpuseg", "--json", *options)
    assert code == 0
    result, segments = json.loads(out), pl.read_parquet("s.parquet")
    assert segments.height == result["rows"]["read"] == result["rows"]["kept"]
    assert 2 <= segments["segment"].n_unique() <= 12
    assert segments.null_count().sum_horizontal().item() == 0
    assert gpuseg("predict", "m.gpuseg", table, "-o", "p.parquet")[0] == 0
    assert pl.read_parquet("p.parquet").equals(segments)


def test_features(gpuseg, transactions):
    transactions.write_csv("tx.csv")
    code, out, err = gpuseg("features", "tx.csv", "-o", "c.csv", "--set", "all")
    assert code == 0
    assert "rows kept" in out
    assert "--customer 'customer_id'" in err
    customers = pl.read_csv("c.csv")
    assert customers.height == transactions["customer_id"].n_unique()
    assert {"customer_id", "recency", "frequency", "monetary", "tenure_days"} <= set(customers.columns)
    assert customers["monetary"].sum() == pytest.approx(transactions["amount"].sum())


OWN = {"dbscan": ["eps=1"], "hdbscan": ["min_cluster_size=15"], "optics": ["cluster_method=dbscan", "eps=1"]}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_segments_predicts_and_loads(gpuseg, customers, algorithm):
    customers.write_parquet("c.parquet")
    options = [part for parameter in OWN.get(algorithm, ()) for part in ("--set-param", parameter)]
    arguments = ["c.parquet", "-o", "s.parquet", "--id", "customer_id", "--model", "m.gpuseg", "--algorithm", algorithm]
    code, out, _ = gpuseg("segment", *arguments, *options)
    assert code == 0
    assert "3 segments of 120 customers" in out
    segments = pl.read_parquet("s.parquet")
    assert gpuseg("predict", "m.gpuseg", "c.parquet", "-o", "p.parquet")[0] == 0
    assert pl.read_parquet("p.parquet")["segment"].equals(segments["segment"])
    assert gpuseg("inspect", "m.gpuseg")[0] == 0
    again = library.load("m.gpuseg").assign(customers)
    assert again["segment"].to_list() == segments["segment"].to_list()


def test_permuted_customers_get_the_same_segments(gpuseg, customers):
    customers.write_parquet("a.parquet")
    customers.sample(fraction=1.0, shuffle=True, seed=3).write_parquet("b.parquet")
    for name in "ab":
        assert gpuseg("segment", f"{name}.parquet", "-o", f"s{name}.parquet", "--id", "customer_id")[0] == 0
    a, b = (pl.read_parquet(f"s{name}.parquet").sort("customer_id") for name in "ab")
    assert a["segment"].equals(b["segment"])
    np.testing.assert_allclose(a["distance"], b["distance"], rtol=1e-9, atol=1e-12)


def test_columns_k_and_csv(gpuseg, customers):
    customers.write_csv("c.csv")
    options = ["--id", "customer_id", "--columns", "spend, visits", "--k", "2", "--random-state", "4"]
    code, out, _ = gpuseg("segment", "c.csv", "-o", "s.csv", *options, "--json")
    assert code == 0
    result = json.loads(out)
    assert [row["segment"] for row in result["profile"]] == [0, 1]
    assert set(result["profile"][0]) >= {"size", "share", "spend_mean", "spend_median", "visits_mean"}
    assert not any("plan" in name for name in result["profile"][0])
    assert pl.read_csv("s.csv").height == 120


def test_a_parameter_of_the_preprocessor(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["--set-param", "preprocessor__scale=robust", "--set-param", "n_init=2", "--model", "m.gpuseg"]
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", *given)[0] == 0
    assert library.load("m.gpuseg").preprocessor_.scale == "robust"
    assert library.load("m.gpuseg").model_.n_init == 2


def test_without_an_id_rows_are_numbered(gpuseg, customers):
    customers.drop("customer_id").write_csv("c.csv")
    assert gpuseg("segment", "c.csv", "-o", "s.csv")[0] == 0
    assert pl.read_csv("s.csv")["row"].to_list() == list(range(120))


def test_a_column_that_looks_like_an_id_is_named(gpuseg, customers):
    customers.write_csv("c.csv")
    assert "'customer_id' may be the id; give --id customer_id" in gpuseg("segment", "c.csv", "-o", "s.csv")[2]


def test_quiet_prints_nothing(gpuseg, customers):
    customers.write_csv("c.csv")
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--quiet") == (0, "", "")


def test_new_customers_with_extra_and_reordered_columns(gpuseg, customers):
    customers.write_csv("c.csv")
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--model", "m.gpuseg")[0] == 0
    customers.select("plan", "visits", "customer_id", "spend", new=pl.lit(1)).write_csv("new.csv")
    code, _, err = gpuseg("predict", "m.gpuseg", "new.csv", "-o", "p.csv")
    assert code == 0
    assert "'new'" in err
    assert pl.read_csv("p.csv").equals(pl.read_csv("s.csv"))


def test_help_and_version_come_without_loading_the_libraries(process):
    for arguments in (["--help"], ["--version"], ["segment", "--help"]):
        done = process(*arguments)
        assert done.returncode == 0
        assert done.stdout
    heavy = "import gpuseg.cli, sys; print({m.split('.')[0] for m in sys.modules} & {'sklearn', 'polars', 'numpy'})"
    assert subprocess.check_output([sys.executable, "-c", heavy], text=True).strip() == "set()"


def test_a_file_in_the_way_keeps_its_content_until_the_end(gpuseg, customers):
    customers.write_csv("c.csv")
    Path("s.csv").write_text("old")
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id")[0] == 0
    assert pl.read_csv("s.csv").height == 120


def test_a_report_beside_the_segments(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["c.csv", "-o", "s.csv", "--id", "customer_id", "--report", "r.html", "--value", "spend"]
    code, out, _ = gpuseg("segment", *given)
    assert code == 0
    assert "written: r.html" in out
    assert "share of value" in out
    page = Path("r.html").read_text(encoding="utf-8")
    assert "spend" in page
    assert "gold" in page
    assert sorted(path.name for path in Path().iterdir()) == ["c.csv", "r.html", "s.csv"]


def test_a_column_about_persons_is_used_where_it_is_allowed(gpuseg, customers):
    customers.with_columns(contact=pl.Series([f"a{at % 2}@example.org" for at in range(len(customers))])).write_csv(
        "c.csv"
    )
    given = ["segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--k", 2, "--report", "r.html"]
    code, out, err = gpuseg(*given)
    assert code == 0
    assert "'contact', it looks like e-mail addresses; name in --allow-personal contact what may be used" in out + err
    assert "example.org" not in Path("r.html").read_text(encoding="utf-8")
    assert gpuseg(*given, "--allow-personal", "contact")[0] == 0
    assert "example.org" in Path("r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["segment", "run"])
def test_the_smallest_segment_of_a_report(gpuseg, customers, transactions, name):
    customers.write_csv("c.csv")
    transactions.write_csv("t.csv")
    given = {"segment": ["c.csv", "-o", "s.csv", "--id", "customer_id"], "run": ["t.csv", "-o", "out"]}[name]
    code, _, _ = gpuseg(name, *given, "--report", "r.html", "--min-report-size", 1000)
    assert code == 0
    assert "Fewer than 1000 customers: " in Path("r.html").read_text(encoding="utf-8")


def test_a_report_in_the_folder_of_a_run(gpuseg, transactions):
    transactions.write_csv("t.csv")
    code, out, _ = gpuseg("run", "t.csv", "-o", "out", "--report", "out/report.html", "--json")
    assert code == 0
    result = json.loads(out)
    assert [Path(name).name for name in result["files"]] == [
        "customers.parquet", "segments.parquet", "model.gpuseg", "report.html",
    ]  # fmt: skip
    assert all(Path(name).is_file() for name in result["files"])
    read = result["features"]["cleaning"]["read"]
    assert f"{read:,}" in Path("out/report.html").read_text(encoding="utf-8")
    assert sum(row["value_share"] for row in result["profile"]) == pytest.approx(1)


def test_features_by_name(gpuseg, transactions):
    transactions.write_csv("t.csv")
    assert gpuseg("features", "t.csv", "-o", "c.csv", "--set", "recency, amount_mean,tenure_days")[0] == 0
    assert pl.read_csv("c.csv").columns == ["customer_id", "recency", "amount_mean", "tenure_days"]


def test_a_run_without_monetary_tells_no_share_of_value(gpuseg, transactions):
    transactions.write_csv("t.csv")
    code, out, _ = gpuseg("run", "t.csv", "-o", "out", "--set", "recency,frequency", "--json")
    assert code == 0
    assert "value_share" not in json.loads(out)["profile"][0]


def test_names_of_segments_are_told(gpuseg, model):
    for command in (("inspect", model), ("predict", model, "c.csv", "-o", "p.csv")):
        code, out, _ = gpuseg(*command)
        assert code == 0
        assert "Big spenders" in out
        names = json.loads(gpuseg(*command, "--json")[1])["names"]
        assert sorted(names) == ["0", "1", "2"]
        assert "Small spenders" in " ".join(names.values())
