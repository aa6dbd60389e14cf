"""The reachability plot of OPTICS: valleys are segments, hills are what parts them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.plot._axes import QUIET, axes_of, colour_of, name_of, plainly, tidy

BINS = 1500
"""Bars at most: about as many as a picture of seven inches has columns on a screen."""
NAMED = 8
"""Segments that the legend names, the heaviest: as many as have room above the plot."""
SHORT, BESIDE = 24, 60
"""Characters of a segment's name, and of all that have room side by side."""
USUAL, FAR = 0.99, 2.0
"""Bars above twice what 99 of 100 are below would leave no height for these."""
DARK = "#30343a"
NEEDED = ("ordering_", "reachability_", "point_segments_")


def reachability(model: Any, *, names: Mapping[int, str] | None = None, ax: Axes | None = None) -> Axes:
    """Return axes with a bar a point in the order of OPTICS: how far it is from those before, coloured by segment.

    ``model``: a fitted ``OPTICS``; points that nothing reached are drawn to the top. Few bars far above all others are
    cut off, and counted. Above 1500 points a bar stands for several in a row: its height is the largest of them, so
    that no hill that parts two valleys is lost, a line is their median, so that no valley looks higher than it is, and
    its colour is that of most of them. ``names``: of segments, by their number. Raises InvalidInput for a model without
    an order.

    >>> from matplotlib.figure import Figure
    >>> from gpuseg import OPTICS
    >>> model = OPTICS(2).fit(np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [13.0]]))
    >>> axes = reachability(model, ax=Figure().subplots())
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('6 points in the order of OPTICS', 'reachability distance')
    """
    if any(not hasattr(model, name) for name in NEEDED):
        raise InvalidInput(f"model is a {type(model).__name__} without an order of points; give a fitted OPTICS")
    height, segment = model.reachability_[model.ordering_], model.point_segments_[model.ordering_]
    ax = axes_of(ax, 7, 3.4)
    starts = np.unique(np.linspace(0, len(height), min(len(height), BINS) + 1).astype(np.int64))
    top = _top(height)
    _draw(ax, np.minimum(np.maximum.reduceat(height, starts[:-1]), top), _main(segment, starts), starts)
    lines = _draw_medians(ax, np.minimum(height, top), starts) if len(starts) <= len(height) else []
    ax.set(xlabel=f"{len(height):,} points in the order of OPTICS", ylabel="reachability distance")
    ax.set(xlim=(0, len(height)), ylim=(0, top))
    if higher := int(np.sum(np.isfinite(height) & (height > top))):
        words = f"{higher} higher, up to {np.max(height[np.isfinite(height)]):.3g}"
        ax.text(0.01, 0.98, words, transform=ax.transAxes, va="top", color=QUIET, fontsize="small")
    _name(ax, segment, names, lines)
    tidy(ax)
    return ax


def _top(height: Host) -> float:
    """Return the upper end of the plot, a little above what was reached but by few; 1 where nothing is above 0."""
    reached = height[np.isfinite(height)]
    most = min(float(np.max(reached)), FAR * float(np.quantile(reached, USUAL))) if reached.size else 0.0
    return 1.08 * most if most > 0 else 1.0


def _main(segment: Host, starts: Host) -> Host:
    """Return the segment of most points of each bar, of as many the first."""
    bars = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    counts = np.zeros((len(starts) - 1, int(segment.max()) + 2), dtype=np.int64)
    np.add.at(counts, (bars, segment + 1), 1)
    found: Host = np.argmax(counts, axis=1) - 1
    return found


def _draw(ax: Axes, height: Host, segment: Host, starts: Host) -> None:
    """Draw the bars as areas, one a colour: thousands of rectangles would take seconds and megabytes."""
    edges = np.repeat(starts, 2)[1:-1]
    for colour in dict.fromkeys(map(colour_of, np.unique(segment).tolist())):
        shown = np.array([colour_of(one) == colour for one in segment.tolist()])
        ax.fill_between(edges, np.repeat(np.where(shown, height, 0.0), 2), color=colour, linewidth=0)


def _draw_medians(ax: Axes, height: Host, starts: Host) -> Sequence[Any]:
    """Return the line that it draws through the medians of the bars' points."""
    pieces = np.split(height, starts[1:-1])
    middle = [np.median(piece) for piece in (*pieces, pieces[-1])]
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
