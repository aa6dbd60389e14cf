"""Repeat purchases in the CDNOW convention."""

import datetime as dt

import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.features import repeat_purchases
from tests.features.conftest import columns

pytestmark = pytest.mark.usefixtures("quiet")
DAYS = [dt.datetime(2026, 1, day, hour) for day, hour in ((1, 9), (1, 18), (8, 0), (15, 1), (3, 3))]
ROWS = pl.DataFrame({"user": [1, 1, 1, 1, 2], "date": DAYS, "amount": [10.0, 5.0, 1.0, 4.0, 7.0]})


def test_by_hand(to_library):
    expected = {
        "user": [1, 2],
        "frequency": [2, 0],
        "recency": [14.0, 0.0],
        "T": [28.0, 26.0],
        "monetary_value": [2.5, 0.0],
    }
    assert columns(repeat_purchases(to_library(ROWS), as_of="2026-01-29")) == expected


@pytest.mark.parametrize("as_of", ["2026-01-29T23:59:59", "2026-01-29T00:00", dt.datetime(2026, 1, 29, 3)])
def test_the_clock_of_as_of_does_not_count(as_of):
    assert repeat_purchases(ROWS, as_of=as_of)["T"].to_list() == [28.0, 26.0]


def test_weeks():
    found = repeat_purchases(ROWS, as_of="2026-01-29", unit="W")
    assert found["recency"].to_list() == [2.0, 0.0]
    assert found["T"].to_list() == pytest.approx([4.0, 26 / 7])


def test_returns_lessen_the_repeats_and_are_no_purchase():
    back = pl.DataFrame({"user": [1, 2], "date": [dt.datetime(2026, 1, 20)] * 2, "amount": [-1.0, -7.0]})
    found = repeat_purchases(pl.concat([ROWS, back]), as_of="2026-01-29", returns="net")
    expected = {
        "user": [1, 2],
        "frequency": [2, 0],
        "recency": [14.0, 0.0],
        "T": [28.0, 26.0],
        "monetary_value": [2.0, 0.0],
    }
    assert columns(found) == expected


def test_an_unknown_unit():
    with pytest.raises(InvalidInput, match="unit='M' is not known; allowed are 'D', 'W'"):
        repeat_purchases(ROWS, unit="M")


def test_cdnow(cdnow, data, to_library):
    found = repeat_purchases(
        to_library(cdnow), time="date", customer="ID", order="master", as_of="1997-09-30", unit="W"
    )
    table = pl.DataFrame(columns(found)).with_columns(pl.col("ID").cast(pl.Int64))
    published = pl.read_csv(data / "reference" / "cdnow_customers_summary_with_transactions.csv")
    assert table["ID"].to_list() == published["ID"].to_list()
    assert table["frequency"].to_list() == published["x"].to_list()
    for name, theirs in {"recency": "t_x", "T": "T", "monetary_value": "zbar"}.items():
        assert (table[name] - published[theirs]).abs().max() <= 0.005 + 1e-9  # printed with two decimals
    other = pl.read_csv(data / "reference" / "cdnow_customers_summary.csv")
    assert table["frequency"].to_list() == other["frequency"].to_list()
    assert (table["recency"] - other["recency"]).abs().max() <= 0.005 + 1e-9
