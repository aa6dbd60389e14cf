import datetime as dt
import subprocess
import sys
from decimal import Decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gpuseg.errors import InvalidFile, InvalidInput
from gpuseg.io.tables import collected, open_table, read_table, write_table

DATA = {"id": [1, 2, 3], "spent": [1.5, None, 2.0], "name": ["a", None, "é"]}


class Stream:
    """An object of some library that speaks Arrow and nothing else."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class AnyPath:
    """A path of some library."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def contents(source, **options):
    return open_table(source, **options).eager().to_polars().to_dict(as_series=False)


FRAMES = {
    "polars": pl.DataFrame,
    "lazy": pl.LazyFrame,
    "pandas": pd.DataFrame,
    "nullable": lambda data: pd.DataFrame(data).convert_dtypes(),
    "pandas_arrow": lambda data: pd.DataFrame(data).convert_dtypes(dtype_backend="pyarrow"),
    "pyarrow": pa.table,
    "batch": pa.RecordBatch.from_pydict,
    "reader": lambda data: pa.table(data).to_reader(),
    "stream": lambda data: Stream(pa.table(data)),
    "narwhals": lambda data: nw.from_native(pl.DataFrame(data)),
    "narwhals_lazy": lambda data: nw.from_native(pl.LazyFrame(data)),
}
GIVEN_BACK = {"pandas": pd.DataFrame, "nullable": pd.DataFrame, "pandas_arrow": pd.DataFrame, "pyarrow": pa.Table}


@pytest.mark.parametrize("kind", FRAMES)
def test_opens_every_frame(kind):
    assert contents(FRAMES[kind](DATA)) == DATA


@pytest.mark.parametrize("kind", FRAMES)
def test_gives_back_the_caller_s_library(kind):
    opened = open_table(FRAMES[kind](DATA))
    result = opened.give_back(opened.eager().with_columns(double=nw.col("id") * 2))
    assert isinstance(result, GIVEN_BACK.get(kind, pl.DataFrame))
    assert list(result["double"].to_pylist() if kind == "pyarrow" else result["double"]) == [2, 4, 6]


def test_results_in_pandas_have_its_default_types():
    result = read_table(FRAMES["nullable"](DATA | {"yes": [True, False, None]}))
    assert {name: str(kind) for name, kind in result.dtypes.items()} == {
        "id": "int64",
        "spent": "float64",
        "name": str(pd.Series(["a"]).dtype),
        "yes": "object",
    }


def test_opens_a_duckdb_relation():
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    relation = duckdb.sql("select 1 as id, 'a' as name")
    assert contents(relation) == {"id": [1], "name": ["a"]}


@pytest.mark.parametrize("kind", ["lazy", "narwhals_lazy"])
def test_a_lazy_frame_stays_lazy(kind):
    assert isinstance(open_table(FRAMES[kind](DATA)).frame, nw.LazyFrame)


@pytest.mark.parametrize("source", [{"a": [1]}, [{"a": 1}], [1, 2], None, 3, b"a.csv", np.eye(2), object()])
def test_refuses_what_is_no_table(source):
    with pytest.raises(InvalidInput, match=r"got a .*, which is no table; pass a path, a pandas, Polars, PyArrow"):
        open_table(source)


@pytest.mark.parametrize("source", [pl.Series([1]), pd.Series([1]), pa.chunked_array([[1]])])
def test_refuses_a_column_alone(source):
    with pytest.raises(InvalidInput, match=r"gives no table through its Arrow stream|which is no table"):
        open_table(source)


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=[1, "1"]),
        pa.table([[1], [2]], names=["a", "a"]),
        Stream(pa.table([[1], [2]], names=["a", "a"])),
    ],
    ids=["pandas", "pandas text", "pyarrow", "stream"],
)
def test_refuses_columns_of_one_name(source):
    with pytest.raises(InvalidInput, match="has columns of the same name"):
        open_table(source)


def test_names_of_columns_become_text():
    assert contents(pd.DataFrame([[1, 2]])) == {"0": [1], "1": [2]}


def test_an_index_is_left_out_and_a_named_one_is_said(capsys):
    frame = pd.DataFrame({"a": [1, 2]}, index=[7, 8])
    assert contents(frame) == {"a": [1, 2]}
    assert capsys.readouterr().out == ""
    assert contents(frame.rename_axis("customer")) == {"a": [1, 2]}
    assert "the index 'customer' is no column and is left out; reset_index() makes it one" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([1.5, np.nan, None], [1.5, None, None]),
        (pd.Series(["a", None, np.nan], dtype=object), ["a", None, None]),
        (pd.Series([True, None, False], dtype=object), [True, None, False]),
        (pd.Categorical(["a", None, "b"]), ["a", None, "b"]),
        (pd.Categorical([3, 1, 3]), [3, 1, 3]),
        (pd.array([1, None, 2], dtype="Int64"), [1, None, 2]),
        (pd.array([True, None, False], dtype="boolean"), [True, None, False]),
        ([[1, 2], None, []], [[1, 2], None, []]),
    ],
)
def test_what_is_missing_in_pandas_is_missing(column, expected):
    assert contents(pd.DataFrame({"x": column})) == {"x": expected}


