"""The reachability plot of OPTICS: valleys are segments, hills are what parts them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, listed
from gpuseg.interpret.reachability import reachability_bars
from gpuseg.plot._axes import QUIET, axes_of, colour_of, name_of, plainly, tidy

NAMED = 8
"""Segments that the legend names, the heaviest: as many as have room above the plot."""
BARS = ("starts", "height", "median", "segment", "top", "higher", "highest")
"""What the bars hold as plain values, as ``reachability_bars`` gives them."""
SHORT, BESIDE = 24, 60
"""Characters of a segment's name, and of all that have room side by side."""
DARK = "#30343a"


def reachability(model: Any, *, names: Mapping[int, str] | None = None, ax: Axes | None = None) -> Axes:
    """Return axes with a bar a point in the order of OPTICS: how far it is from those before, coloured by segment.

    ``model``: a fitted ``OPTICS``, or its bars, as ``card["insight"]["reachability"]``. Points that nothing reached
    are drawn to the top. Few bars far above all others are cut off, and counted. Above 1500 points a bar stands for
    several in a row: its height is the largest of them, so that no hill that parts two valleys is lost, a line is their
    median, so that no valley looks higher than it is, and its colour is that of most of them. ``names``: of segments,
    by their number. Raises InvalidInput for a model without an order.

    >>> from matplotlib.figure import Figure
    >>> from gpuseg import OPTICS
    >>> model = OPTICS(2).fit(np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [13.0]]))
    >>> axes = reachability(model, ax=Figure().subplots())
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('6 points in the order of OPTICS', 'reachability distance')
    """
    if isinstance(model, Mapping) and (lacking := [name for name in BARS if name not in model]):
        raise InvalidInput(
            f"model is a dict without {listed(lacking)}; give a fitted OPTICS, or card['insight']['reachability']"
        )
    bars = model if isinstance(model, Mapping) else reachability_bars(model, least=1)
    if bars is None:
        raise InvalidInput(f"model is a {type(model).__name__} without an order of points; give a fitted OPTICS")
    ax = axes_of(ax, 7, 3.4)
    starts, segment, points = np.array(bars["starts"]), np.array(bars["segment"]), bars["starts"][-1]
    _draw(ax, np.array(bars["height"]), segment, starts)
    lines = _draw_medians(ax, bars["median"], starts) if len(starts) <= points else []
    ax.set(xlabel=f"{points:,} points in the order of OPTICS", ylabel="reachability distance")
    ax.set(xlim=(0, points), ylim=(0, bars["top"]))
    if bars["higher"]:
        words = f"{bars['higher']} higher, up to {bars['highest']:.3g}"
        ax.text(0.01, 0.98, words, transform=ax.transAxes, va="top", color=QUIET, fontsize="small")
    _name(ax, segment, names, lines)
    tidy(ax)
    return ax


def _draw(ax: Axes, height: Host, segment: Host, starts: Host) -> None:
    """Draw the bars as areas, one a colour: thousands of rectangles would take seconds and megabytes."""
    edges = np.repeat(starts, 2)[1:-1]
    for colour in dict.fromkeys(map(colour_of, np.unique(segment).tolist())):
        shown = np.array([colour_of(one) == colour for one in segment.tolist()])
        ax.fill_between(edges, np.repeat(np.where(shown, height, 0.0), 2), color=colour, linewidth=0)


def _draw_medians(ax: Axes, medians: Sequence[float], starts: Host) -> Sequence[Any]:
    """Return the line that it draws through the medians of the bars' points."""
    middle = [*medians, medians[-1]]
    return ax.step(starts, middle, where="post", color=DARK, linewidth=0.7, label="median of a bar's points")


def _name(ax: Axes, segment: Host, names: Mapping[int, str] | None, lines: Sequence[Any]) -> None:
    """Name the heaviest segments, noise and lines above the plot."""
    found = [one for one in np.unique(segment).tolist() if one >= 0]
    patches: list[Any] = [Patch(color=colour_of(one), label=name_of(one, names, SHORT)) for one in found[:NAMED]]
    if len(found) > NAMED:
        patches.append(Patch(color="none", label=f"and {len(found) - NAMED} more"))
    if np.any(segment < 0):
        patches.append(Patch(color=QUIET, label="noise"))
    patches += lines
    rows = 1 + sum(len(patch.get_label()) for patch in patches) // BESIDE
    legend = ax.legend(
        handles=patches, frameon=False,
        ncols=-(-len(patches) // rows), loc="lower right", bbox_to_anchor=(1.0, 1.0),
        handlelength=0.9, handleheight=0.9, columnspacing=1.0, handletextpad=0.4,
        fontsize="small", borderaxespad=0.2,
    )  # fmt: skip
    plainly(legend)
