"""Sums that do not depend on the order of rows, and lose no digit of a small amount beside a large one."""

import math

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuseg.features._exact import FINE, LARGEST, PIECES, STEP, cut, joined, scale_for


def summed(values, scale):
    sums = nw.from_native(pl.DataFrame({"x": values})).select(*cut(nw.col("x"), scale)).select(nw.all().sum())
    return sums.select(joined(scale)).item()


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(-LARGEST, LARGEST), min_size=1, max_size=20), st.integers(20, 10**9))
def test_a_sum_is_the_true_one(values, rows):
    scale = scale_for(max(map(abs, values)), rows)
    finest = 2.0 ** -(scale.power + STEP * (len(scale.columns) - 1))
    assert summed(values, scale) == pytest.approx(math.fsum(values), rel=1e-15, abs=len(values) * finest)


@pytest.mark.parametrize("rows", [3, 10**6, 10**8])
def test_a_cent_beside_the_largest_amount(rows):
    scale = scale_for(LARGEST, rows)
    assert scale.columns == PIECES
    assert scale.power + 2 * STEP >= FINE
    assert summed([0.01], scale) == pytest.approx(0.01, rel=1e-12)
    assert summed([LARGEST, 0.01, -LARGEST], scale) == pytest.approx(0.01, abs=1e-11)


def test_a_shop_s_amounts_need_two_pieces():
    assert len(scale_for(1e5, 10**8).columns) == 2


@pytest.mark.parametrize("largest", [5e-324, 1.0, LARGEST])
@pytest.mark.parametrize("rows", [0, 1, 2**31])
def test_no_sum_leaves_64_bits(largest, rows):
    scale = scale_for(largest, rows)
    assert max(rows, 1) * (largest * 2.0**scale.power + 1) < 2**63
    assert max(rows, 1) * 2**STEP <= 2**63
