"""How customers buy."""

import datetime as dt
import statistics

import narwhals as nw
import polars as pl
import pytest

import gpuseg
from gpuseg.features import behaviour, clean_transactions, customer_features
from gpuseg.features._by_customer import customers_here
from gpuseg.features._by_name import BEHAVIOUR, features_of
from gpuseg.features.roles import Wishes
from gpuseg.io.tables import Opened
from tests.features.conftest import columns

pytestmark = pytest.mark.usefixtures("quiet")
# Customer 1: three orders on a Monday night, a Tuesday noon and a Friday evening; customer 2: one order.
ROWS = pl.DataFrame(
    {
        "user": [1, 1, 1, 1, 1, 2],
        "date": [
            *(dt.datetime(2026, 1, 5, 0), dt.datetime(2026, 1, 5, 0), dt.datetime(2026, 1, 6, 12)),
            *(dt.datetime(2026, 1, 9, 18), dt.datetime(2026, 1, 9, 19), dt.datetime(2026, 1, 11, 11)),
        ],
        "order": ["a", "a", "b", "c", "C1", "e"],
        "sku": ["x", "y", None, "x", "x", "z"],
        "quantity": [1, 1, 1, 2, -1, 1],
        "price": [1.0, 2.0, 6.0, 6.0, 6.0, 5.0],
    }
)
EXPECTED = {
    "user": [1, 2],
    "tenure_days": [10, 3],
    "basket_mean": [7.0, 5.0],
    "basket_median": [6.0, 5.0],
    "basket_std": [statistics.stdev([3, 6, 12]), None],
    "gap_days_mean": [2.375, None],
    "gap_days_median": [2.375, None],
    "gap_days_std": [statistics.stdev([1.5, 3.25]), None],
    "products": [2, 1],
    "return_rate": [0.2, 0.0],
    "spend_trend": [-1.0, None],
    "share_monday": [1 / 3, 0.0],
    "share_tuesday": [1 / 3, 0.0],
    "share_wednesday": [0.0, 0.0],
    "share_thursday": [0.0, 0.0],
    "share_friday": [1 / 3, 0.0],
    "share_saturday": [0.0, 0.0],
    "share_sunday": [0.0, 1.0],
    "share_night": [1 / 3, 0.0],
    "share_morning": [0.0, 1.0],
    "share_afternoon": [1 / 3, 0.0],
    "share_evening": [1 / 3, 0.0],
}


def same(found, expected):
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, nan_ok=True), name


@pytest.mark.parametrize("returns", ["exclude", "net"])
def test_by_hand(to_library, returns):
    found = columns(behaviour(to_library(ROWS), as_of="2026-01-15", returns=returns))
    found = {name: [None if v != v else v for v in values] for name, values in found.items()}  # noqa: PLR0124 - NaN
    same(found, EXPECTED)


@pytest.mark.parametrize("returns", ["exclude", "net"])
def test_a_dropped_duplicate_is_no_row_of_the_return_rate(returns, to_library):
    amounts = [20.0, 20.0, 20.0, -5.0]
    rows = to_library(pl.DataFrame({"user": [1] * 4, "date": ["2026-01-01"] * 4, "amount": amounts}))
    assert columns(behaviour(rows, returns=returns))["return_rate"] == [0.25]
    assert columns(behaviour(rows, returns=returns, drop_duplicates=True))["return_rate"] == [0.5]


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("returns", ["exclude", "net"])
def test_all_features_of_a_path_are_those_of_its_table(tmp_path, form, returns, retail):
    path = tmp_path / f"rows.{form}"
    for table in (ROWS, retail.head(3_000)):
        getattr(table, f"write_{form}")(path)
        options = {"set": "all", "returns": returns, "drop_duplicates": True}
        (found, report), (expected, same_report) = (customer_features(t, **options) for t in (path, table))
        assert found.equals(expected)
        assert report == same_report