@pytest.mark.parametrize(
    "column",
    [
        *([object(), 1, 2], [1j, 2, 3], ["x", 1j, 2], ["x", True, 1], ["x", b"y", 1], ["x", [1], 2]),
        *(["x", dt.date(2026, 1, 1), 1], ["x", Decimal(1), 1], pd.arrays.SparseArray([0, 0, 1])),
    ],
)
def test_refuses_a_column_of_mixed_kinds_by_its_name(column):
    with pytest.raises(InvalidInput, match=r"a pandas DataFrame has a column .*column x.*; make it numbers, text"):
        open_table(pd.DataFrame({"x": column, "y": 1}))


def test_a_refused_column_is_named_beside_a_mixed_one(capsys):
    with pytest.raises(InvalidInput, match=r"a pandas DataFrame has a column .*column when.*; make it numbers, text"):
        open_table(pd.DataFrame({"x": [1, "a"], "when": ["now", dt.date(2026, 1, 1)]}))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([536365, "C536379", None], ["536365", "C536379", None]),
        ([1.0, "x", 2.5, np.nan, pd.NA], ["1", "x", "2.5", None, None]),
        ([np.int64(7), np.float32(3), "5.0"], ["7", "3", "5.0"]),
        ([2**53 + 1, 10**20, 1e16, "x"], ["9007199254740993", "100000000000000000000", "10000000000000000", "x"]),
        ([float("inf"), "007", -0.0], ["inf", "007", "0"]),
    ],
)
@pytest.mark.parametrize("name", ["x", 0])
def test_text_and_numbers_in_one_column_are_text(column, expected, name, capsys):
    frame = pd.DataFrame({name: pd.Series(column, dtype=object), "y": 1})
    before = frame.copy()
    assert contents(frame)[str(name)] == expected
    assert f"a pandas DataFrame: text and numbers are mixed in '{name}', read as text" in capsys.readouterr().out
    pd.testing.assert_frame_equal(frame, before)


SIZES = ["small", "medium", "large", "never"]
ORDERED = {
    "pandas": lambda values: pd.DataFrame({"x": pd.Categorical(values, SIZES, ordered=True)}),
    "pyarrow": lambda values: pa.table({"x": dictionary(values, SIZES)}),
    "stream": lambda values: Stream(pa.table({"x": dictionary(values, SIZES)})),
    "polars stream": lambda values: Stream(pl.DataFrame({"x": pl.Series(values, dtype=pl.Enum(SIZES))}).to_arrow()),
}


def dictionary(values, levels):
    codes = pa.array([None if value is None else levels.index(value) for value in values], pa.int8())
    return pa.DictionaryArray.from_arrays(codes, levels, ordered=True)


@pytest.mark.parametrize("values", [["large", None, "small", "large"], [None]])
@pytest.mark.parametrize("kind", ORDERED)
def test_the_order_of_categories_stays(kind, values):
    source = ORDERED[kind](values)
    opened = open_table(source)
    assert opened.eager().to_polars()["x"].dtype == pl.Enum(SIZES)
    back = opened.give_back(opened.eager())
    if kind == "pandas":
        assert list(back["x"].cat.categories) == SIZES
        assert back["x"].cat.ordered
    found = open_table(back).eager()["x"]
    assert (found.to_list(), list(found.dtype.categories)) == (values, SIZES)


@pytest.mark.parametrize("kind", ORDERED)
def test_ordered_categories_of_no_row_open(kind):
    assert open_table(ORDERED[kind]([])).eager().shape == (0, 1)


def test_categories_without_an_order_have_none():
    frame = pd.DataFrame({"x": pd.Categorical(["b", "a"]), "n": pd.Categorical([3, 1], [3, 1], ordered=True)})
    assert open_table(frame).eager().to_polars().schema == {"x": pl.Categorical(), "n": pl.Int64()}


def test_refuses_an_arrow_type_without_a_column_here():
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    for table in (pa.table({"a": union}), Stream(pa.table({"a": union}))):
        with pytest.raises(InvalidInput):
            open_table(table)


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("kind", FRAMES)
def test_written_and_read_is_the_same(tmp_path, ending, kind):
    path = write_table(FRAMES[kind](DATA), tmp_path / f"a.{ending}")
    assert path == tmp_path / f"a.{ending}"
    for source in (path, str(path), AnyPath(path)):
        assert read_table(source).to_dict(as_series=False) == DATA


def test_a_file_may_be_written_over_from_itself(tmp_path):
    path = write_table(pl.DataFrame(DATA), tmp_path / "a.csv")
    write_table(pl.scan_csv(path), path)
    assert contents(path) == DATA


