"""Partial and combine: the same moments and quantiles, however the rows are cut."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from gpuseg.engines import blocks_of, engine_for
from gpuseg.errors import InvalidInput
from gpuseg.preprocessing.looks import look_at
from gpuseg.preprocessing.quantiles import joined, mode, quantile, summary_of, with_point
from gpuseg.preprocessing.ranking import _settled, bounds_of, quantiles_of, ranks_at, spans, spans_together
from gpuseg.preprocessing.schema import kind_of
from gpuseg.preprocessing.statistics import combined, deviation, merged, moments_of, skewness

RNG = np.random.default_rng(3)
columns = arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6))
exactly = settings(derandomize=True, deadline=None, max_examples=50)


def near(a, b, x):
    size = np.abs(x).max() + 1e-300
    for field, power in zip(zip(a, b, strict=True), (0, 1, 1, 1, 2, 3), strict=True):
        np.testing.assert_allclose(*field, rtol=1e-9, atol=1e-9 * size**power)


@exactly
@given(columns, columns, columns)
def test_merging_is_associative(a, b, c):
    x, y, z = (moments_of(part[:, None]) for part in (a, b, c))
    whole = np.concatenate([a, b, c])
    near(merged(merged(x, y), z), merged(x, merged(y, z)), whole)
    near(merged(merged(x, y), z), moments_of(whole[:, None]), whole)


@exactly
@given(columns, columns, st.floats(0, 1))
def test_summaries_merge_to_numpys_quantile(a, b, share):
    parts = [summary_of(np.sort(part)) for part in (a, b)]
    expected = np.quantile(np.concatenate([a, b]), share)
    np.testing.assert_allclose(quantile(joined(parts), share), expected, rtol=1e-9, atol=1e-9)
    assert quantile(joined(parts), share) == quantile(joined(parts[::-1]), share)


def test_moments_on_every_backend(backend):
    x = np.where(RNG.random((500, 3)) < 0.1, np.nan, RNG.gamma(2, size=(500, 3)))
    parts = [moments_of(backend.to_device(x[cut])) for cut in (slice(0, 190), slice(190, 190), slice(190, 500))]
    found = combined(parts)
    np.testing.assert_allclose(found.mean, np.nanmean(x, axis=0))
    np.testing.assert_allclose(deviation(found), np.nanstd(x, axis=0))
    np.testing.assert_allclose(skewness(found), stats.skew(x, axis=0, nan_policy="omit"))


def test_far_from_zero():
    x = 1e9 + RNG.normal(size=(300_000, 1))
    found = combined([moments_of(part) for part in np.array_split(x, 5)])
    exact = x.astype(np.longdouble)
    np.testing.assert_allclose(found.mean - 1e9, float(exact.mean() - 1e9), atol=1e-7)
    np.testing.assert_allclose(deviation(found), float(exact.std()), rtol=1e-9)
    assert abs(skewness(found)[0] - stats.skew(x - 1e9)[0]) < 1e-6


def test_a_sketch_keeps_its_promise():
    x = RNG.lognormal(size=400_000)
    summary = joined([summary_of(np.sort(part), 60.0) for part in np.array_split(x, 7)])
    assert summary.weights.sum() == len(x)
    assert len(summary.values) < len(x) / 50
    rising = np.sort(x)
    for rank in RNG.integers(0, len(x), 50):
        ((low, high),) = bounds_of(summary, np.array([rank]))
        assert low <= rising[rank] <= high
        assert np.sum((x >= low) & (x <= high)) <= 2 * summary.error + 4 * 60 * 7


CASES = {
    "smooth": lambda n: RNG.normal(size=n),
    "few values": lambda n: RNG.integers(0, 5, n).astype(float),
    "ties": lambda n: np.where(RNG.random(n) < 0.4, 7.0, RNG.lognormal(size=n)),
    "one value": lambda n: np.full(n, 3.0),
    "sorted": lambda n: np.sort(RNG.normal(size=n)),
    "gaps": lambda n: np.where(RNG.random(n) < 0.9, np.nan, RNG.normal(size=n)),
}
SHARES = [0, 0.01, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.99, 1]


@pytest.fixture
def sketched(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 137)
    monkeypatch.setattr("gpuseg.preprocessing.quantiles.EXACT", 500)
    monkeypatch.setattr("gpuseg.preprocessing.quantiles.POINTS", 20)


def test_quantiles_are_numpys_on_all_rows(backend, sketched):
    x = np.column_stack([case(3000) for case in CASES.values()])
    engine = engine_for(blocks_of(backend.to_device(x), missing=True), backend.name)
    assert np.array_equal(quantiles_of(engine, SHARES), np.nanquantile(x, SHARES, axis=0).T)


def last_column(block):
    return block.x[:, -1]


def test_quantiles_by_group(backend, sketched):
    x = np.column_stack([*(case(3000) for case in CASES.values()), RNG.integers(-1, 4, 3000)])
    engine = engine_for(blocks_of(backend.to_device(x), missing=True), backend.name).map(last_column)
    found = quantiles_of(engine, SHARES, groups=5)
    for group in range(4):
        assert np.array_equal(found[group], np.nanquantile(x[x[:, -1] == group], SHARES, axis=0).T)
    assert np.isnan(found[4]).all()


@exactly
@given(st.lists(columns, min_size=1, max_size=5), st.floats(0, 1))
def test_enclosed_ranks_are_exact(parts, share):
    whole = np.concatenate(parts)
    summary = joined([summary_of(np.sort(part), 3.0) for part in parts])
    bounds = bounds_of(summary, ranks_at([share], len(whole)))
    found = spans_together([spans(part[:, None], [bounds]) for part in parts])
    again = spans_together([spans_together([spans(part[:, None], [bounds])]) for part in parts])
    assert str(found) == str(again)
    assert quantile(_settled(summary, bounds, found[0]), share) == np.quantile(whole, share)


@exactly
@given(*[columns] * 3)
def test_spans_are_put_together_in_any_grouping(a, b, c):
    x, y, z = (spans(part[:, None], [np.array([[-5e5, 0.0], [1.0, 1.0]])]) for part in (a, b, c))
    left, right = spans_together([spans_together([x, y]), z]), spans_together([x, spans_together([y, z])])
    assert str(left) == str(right)


def test_imputed_rows_count():
    x = np.array([1.0, 2.0, 10.0])
    summary = with_point(summary_of(x), 2.0, 3)
    assert quantile(summary, 0.25) == np.quantile([1, 2, 2, 2, 2, 10], 0.25)
    assert mode(summary) == 2


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_column_without_values(share):
    assert quantile(summary_of(np.array([])), share) == 0


words = st.sampled_from(
    [None, "", "red", "blue", "1.5", "2", "007", "yes", "NO", "2024-01-31", "01/02/2024", "31/01/2024"]
)
texts = st.lists(st.lists(words, max_size=6), min_size=3, max_size=3)
numbers = st.lists(st.lists(st.sampled_from([None, 0.0, 1.0, 2.5, -7.0, 1e9]), max_size=6), min_size=3, max_size=3)


@exactly
@given(st.one_of(texts, numbers))
def test_looks_add_up(parts):
    text = any(isinstance(value, str) for part in parts for value in part)
    series = [pl.Series("values", part, dtype=pl.String if text else pl.Float64) for part in parts]
    x, y, z = (look_at(nw.from_native(part, series_only=True)) for part in series)
    whole = look_at(nw.from_native(pl.concat(series), series_only=True))
    left, right = x.and_of(y).and_of(z), x.and_of(y.and_of(z))
    assert left == right
    assert (left.rows, left.there, left.family) == (whole.rows, whole.there, whole.family)
    assert kind_or_error(left, different=whole.text.different) == kind_or_error(whole, different=whole.text.different)


def kind_or_error(look, **different):
    try:
        return str(kind_of(look, "a", **different))
    except InvalidInput as error:
        return str(error)
