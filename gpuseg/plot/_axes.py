"""What the pictures share: where they are drawn, their colours, and how text from data is written."""

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.font_manager import fontManager
from matplotlib.legend import Legend

from gpuseg.notebook import shown

INK, QUIET, SECOND = "#4c78a8", "#8a8f98", "#e08a3c"
"""A blue, a grey and an orange: told apart by the colour-blind, readable on white and on black."""
SEGMENTS = (INK, SECOND, "#7a3fb0", "#17c3a0", "#8a4a12", "#2b9ae6", "#b9b4f0", "#1b4d77", "#cf4f1a", "#a84e63")
"""Colours of segments, told apart by the colour-blind, on white and on black; beyond them they begin again."""
SCRIPTS = (
    "DejaVu Sans", "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Devanagari",
    "Arial Unicode MS", "Microsoft YaHei", "Hiragino Sans", "PingFang SC", "Segoe UI", "Nirmala UI",
)  # fmt: skip
"""Fonts of many scripts, of Linux, Windows and macOS: those that are here stand in where a letter is missing."""
LONGEST = 24
"""Characters of a column's name in a picture."""
CALLED = 40
"""Characters of a segment's name."""


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, else those of a new figure of pyplot, in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def cut(name: object, most: int = LONGEST) -> str:
    r"""Return a name on one line; the middle of a long one left out, since names often differ at their ends.

    >>> cut("spend\nin all"), cut("number_of_purchases_in_the_last_90_days")
    ('spend in all', 'number_of_purc…t_90_days')
    """
    line = " ".join(str(name).split())
    if len(line) <= most:
        return line
    ending = most * 2 // 5
    return f"{line[: most - ending - 1]}…{line[-ending:]}"


def lines_of(name: object, most: int = CALLED, width: int = LONGEST) -> str:
    r"""Return a name cut to ``most`` characters, on more lines than one where it is longer than ``width``.

    >>> lines_of("Lapsed customers, few e-mails opened")
    'Lapsed customers, few\ne-mails opened'
    """
    return textwrap.fill(cut(name, most), width, break_on_hyphens=False)


def colour_of(segment: int) -> str:
    """Return the colour of a segment; noise is grey."""
    return QUIET if segment < 0 else SEGMENTS[segment % len(SEGMENTS)]


def name_of(segment: int, names: Mapping[int, str] | None = None, most: int = CALLED) -> str:
    """Return what a segment is called: its name where it has one, else its number; -1 is noise.

    >>> name_of(1, {1: "Frequent big spenders"}), name_of(2), name_of(-1)
    ('Frequent big spenders', '2', 'noise')
    """
    return cut((names or {}).get(segment, shown("segment", segment)), most)


def plain_text() -> dict[str, Any]:
    """Return the text properties of what comes from data: a "$" is a dollar, and other scripts find their font."""
    here = {font.name for font in fontManager.ttflist}
    families = [*mpl.rcParams["font.family"], *(name for name in SCRIPTS if name in here)]
    return {"parse_math": False, "fontfamily": families}


def plainly(legend: Legend) -> None:
    """Write what comes from data in a legend as ``plain_text``."""
    style = plain_text()
    for text in legend.get_texts():
        text.set(parse_math=style["parse_math"], fontfamily=style["fontfamily"])


def tidy(ax: Axes) -> None:
    """Take away the upper and the right line, which say nothing, and make the others quiet."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(QUIET)
    ax.tick_params(color=QUIET)
