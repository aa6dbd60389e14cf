"""``gpuseg explain``: what a model file tells of its segments without any customer."""

import json
from pathlib import Path

import duckdb
import polars as pl

import gpuseg as library


def test_one_segment(gpuseg, model, customers):
    code, out, err = gpuseg("explain", model, "--segment", 1)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    segmenter = library.load(model)
    assert lines[0] == f"segment 1: {segmenter.names_[1]}"
    assert lines[1] == "40 customers, 33.3 % of all"
    assert "differs from the rest:" in lines
    (rule,) = (one for one in segmenter.insight()["rules"]["rules"] if one["segment"] == 1)
    assert f"rule: {rule['text']} (precision 100%, recall 100%)" in lines
    assert "  counted on 60 customers that it was not learnt of: 20 of 20 who fulfil it" in out
    where = next(line.strip() for line in lines if line.startswith("  WHERE "))
    with duckdb.connect() as connection:
        connection.register("customers", customers.to_arrow())
        found = connection.sql(f"SELECT customer_id FROM customers {where}").fetchall()  # noqa: S608
    assigned = pl.read_csv("s.csv").filter(pl.col("segment") == 1)["customer_id"]
    assert sorted(row for (row,) in found) == assigned.sort().to_list()
    assert "what to do: " in out
    assert "does not tell" not in out


def test_two_segments(gpuseg, model):
    out = gpuseg("explain", model, "--segment", 1, "--versus", 2)[1]
    head = out.splitlines().index("against segment 2, 40 customers:")
    differences = library.load(model).contrast(1, 2).differences
    assert out.splitlines()[head + 1] == f"  {differences[0].sentence}"


def test_all_segments_in_short(gpuseg, model):
    code, out, _ = gpuseg("explain", model)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["segment", "name", "size", "share", "share", "of", "value", "found", "again"]
    assert [line.split()[0] for line in lines[1:4]] == ["0", "1", "2"]
    assert lines[4] == "rules:"
    assert all("precision 100%" in line for line in lines[5:8])
    assert any(line.startswith("features that matter most: ") for line in lines)


def test_json_has_the_same(gpuseg, model):
    whole = json.loads(gpuseg("explain", model, "--json")[1])
    assert [one["segment"] for one in whole["segments"]] == [0, 1, 2]
    insight = library.load(model).insight()
    assert [one["rule"] for one in whole["segments"]] == insight["rules"]["rules"]
    assert whole["importance"] == insight["importance"]
    one = json.loads(gpuseg("explain", model, "--segment", 2, "--versus", 0, "--json")[1])
    assert {name: one[name] for name in whole["segments"][2]} == whole["segments"][2]
    assert one["versus"]["other"] == 0
    assert one["missing"] == []


def test_a_split_is_explained_by_its_parts(gpuseg, model, refused):
    split = ["split", model, "c.csv", "--segment", 0, "--k", 2, "-o", "o.csv", "--new-model", "finer.gpuseg"]
    assert gpuseg(*split)[0] == 0
    assert "segment 3" in gpuseg("explain", "finer.gpuseg", "--segment", 3)[1]
    assert "--segment 0 was split into 3 and 4; give one of these" in refused("explain", "finer.gpuseg", "--segment", 0)
    sentence = refused("explain", "finer.gpuseg", "--segment", 3, "--versus", 0)
    assert "--versus 0 was split into 3 and 4" in sentence


def test_noise_is_in_the_overview(gpuseg, customers):
    odd = pl.DataFrame({"customer_id": [9000], "spend": [-5000.0], "visits": [-400.0], "plan": ["gold"]})
    pl.concat([customers, odd]).write_csv("c.csv")
    asked = ["--algorithm", "dbscan", "--set-param", "eps=1", "--columns", "spend,visits", "--model", "m.gpuseg"]
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", *asked)[0] == 0
    out = gpuseg("explain", "m.gpuseg")[1]
    assert "noise: none, for noise is who is in no segment, which no rule describes" in out


def test_an_older_model_tells_what_it_holds(gpuseg, model):
    older = library.load(model)
    assert older.card_.pop("insight")
    older.save("old.gpuseg")
    for asked in ([], ["--segment", 1]):
        code, out, _ = gpuseg("explain", "old.gpuseg", *asked)
        assert code == 0
        assert "the model does not tell of a segment: a name, how it differs from the rest, a rule" in out
        assert "no more than a small effect" not in out
    assert json.loads(gpuseg("explain", "old.gpuseg", "--segment", 1, "--json")[1])["differences"] is None


def test_wrong_segments_are_refused(refused, model):
    assert "--segment 9 is no segment; those that are: 0, 1 and 2" in refused("explain", model, "--segment", 9)
    assert "--versus 8 is no segment" in refused("explain", model, "--segment", 1, "--versus", 8)
    assert "--segment 1 and --versus 1 are the same segment; give two" in refused(
        "explain", model, "--segment", 1, "--versus", 1
    )
    assert "--versus 1 names whom to compare with, and not whom; give --segment N too" in refused(
        "explain", model, "--versus", 1
    )
    assert not Path("o.csv").exists()
