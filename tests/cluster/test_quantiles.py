"""Quantiles of the segments' distances over blocks are those of all rows sorted, on every backend and engine."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuseg.backends import _cpu_kernels, get_backend
from gpuseg.cluster import KMeans, _quantiles
from gpuseg.cluster._assignment import RANKS
from gpuseg.neighbors import groups

KINDS = {
    "even": lambda rng, n: rng.random(n),
    "tied": lambda rng, n: rng.integers(0, 5, n).astype(np.float64),
    "tailed": lambda rng, n: rng.pareto(0.3, n),
    "half at zero": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, rng.random(n)),
    "one value": lambda _, n: np.full(n, 3.0),
    "tiny": lambda rng, n: rng.random(n) * 1e-310,
    "float32": lambda rng, n: rng.random(n).astype(np.float32),
}


def sorted_rows(distance, weight):
    """Return the distances at RANKS by all rows, sorted: of equal ones the lightest first, none without weight."""
    order = np.lexsort((weight, distance))
    order = order[weight[order] > 0]
    if not len(order):
        return np.zeros(len(RANKS))
    ends, away = np.cumsum(weight[order]), distance[order].astype(np.float64)
    places = RANKS * ends[-1]
    at = np.minimum(np.searchsorted(ends, places, side="right"), len(ends) - 1)
    share = (places - (ends - weight[order])[at]) / weight[order][at]
    least = away[np.maximum(at - 1, 0)]
    return np.where(share < 1, least + share * (away[at] - least), away[at])


def wanted(label, distance, weight, segments):
    return np.stack([sorted_rows(distance[label == s], weight[label == s]) for s in range(segments)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 50, 3000])
def test_rows_of_one_weight_give_the_very_values(backend, kind, n):
    rng = np.random.default_rng(n)
    label, distance = rng.integers(-1, 4, n).astype(np.int32), KINDS[kind](rng, n)
    fields = (backend.to_device(field) for field in (label, distance, np.full(n, 2.5)))
    found = _quantiles.distance_quantiles(*fields, 5, backend)  # the fifth segment has no row
    np.testing.assert_array_equal(found, wanted(label, distance, np.ones(n), 5))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 400), kind=st.sampled_from(sorted(KINDS)))
def test_rows_of_whole_weights_0_among_them(seed, n, kind):
    rng = np.random.default_rng(seed)
    label, distance = rng.integers(0, 3, n).astype(np.int32), KINDS[kind](rng, n)
    weight = rng.integers(0, 4, n).astype(np.float64)
    found = _quantiles.distance_quantiles(label, distance, weight, 3, get_backend("cpu"))
    np.testing.assert_allclose(found, wanted(label, distance, weight, 3), rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_many_blocks_give_the_very_values(kind):
    rng = np.random.default_rng(1)
    n = 20 * 65_536 + 7  # more blocks than are merged at a time
    label, distance = rng.integers(0, 4, n).astype(np.int32), KINDS[kind](rng, n)
    found = _quantiles.distance_quantiles(label, distance, np.ones(n), 4, get_backend("cpu"))
    np.testing.assert_array_equal(found, wanted(label, distance, np.ones(n), 4))


def test_little_of_many_rows_is_looked_at(monkeypatch):
    rng, seen, real = np.random.default_rng(2), [], _quantiles.picked

    def counted(*arguments):
        found = real(*arguments)
        seen.append(len(found.place))
        return found

    monkeypatch.setattr(_quantiles, "picked", counted)
    n = 600_000
    for kind in ("even", "tied", "tailed", "half at zero", "one value"):
        seen.clear()
        rows = np.zeros(n, np.int32), KINDS[kind](rng, n), np.ones(n)
        _quantiles.distance_quantiles(*rows, 1, get_backend("cpu"))
        assert sum(seen) < n / 20, (kind, sum(seen))


@pytest.mark.parametrize("n", [1, 127, 128, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_bins_are_the_oracles(n, dtype):
    rng = np.random.default_rng(n)
    label, distance = rng.integers(-1, 3, n).astype(np.int32), rng.random(n).astype(dtype)
    weight = rng.integers(0, 3, n).astype(dtype)
    sample = _quantiles.Sample(label, distance.astype(np.float64), n, 1.0, 1.0)
    bins = _quantiles.bins_for([sample], 3)
    one, two = (module.bins_of(label, 3 * distance, weight, bins) for module in (_cpu_kernels, _quantiles))
    assert one.dtype == two.dtype == np.int32
    np.testing.assert_array_equal(one, two)
    for of in (None, weight):
        found, expected = (module.sums_by(label, of, 3) for module in (_cpu_kernels, groups))
        np.testing.assert_array_equal(found, expected)


def test_labels_of_a_dask_fit_are_lazy_and_the_same():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3, 4))[rng.integers(3, size=900)] * 9 + rng.normal(size=(900, 4))
    here, there = (KMeans(3, random_state=0, solver="lloyd").fit(of) for of in (x, da.from_array(x, chunks=(137, 4))))
    assert isinstance(there.labels_, da.Array)
    assert len(np.unique(here.labels_)) == 3
    np.testing.assert_array_equal(there.labels_.compute(), here.predict(x))
