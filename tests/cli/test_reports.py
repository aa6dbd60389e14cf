"""Reports of the commands, and the summary in their JSON."""

import json
from pathlib import Path

import pytest

from gpuseg import load


def test_a_report_as_markdown(gpuseg, customers):
    customers.write_csv("c.csv")
    code, out, _ = gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--k", 2, "--report", "r.md")
    assert code == 0
    assert "written: r.md" in out
    text = Path("r.md").read_text(encoding="utf-8")
    assert text.startswith("# 2 segments of ")
    assert "## How it was made" in text


@pytest.mark.parametrize("name", ["r.pdf", "r"])
def test_another_ending_is_refused_before_the_work(gpuseg, customers, name):
    customers.write_csv("c.csv")
    code, _, err = gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--report", name)
    assert code != 0
    assert "ends in .html, .md" in err
    assert not Path("s.csv").exists()


def test_the_summary_of_a_model_is_the_same_wherever_it_is_asked_for(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["c.csv", "-o", "s.csv", "--id", "customer_id", "--k", 2, "--model", "m.gpuseg", "--json"]
    made = json.loads(gpuseg("segment", *given)[1])
    read = json.loads(gpuseg("inspect", "m.gpuseg", "--json")[1])
    assert made["summary"] == read["summary"] == json.loads(json.dumps(load("m.gpuseg").summary()))
    told = made["summary"]
    assert told["importance"] is not None
    assert [row["size"] for row in told["segments"]] == [row["size"] for row in made["profile"]]
    assert {str(row["segment"]): row["name"] for row in told["segments"]} == made["names"]
    assert (told["customers"], told["found"]) == (made["rows"]["kept"], made["segments"])
