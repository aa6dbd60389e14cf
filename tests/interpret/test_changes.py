"""Who moves where when customers change: as ``assign`` places the changed table."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Segmenter
from gpuseg.errors import InvalidInput


def customers(n=240):
    rng = np.random.default_rng(2)
    group = np.arange(n) % 2
    return pl.DataFrame(
        {
            "id": [f"c{at}" for at in range(n)],
            "orders": rng.poisson(np.array([2, 20])[group]),
            "spend": np.where(rng.random(n) < 0.05, np.nan, np.array([30.0, 300.0])[group] + rng.normal(size=n)),
            "plan": np.array(["basic", "gold"])[group],
            "member": group == 1,
            "joined": [dt.date(2024, 1, 1) + dt.timedelta(days=int(300 * g) + at % 40) for at, g in enumerate(group)],
        }
    )


@pytest.fixture(scope="module")
def segmenter():
    with gpuseg.config(notices="off"):
        return Segmenter("id", n_clusters=2, value_column="spend").fit(customers())


CHANGES = {
    "+5": ({"orders": "+5"}, lambda t: t.with_columns(orders=pl.col("orders") + 5)),
    "-1.5": ({"spend": "-1.5"}, lambda t: t.with_columns(spend=pl.col("spend") - 1.5)),
    "*10": ({"orders": "* 10", "spend": "*10"}, lambda t: t.with_columns(pl.col("orders", "spend") * 10)),
    "/10": ({"orders": "/10"}, lambda t: t.with_columns(orders=pl.col("orders") / 10)),
    "+50%": ({"spend": "+50%"}, lambda t: t.with_columns(spend=pl.col("spend") * 1.5)),
    "values": (
        {"orders": 20, "plan": "gold", "member": True, "joined": dt.date(2024, 11, 1)},
        lambda t: t.with_columns(
            orders=pl.lit(20), plan=pl.lit("gold"), member=pl.lit(value=True), joined=pl.lit(dt.date(2024, 11, 1))
        ),
    ),
    "+200 days": ({"joined": "+200"}, lambda t: t.with_columns(pl.col("joined").dt.offset_by("200d"))),
    "a day": ({"joined": "2024-11-01"}, lambda t: t.with_columns(joined=pl.lit(dt.date(2024, 11, 1)))),
}


@pytest.mark.parametrize("how", list(CHANGES))
@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_it_is_what_assign_gives_the_changed_table(segmenter, how, library):
    changes, made = CHANGES[how]
    table = customers()
    given = {"polars": table, "pandas": table.to_pandas(), "pyarrow": table.to_arrow()}[library]
    found = segmenter.what_if(given, changes=changes)
    with gpuseg.config(notices="off"):
        before, after = segmenter.assign(table), segmenter.assign(made(table))
    assert found.customers["segment"].to_list() == before["segment"].to_list()
    assert found.customers["new_segment"].to_list() == after["segment"].to_list()
    assert found.customers["new_confidence"].to_list() == pytest.approx(after["confidence"].to_list())


def test_flows_count_and_share_within_each_segment(segmenter):
    found = segmenter.what_if(customers(), changes={"orders": 20, "spend": 300.0, "plan": "gold", "member": True})
    assert found.flows["customers"].sum() == 240
    assert found.flows.group_by("segment").agg(pl.sum("share"))["share"].to_list() == pytest.approx([1.0, 1.0])
    moved = found.customers.filter(pl.col("segment") != pl.col("new_segment"))
    assert found.sentence.startswith(f"{len(moved)} of 240 customers (")
    assert "c1" not in found._repr_html_()
    assert "share of the segment" in found._repr_html_()


def test_one_segment_alone_changes(segmenter):
    found = segmenter.what_if(customers(), changes={"orders": "+0"}, segment=1)
    assert found.customers["segment"].unique().to_list() == [1]
    assert found.sentence == f"none of {len(found.customers)} customers moves"


def test_without_a_table_the_sample_changes(segmenter, monkeypatch):
    changes = {"orders": "*9", "plan": "gold"}
    of_sample, of_table = segmenter.what_if(changes=changes), segmenter.what_if(customers(), changes=changes)
    assert of_sample.flows.equals(of_table.flows)
    assert of_sample.customers.sort("id").equals(of_table.customers.sort("id"))
    monkeypatch.setattr("gpuseg.explaining.MOST", 100)
    with gpuseg.config(notices="off"):
        few = Segmenter("id", n_clusters=2).fit(customers()).what_if(changes=changes)
    assert few.sentence.startswith(f"of a sample of {len(few.customers)} of 240 customers: ")


@pytest.mark.parametrize("algorithm", ["kmedoids", "hdbscan", "kprototypes", "agglomerative"])
def test_every_algorithm_places_the_changed(algorithm):
    own = {"hdbscan": {"algorithm_params": {"min_cluster_size": 40}}}.get(algorithm, {"n_clusters": 2})
    with gpuseg.config(notices="off"):
        segmenter = Segmenter("id", algorithm=algorithm, **own).fit(customers())
    rich = {"orders": 20, "spend": 300.0, "plan": "gold", "member": True, "joined": dt.date(2024, 11, 10)}
    assert segmenter.what_if(customers(), changes=rich).customers["new_segment"].n_unique() == 1


def test_rows_that_are_dropped_are_told_of_nowhere():
    with gpuseg.config(notices="off"):
        steps = gpuseg.Preprocessor(missing={"spend": "drop"})
        segmenter = Segmenter("id", n_clusters=2, preprocessor=steps).fit(customers())
    gone = customers()["spend"].is_nan().sum()
    assert len(segmenter.what_if(customers(), changes={"orders": "+1"}).customers) == 240 - gone


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, r"changes=\{\} changes nothing; give a dict such as \{'frequency': '\+1'\}"),
        ({"order": 1}, r"the column of changes='order' is not known; .* did you mean 'orders'\?"),
        ({"orders": "many"}, r"changes=\{'orders': 'many'\} is no change of a number; give a number, or a change such"),
        ({"orders": "*10%"}, r"is no change of a number"),
        ({"orders": "/0"}, r"is no change of a number"),
        ({"orders": float("nan")}, r"is no change of a number"),
        ({"plan": "silver"}, r"changes of 'plan'='silver' is not known; allowed are 'basic', 'gold'"),
        ({"member": 1}, r"is no change of a boolean; give True or False"),
        ({"joined": "soon"}, r"is no change of a date; give a date, or days such as '\+30' or '-30'"),
    ],
)
def test_what_is_no_change(segmenter, changes, said):
    with pytest.raises(InvalidInput, match=said):
        segmenter.what_if(customers(), changes=changes)


def test_what_is_no_table_or_segment(segmenter, tmp_path):
    with pytest.raises(InvalidInput, match="customers is a list, and no table in memory"):
        segmenter.what_if([1, 2], changes={"orders": 1})
    with pytest.raises(InvalidInput, match="customers has no column 'id' of ids"):
        segmenter.what_if(customers().drop("id"), changes={"orders": 1})
    with pytest.raises(InvalidInput, match="segment=9 is not known; allowed are '0', '1'"):
        segmenter.what_if(customers(), changes={"orders": 1}, segment=9)
    loaded = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    assert loaded.what_if(customers(), changes={"orders": "+1"}).flows["customers"].sum() == 240
    with pytest.raises(InvalidInput, match="loaded or copied has no customers to look at"):
        loaded.what_if(changes={"orders": "+1"})
