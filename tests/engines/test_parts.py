"""The law of parts: here and on workers, the same parts."""

import dask.array as da
import narwhals as nw
import numpy as np
import polars as pl
import pytest
from dask.sizeof import sizeof

from gpuseg.engines.dask_parts import DaskParts
from gpuseg.engines.parts import LocalParts
from tests.clusters import processes

FRAMES = [pl.DataFrame({"id": [3, 1, 4], "x": [1.0, 5.0, 9.0]}), pl.DataFrame({"id": [2, 6, 5], "x": [3.0, 5.0, 8.0]})]


def itself(frame):
    return frame


def by_parity(frame, count):
    return [frame.filter(frame["id"] % count == number) for number in range(count)]


def stacked(frames):
    return nw.concat(frames)


def plus(frame, number):
    return frame.with_columns(frame["x"] + number)


def summed(frame):
    return frame["x"].sum()


def together(one, two):
    return one.with_columns(two["x"].alias("y"))


def read(frame):
    return frame.to_native()


@pytest.fixture(scope="module")
def workers():
    with processes(2) as client:
        yield client


@pytest.fixture(params=["local", "dask"])
def parts(request, workers):
    return LocalParts.of(FRAMES) if request.param == "local" else DaskParts.of(itself, FRAMES)


def test_parts_are_mapped_in_order(parts):
    assert parts.count == 2
    mapped = parts.map(plus, 1.0).kept()
    assert mapped.collect(summed) == [18.0, 19.0]
    assert mapped.reduce(summed, sum) == 37.0


def test_rows_that_belong_together_meet_in_the_order_of_the_parts(parts):
    met = parts.exchange(by_parity, stacked, 2)
    assert [frame["id"].to_list() for frame in met.collect(read)] == [[4, 2, 6], [3, 1, 5]]
    assert met.map(plus, 0.0).exchange(by_parity, stacked, 3).collect(len) == [2, 2, 2]


def test_two_walks_side_by_side(parts):
    met = parts.beside(parts.map(plus, 2.0), together)
    assert [frame["y"].to_list() for frame in met.collect(read)] == [[3.0, 7.0, 11.0], [5.0, 7.0, 10.0]]


def test_dask_knows_what_a_frame_takes():
    frame = pl.DataFrame({"x": range(100_000)})
    assert sizeof(frame) == frame.estimated_size() > 500_000


def test_each_part_meets_a_value_of_its_own(parts):
    assert parts.along([1.0, 10.0], plus).collect(summed) == [18.0, 46.0]


def column(frame):
    return frame.select("x").to_numpy()


def test_arrays_in_parts_are_one_array(parts):
    rows = parts.map(column).rows(2)
    assert isinstance(rows, np.ndarray if parts.name == "local" else da.Array)
    assert np.asarray(rows).tolist() == [[1.0], [5.0], [9.0], [3.0], [5.0], [8.0]]
    if parts.name == "dask":
        assert rows.chunks == ((2, 2, 2), (1,))
