"""What a fitted segmenter shows of itself in a notebook: aggregates only, every name escaped."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gpuseg.html import Bar, Cell, Text, table_html


def segments_html(
    title: str,
    remarks: Sequence[str],
    profile: pl.DataFrame,
    paths: Mapping[int, str] | None = None,
    names: Mapping[int, str] | None = None,
) -> str:
    """Return the profile as a table with a bar for each share, under a title and above remarks.

    ``paths``: of segments whose number alone does not say where they are; ``names``: what segments are called.
    """
    columns, ways, called = [name for name in profile.columns if name != "share"], paths or {}, names or {}
    rows = [[_cell(name, row) for name in columns] for row in profile.iter_rows(named=True)]
    head = [_head(name) for name in columns]
    for cells, segment in zip(rows, profile["segment"], strict=True):
        cells[0] = ways.get(segment, cells[0])
        if called:
            cells.insert(1, Text(called.get(segment, "")))
    if called:
        head.insert(1, Text("name"))
    return table_html(title, head, rows, remarks)


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
    return Text(heading(name)) if name == "size" or name.endswith("_top") else heading(name)


def _cell(name: str, row: dict[str, Any]) -> Cell:
    text = shown(name, row[name])
    if name == "size":
        return Bar(row["share"], f"{text} ({shown('share', row['share'])})")
    return Text(text) if name.endswith("_top") else text
