"""The law of sharded events: what workers make of events in parts is what one process makes of them."""

import datetime as dt
import os
import threading

import pandas as pd
import polars as pl
import pytest
from dask import dataframe as dd
from distributed import Client
from polars.testing import assert_frame_equal

from gpuseg.datasets import make_shop
from gpuseg.errors import InvalidFile, InvalidInput
from gpuseg.features import event_features, events
from gpuseg.io.parted import PartedTable
from tests.clusters import cluster_of, kill_when_pieces_are_held

pytestmark = pytest.mark.usefixtures("many_shards")


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
def rows():
    return make_shop(400).events


@pytest.fixture(scope="module")
def folder(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    write(rows, folder, 8)
    return folder


def write(rows, folder, count):
    for number in range(count):
        rows[number::count].write_parquet(folder / f"{number}.parquet")  # a customer is in every part


def by_id(table):
    return table.to_polars().sort("customer_id")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"as_of": "2025-06-01", "session_gap": "5m", "kinds": {"conversions": ["click"]}},
    ],
)
def test_customers_are_those_of_one_process_bit_by_bit(folder, workers, options, capsys):
    here, report = event_features(folder, **options)
    said = capsys.readouterr()
    away, report_of_workers = event_features(folder, engine="dask", **options)
    assert capsys.readouterr() == said  # notices are said once
    assert isinstance(away, PartedTable)
    assert len(away.sizes) > 3
    assert report_of_workers == report
    assert by_id(away).equals(here)


def test_one_worker_gives_the_same(folder):
    here = events(folder)
    with cluster_of(1) as cluster, Client(cluster, set_as_default=False) as client:
        away = events(folder, engine=client)
        assert by_id(away).equals(here)
        assert all(part["customer_id"].is_sorted() for part in away.parts.collect(native))


def native(part):
    return part.to_native()


def test_three_workers_of_which_one_is_killed_in_the_middle_give_the_same(folder):
    here, report = event_features(folder)
    with cluster_of(3) as cluster, Client(cluster, set_as_default=False) as client:
        victim = min(client.run(os.getpid).values())
        killed = threading.Event()
        killer = threading.Thread(target=kill_when_pieces_are_held, args=(cluster, victim, killed))
        killer.start()
        away, report_of_workers = event_features(folder, engine=client)
        killer.join()
        assert killed.is_set()
        assert victim not in client.run(os.getpid).values()
        assert report_of_workers == report
        assert by_id(away).equals(here)


def test_rows_that_do_not_count_are_counted_by_reason_over_all_parts(rows, tmp_path, workers, capsys):
    worded = rows.with_columns(
        pl.col("time").dt.strftime("%d/%m/%Y %H:%M:%S"),
        pl.when(pl.int_range(pl.len()) % 11 > 0).then("customer_id"),
        pl.when(pl.int_range(pl.len()) % 7 > 0).then("type").otherwise(pl.lit(" ")),
    ).with_columns(time=pl.when(pl.int_range(pl.len()) % 13 > 0).then("time").otherwise(pl.lit("soon")))
    for number in range(4):
        worded[number::4].write_csv(tmp_path / f"{number}.csv", separator=";")
    here, report = event_features(tmp_path / "*.csv", as_of="2025-09-01")
    said = capsys.readouterr()
    assert all(report.dropped.values())
    away, report_of_workers = event_features(tmp_path / "*.csv", as_of="2025-09-01", engine="dask")
    assert capsys.readouterr() == said
    assert "times of 'time' are read as day/month/year" in said.out
    assert report_of_workers == report
    assert by_id(away).equals(here)


def test_types_and_channels_that_one_part_alone_has(rows, tmp_path, workers):
    many = rows.with_columns(type=pl.format("{} {}", "type", pl.int_range(pl.len()) % 40))
    many = many.with_columns(
        type=pl.when(pl.int_range(pl.len()) < 3_000).then(rows["type"]).otherwise("type"),
        channel=pl.when(pl.int_range(pl.len()) > 50).then("channel"),
    )
    many[:60].write_parquet(tmp_path / "0.parquet")
    for number, start in enumerate(range(60, many.height, 5_000), start=1):
        many[start : start + 5_000].write_parquet(tmp_path / f"{number}.parquet")
    here, report = event_features(tmp_path)
    assert {"other", "open"} <= set(report.types)
    away, found = event_features(tmp_path, engine="dask")
    assert found == report
    assert by_id(away).equals(here)


