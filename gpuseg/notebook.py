"""What a fitted segmenter shows of itself in a notebook: aggregates only, every name escaped."""

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import Any

import polars as pl

STYLE = """
.gpuseg{font:14px system-ui,sans-serif;overflow-x:auto}
.gpuseg table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.gpuseg th{text-align:right;font-weight:600;border-bottom:1px solid #8886;padding:4px 10px;white-space:nowrap}
.gpuseg td{text-align:right;padding:4px 10px;border-bottom:1px solid #8882;white-space:nowrap}
.gpuseg td.bar{text-align:left;min-width:90px}
.gpuseg i{display:inline-block;height:10px;background:#4c78a8;border-radius:2px;margin-right:6px}
.gpuseg p{margin:4px 0}.gpuseg .quiet{opacity:.7}
"""
WIDEST = 80
"""Pixels of the bar of a segment that holds everybody."""


def segments_html(title: str, remarks: Sequence[str], profile: pl.DataFrame) -> str:
    """Return the profile as a table with a bar for each share, under a title and remarks."""
    names = [name for name in profile.columns if name != "share"]
    head = "".join(f"<th>{escape(heading(name))}</th>" for name in names)
    body = "".join(f"<tr>{_cells(row, names)}</tr>" for row in profile.iter_rows(named=True))
    said = "".join(f'<p class="quiet">{escape(remark)}</p>' for remark in remarks)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="gpuseg"><style>{STYLE}</style><p><b>{escape(title)}</b></p>{table}{said}</div>'


def heading(name: str) -> str:
    """Return a profile column's name as a heading.

    >>> heading("spend_mean"), heading("plan_top_share"), heading("size")
    ('spend, mean', 'plan, share of top', 'size')
    """
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


def _cells(row: dict[str, Any], names: Sequence[str]) -> str:
    cells = []
    for name in names:
        text = escape(shown(name, row[name]))
        if name == "size":
            width = round(WIDEST * row["share"])
            share = escape(shown("share", row["share"]))
            cells.append(f'<td class="bar"><i style="width:{width}px"></i>{text} ({share})</td>')
        else:
            cells.append(f"<td>{text}</td>")
    return "".join(cells)
