"""The law of the order: whatever the parts and wherever they lie, the rows and their blocks are those in memory."""

import dask.array as da
import numpy as np
import pytest
from array_api_compat import array_namespace

from gpuseg.engines.blocks import ROWS
from gpuseg.engines.dask_parts import DaskParts
from gpuseg.engines.parts import LocalParts
from gpuseg.neighbors import order
from gpuseg.neighbors.order import canonical_order, count_distinct, ordered_parts

RNG = np.random.default_rng(3)
CONTINUOUS = RNG.normal(size=(3000, 3))
TIES = RNG.integers(0, 3, size=(3000, 3)).astype(float)
ONE_ROW = np.tile([[1.0, 2.0]], (3000, 1))


def itself(x):
    return x


@pytest.mark.parametrize("x", [CONTINUOUS, TIES, ONE_ROW], ids=["continuous", "ties", "one row"])
@pytest.mark.parametrize("cuts", [[700, 701, 1500], [0, 0, 2999]])
@pytest.mark.parametrize("kind", ["local", "dask"])
def test_any_parts_give_the_order_of_the_whole(x, cuts, kind, monkeypatch):
    monkeypatch.setattr(order, "SORTED", 400)
    pieces = np.split(x, cuts)
    parts = LocalParts.of(pieces) if kind == "local" else DaskParts.of(itself, pieces)
    found = ordered_parts(parts)
    assert np.asarray(found.rows()).tobytes() == canonical_order(x).tobytes()
    assert count_distinct(found) == len(np.unique(x, axis=0))


def test_equal_rows_are_spread(monkeypatch):
    monkeypatch.setattr(order, "SORTED", 300)
    parts = DaskParts.of(itself, np.split(np.concatenate([ONE_ROW, ONE_ROW + 1]), 6)).map(canonical_order)
    pieces = parts.exchange(order.between, order.sorted_again, 20, np.repeat([[1.0, 2.0], [2.0, 3.0]], [9, 10], axis=0))
    sizes = pieces.collect(len)
    assert sum(sizes) == 6000
    assert max(sizes) < 600


def test_blocks_are_those_of_memory():
    x = RNG.normal(size=(ROWS + 5, 1))
    found = ordered_parts(DaskParts.of(itself, np.array_split(x, 4))).rows(ROWS)
    assert isinstance(found, da.Array)
    assert found.chunks == ((ROWS, 5), (1,))


def test_on_a_device(backend):
    x = backend.to_device(TIES.astype(np.float32))
    found = ordered_parts(LocalParts.of([x[:100, :], x[100:, :]])).rows()
    assert array_namespace(found) is array_namespace(x)
    np.testing.assert_array_equal(np.asarray(backend.to_host(found)), canonical_order(TIES.astype(np.float32)))