def test_events_that_all_happen_to_messages(rows, tmp_path, workers):
    write(rows.filter(pl.col("channel") == "email", pl.col("type") != "click"), tmp_path, 3)
    here, report = event_features(tmp_path)
    assert "sessions" in report.left_out
    away, found = event_features(tmp_path, engine="dask")
    assert found == report
    assert by_id(away).equals(here)


def test_a_shard_without_sessions_and_one_without_customers(tmp_path, workers):
    start = dt.datetime(2026, 1, 5)
    rows = pl.DataFrame({"customer": [7] * 9_000 + [8], "type": ["sent"] * 9_000 + ["visit"], "time": [start] * 9_001})
    write(rows, tmp_path, 2)
    here, report = event_features(tmp_path)
    away, found = event_features(tmp_path, engine="dask")
    assert found == report
    assert len(away.sizes) < 3  # of three shards
    assert away.to_polars().sort("customer").equals(here)


def test_ids_that_are_no_numbers_in_one_part_are_text_in_all(rows, tmp_path, workers):
    worded = rows.with_columns(pl.col("customer_id").cast(str))
    worded = pl.concat([worded, worded[:1].with_columns(customer_id=pl.lit("é1"))])
    write(worded, tmp_path, 3)
    here = events(tmp_path)
    assert here.schema["customer_id"] == pl.String
    assert by_id(events(tmp_path, engine="dask")).equals(here)


def test_frames_come_back_as_they_came(rows, workers, monkeypatch):
    here, report = event_features(rows.to_pandas())
    away, found = event_features(dd.from_pandas(rows.to_pandas(), npartitions=5))
    assert (type(away), found) == (dd.DataFrame, report)
    pd.testing.assert_frame_equal(away.compute().sort_values("customer_id", ignore_index=True), here, rtol=1e-12)
    monkeypatch.setattr("gpuseg.io.parts.ROWS", 3_000)
    away, found = event_features(rows, engine="dask")
    assert (type(away), found) == (pl.DataFrame, report)
    assert_frame_equal(away.sort("customer_id"), events(rows), rel_tol=0)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda part: part.rename({"channel": "way"}), "differ in the columns 'channel', 'way'; give files of one"),
        (lambda part: part.with_columns(time=pl.lit("x")), "'time' is String in .*; write both with one type"),
    ],
)
def test_parts_that_are_no_one_table_are_refused(rows, tmp_path, workers, spoil, sentence):
    write(rows[:900], tmp_path, 2)
    spoil(rows[:9]).write_parquet(tmp_path / "9.parquet")
    with pytest.raises(InvalidFile, match=sentence):
        events(tmp_path, engine="dask")


def test_an_empty_part_changes_nothing_and_one_that_is_no_parquet_is_refused(rows, tmp_path, workers):
    write(rows[:900], tmp_path, 2)
    here = events(tmp_path)
    rows.clear().write_parquet(tmp_path / "9.parquet")
    assert by_id(events(tmp_path, engine="dask")).equals(here)
    (tmp_path / "9.parquet").write_text("customer_id,time\n1,2\n")
    with pytest.raises(InvalidFile, match=r"9.parquet cannot be read as Parquet \(.*\); give an undamaged file"):
        events(tmp_path, engine="dask")


@pytest.mark.parametrize("options", [{"as_of": "2001-01-01"}, {"kinds": {"visits": "vist"}}, {"time": "channel"}])
def test_wrong_use_is_told_as_one_process_does(folder, workers, options):
    with pytest.raises(InvalidInput) as here:
        events(folder, **options)
    with pytest.raises(InvalidInput) as away:
        events(folder, engine="dask", **options)
    assert str(away.value) == str(here.value)
