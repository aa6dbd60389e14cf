"""Times in their many writings."""

import datetime as dt

import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.io.text import Scan, convert
from gpuseg.io.times import in_utc, times, ways

DAY, NOON = dt.datetime(2011, 1, 30), dt.datetime(2011, 1, 30, 12)


def read(values, dtype=None, time_format=None):
    frame = pl.DataFrame({"t": pl.Series(values, dtype=dtype, strict=False)})
    [found] = convert(Scan(frame.lazy()), [times(Scan(frame.lazy()), "t", frame.schema["t"], time_format)])
    return frame.select(found.expression).to_series().to_list(), found


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([DAY.date(), None], [DAY, None]),
        ([20110130, None], [DAY, None]),
        ([20110130.0, float("nan"), 20110130.0], [DAY, None, DAY]),
        (["2011-01-30", "2011-01-30 12:00", "2011-01-30T12:00:00.000"], [DAY, NOON, NOON]),
        (["2011-01-30 12:00:00 PM", " 2011-01-30 12:00 PM "], [NOON, NOON]),
        (["2011-01-30T12:00:00Z", "2011-01-30T12:00Z"], [NOON, NOON]),
        (["2011-01-30 12:00:00+01:00", "2011-01-30"], [NOON, DAY]),
        (["20110130", "", "nan"], [DAY, None, None]),
        (["1/30/2011 12:00", "1/2/2011"], [NOON, dt.datetime(2011, 1, 2)]),
        (["30/1/2011 12:00:00", "1/2/2011"], [NOON, dt.datetime(2011, 2, 1)]),
        (["30.01.2011", "1.2.2011", "?"], [DAY, dt.datetime(2011, 2, 1), None]),
        (["30-01-2011 12:00"], [NOON]),
        (["01-30-2011 12:00"], [NOON]),
        (["2011/01/30"], [DAY]),
        (["", None], [None, None]),
        ([None], [None]),
    ],
)
def test_times(values, expected):
    assert read(values)[0] == expected


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_wall_time_of_a_zone_is_kept(unit):
    found, how = read([NOON, None], pl.Datetime(unit, "Europe/Berlin"))
    assert found == [dt.datetime(2011, 1, 30, 13), None]
    assert str(how.zone) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("offsets", "hours"),
    [
        (["Z", "+00:00", "z", "UTC", "+0000", "+00", " UTC", "-00:00"], 0),
        (["+01:00", "+0100", "+01"], 1),
        (["-05:00", "-0500"], -5),
        (["-03:30"], -3.5),
    ],
)
def test_one_zone_in_several_writings(offsets, hours):
    found, how = read([f"2011-01-30T12:00{offset}" for offset in offsets])
    assert set(found) == {NOON}
    assert how.zone == dt.timezone(dt.timedelta(hours=hours))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["2011-01-30", "2011-01-30T12:00Z"], ["%Y-%m-%d"]),
        (["30/01/2011", "1/2/2011"], ["%d/%m/%Y"]),
        (["1/2/2011"], ["%m/%d/%Y", "%d/%m/%Y"]),
        (["2011-01-30", "2011-02-30"], []),
        (["2011-01-30"] * 600 + ["soon"], []),
        (["30.01.11"], []),
    ],
)
def test_ways_that_read_every_value(values, found):
    assert ways(pl.Series("t", values)) == found


@pytest.mark.parametrize(
    ("value", "hour"), [("12:00", 12), ("12:00Z", 12), ("12:00 +02:00", 10), ("12:00-0330", 15.5), ("1:00 PM", 13)]
)
def test_times_of_utc(value, hour):
    assert pl.select(in_utc(pl.lit(f"30.1.2011 {value}"), "%d.%m.%Y")).item() == DAY + dt.timedelta(hours=hour)


def test_categories_are_text():
    assert read(["2011-01-30", "2011-01-30"], pl.Categorical)[0] == [DAY, DAY]


@pytest.mark.parametrize(
    ("values", "time_format", "expected"),
    [
        (["01/02/2011"], "%d/%m/%Y", dt.datetime(2011, 2, 1)),
        (["2011-01-30T12:00:00+0100"], "%Y-%m-%dT%H:%M:%S%z", NOON),
        (["30. 1. 2011 12:00"], "%d. %m. %Y %H:%M", NOON),
    ],
)
def test_a_named_format(values, time_format, expected):
    found, how = read(values, time_format=time_format)
    assert found == [expected]
    assert how.notice == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            ["01/02/2011 10:00", "3/4/2011 11:30"],
            r"month/day/year and as day/month/year; .*time_format='%m/%d/%Y %H:%M'",
        ),
        (["1/30/11", "2/28/11"], r"only 0 of 2 rows, for example not '1/30/11'; write years with four digits"),
        (["x", "y", "2011-01-30"], r"only 1 of 3 rows, for example not 'x'"),
        (["2011-01-30T10:00Z", "2011-01-30T10:00"], r"mixed zones: times some with a zone and some without"),
        (["2011-01-30T10:00", "2011-01-30T10:00Z"], r"mixed zones"),
        (["2011-01-30T10:00+01:00", "2011-06-30T10:00+02:00"], r"of several zones, for example \+01:00 and \+02:00"),
        ([1_300_000_000], r"such as 1300000000, not dates like 20110130; convert times counted in seconds"),
        ([True], r"holds Boolean, not times"),
    ],
)
def test_times_that_are_none(values, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        read(values)


def test_a_format_that_does_not_fit():
    with pytest.raises(InvalidInput, match=r"time_format='%d.%m.%Y' reads as times in only 0 of 1 rows"):
        read(["2011-01-30"], time_format="%d.%m.%Y")


def test_what_was_taken_is_said():
    assert read(["30/1/2011"])[1].notice == "times of 't' are read as day/month/year"
    assert read(["2011-01-30"])[1].notice == ""


def test_formats_that_the_first_rows_did_not_call_for():
    early = ["1/30/2011 12:00"] * 600
    assert read([*early, "1/30/2011", "?"])[0] == [NOON] * 600 + [DAY, None]
    with pytest.raises(InvalidInput, match="month/day/year and as day/month/year"):
        read([*["1/2/2011 12:00"] * 600, "1/2/2011"])
    with pytest.raises(InvalidInput, match="mixed zones: times some with a zone and some without"):
        read([*["2011-01-30 12:00"] * 600, "2011-01-30 12:00Z"])
