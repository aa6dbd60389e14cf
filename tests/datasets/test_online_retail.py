"""Online Retail I and II under one schema, no row twice."""

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import gpuseg
from gpuseg.datasets import read_online_retail
from gpuseg.errors import InvalidFile, InvalidInput

SCHEMA = {
    "InvoiceNo": pl.String,
    "StockCode": pl.String,
    "Description": pl.String,
    "Quantity": pl.Int64,
    "InvoiceDate": pl.Datetime("us"),
    "UnitPrice": pl.Float64,
    "CustomerID": pl.Int64,
    "Country": pl.String,
}


def rows(*days, invoice="1"):
    return pl.DataFrame(
        [(invoice, "85048", None, 12, dt.datetime(2010, 12, day, 9), 6.95, 13085, "France") for day in days],
        schema=SCHEMA,
        orient="row",
    )


@pytest.fixture
def written(tmp_path):
    def write(name, frame):
        return gpuseg.write_table(frame, tmp_path / name)

    return write


def test_the_real_files(data, capsys):
    one, two = (data / "transactions" / f"online_retail{name}.parquet" for name in ("", "_II_2009_2010"))
    with gpuseg.config(notices="stdout"):
        both = read_online_retail(one, two)
    assert both.height == 1_044_847
    assert dict(both.schema) == SCHEMA
    assert "II_2009_2010.parquet: 22,523 rows since 2010-12-01 are left out" in capsys.readouterr().out
    alone = read_online_retail(one)
    assert_frame_equal(alone, pl.read_parquet(one))
    assert_frame_equal(both.tail(alone.height), alone)
    assert read_online_retail(two).height == 525_461


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_a_csv_is_read_as_the_parquet(written, form):
    frame = rows(3, 20)
    names = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    text = frame.with_columns(pl.col("InvoiceDate").dt.strftime(form), pl.col("CustomerID").cast(pl.Float64))
    assert_frame_equal(read_online_retail(written("two.csv", text.rename(names))), frame)


def test_files_that_do_not_overlap_are_joined_by_time(written):
    later, earlier = written("later.parquet", rows(9)), written("earlier.parquet", rows(1, 2))
    assert_frame_equal(read_online_retail(later, earlier), rows(1, 2, 9))


def test_files_that_overlap_and_differ_are_refused(written):
    earlier, later = written("earlier.parquet", rows(1, 2)), written("later.parquet", rows(2, 3, invoice="7"))
    with pytest.raises(
        InvalidInput, match=r"earlier.parquet has 1 rows since 2010-12-02 that .*later.parquet.* has not"
    ):
        read_online_retail(earlier, later)


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (rows(1).drop("Country"), "has no column 'Country'; give a file of Online Retail"),
        (rows(), "has no row with an InvoiceDate; give a file with rows"),
    ],
)
def test_other_tables_are_refused(written, frame, sentence):
    with pytest.raises(InvalidFile, match=sentence):
        read_online_retail(written("other.parquet", frame))


@pytest.mark.parametrize(
    ("column", "value", "example"),
    [("Quantity", "1.5", "1.5"), ("CustomerID", "A12", "A12"), ("CustomerID", "9" * 20, "9" * 20)],
)
def test_what_is_no_whole_number_is_refused_not_cut(written, column, value, example):
    frame = rows(1, 2).with_columns(pl.Series(column, ["7", value]))
    with pytest.raises(InvalidFile, match=f"a {column} that is no whole number in 1 of 2 rows, for example {example};"):
        read_online_retail(written("odd.csv", frame))


def test_rows_without_a_time_are_not_cut_with_those_of_the_later_file(written):
    without = rows(1).with_columns(InvoiceDate=pl.lit(None, dtype=pl.Datetime("us")))
    earlier, later = written("earlier.parquet", pl.concat([rows(1, 2), without])), written("later.parquet", rows(2, 3))
    assert_frame_equal(read_online_retail(earlier, later), pl.concat([rows(1), without, rows(2, 3)]))


def test_a_column_under_both_names(written):
    frame = rows(1)
    assert_frame_equal(read_online_retail(written("both.parquet", frame.with_columns(Invoice=pl.lit(8)))), frame)


def test_what_is_no_file(tmp_path):
    for given in (None, rows(1), "", "a\0b"):
        with pytest.raises(InvalidInput, match="is no path; give the name of a file or folder"):
            read_online_retail(given)
    with pytest.raises(InvalidFile, match="does not exist; check the path"):
        read_online_retail(tmp_path / "retail.parquet")
    (tmp_path / "retail.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InvalidFile, match="cannot be read as Parquet"):
        read_online_retail(tmp_path / "retail.parquet")
