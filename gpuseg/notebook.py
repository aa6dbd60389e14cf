"""What a fitted segmenter shows of itself in a notebook: aggregates only, every name escaped."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from gpuseg.html import Bar, Cell, Text, table_html

SUMMARIES = ("mean", "median", "share", "top", "top_share")
"""What a summary may tell of a column of the customers, in the order of the table."""


def segments_html(told: Mapping[str, Any], remarks: Sequence[str]) -> str:
    """Return the segments of a summary, ``gpuseg.report.summary``, as a table with a bar for each share.

    ``remarks``: sentences below it.
    """
    segments, named = told["segments"], any(row["name"] for row in told["segments"])
    valued = "value_share" in segments[0]
    columns = [(column, word) for column in told["profile"] for word in SUMMARIES if word in column]
    head = [
        *(["segment", Text("name")] if named else ["segment"]),
        Text("size"),
        *(["share of value"] if valued else []),
        *(_head(f"{column['name']}_{word}") for column, word in columns),
    ]
    rows = []
    for at, row in enumerate(segments):
        size = f"{shown('size', row['size'])} ({shown('share', row['share'])})"
        rows.append([
            *([row["number"], Text(row["name"] or "")] if named else [row["number"]]),
            Bar(row["share"], size),
            *([shown("value_share", row["value_share"])] if valued else []),
            *(_cell(column, word, at) for column, word in columns),
        ])  # fmt: skip
    return table_html(f"{told['about']} by {told['algorithm']}", head, rows, remarks)


def counted(number: int, thing: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "segment"), counted(4338, "customer")
    ('1 segment', '4,338 customers')
    """
    return f"{number:,} {thing}{'s' * (number != 1)}"


def with_name(segment: int, names: Mapping[int, str] | None = None) -> str:
    """Return a segment's number, and its name where it has one.

    >>> with_name(2, {2: "Regulars"}), with_name(0), with_name(-1, {-1: "Atypical customers"})
    ('2 Regulars', '0', 'noise')
    """
    number = shown("segment", segment)
    return f"{number} {names[segment]}" if segment >= 0 and names and segment in names else number


def heading(name: str) -> str:
    """Return a profile column's name as a heading.

    >>> heading("spend_mean"), heading("plan_top_share"), heading("size"), heading("value_share")
    ('spend, mean', 'plan, share of top', 'size', 'share of value')
    """
    if name == "value_share":
        return "share of value"
    for ending, words in (("_top_share", "share of top"), ("_top", "top"), ("_mean", "mean"), ("_median", "median")):
        if name.endswith(ending):
            return f"{name.removesuffix(ending)}, {words}"
    return name


def shown(name: str, value: Any) -> str:
    """Return a value of the profile as a person reads it.

    >>> shown("spend_mean", 2054.266), shown("share", 0.25), shown("segment", -1), shown("gap_mean", None)
    ('2054', '25.0 %', 'noise', '-')
    """
    if value is None:
        return "-"
    if name == "segment":
        return "noise" if value < 0 else str(value)
    if name == "share" or name.endswith("_share"):
        return f"{value:.1%}".replace("%", " %")
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        digits = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits tell enough
        return f"{value:,.0f}" if abs(value) >= 10_000 else digits  # noqa: PLR2004 - a year has no comma
    return f"{value:,}" if isinstance(value, int) else str(value)


def _head(name: str) -> Cell:
    return Text(heading(name)) if name.endswith("_top") else heading(name)


def _cell(column: Mapping[str, Any], word: str, at: int) -> Cell:
    value = column[word][at]
    if column["kind"] == "date" and value is not None:
        return str(value)[:10]
    text = shown(f"{column['name']}_{word}", value)
    return Text(text) if word == "top" else text
