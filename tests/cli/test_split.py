"""``gpuseg split``: a model and its customers in, a finer model out."""

import json
from pathlib import Path

import polars as pl


def test_split_and_predict(gpuseg, model):
    command = ["split", model, "c.csv", "--segment", 0, "--k", 2, "-o", "finer.csv", "--new-model", "finer.gpuseg"]
    code, out, err = gpuseg(*command, "--report", "r.html")
    assert code == 0
    assert "segment 0 is split into 3 and 4 by kmeans: n_clusters=2 was asked for" in out
    assert "4 segments of 120 customers, 3 before any was split: " in out
    assert err.count("segment 0 is split into 3 and 4") == 1
    whole, finer = pl.read_csv("s.csv"), pl.read_csv("finer.csv")
    inside = whole["segment"] == 0
    assert set(finer.filter(inside)["segment"]) == {3, 4}
    assert finer.filter(~inside).equals(whole.filter(~inside))
    assert gpuseg("predict", "finer.gpuseg", "c.csv", "-o", "p.csv")[0] == 0
    assert pl.read_csv("p.csv").equals(finer)
    assert "Segments that were split further" in Path("r.html").read_text()
    assert "segment 0 is split into 3 and 4" in gpuseg("inspect", "finer.gpuseg")[1]


def test_a_part_is_split_again_and_json_has_the_hierarchy(gpuseg, model):
    first = ["split", model, "c.csv", "--segment", 1, "--k", 2, "-o", "o.csv", "--new-model", "finer.gpuseg"]
    assert gpuseg(*first)[0] == 0
    more = [
        "--columns",
        "spend",
        "--k-range",
        "2:3",
        "--set-param",
        "n_init=3",
        "--set-param",
        "preprocessor__skew=log",
    ]
    code, out, _ = gpuseg("split", "finer.gpuseg", "c.csv", "--segment", 3, "-o", "o.csv", "--json", *more)
    assert code == 0
    result = json.loads(out)
    assert [row["path"] for row in result["hierarchy"]][:4] == ["0", "1", "1/3", "1/3/5"]
    assert (result["output"], result["new_model"]) == ("o.csv", None)


def test_what_is_left_out_of_the_preprocessor_is_as_for_the_whole(gpuseg, customers):
    customers.with_columns(way=pl.int_range(pl.len()) % 3 + 1).write_csv("c.csv")
    whole = ["--columns", "spend,visits", "--set-param", "preprocessor__scale=robust", "--model", "m.gpuseg"]
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--k", 2, *whole)[0] == 0
    part = ["--columns", "spend,way", "--categorical", "way", "--new-model", "finer.gpuseg"]
    assert gpuseg("split", "m.gpuseg", "c.csv", "--segment", 0, "--k", 2, "-o", "o.csv", *part)[0] == 0
    steps = json.loads(gpuseg("inspect", "finer.gpuseg", "--json")[1])["splits"][0]["card"]["preprocessing"]
    assert steps["scale"] == "robust"
    assert [(column["name"], column["kind"]) for column in steps["columns"]] == [
        ("spend", "number"),
        ("way", "category"),
    ]


def test_what_cannot_be_split_is_refused(refused, model, customers):
    command = ["split", model, "c.csv", "-o", "o.csv"]
    assert "--segment 9 is no segment; those that can be split: 0, 1 and 2" in refused(*command, "--segment", 9)
    assert "'x' is no segment; give its number" in refused(*command, "--segment", "x")
    assert "--k 1 splits nothing" in refused(*command, "--segment", 0, "--k", 1)
    assert "o.csv is also the input" in refused("split", model, "o.csv", "--segment", 0, "-o", "o.csv")
    assert "is also the input" in refused(*command, "--segment", 0, "--new-model", model)
    customers.with_columns(spend=pl.col("spend") * 2).write_csv("c.csv")
    assert "the customers are not those of the fit" in refused(*command, "--segment", 0)
    assert not Path("o.csv").exists()
