"""Recency, frequency and monetary value."""

import datetime as dt
import re

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuseg
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features import behaviour, clean_transactions, customer_features, repeat_purchases, rfm
from gpuseg.features._by_customer import customers_here
from gpuseg.features._by_name import RFM, features_of
from gpuseg.features.roles import Wishes
from gpuseg.io.tables import Opened
from tests.features.conftest import LIBRARIES, columns

pytestmark = pytest.mark.usefixtures("quiet")
DAYS = [dt.datetime(2026, 1, day, 15) for day in (1, 5, 5, 3)]
ROWS = pl.DataFrame(
    {"user": [1, 1, 1, 2], "date": DAYS, "order": ["a", "b", "c", "d"], "amount": [10.0, 5.0, 1.0, 7.0]}
)


def test_by_hand(to_library):
    found = columns(rfm(to_library(ROWS), as_of="2026-01-10"))
    assert found == {"user": [1, 2], "recency": [4, 6], "frequency": [3, 1], "monetary": [16.0, 7.0]}


def test_days_count_where_there_is_no_order():
    assert rfm(ROWS.drop("order"))["frequency"].to_list() == [2, 1]


def test_rows_without_an_order_id_count_by_day(capsys):
    rows = ROWS.with_columns(order=pl.Series(["a", None, None, None]))
    with gpuseg.config(notices="stdout"):
        assert rfm(rows)["frequency"].to_list() == [2, 1]
    assert "3 rows have no order id; those of a customer's day count as one order" in capsys.readouterr().out


def test_net_takes_returns_off_and_leaves_orders():
    back = ROWS.with_columns(
        amount=-pl.col("amount") / 2, order="C" + pl.lit("1") + pl.col("order"), date=pl.col("date") + dt.timedelta(3)
    )
    only = back.with_columns(user=pl.lit(3, pl.Int64))
    found = rfm(pl.concat([ROWS, back[:1], only]), as_of="2026-01-10", returns="net")
    expected = {"user": [1, 2], "recency": [4, 6], "frequency": [3, 1], "monetary": [11.0, 7.0]}
    assert columns(found) == expected


def rows_with(amount):
    return pl.DataFrame({"user": [1, 2, 3, 4], "date": DAYS, "amount": [0.1, 0.2, 19.99, amount]})


@pytest.mark.parametrize("amount", [1e-9, 1e14, 1e15])
def test_a_large_amount_costs_the_others_no_digit(amount, to_library):
    assert columns(rfm(to_library(rows_with(amount))))["monetary"] == [0.1, 0.2, 19.99, amount]


def test_a_large_amount_that_is_dropped_does_not_count():
    assert rfm(rows_with(-1e300))["monetary"].to_list() == [0.1, 0.2, 19.99]


@pytest.mark.parametrize(
    ("amount", "returns"),
    [*((amount, "exclude") for amount in (1.1e15, 1e20, 1e30, 1e300, 1.7e308)), (-1.1e15, "net"), (-1e300, "net")],
)
@pytest.mark.parametrize("features", [rfm, behaviour, repeat_purchases, clean_transactions])
def test_a_wild_amount_is_refused(features, amount, returns):
    sentence = f"column 'amount' gives an amount beyond 1e+15 in 1 of 4 rows, for example {amount:g}; those from"
    with pytest.raises(InvalidInput, match=re.escape(sentence)):
        features(rows_with(amount), returns=returns)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_path(tmp_path, form):
    path = tmp_path / f"rows.{form}"
    getattr(ROWS, f"write_{form}")(path)
    assert rfm(path).equals(rfm(ROWS))


def test_what_was_dropped_is_said(capsys):
    with gpuseg.config(notices="stdout"):
        rfm(ROWS.with_columns(user=pl.Series([1, None, 1, 2])))
    assert "3 of 4 rows kept; dropped: 1 no id" in capsys.readouterr().out


