"""The tables of the simulated shop: true rows and counted faults, seasons, and the same rows in files."""

import datetime as dt
import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

import gpuseg
from gpuseg.datasets import _chunk, make_shop, write_shop
from gpuseg.datasets import shop as shop_file
from gpuseg.errors import InvalidFile, InvalidInput
from gpuseg.features.roles import Wishes, resolve

TABLES = ("transactions", "events", "contacts", "customers", "products", "truth")


def test_cleaning_finds_every_fault_and_gives_back_the_true_rows(shop):
    kept, report = gpuseg.clean_transactions(shop.transactions, as_of=shop.as_of, drop_duplicates=True)
    assert {reason: count for reason, count in report.dropped.items() if count} == shop.dirt
    assert min(shop.dirt.values()) > 0
    true = make_shop(2_000, random_state=3, dirty=False)
    assert_frame_equal(kept.drop("amount"), true.transactions)
    assert set(true.dirt.values()) == {0}
    assert_frame_equal(true.events, shop.events)


def test_columns_and_the_moment_are_found_unasked(shop):
    roles = resolve(shop.transactions.columns, Wishes())
    assert (roles.customer, roles.time, roles.order) == ("customer_id", "time", "order_id")
    assert (roles.quantity, roles.price, roles.product) == ("quantity", "unit_price", "product_id")
    assert gpuseg.clean_transactions(shop.transactions)[1].as_of == shop.as_of == dt.datetime(2026, 1, 1)


def test_returns_and_cancellations_come_after_what_they_undo(shop):
    back = shop.transactions.filter(pl.col("quantity") < 0).with_columns(pl.col("order_id").str.strip_prefix("C"))
    bought = shop.transactions.filter(pl.col("quantity") > 0).drop_nulls().unique(["order_id", "product_id"])
    both = back.join(bought, on=["customer_id", "order_id", "product_id"])
    assert both.height == back.height == shop.dirt["cancelled or returned"]
    assert (both["time"] >= both["time_right"]).all()
    assert (both["quantity"] == -both["quantity_right"]).all()
    assert shop.transactions["order_id"].str.starts_with("C").any()


def test_about_forty_transactions_a_customer():
    assert make_shop(5_000).transactions.height / 5_000 == pytest.approx(40, rel=0.1)
    assert make_shop(1_000, lines_per_order=1).transactions.height / 1_000 == pytest.approx(13, rel=0.1)


def test_seasons_and_best_sellers(shop):
    rows = make_shop(2_000, random_state=3, dirty=False).transactions
    months = rows.filter(pl.col("time").dt.year() == 2024).group_by(pl.col("time").dt.month()).len().sort("time")["len"]
    assert months.arg_max() == 11
    assert months[11] > 1.5 * months[9]
    sales = rows["product_id"].value_counts(sort=True)["count"]
    assert sales.head(50).sum() > 0.3 * sales.sum()  # a tenth of the products
    assert set(rows["product_id"]) <= set(shop.products["product_id"])
    assert shop.products["category"].n_unique() == 8


def test_paid_prices_lie_about_the_list_price():
    true = make_shop(2_000, random_state=3, dirty=False)
    rows = true.transactions.join(true.products, on="product_id")
    ratio = (rows["unit_price"] / rows["list_price"]).to_numpy()
    assert np.median(ratio) == pytest.approx(1, abs=0.05)
    assert np.quantile(ratio, [0.05, 0.95]) == pytest.approx([1, 1], abs=0.6)


def test_events_are_of_known_kinds_and_within_the_window(shop):
    pairs = set(shop.events.select("type", "channel").unique().rows())
    assert pairs == {
        *[(kind, place) for kind in ("visit", "click", "purchase") for place in ("web", "app")],
        *[(kind, "email") for kind in ("email_sent", "open", "click")],
    }
    assert shop.events.null_count().sum_horizontal().item() == 0
    assert shop.events["time"].is_sorted()
    assert dt.datetime(2024, 1, 1) <= shop.events["time"].min()
    assert shop.events["time"].max() < shop.as_of
    orders = shop.events.filter(type="purchase").select("customer_id", "time")
    assert orders.join(shop.transactions, on=["customer_id", "time"], how="anti").is_empty()


def test_page_views_come_in_sessions(shop):
    views = shop.events.filter(type="visit").sort("customer_id", "time")
    gap = views.select(pl.col("time").diff().over("customer_id")).to_series().drop_nulls()
    near = (gap < dt.timedelta(minutes=30)).mean()
    assert near == pytest.approx(2 / 3, abs=0.06)  # three views a session


