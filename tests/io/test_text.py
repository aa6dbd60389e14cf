"""Numbers and ids of text, floats and categories."""

import decimal

import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.io.text import Scan, convert, ids, numbers, stripped

nan, inf = float("nan"), float("inf")


def read(how, values, dtype=None):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    found = convert(Scan(frame.lazy()), [how("x", frame.schema["x"])])
    return frame.select(found[0].expression).to_series().to_list()


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], None, [1, 2]),
        (["1.5", " 2 ", "1e3", ""], None, [1.5, 2.0, 1000.0, None]),
        (["inf", "-3", "None"], None, [inf, -3.0, None]),
        ([None, None], None, [None, None]),
        (["7", "7"], pl.Categorical, [7.0, 7.0]),
    ],
)
def test_numbers(values, dtype, expected):
    assert read(numbers, values, dtype) == expected


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["£3.50", "2"], r"'x' holds text in 1 of 2 rows, for example '£3.50'; write plain numbers"),
        (["3,50", "2,00"], r"in 2 of 2 rows, for example '2,00' with a decimal comma"),
        (["1,234.50"], r"for example '1,234.50'; write plain"),
        (["two"], r"for example 'two'"),
        ([True], r"holds Boolean, not numbers"),
    ],
)
def test_numbers_that_are_none(values, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        read(numbers, values)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([17850, None], pl.Int32, [17850, None]),
        ([17850.0, nan, None, inf], None, [17850, None, None, None]),
        ([decimal.Decimal(7)], None, [7]),
        ([2**64 - 1], pl.UInt64, [2**64 - 1]),
        (["17850.0", " 17851", "nan", ""], None, [17850, 17851, None, None]),
        (["0", "0.00"], None, [0, 0]),
        (["007", "8.0"], None, ["007", "8"]),
        (["A 1", "N/A", "8.0"], None, ["A 1", None, "8"]),
        (["A", "B"], pl.Categorical, ["A", "B"]),
        (["A", "B"], pl.Enum(["A", "B"]), ["A", "B"]),
        (["1" * 30], None, ["1" * 30]),
        ([None], None, [None]),
    ],
)
def test_ids(values, dtype, expected):
    assert read(ids, values, dtype) == expected


@pytest.mark.parametrize(("values", "sentence"), [([1.5, 2.0], r"in 1 rows, for example 1\.5"), ([True], "Boolean")])
def test_ids_that_are_none(values, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        read(ids, values)


def test_several_columns_are_looked_at_together():
    frame = pl.LazyFrame({"a": ["1.0"], "b": ["x"], "c": ["2"]})
    found = convert(Scan(frame), [ids("a", pl.String()), ids("b", pl.String()), numbers("c", pl.String())])
    assert frame.select(c.expression for c in found).collect().rows() == [(1, "x", 2.0)]


def test_stripped():
    assert pl.DataFrame({"x": [" a ", "NULL", "Nan"]}).select(stripped("x")).rows() == [("a",), (None,), ("Nan",)]