@pytest.mark.parametrize(("as_of", "trend"), [("2026-01-12", (12 - 9) / 21), ("2026-01-31", -1.0)])
def test_the_trend_halves_the_time_to_as_of(as_of, trend):
    assert behaviour(ROWS, as_of=as_of)["spend_trend"][0] == pytest.approx(trend)


@pytest.mark.parametrize(("late", "trend"), [(0, -1.0), (1, 0.5)])
def test_an_order_at_half_time_is_early(late, trend):
    start = dt.datetime(2026, 1, 1)
    times = [start, start + dt.timedelta(days=5, microseconds=late)]
    rows = pl.DataFrame({"user": [1, 1], "date": times, "amount": [1.0, 3.0]})
    assert behaviour(rows, as_of="2026-01-11")["spend_trend"].to_list() == [trend]


@pytest.mark.parametrize("as_of", ["2026-01-01", "2026-03-01"])
def test_one_order_has_no_trend(as_of):
    rows = pl.DataFrame({"user": [1, 1, 2, 2], "date": ["2026-01-01"] * 4, "amount": [1.0, 2.0, 0.0, 0.0]})
    rows = rows.with_columns(order=pl.Series(["a", "a", "b", "c"]))  # and no trend without money
    assert behaviour(rows, as_of=as_of)["spend_trend"].to_list() == [None, None]


def test_what_is_left_out_is_said_and_reported(capsys):
    rows = ROWS.filter(pl.col("quantity") > 0).drop("sku", "order").with_columns(pl.col("date").dt.date())
    with gpuseg.config(notices="stdout"):
        found, report = customer_features(rows, set="behaviour")
    assert set(report.left_out) == {"products", "return_rate", "share_night ... share_evening"}
    assert "products is left out: no column names the product" in capsys.readouterr().out
    assert "without products" in str(report)
    assert not {"products", "return_rate", "share_night"} & set(found.columns)


def test_all_features_are_those_of_both_sets(retail):
    table, report = customer_features(retail, set="all", as_of="2011-12-10")
    parts = [customer_features(retail, set=name, as_of="2011-12-10")[0] for name in ("rfm", "behaviour")]
    assert table.equals(pl.concat([parts[0], parts[1].drop("CustomerID")], how="horizontal"))
    assert (len(table), report.customers, report.left_out) == (4_338, 4_338, {})
    assert table["basket_mean"].dot(table["frequency"]) == pytest.approx(table["monetary"].sum())
    assert table["spend_trend"].is_between(-1, 1).all()
    assert table["return_rate"].is_between(0, 1).all()
    for names in (["share_monday", "share_sunday"], ["share_night", "share_evening"]):
        shares = table[:, slice(*(table.columns.index(name) + i for i, name in enumerate(names)))]
        assert shares.sum_horizontal().to_numpy() == pytest.approx(1)


def test_the_order_of_rows_does_not_count(retail):
    rows = retail.head(100_000)
    assert behaviour(rows).equals(behaviour(rows.sample(fraction=1, shuffle=True, seed=1)))


def test_cleaned_rows_give_the_same(retail):
    kept, _ = clean_transactions(retail, returns="net")
    again = behaviour(kept)
    raw = behaviour(retail, returns="net")
    assert again.drop("return_rate").equals(raw.drop("return_rate"))
    assert (again["return_rate"] - raw["return_rate"]).abs().max() < 1e-12


def test_the_body_is_the_same_for_a_table_like_cudf(retail):
    # cuDF goes through the same part of Narwhals as pandas, which stands in for it here with nullable columns.
    eager = nw.from_native(retail.head(20_000).to_pandas(use_pyarrow_extension_array=True))
    opened = Opened(eager, lambda frame: frame, "a device")
    found = customers_here(opened, Wishes(), BEHAVIOUR, features_of)[0].to_polars()
    expected = behaviour(retail.head(20_000))
    same(
        {
            name: found[name].fill_nan(None).to_list() if found[name].dtype.is_float() else found[name].to_list()
            for name in found.columns
        },
        expected.to_dict(as_series=False),
    )