def test_online_retail(retail, to_library):
    found = columns(rfm(to_library(retail), as_of="2011-12-10", returns="exclude"))
    table = pl.DataFrame(found)
    assert len(table) == 4_338
    assert table["CustomerID"].is_sorted()
    expected = {
        "recency": (92.059, 50, 373),
        "frequency": (4.272, 2, 209),
        "monetary": (2_054.266, 674.485, 280_206.02),
    }
    for name, (mean, median, most) in expected.items():
        assert round(table[name].mean(), 3) == mean
        assert round(table[name].median(), 3) == median
        assert table[name].max() == most
    assert table["monetary"].sum() == pytest.approx(8_911_407.904, abs=1e-6)


def test_ids_that_came_as_floats(retail):
    floats = retail.with_columns(pl.col("CustomerID").cast(pl.Float64))
    text = retail.with_columns(pl.col("CustomerID").cast(pl.Float64).cast(pl.String))
    assert rfm(floats).equals(rfm(retail))
    assert rfm(text).equals(rfm(retail))


def test_the_body_is_the_same_for_a_table_like_cudf(retail):
    # cuDF goes through the same part of Narwhals as pandas, which stands in for it here with nullable columns.
    eager = nw.from_native(retail.head(50_000).to_pandas(use_pyarrow_extension_array=True))
    for returns in ("exclude", "net"):
        opened = Opened(eager, lambda frame: frame, "a device")
        found = customers_here(opened, Wishes(returns=returns), RFM, features_of)[0].to_polars()
        expected = rfm(retail.head(50_000), returns=returns)
        assert found["CustomerID"].to_list() == expected["CustomerID"].to_list()
        assert found["frequency"].to_list() == expected["frequency"].to_list()
        assert found["recency"].to_list() == expected["recency"].to_list()
        assert found["monetary"].to_list() == expected["monetary"].to_list()


@pytest.mark.parametrize("column", ["date", "amount"])
def test_text_is_not_parsed_on_a_device(column):
    frame = nw.from_native(
        ROWS.with_columns(pl.col(column).cast(pl.String)).to_pandas(use_pyarrow_extension_array=True)
    )
    with pytest.raises(UnsupportedOnBackend, match=f"column '{column}' of a table on a GPU holds String"):
        customers_here(Opened(frame, lambda found: found, "a device"), Wishes(), RFM, features_of)


def test_an_unknown_set():
    with pytest.raises(InvalidInput, match="set='rmf' is not known"):
        customer_features(ROWS, set="rmf")


times = st.integers(0, 80).map(lambda hours: dt.datetime(2026, 1, 1) + dt.timedelta(hours=hours))
amounts = st.floats(0.01, 1e6) | st.floats(1e-3, 1e15)
buys = st.lists(st.tuples(st.integers(1, 4), times, st.sampled_from("abcd"), amounts), min_size=1, max_size=30)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(buys, st.randoms(use_true_random=False), st.sampled_from(sorted(LIBRARIES)))
def test_laws(rows, random, library):
    shuffled = random.sample(rows, len(rows))
    names = ["customer", "date", "order", "amount"]
    with gpuseg.config(notices="off"):
        found = rfm(pl.DataFrame(rows, schema=names, orient="row"))
        again = rfm(LIBRARIES[library](pl.DataFrame(shuffled, schema=names, orient="row")))
    assert columns(again) == columns(found)  # bit for bit, whatever the order of the rows
    for customer, recency, frequency, monetary in found.rows():
        own = [row for row in rows if row[0] == customer]
        assert (
            recency
            == (
                dt.datetime.combine(max(r[1] for r in rows).date(), dt.time())
                + dt.timedelta(1)
                - max(r[1] for r in own)
            ).days
        )
        assert frequency == len({row[2] for row in own})
        assert monetary == pytest.approx(sum(row[3] for row in own), rel=1e-12)
    assert found["customer"].to_list() == sorted({row[0] for row in rows})
