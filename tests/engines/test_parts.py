"""The law of parts: here and on workers, the same parts."""

import narwhals as nw
import polars as pl
import pytest
from dask.sizeof import sizeof
from distributed import Client, LocalCluster

from gpuseg.engines.dask_parts import DaskParts
from gpuseg.engines.parts import LocalParts, height_of

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
    with (
        LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
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
    assert met.map(plus, 0.0).exchange(by_parity, stacked, 3).collect(height_of) == [2, 2, 2]


def test_two_walks_side_by_side(parts):
    met = parts.beside(parts.map(plus, 2.0), together)
    assert [frame["y"].to_list() for frame in met.collect(read)] == [[3.0, 7.0, 11.0], [5.0, 7.0, 10.0]]


def test_dask_knows_what_a_frame_takes():
    frame = pl.DataFrame({"x": range(100_000)})
    assert sizeof(frame) == frame.estimated_size() > 500_000
