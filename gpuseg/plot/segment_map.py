"""The map of the segments: how many customers are where, on the two axes along which they differ most."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from gpuseg.errors import InvalidInput
from gpuseg.notebook import shown
from gpuseg.plot._axes import axes_of, colour_of, lines_of, name_of, plain_text, plainly, tidy

FAINTEST = 0.45
"""Opacity of the square with the fewest customers: its colour can still be told."""
NAMED = 12
"""Segments that a legend names beside the map; the numbers on it name all."""
WORDS = 52
"""Characters that have room beside an axis, on each of two lines."""
NEEDED = ("axes", "bins", "width", "height", "centers", "shown")


def segment_map(found: Mapping[str, Any], *, names: Mapping[int, str] | None = None, ax: Axes | None = None) -> Axes:
    r"""Return axes with squares in the colour of the segment of most customers there, darker where there are more.

    ``found``: what ``gpuseg.interpret.segment_map`` gives, or its plain form in a card. Numbers stand in the middle of
    their segments. ``names``: of segments, by their number. Raises InvalidInput for anything else.

    >>> from matplotlib.figure import Figure
    >>> bins = {"x": [0.5, 1.5], "y": [0.5, 0.5], "segment": [0, 1], "count": [40, 10]}
    >>> axis = {"share": 0.5, "words": "more spend"}
    >>> found = {"axes": [axis, axis], "bins": bins, "width": 1.0, "height": 1.0, "centers": [], "shown": 0.98}
    >>> segment_map(found, ax=Figure().subplots()).get_xlabel()
    'more spend\n50.0 % of the variance'
    """
    if not isinstance(found, Mapping) or any(name not in found for name in NEEDED):
        raise InvalidInput(
            f"found is a {type(found).__name__} without squares; give what interpret.segment_map returns"
        )
    ax = axes_of(ax, 7.4, 5.2)
    bins, width, height = found["bins"], found["width"], found["height"]
    x, y, count = (np.asarray(bins[name], dtype=float) for name in ("x", "y", "count"))
    deep = (
        np.sqrt(count / count.max()) if len(count) else count
    )  # by area: few crowded squares would outshine all others
    colours = [
        (*to_rgb(colour_of(s)), FAINTEST + (1 - FAINTEST) * d) for s, d in zip(bins["segment"], deep, strict=True)
    ]
    if len(x):
        _draw(ax, x, y, colours, (width, height))
    for center in found["centers"]:
        ax.annotate(
            name_of(center["segment"]), (center["x"], center["y"]), ha="center", va="center", weight="bold",
            color="#111111", path_effects=[withStroke(linewidth=3, foreground="white")], annotation_clip=True,
        )  # fmt: skip
    words = [lines_of(axis["words"] or "no difference", 2 * WORDS, WORDS) for axis in found["axes"]]
    shares = [f"{shown('share', axis['share'])} of the variance" for axis in found["axes"]]
    across, up = map("\n".join, zip(words, shares, strict=True))
    ax.set_xlabel(across, **plain_text())
    ax.set_ylabel(up, **plain_text())
    _name(ax, found, names)
    ax.set(xticks=[], yticks=[])
    tidy(ax)
    return ax


def _draw(ax: Axes, x: Any, y: Any, colours: Any, size: tuple[float, float]) -> None:
    """Draw the squares as one picture: thousands of rectangles would take megabytes."""
    left, low = x.min() - size[0] / 2, y.min() - size[1] / 2
    columns = np.rint((x - left) / size[0] - 0.5).astype(int)
    rows = np.rint((y - low) / size[1] - 0.5).astype(int)
    picture = np.zeros((rows.max() + 1, columns.max() + 1, 4))
    picture[rows, columns] = colours
    extent = (left, left + size[0] * picture.shape[1], low, low + size[1] * picture.shape[0])
    ax.imshow(picture, extent=extent, origin="lower", aspect="auto", interpolation="nearest")


def _name(ax: Axes, found: Mapping[str, Any], names: Mapping[int, str] | None) -> None:
    """Name the segments that are seen, and say what is not."""
    seen = sorted(set(found["bins"]["segment"]), key=lambda segment: (segment < 0, segment))
    title = f"{shown('share', found['shown'])} of the customers\nare in squares shown"
    handles = [Patch(color=colour_of(segment), label=_called(segment, names)) for segment in seen[:NAMED]]
    if len(seen) > NAMED:
        handles.append(Patch(color="none", label=f"and {len(seen) - NAMED} more"))
    legend = ax.legend(
        handles=handles, title=title, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small",
        title_fontsize="small", alignment="left",
    )  # fmt: skip
    plainly(legend)


def _called(segment: int, names: Mapping[int, str] | None) -> str:
    called = name_of(segment, names)
    return called if called == name_of(segment) else f"{segment} {called}"