def test_a_file_stays_lazy_and_text_is_passed_on(tmp_path):
    (tmp_path / "a.csv").write_text("id\n007\n8\n")
    opened = open_table(tmp_path / "a.csv", text=True)
    assert isinstance(opened.frame, nw.LazyFrame)
    assert opened.source == str(tmp_path / "a.csv")
    assert opened.eager()["id"].to_list() == ["007", "8"]


def damaged(place):
    """Write a Parquet file whose footer is right and whose pages are not."""
    pl.DataFrame({"a": range(100_000)}).write_parquet(place / "a.parquet")
    content = bytearray((place / "a.parquet").read_bytes())
    content[100:5000] = b"\xff" * 4900
    (place / "a.parquet").write_bytes(content)
    return place / "a.parquet"


def test_damage_seen_late_names_the_file(tmp_path):
    path = damaged(tmp_path)
    with pytest.raises(InvalidFile, match=rf"{path} cannot be read as a table .*; give an undamaged file"):
        open_table(path).eager()
    with pytest.raises(InvalidFile, match="the orders cannot be read"):
        collected(open_table(path).frame.select(nw.col("a").sum()), "the orders")
    with pytest.raises(InvalidFile, match="cannot be read"):
        write_table(path, tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


@pytest.mark.parametrize("text", [True, False])
def test_a_line_too_long_is_found_before_any_of_its_values_is_taken(tmp_path, text):
    (tmp_path / "a.csv").write_text("id,name,amount\n" + "1,Ann,2\n" * 1000 + "1,Smith, Ann,2\n")
    with pytest.raises(InvalidFile, match="a line has more fields than the header"):
        open_table(tmp_path / "a.csv", text=text)


@pytest.mark.parametrize("text", [True, False])
def test_a_quote_that_never_ends_is_a_clear_error(tmp_path, text):
    (tmp_path / "a.csv").write_text('id,name\n1,"Ann\n2,Bob\n')
    with pytest.raises(InvalidFile, match="cannot be read as CSV"):
        open_table(tmp_path / "a.csv", text=text)


def test_a_file_that_goes_away_is_a_clear_error(tmp_path):
    opened = open_table(write_table(pl.DataFrame(DATA), tmp_path / "a.parquet"))
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(InvalidFile, match=r"a.parquet cannot be read"):
        opened.eager()


def test_a_wrong_expression_is_no_damage():
    with pytest.raises(nw.exceptions.ColumnNotFoundError):
        collected(nw.from_native(pl.LazyFrame(DATA)).select("no"))


@pytest.mark.parametrize(
    ("name", "shape", "some"),
    [
        ("Mall_Customers.csv", (200, 5), {"Gender": pl.String, "Age": pl.Int64}),
        ("wholesale_customers.csv", (440, 8), {"Fresh": pl.Int64}),
        ("marketing_campaign.csv", (2240, 29), {"ID": pl.Int64, "Income": pl.Int64, "Dt_Customer": pl.Date}),
        ("online_shoppers_intention.csv", (12_330, 18), {"Weekend": pl.Boolean, "BounceRates": pl.Float64}),
    ],
)
def test_the_customer_tables_open(data, name, shape, some):
    frame = read_table(data / "customers" / name)
    assert frame.shape == shape
    assert {column: frame.schema[column] for column in some} == some


def test_the_marketing_table_misses_24_incomes(data):
    assert read_table(data / "customers" / "marketing_campaign.csv")["Income"].null_count() == 24


@pytest.mark.parametrize(
    ("name", "shape"),
    [("online_retail.parquet", (541_909, 8)), ("online_retail_II_2009_2010.parquet", (525_461, 8))],
)
def test_the_transactions_open(data, name, shape):
    assert read_table(data / "transactions" / name).shape == shape


def test_the_two_years_of_transactions_are_not_one_table(data):
    with pytest.raises(InvalidFile, match="differ in the columns"):
        open_table(data / "transactions")


MEASURE = """
import resource, sys
import narwhals as nw
from gpuseg.io.tables import collected, open_table
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frame = open_table(sys.argv[1], text=sys.argv[1].endswith("csv")).frame
for _ in range(2):
    sums = collected(frame.group_by("id").agg(nw.col("amount").cast(nw.Float64).sum()))
    assert len(sums) == 1000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("name", "encoding"), [("a.csv", "utf-8"), ("a.csv", "cp1252"), ("a.parquet", "")])
def test_a_large_file_is_never_python_objects(tmp_path, name, encoding):
    rows = 2_000_000
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"id": rng.integers(0, 1000, rows), "amount": rng.random(rows).round(2)})
    path = write_table(frame.with_columns(country=pl.lit("United Kingdom, £")), tmp_path / name)
    if encoding == "cp1252":
        path.write_bytes(path.read_text().encode(encoding))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path], capture_output=True, text=True, timeout=300, check=True
    )
    grown = int(done.stdout.splitlines()[-1]) / 1024
    assert grown < 450  # MiB; three columns of two million Python objects are above 500
