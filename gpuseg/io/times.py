"""A column read as times: dates, datetimes, 20110130, or text in one of the formats tried."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from gpuseg.errors import InvalidInput
from gpuseg.io.text import Converted, Look, Reading, Rows, is_text, least, most, plain, some, stripped, total

DATES = {
    "%Y-%m-%d": "year-month-day",
    "%Y/%m/%d": "year/month/day",
    "%Y%m%d": "yearmonthday",
    "%m/%d/%Y": "month/day/year",
    "%d/%m/%Y": "day/month/year",
    "%d.%m.%Y": "day.month.year",
    "%d-%m-%Y": "day-month-year",
    "%m-%d-%Y": "month-day-year",
}
CLOCKS = ("", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %H:%M", "T%H:%M", " %I:%M %p", " %I:%M:%S %p")
OFFSET = r"(\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)$"
ZONES = {
    "^(Z|z|UTC)$": "+00:00",
    r"^([+-]\d\d)$": "${1}:00",
    r"^([+-]\d\d)(\d\d)$": "${1}:${2}",
    "^-00:00$": "+00:00",
}
"""How the many writings of one offset become one, +01:00; in this order."""
ISO = "%Y-%m-%d"
FIRST_YEAR = 1000  # "11" parses as the year 11: a year of two digits is no year
SAMPLE = 500


class Attempt(NamedTuple):
    """How the text of a column is tried: by name, the formats that read some of its first rows, and the rest."""

    text: pl.Expr
    offsets: bool
    likely: dict[str, list[str]]
    others: dict[str, list[str]]


def times(rows: Rows, column: str, dtype: pl.DataType, time_format: str | None = None) -> Reading:
    """Return how a column is read as times of microseconds without a zone, missing where a row holds no time.

    A zone is taken off and the wall time kept: a day is a day of that zone. Whole numbers are yyyymmdd.
    Text is read by ``time_format``, else by the format that reads the most rows. Raises InvalidInput
    where fewer than half of the rows present can be read, where day-first and month-first read alike,
    and where zones are mixed.
    """
    if dtype in (pl.Date, pl.Null):
        return plain(_in_calendar(pl.col(column)))
    if isinstance(dtype, pl.Datetime):
        zone = ZoneInfo(dtype.time_zone) if dtype.time_zone else None
        return plain(_in_calendar(pl.col(column).dt.replace_time_zone(None)), zone)
    if dtype.is_numeric():
        return _whole_numbers(column)
    if is_text(dtype):
        return _from_text(rows, column, time_format)
    raise InvalidInput(f"column {column!r} holds {dtype}, not times; name a column of dates or timestamps")


def _in_calendar(value: pl.Expr) -> pl.Expr:
    """Return times in microseconds, without those beyond the years 1 to 9999: nanoseconds read as microseconds."""
    time = value.cast(pl.Datetime("us"), strict=False)
    first, last = dt.datetime.min, dt.datetime.max  # noqa: DTZ901 - zones are taken off before
    return pl.when(time.is_between(pl.lit(first), pl.lit(last))).then(time)


def ways(text: pl.Series) -> list[str]:
    """Return which of DATES read every value of ``text``, in which none is missing; no day, no way.

    >>> ways(pl.Series(["31/01/2024", "1/2/2024 10:00"])), ways(pl.Series(["2024-02-30"]))
    (['%d/%m/%Y'], [])
    """
    return _ways(text, _ways(text.head(SAMPLE), DATES))


def in_utc(text: pl.Expr, way: str) -> pl.Expr:
    """Return text read in one of DATES, with or without a clock, as times of UTC; missing where it does not read.

    Text without a zone is taken for UTC.

    >>> pl.select(in_utc(pl.lit("2024-01-31T23:30-01:00"), "%Y-%m-%d")).item()
    datetime.datetime(2024, 2, 1, 0, 30)
    """
    bare, offset = text.str.replace(OFFSET, "$1"), _offset(text)
    hours, minutes = (offset.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 4))
    east = pl.duration(hours=hours, minutes=minutes)
    wall = pl.coalesce(_parsed(bare, way + clock) for clock in CLOCKS)
    return pl.when(offset.str.starts_with("-")).then(wall + east).otherwise(wall - east)


def _ways(text: pl.Series, tried: Iterable[str]) -> list[str]:
    reads = {way: in_utc(pl.col(text.name), way).is_not_null().all() for way in tried}
    return [way for way, all_read in text.to_frame().select(**reads).to_dicts()[0].items() if all_read] if reads else []


def _whole_numbers(column: str) -> Reading:
    text = pl.col(column).cast(pl.Int64, strict=False).cast(pl.String)
    value = _parsed(text, "%Y%m%d").alias(column)
    looks = _looks(column, text, {"%Y%m%d": value})

    def settle(seen: dict[str, Any]) -> Converted:
        if 2 * seen[f"{column}: %Y%m%d"] < seen[f"{column}: present"]:
            raise InvalidInput(
                f"column {column!r} holds numbers such as {seen[f'{column}: example']}, not dates like 20110130; "
                "convert times counted in seconds with polars.from_epoch or pandas.to_datetime(..., unit='s')"
            )
        return Converted(value)

    return Reading(looks, settle)


def _from_text(rows: Rows, column: str, time_format: str | None) -> Reading:
    attempt = _attempt(rows, column, time_format)
    likely = {f: _parsed(attempt.text, f) for formats in attempt.likely.values() for f in formats}
    looks = _looks(column, attempt.text, likely) + (_zone_looks(column) if attempt.offsets else [])

    def settle(seen: dict[str, Any]) -> Converted:
        tried, formats = dict(likely), attempt.likely
        if max(_reads(column, formats, seen).values(), default=0) < seen[f"{column}: present"]:
            more = {f: _parsed(attempt.text, f) for name in formats for f in attempt.others[name]}
            seen |= _rest(rows, column, more)
            tried |= more
            formats = {name: fs + attempt.others[name] for name, fs in formats.items()}
        zone = _zone(column, seen, offsets=attempt.offsets)
        name = _best(column, _reads(column, formats, seen), seen, time_format)
        notice = "" if name in (time_format, ISO) else f"times of {column!r} are read as {DATES[name]}"
        used = [tried[f] for f in formats.get(name, []) if seen[f"{column}: {f}"]]
        return Converted(pl.coalesce(used or [_parsed(attempt.text, ISO)]).alias(column), zone, notice)

    return Reading(looks, settle)


def _attempt(rows: Rows, column: str, time_format: str | None) -> Attempt:
    """Return which formats read some of the first rows: only those are tried on all of them at first."""
    sample = rows.first(stripped(column), SAMPLE)
    offsets = bool(sample.str.contains(OFFSET).any())
    text = stripped(column).str.replace(OFFSET, "$1") if offsets else stripped(column)
    if time_format is not None:
        bare = time_format.replace("%z", "").removesuffix("Z").strip() if offsets else time_format
        return Attempt(text, offsets, {time_format: [bare]}, {time_format: []})
    formats = {date: [date + clock for clock in CLOCKS] for date in DATES}
    tried = [_parsed(text, f).is_not_null().any().alias(f) for fs in formats.values() for f in fs]
    hits = sample.to_frame().select(tried).row(0, named=True)
    likely = {date: [f for f in fs if hits[f]] for date, fs in formats.items()}
    others = {date: [f for f in fs if not hits[f]] for date, fs in formats.items()}
    return Attempt(text, offsets, {date: fs for date, fs in likely.items() if fs}, others)


def _rest(rows: Rows, column: str, more: dict[str, pl.Expr]) -> dict[str, Any]:
    """Return how many rows the formats read that the first rows did not call for, and the zones of all rows."""
    return rows.see([*_counts(column, more), *_zone_looks(column)])


def _counts(column: str, tried: dict[str, pl.Expr]) -> list[Look]:
    return [total(f"{column}: {name}", value.is_not_null().sum()) for name, value in tried.items()]


def _reads(column: str, formats: dict[str, list[str]], seen: dict[str, Any]) -> dict[str, int]:
    return {name: sum(seen[f"{column}: {f}"] for f in fs) for name, fs in formats.items()}


def _parsed(text: pl.Expr, time_format: str) -> pl.Expr:
    value = text.str.to_datetime(time_format, time_unit="us", strict=False)
    return pl.when(value.dt.year() >= FIRST_YEAR).then(value)


def _looks(column: str, text: pl.Expr, tried: dict[str, pl.Expr]) -> list[Look]:
    read = pl.coalesce(tried.values()) if tried else pl.lit(None)
    return [
        *_counts(column, tried),
        total(f"{column}: present", text.is_not_null().sum()),
        least(f"{column}: example", pl.when(read.is_null()).then(text)),
    ]


def _zone_looks(column: str) -> list[Look]:
    offset = _offset(stripped(column))
    bare = stripped(column).str.contains(r"\d:\d\d") & offset.is_null()
    return [
        some(f"{column}: bare", bare),
        least(f"{column}: zone", offset),
        most(f"{column}: other zone", offset),
    ]


def _offset(text: pl.Expr) -> pl.Expr:
    """Return the offset at the end of text in one writing, such as +01:00; missing where there is none."""
    offset = text.str.extract(OFFSET, 2)
    for written, one in ZONES.items():
        offset = offset.str.replace(written, one)
    return offset


def _zone(column: str, seen: dict[str, Any], *, offsets: bool) -> dt.tzinfo | None:
    zone, other = seen.get(f"{column}: zone"), seen.get(f"{column}: other zone")
    if zone is None:
        return None
    if not offsets or seen[f"{column}: bare"] or zone != other:
        saw = (
            "some with a zone and some without"
            if zone == other
            else f"of several zones, for example {zone} and {other}"
        )
        raise InvalidInput(f"column {column!r} holds mixed zones: times {saw}; convert the column to one zone")
    ahead = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return dt.timezone(-ahead if zone[0] == "-" else ahead)


def _best(column: str, reads: dict[str, int], seen: dict[str, Any], time_format: str | None) -> str:
    """Return the name of the formats that read the most rows, most of all; no two may read as many."""
    present, example = seen[f"{column}: present"], seen[f"{column}: example"]
    most = max(reads.values(), default=0)
    if 2 * most < present:
        how = f"time_format={time_format!r}" if time_format else "any format tried"
        raise InvalidInput(
            f"column {column!r} holds text that {how} reads as times in only {most:,} of {present:,} rows, for example "
            f"not {example!r}; write years with four digits, or name the format, as in time_format='%d/%m/%Y %H:%M'"
        )
    best = [name for name, count in reads.items() if count == most]
    if most and len(best) > 1:
        fullest = max((best[0] + clock for clock in CLOCKS), key=lambda f: seen.get(f"{column}: {f}", 0))
        raise InvalidInput(
            f"column {column!r} reads as well as {' and as '.join(DATES[name] for name in best)}; "
            f"say which, as in time_format={fullest!r}"
        )
    return best[0] if most else ISO
