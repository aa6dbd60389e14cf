"""The libraries that tables come from, and small transactions."""

import narwhals as nw
import polars as pl
import pytest

import gpuseg
from tests.devices import CUDF

LIBRARIES = {
    "pandas": lambda frame: frame.to_pandas(),
    "polars": lambda frame: frame,
    "pyarrow": lambda frame: frame.to_arrow(),
    "lazy": lambda frame: frame.lazy(),
    **CUDF,
}


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def to_library(request):
    return request.param


@pytest.fixture
def quiet():
    with gpuseg.config(notices="off"):
        yield


@pytest.fixture(scope="session")
def retail(data):
    return pl.read_parquet(data / "transactions" / "online_retail.parquet")


@pytest.fixture(scope="session")
def cdnow(data):
    lines = (data / "transactions" / "CDNOW_sample.txt").read_text().splitlines()
    rows = [line.split() for line in lines]
    return pl.DataFrame(rows, schema=["master", "ID", "date", "cds", "dollars"], orient="row")


def columns(table):
    """Return a table of any library as a dict of lists."""
    frame = nw.from_native(table)
    return to_polars(frame.collect() if isinstance(frame, nw.LazyFrame) else frame).to_dict(as_series=False)


def to_polars(frame):
    """Return a frame of Narwhals in Polars; cuDF's by Arrow: by pandas, its whole numbers with gaps become floats."""
    return pl.DataFrame(frame.to_arrow()) if frame.implementation.is_cudf() else frame.to_polars()