def test_contacts_reach_those_who_have_joined(shop):
    table = shop.contacts.join(shop.customers, on="customer_id").join(shop.truth, on="customer_id")
    assert (table["joined"] <= table["time"].dt.date()).all()
    answered = dict(table.group_by("name").agg(pl.col("responded").mean()).rows())
    assert answered["champions"] > 2 * answered["lapsing"] > 0


def test_files_hold_the_rows_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_chunk, "CHUNK", 400)
    files = write_shop(tmp_path / "new", 1_000, random_state=5, difficulty="hard")
    shop = make_shop(1_000, random_state=5, difficulty="hard")
    for name in TABLES:
        assert_frame_equal(pl.read_parquet(getattr(files, name)), getattr(shop, name))
        assert files.rows[name] == getattr(shop, name).height
    assert (files.dirt, files.spread, files.as_of) == (shop.dirt, shop.spread, shop.as_of)
    assert pq.ParquetFile(files.events).num_row_groups == 3
    assert shop.truth["customer_id"].to_list() == list(range(1, 1_001))
    assert (
        shop.transactions.drop_nulls().group_by("order_id").agg(pl.col("customer_id").n_unique())["customer_id"].max()
        == 1
    )


def test_files_appear_together_or_not_at_all(tmp_path, monkeypatch):
    write_shop(tmp_path, 50)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {f"{name}.parquet" for name in TABLES}
    made = shop_file.chunks

    def interrupted(*args):
        yield next(made(*args))
        raise KeyboardInterrupt

    monkeypatch.setattr(shop_file, "chunks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_shop(tmp_path, 60)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_nothing(tmp_path):
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "from gpuseg.datasets import write_shop; write_shop('shop', 2_000)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "InvalidFile: shop cannot be written to (File too large); nothing was left there" in run.stderr
    assert not list(tmp_path.iterdir())


def test_the_seed_decides():
    one, same, other = (make_shop(200, random_state=seed) for seed in (1, 1, 2))
    for name in TABLES:
        assert_frame_equal(getattr(one, name), getattr(same, name))
        assert not getattr(one, name).equals(getattr(other, name))


def test_one_customer_is_a_shop():
    shop = make_shop(1, random_state=4)
    assert shop.truth.height == 1
    assert shop.transactions["customer_id"].drop_nulls().unique().to_list() == [1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n_customers": 0}, "n_customers=0 is not allowed; give a whole number from 1 up"),
        ({"n_customers": 10.0}, "n_customers=10.0 is not allowed"),
        ({"n_customers": True}, "n_customers=True is not allowed"),
        ({"random_state": -1}, "random_state=-1 is not allowed; give a whole number from 0 up"),
        ({"random_state": None}, "random_state=None is not allowed"),
        ({"difficulty": "meduim"}, "allowed are 'easy', 'medium', 'hard'; did you mean 'medium'"),
        ({"lines_per_order": 11}, "lines_per_order=11 is not allowed; give a number from 1 to 10"),
        ({"lines_per_order": "4"}, "lines_per_order='4' is not allowed"),
    ],
)
def test_bad_parameters(options, sentence, tmp_path):
    with pytest.raises(InvalidInput, match=sentence):
        make_shop(**{"n_customers": 10} | options)
    with pytest.raises(InvalidInput, match=sentence):
        write_shop(tmp_path / "out", **{"n_customers": 10} | options)
    assert not list(tmp_path.iterdir())


def test_a_file_for_a_folder(tmp_path):
    (tmp_path / "shop").write_text("")
    with pytest.raises(InvalidFile, match="shop is not a folder; give another name for the output folder"):
        write_shop(tmp_path / "shop", 10)
    with pytest.raises(InvalidFile, match=r"cannot be written to \(File name too long\); give a folder of yours"):
        write_shop(tmp_path / ("a" * 300), 10)
    with pytest.raises(InvalidInput, match="a NoneType is no path; give"):
        write_shop(None, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_shop_shows_itself(shop):
    assert repr(shop).startswith("<A simulated shop of 2,000 customers, as of 2026-01-01: transactions, events")
    shown = shop._repr_html_()
    assert f"<td>{shop.events.height:,}</td>" in shown
    assert f"{shop.dirt['no id']:,} no id" in shown
