"""The segments as pictures: how large they are, and how they differ."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from gpuseg.notebook import shown
from gpuseg.plot._axes import INK, QUIET, SECOND, axes_of, cut, lines_of, name_of, plain_text, tidy
from gpuseg.plot.measures import VALUE, Measure, contrasts, frame_of, measures

NARROW = 8
"""Characters that have room below a column; longer names are turned."""
TURN: Mapping[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
"""How names stand below a column that have no room beside each other."""
WRITTEN = 300
"""Cells of the profile's picture that still have room for their values."""
CELL = 0.42
"""Inches of a cell that has room for its value."""
TALL = 3.0
"""Inches of the scale beside the profile's picture, at most."""
DARK = 0.65
"""From this contrast on, blue is too dark for black text; orange never is."""


def size_value(profile: Any, *, names: Mapping[int, str] | None = None, ax: Axes | None = None) -> Axes:
    """Return axes with a bar a segment: its share of the customers, with the count beside it.

    ``profile``: a table with a row a segment, as ``Segmenter.profile_``. A share of value, where the profile has
    one, is a second bar. ``names``: of segments, by their number. Raises InvalidInput for another table.

    >>> from matplotlib.figure import Figure
    >>> profile = {"segment": [0, 1], "size": [30, 10], "share": [0.75, 0.25]}
    >>> [text.get_text() for text in size_value(profile, ax=Figure().subplots()).texts]
    ['30 (75.0 %)', '10 (25.0 %)']
    """
    frame = frame_of(profile)
    places, valued = np.arange(len(frame)), VALUE in frame.columns
    ax = axes_of(ax, 7, 1.2 + (0.5 if valued else 0.36) * len(frame))
    thick = 0.38 if valued else 0.72
    lift = thick / 2 if valued else 0.0
    bars = ax.barh(places - lift, frame["share"].to_list(), thick, color=INK, label="share of customers")
    rows = zip(frame["size"], frame["share"], strict=True)
    ax.bar_label(bars, [f"{shown('size', size)} ({shown('share', share)})" for size, share in rows], padding=4)
    if valued:
        shares = [max(share or 0.0, 0.0) for share in frame[VALUE]]  # the text of a bar below 0 would not be seen
        second = ax.barh(places + lift, shares, thick, color=SECOND, label="share of value")
        ax.bar_label(second, [shown(VALUE, share) for share in frame[VALUE]], padding=4, color=QUIET)
        # Above the bars: beside them a text behind a bar may stand.
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    ax.set_yticks(places, _segments(frame, names), **plain_text())
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    ax.margins(x=0.25)  # room for the text behind the longest bar
    ax.set(xlabel="share", ylabel="segment", xlim=(0, None))
    ax.invert_yaxis()
    tidy(ax)
    return ax


def profile_heatmap(profile: Any, *, names: Mapping[int, str] | None = None, ax: Axes | None = None) -> Axes:
    """Return axes with a row a column and a column a segment, coloured by how far its mean is from that of all.

    ``profile``: a table with a row a segment, as ``Segmenter.profile_``. Blue is more and orange less than the mean
    of all customers: the difference as a part of the larger of the two, of dates 0.5 a year
    (``gpuseg.plot.measures.contrasts``). Up to 300 cells tell the mean, the share of yes, or the most
    frequent level, which has no colour. ``names``: of segments, by their number. Raises InvalidInput for another
    table.

    >>> from matplotlib.figure import Figure
    >>> profile = {"segment": [0, 1], "size": [5, 5], "share": [0.5, 0.5], "a_mean": [1.0, 3.0], "a_median": [1.0, 3.0]}
    >>> [text.get_text() for text in profile_heatmap(profile, ax=Figure().subplots()).texts]
    ['1', '3']
    """
    frame = frame_of(profile)
    found = measures(frame)
    ax = axes_of(ax, 2.6 + 0.75 * len(frame), 1.2 + 0.32 * max(len(found), 1))
    table = np.array([contrasts(frame, measure) for measure in found], dtype=float).reshape(len(found), len(frame))
    colours = mpl.colors.LinearSegmentedColormap.from_list("contrast", [SECOND, "#f4f4f4", INK])
    image = ax.pcolormesh(np.ma.masked_invalid(table), cmap=colours, vmin=-1, vmax=1, edgecolors="white", linewidth=1)
    ax.set_facecolor("white")  # behind cells of no colour, whose text is dark in a dark style too
    room = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    if table.size <= WRITTEN and room.width >= CELL * len(frame):
        _write_values(ax, frame, found, table)
    ax.set_yticks(np.arange(len(found)) + 0.5, [cut(measure.name) for measure in found], **plain_text())
    called = [lines_of(name) for name in _segments(frame, names)]
    turned = TURN if max(map(len, called)) > NARROW else {}
    ax.set_xticks(np.arange(len(frame)) + 0.5, called, **turned, **plain_text())
    ax.tick_params(length=0)
    ax.set_xlabel("segment")
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, ticks=[-1, 0, 1], shrink=min(1.0, TALL / room.height), pad=0.02)
    bar.ax.set_yticklabels(["far below\nthe mean", "mean\nof all", "far above\nthe mean"], fontsize="small")
    bar.outline.set_visible(False)
    return ax


def _write_values(ax: Axes, frame: pl.DataFrame, found: list[Measure], table: Any) -> None:
    """Write each cell's value in the user's units."""
    text = plain_text()
    for row, measure in enumerate(found):
        for at, value in enumerate(frame[measure.main]):
            ink = "white" if table[row, at] >= DARK else "#222222"
            word = cut(shown(measure.main, value), 12)
            ax.text(at + 0.5, row + 0.5, word, ha="center", va="center", color=ink, fontsize="small", **text)


def _segments(frame: pl.DataFrame, names: Mapping[int, str] | None) -> list[str]:
    return [name_of(segment, names) for segment in frame["segment"]]
