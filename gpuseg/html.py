"""One look for everything that shows itself in a notebook: a table, every text in it escaped."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

STYLE = """
.gpuseg{font:14px system-ui,sans-serif;overflow-x:auto}
.gpuseg table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:4px 0}
.gpuseg th{text-align:right;font-weight:600;border-bottom:1px solid #8886;padding:4px 10px;white-space:nowrap}
.gpuseg td{text-align:right;padding:4px 10px;border-bottom:1px solid #8882;white-space:nowrap}
.gpuseg .text{text-align:left}
.gpuseg .long{white-space:normal;min-width:24em}
.gpuseg i{display:inline-block;height:10px;background:#4c78a8;border-radius:2px;margin-right:6px}
.gpuseg p{margin:4px 0}.gpuseg .quiet{opacity:.7}
"""
WIDEST = 80
"""Pixels of the bar of a share of 1."""
LONG = 48
"""Characters beyond which a text goes on in a second line: a name has up to 48."""


class Bar(NamedTuple):
    """A cell with a bar as long as its share, and a text behind it."""

    share: float
    text: str


class Text(NamedTuple):
    """A cell of words, which stand on the left; numbers stand on the right."""

    text: str


Cell = str | Bar | Text


def table_html(title: str, head: Sequence[Cell], rows: Sequence[Sequence[Cell]], remarks: Sequence[str] = ()) -> str:
    """Return a table under a title, with remarks below it.

    >>> "&lt;b&gt;" in table_html("A", ["name"], [["<b>"]])
    True
    """
    top = "".join(_cell(cell, "th") for cell in head)
    body = "".join(f"<tr>{''.join(_cell(cell, 'td') for cell in row)}</tr>" for row in rows)
    table = f"<table>{f'<thead><tr>{top}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    said = "".join(f'<p class="quiet">{escape(remark)}</p>' for remark in remarks)
    return f'<div class="gpuseg"><style>{STYLE}</style><p><b>{escape(title)}</b></p>{table}{said}</div>'


def _cell(cell: Cell, tag: str) -> str:
    if isinstance(cell, Bar):
        width = round(WIDEST * cell.share)
        return f'<{tag} class="text"><i style="width:{width}px"></i>{escape(cell.text)}</{tag}>'
    if isinstance(cell, Text):
        long = " long" if len(cell.text) > LONG else ""
        return f'<{tag} class="text{long}">{escape(cell.text)}</{tag}>'
    return f"<{tag}>{escape(cell)}</{tag}>"
