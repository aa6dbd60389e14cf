"""The demo: a whole way on a simulated shop, its files, and what it prints."""

import json
from pathlib import Path

import polars as pl
import pytest

import gpuseg as library
from gpuseg.cli.demo import REPORT
from gpuseg.cli.run import NAMES
from gpuseg.datasets import make_shop

FILES = sorted([*NAMES, REPORT])


@pytest.fixture
def demo(gpuseg):
    """Run the demo on a small shop; give what it prints as JSON."""

    def run(*options, customers=600):
        code, out, err = gpuseg("demo", "--customers", customers, "--json", *options)
        assert code == 0, err
        return json.loads(out)

    return run


def test_the_demo_writes_what_it_says(demo):
    result = demo()
    assert sorted(path.name for path in Path("gpuseg-demo").iterdir()) == FILES
    assert sorted(Path(name).name for name in result["files"]) == FILES
    customers, segments = (pl.read_parquet(f"gpuseg-demo/{name}.parquet") for name in ("customers", "segments"))
    shop = make_shop(600, random_state=0)
    assert customers["customer_id"].to_list() == sorted(shop.truth["customer_id"])
    model = library.load("gpuseg-demo/model.gpuseg")
    assert model.assign(customers).equals(segments)
    assert "<html" in Path("gpuseg-demo", REPORT).read_text(encoding="utf-8")


def test_its_table_is_that_of_the_files(demo):
    table = pl.DataFrame(demo("--out", "d", "--random-state", "3")["table"])
    customers, segments = (pl.read_parquet(f"d/{name}.parquet") for name in ("customers", "segments"))
    groups = segments.join(customers, on="customer_id").group_by("segment").agg(
        pl.len(), pl.sum("monetary").alias("value"), pl.median("recency"), pl.median("frequency"), pl.median("monetary")
    ).sort("segment")  # fmt: skip
    assert table["size"].to_list() == groups["len"].to_list()
    assert table["share"].to_list() == pytest.approx((groups["len"] / 600).to_list())
    assert table["value_share"].to_list() == pytest.approx((groups["value"] / groups["value"].sum()).to_list())
    for name in ("recency", "frequency", "monetary"):
        assert table[f"{name}_median"].to_list() == pytest.approx(groups[name].to_list())


def test_an_easy_shop_is_found(demo):
    result = demo("--difficulty", "easy", customers=900)
    assert result["segments"] == 6
    assert result["adjusted_rand"] > 0.95


def test_it_tells_its_stages_and_what_to_do_next(gpuseg):
    code, out, err = gpuseg("demo", "--customers", "600")
    assert code == 0, err
    assert [line[:3] for line in err.splitlines() if line[1:3] == "/4"] == ["1/4", "2/4", "3/4", "4/4"]
    head, *_, look, own = out.splitlines()
    assert [word in head for word in ("size", "share", "share of value", "median recency, days")] == [True] * 4
    assert f"open {Path('gpuseg-demo', REPORT)}" in look
    assert "gpuseg run transactions.csv -o out" in own
    assert "adjusted Rand index" in out


def test_it_replaces_its_own_files_and_leaves_others(demo):
    Path("d").mkdir()
    Path("d/notes.txt").write_text("mine")
    Path("d/customers.parquet").write_text("old")
    demo("--out", "d")
    assert pl.read_parquet("d/customers.parquet").height == 600
    assert Path("d/notes.txt").read_text() == "mine"
    assert sorted(path.name for path in Path("d").iterdir()) == sorted([*FILES, "notes.txt"])


def test_a_folder_in_the_way_of_one_file_leaves_all_as_they_were(refused):
    Path(f"d/{REPORT}").mkdir(parents=True)
    Path("d/customers.parquet").write_text("old")
    assert f"{REPORT} is not a regular file" in refused("demo", "--customers", "600", "--out", "d")
    assert Path("d/customers.parquet").read_text() == "old"
    assert sorted(path.name for path in Path("d").iterdir()) == ["customers.parquet", REPORT]


def test_too_few_customers(refused):
    message = refused("demo", "--customers", "1")
    assert "1" in message
    assert not Path("gpuseg-demo").exists()


def test_more_customers_than_memory_holds(refused):
    message = refused("demo", "--customers", "1_000_000_000_000")
    assert "--customers 1,000,000,000,000 is more than the free memory holds; give at most" in message
    assert not Path("gpuseg-demo").exists()
