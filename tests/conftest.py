"""The fixtures of every test: each usable backend and array-api-strict, each engine, the real data."""

import os
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from gpuseg.backends import KNOWN, Known, available

KNOWN["strict"] = Known("tests.strict_backend", frozenset({"array_api_strict"}), lambda: None)
DATA = Path(os.environ.get("GPUSEG_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(params=available(), ids=lambda b: b.name)
def backend(request):
    return request.param


@pytest.fixture(params=["local", "dask"])
def spread(request):
    """Put host data as the engine takes it."""
    if request.param == "local":
        return lambda x: x
    return lambda x: da.from_array(x, chunks=(137, *x.shape[1:]))


@pytest.fixture(scope="session", autouse=True)
def small_files_apart():
    """Let every small file be a part of its own: the tables of tests are small, and are to be in several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gpuseg.io.parts.SMALL", 0)
        yield


@pytest.fixture(scope="session")
def data():
    if not DATA.is_dir():
        pytest.skip(f"the real data is not at {DATA}; set GPUSEG_DATA")
    return DATA


@pytest.fixture
def blobs():
    rng = np.random.default_rng(7)
    centers = rng.normal(scale=10, size=(4, 3))
    labels = rng.integers(0, 4, size=600)
    return centers[labels] + rng.normal(size=(600, 3)), labels
