"""The law of sharded features: what workers make of a table in parts is what one process makes of it."""

import os
import threading
from dataclasses import replace

import pandas as pd
import polars as pl
import pytest
from dask import dataframe as dd
from distributed import Client
from polars.testing import assert_frame_equal

from gpuseg.datasets import make_shop
from gpuseg.errors import InvalidInput
from gpuseg.features import behaviour, clean_transactions, customer_features, repeat_purchases, rfm
from tests.clusters import cluster_of, kill_when_pieces_are_held

pytestmark = pytest.mark.usefixtures("many_shards")
EVERYTHING = ["all", "amount_mean", "amount_std"]


@pytest.fixture(scope="module")
def cluster():
    with cluster_of(2) as cluster:
        yield cluster


@pytest.fixture
def workers(cluster):
    with Client(cluster) as client:
        yield client


@pytest.fixture
def many_shards(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.shards.ROWS", 4_000)


@pytest.fixture(scope="module")
def shop():
    return make_shop(500).transactions


@pytest.fixture(scope="module")
def folder(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    for number, part in enumerate(cut(shop, 8)):
        part.write_parquet(folder / f"{number}.parquet")
    return folder


def cut(rows, count):
    size = -(-rows.height // count)
    return [rows[start : start + size] for start in range(0, rows.height, size)]


def by_id(table):
    return table.to_polars().sort("customer_id")


@pytest.mark.parametrize(
    "options",
    [
        {"set": EVERYTHING},
        {"set": EVERYTHING, "returns": "net", "drop_duplicates": True},
        {"set": "all", "cancelled_prefix": None, "as_of": "2025-06-01"},
    ],
)
def test_customers_are_those_of_one_process_bit_by_bit(folder, workers, options, capsys):
    here, report = customer_features(folder, **options)
    said = capsys.readouterr()
    away, report_of_workers = customer_features(folder, engine="dask", **options)
    assert capsys.readouterr() == said  # notices are said once
    assert len(away.sizes) > 3
    assert report_of_workers == report
    assert by_id(away).equals(here)


def test_one_worker_gives_the_same(folder):
    here, _ = customer_features(folder, set=EVERYTHING)
    with cluster_of(1) as cluster, Client(cluster, set_as_default=False) as client:
        away, _ = customer_features(folder, set=EVERYTHING, engine=client)
        assert by_id(away).equals(here)
        assert all(part["customer_id"].is_sorted() for part in away.parts.collect(native))


def test_three_workers_of_which_one_is_killed_in_the_middle_give_the_same(folder):
    here, report = customer_features(folder, set=EVERYTHING)
    with cluster_of(3) as cluster, Client(cluster, set_as_default=False) as client:
        away, _ = customer_features(folder, set=EVERYTHING, engine=client)
        assert by_id(away).equals(here)
        del away
        victim = min(client.run(os.getpid).values())
        killed = threading.Event()
        killer = threading.Thread(target=kill_when_pieces_are_held, args=(cluster, victim, killed))
        killer.start()
        away, report_of_workers = customer_features(folder, set=EVERYTHING, engine=client)
        killer.join()
        assert killed.is_set()
        assert victim not in client.run(os.getpid).values()
        assert report_of_workers == report
        assert by_id(away).equals(here)


def native(part):
    return part.to_native()


def test_the_other_features(folder, workers):
    for make in (rfm, behaviour, repeat_purchases):
        assert by_id(make(folder, engine="dask")).equals(make(folder))


def test_clean_rows_are_the_same_rows(folder, workers):
    here, report = clean_transactions(folder, returns="net", drop_duplicates=True)
    away, report_of_workers = clean_transactions(folder, returns="net", drop_duplicates=True, engine="dask")
    assert report_of_workers == report
    assert_frame_equal(away.to_polars(), here, check_row_order=False)


def test_files_of_text_are_read_alike_in_all_parts(shop, tmp_path, workers, capsys):
    text = shop.with_columns(
        pl.col("time").dt.strftime("%d/%m/%Y %H:%M"),
        pl.when(pl.col("customer_id") % 7 == 0).then(pl.format("{}.0", "customer_id")).otherwise("customer_id"),
    )
    for number, part in enumerate(cut(text, 4)):
        part.write_csv(tmp_path / f"{number}.csv", separator=";")
    here, report = customer_features(tmp_path / "*.csv", set=EVERYTHING)
    said = capsys.readouterr()
    away, report_of_workers = customer_features(tmp_path / "*.csv", set=EVERYTHING, engine="dask")
    assert capsys.readouterr() == said
    assert "times of 'time' are read as day/month/year" in said.out
    assert report_of_workers == report
    assert by_id(away).equals(here)


def test_ids_that_are_no_numbers_in_one_part_are_text_in_all(folder, shop, tmp_path, workers):
    worded = shop.with_columns(
        pl.when(pl.int_range(pl.len()) == shop.height - 1)
        .then(pl.lit("é1"))
        .otherwise(pl.col("customer_id").cast(str))
        .alias("customer_id")
    )
    for number, part in enumerate(cut(worded, 3)):
        part.write_parquet(tmp_path / f"{number}.parquet")
    here = rfm(tmp_path)
    assert here.schema["customer_id"] == pl.String
    assert by_id(rfm(tmp_path, engine="dask")).equals(here)


def test_a_dask_frame_gives_a_dask_frame(shop, workers):
    here, report = customer_features(shop.to_pandas(), set="all")
    away, report_of_workers = customer_features(dd.from_pandas(shop.to_pandas(), npartitions=5), set="all")
    assert isinstance(away, dd.DataFrame)
    assert report_of_workers == report
    found = away.compute().sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(found, here, rtol=1e-12)


def test_a_frame_of_this_process_comes_back(shop, workers, monkeypatch):
    monkeypatch.setattr("gpuseg.io.parts.ROWS", 3_000)
    here, report = customer_features(shop)
    away, report_of_workers = customer_features(shop, engine="dask")
    assert (type(away), report_of_workers) == (pl.DataFrame, report)
    assert away.sort("customer_id").equals(here)


@pytest.mark.parametrize("share", [0.9, 0.52, 0.5])
def test_whether_a_prefix_is_a_cancellation_is_decided_over_all_parts(share, tmp_path, workers, capsys):
    # A third of the orders stands in two parts: counts of parts add up to more than there are.
    orders = [f"C{i}" if i < share * 400 else str(i) for i in range(400)]
    rows = pl.DataFrame({"customer": [i % 40 for i in range(400)], "order": orders, "amount": [1.5] * 400})
    rows = rows.with_columns(date=pl.lit("2026-01-05"))
    for number in range(2):
        rows[number::2].write_parquet(tmp_path / f"{number}.parquet")
    rows[::3].write_parquet(tmp_path / "2.parquet")
    here = rfm(tmp_path)
    said = capsys.readouterr()
    assert ("they are not taken as cancelled" in said.out) is (share > 0.5)
    assert rfm(tmp_path, engine="dask").to_polars().sort("customer").equals(here)
    assert capsys.readouterr() == said


def test_what_no_shard_tells_is_left_out_and_what_one_tells_is_there(tmp_path, workers):
    days = pl.DataFrame({"customer": range(60), "date": ["2026-01-05"] * 60, "amount": [1.0] * 60})
    rows = pl.concat([days] * 200)
    rows.write_parquet(tmp_path / "a.parquet")
    here, report = customer_features(tmp_path, set="all")
    away, found = customer_features(tmp_path, set="all", engine="dask")
    assert found == report
    assert "share_night ... share_evening" in found.left_out
    assert away.columns == here.columns
    last = pl.DataFrame({"customer": [7], "date": ["2026-01-05 13:00"], "amount": [-1.0]})
    pl.concat([rows, last]).write_parquet(tmp_path / "a.parquet")
    here, report = customer_features(tmp_path, set="all")
    away, found = customer_features(tmp_path, set="all", engine="dask")
    assert found == report
    assert away.to_polars().sort("customer").equals(here)
    assert "return_rate" in here.columns


def test_a_table_of_nothing_to_keep_is_refused_as_one_process_does(tmp_path, workers):
    rows = pl.DataFrame({"customer": [1, 2] * 3_000, "date": ["2026-01-05"] * 6_000, "amount": [-1.0] * 6_000})
    rows.write_parquet(tmp_path / "a.parquet")
    for options in ({"returns": "net"}, {"returns": "exclude"}):
        with pytest.raises(InvalidInput) as here:
            rfm(tmp_path, **options)
        with pytest.raises(InvalidInput) as away:
            rfm(tmp_path, engine="dask", **options)
        assert str(away.value) == str(here.value)


def test_amounts_too_large_are_told_as_one_process_does(folder, shop, tmp_path, workers):
    for number, part in enumerate(cut(shop, 2)):
        dear = part.with_columns(unit_price=pl.when(pl.int_range(pl.len()) == 50).then(1e16).otherwise("unit_price"))
        dear.write_parquet(tmp_path / f"{number}.parquet")
    with pytest.raises(InvalidInput) as here:
        rfm(tmp_path)
    with pytest.raises(InvalidInput) as away:
        rfm(tmp_path, engine="dask")
    assert str(away.value) == str(here.value)


def test_a_table_in_parts_can_be_counted_again(folder, workers):
    kept, report = clean_transactions(folder, engine="dask")
    again, second = customer_features(kept, as_of=report.as_of)
    first, whole = customer_features(folder, engine="dask")
    assert by_id(again).equals(by_id(first))
    assert replace(second, read=whole.read, dropped=whole.dropped, roles=whole.roles) == whole
