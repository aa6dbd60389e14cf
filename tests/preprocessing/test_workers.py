"""The law of blocks: the same blocks give the same bits on the workers of a cluster."""

import dask.array as da
import numpy as np
import pytest

from gpuseg.preprocessing import Preprocessor
from tests.clusters import processes

ROWS = 200
RNG = np.random.default_rng(5)
X = np.column_stack([RNG.lognormal(size=1500), RNG.normal(1e6, 3, 1500), -RNG.gamma(1, 2, 1500), np.ones(1500)])
X[::17, 0] = np.nan


@pytest.fixture(scope="module")
def workers():
    with processes(2, threads=2) as client:
        yield client


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_workers_do_not_change_a_bit(workers, monkeypatch, dtype):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", ROWS)
    x = X.astype(dtype)
    options = {"missing": "indicator", "winsorize": {"x1": (0.01, 0.98)}}
    here = Preprocessor(**options)
    expected = here.fit_transform(x)
    there = Preprocessor(**options)
    found = there.fit_transform(da.from_array(x, chunks=(ROWS, 3)))
    assert isinstance(found, da.Array)
    assert found.compute().tobytes() == expected.tobytes()
    assert str(there.state()["fitted"]["plan_"]) == str(here.state()["fitted"]["plan_"])
    assert Preprocessor(engine="dask", **options).fit_transform(x).tobytes() == expected.tobytes()
