"""Where the customers of each persona go: a flow diagram from personas to segments."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.notebook import counted, shown
from gpuseg.plot._axes import QUIET, SEGMENTS, axes_of, cut, lines_of, plain_text

MOST = 16
"""Personas, and segments, that have a place of their own: the smaller ones stand together."""
GAPS = 0.28
"""The part of the height that lies between the bars of a side."""
WIDE = 0.03
"""The width of a bar; the flows take the rest of 1."""
LINE = 11.5
"""The least distance between two labels, in points."""
BENT = 0.45
"""How far a flow runs level from each end, as a part of its way."""
TOLD = 3
"""Flows of a persona that the text for who cannot see tells."""
CLEAR = 0.5
"""The opacity of a ribbon: those below it are seen."""
NONE, SMALL = "no persona", "small flows"
"""Customers without persona; flows that ``to_dict`` has pooled."""


class Side(NamedTuple):
    """Where each label of a side stands, and what is written beside the place of several."""

    places: dict[Any, int]
    pooled: dict[int, str]


class Counts(NamedTuple):
    """The customers of each pair, (personas, segments), and the names of both sides, from above.

    ``none``: the place of who has no persona, or None.
    """

    column: str
    personas: list[str]
    none: int | None
    segments: list[str]
    counts: Host


class Node(NamedTuple):
    """A bar of the diagram: what stands beside it, its height, and where it begins; 0 is above, 1 below."""

    name: str
    height: float
    start: float


def persona_flow(comparison: Any, *, names: Mapping[Any, str] | None = None, ax: Axes | None = None) -> Axes:
    """Return axes with personas on the left, segments on the right, and a ribbon for the customers of both.

    ``comparison``: what ``compare_personas`` returns, or its ``to_dict()``. ``names``: of segments. Ribbons have the
    colour of their persona, who has none is grey, and both ends are named, so that no colour needs to be told apart.
    Up to 16 of a side have a place; of more, the smaller ones are one. ``persona_flow_text`` says the same in words.
    Raises InvalidInput for what is no comparison.

    >>> from matplotlib.figure import Figure
    >>> flows = [{"persona": "old", "segment": at, "customers": 9} for at in (0, 1)]
    >>> told = {"column": "persona", "flows": [*flows, {**flows[0], "persona": "new"}]}
    >>> [text.get_text() for text in persona_flow(told, ax=Figure().subplots()).texts]
    ['old  18 (66.7 %)', 'new  9 (33.3 %)', 'segment 1  9 (33.3 %)', 'segment 0  18 (66.7 %)']
    """
    found = _counted(comparison, names or {})
    ax = axes_of(ax, 8.5, 1.2 + 0.36 * max(found.counts.shape))
    ax.set(xlim=(0, 1), ylim=(1, 0))
    left, right = _nodes(found.personas, found.counts.sum(axis=1)), _nodes(found.segments, found.counts.sum(axis=0))
    colours = [QUIET if at == found.none else SEGMENTS[at % len(SEGMENTS)] for at in range(len(found.personas))]
    _ribbons(ax, found.counts, left, right, colours)
    for nodes, side, inks in ((left, 0.0, colours), (right, 1 - WIDE, [QUIET] * len(right))):
        for node, ink in zip(nodes, inks, strict=True):
            ax.add_patch(Rectangle((side, node.start), WIDE, node.height, facecolor=ink, linewidth=0))
    _labels(ax, left, -0.015, "right")
    _labels(ax, right, 1.015, "left")
    ax.set_title(cut(found.column), loc="left", fontsize="medium", **plain_text())
    ax.set_title("segment", loc="right", fontsize="medium")
    ax.set_axis_off()
    return ax


def persona_flow_text(comparison: Any, *, names: Mapping[Any, str] | None = None) -> str:
    """Return what the flow diagram shows in words, for who cannot see it.

    >>> flows = [{"persona": "old", "segment": at, "customers": 9} for at in (0, 1)]
    >>> persona_flow_text({"column": "persona", "flows": [*flows, {**flows[0], "persona": "new"}]})
    'Flow of 27 customers from 2 personas to 2 segments. old (18): 50.0 % to segment 1, ...'
    """
    found = _counted(comparison, names or {})
    called = counted(len(found.personas) - (found.none is not None), "persona")
    whole = counted(int(found.counts.sum()), "customer")
    told = [f"Flow of {whole} from {called} to {counted(len(found.segments), 'segment')}."]
    for name, row in zip(found.personas, found.counts, strict=True):
        order = [at for at in np.argsort(-row, kind="stable").tolist() if row[at]][:TOLD]
        parts = [f"{shown('share', float(row[at] / row.sum()))} to {found.segments[at]}" for at in order]
        told.append(f"{name} ({int(row.sum()):,}): {', '.join(parts)}.")
    return " ".join(told)


def _counted(comparison: Any, names: Mapping[Any, str]) -> Counts:
    """Return both sides of a comparison in the order of the picture, and the customers of each pair."""
    try:
        told = isinstance(comparison, Mapping)
        flows = comparison["flows"] if told else comparison.flows.to_dicts()
        column = str(comparison["column"] if told else comparison.column)
        rows = [(row["persona"], row["segment"], int(row["customers"])) for row in flows]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        sentence = f"comparison is a {type(comparison).__name__} without flows of customers"
        raise InvalidInput(f"{sentence}; give what compare_personas returns, or its to_dict()") from error
    if not any(size for *_, size in rows):
        raise InvalidInput("comparison has no flows; give one of customers with personas")
    left, right = _side(rows, 0, "personas"), _side(rows, 1, "segments")
    counts = np.zeros((max(left.places.values()) + 1, max(right.places.values()) + 1))
    for persona, segment, size in rows:
        if size:
            counts[left.places[persona], right.places[segment]] += size
    # Segments stand in the order in which their personas do, so that few ribbons cross; what is pooled stands below.
    centres = counts.T @ np.arange(len(counts)) / counts.sum(axis=0)
    order = sorted(range(len(centres)), key=lambda at: (right.places.get(None) == at, centres[at]))
    called = {at: _segment(segment, names) for segment, at in right.places.items()} | right.pooled
    believed = {at: NONE if persona is None else str(persona) for persona, at in left.places.items()} | left.pooled
    personas, segments = [believed[at] for at in range(len(counts))], [called[at] for at in order]
    return Counts(column, personas, left.places.get(None), segments, counts[:, order])


def _segment(segment: int | str | None, names: Mapping[Any, str]) -> str:
    if segment is None:
        return SMALL
    if isinstance(segment, int) and segment < 0:
        return "noise"
    return f"{segment}: {names[segment]}" if segment in names else f"segment {segment}"


def _side(rows: Sequence[tuple[Any, Any, int]], at: int, what: str) -> Side:
    """Return where the labels of a side stand, by falling size, None last; of many, the smaller ones are one."""
    totals: dict[Any, int] = {}
    for row in rows:
        totals[row[at]] = totals.get(row[at], 0) + row[2]
    found = sorted((label for label in totals if totals[label] and label is not None), key=lambda label: -totals[label])
    last = [None] * bool(totals.get(None))
    if len(found) + len(last) <= MOST:
        return Side({label: place for place, label in enumerate([*found, *last])}, {})
    kept = MOST - 1 - len(last)
    places: dict[Any, int] = {label: min(place, kept) for place, label in enumerate(found)}
    return Side(places | dict.fromkeys(last, kept + 1), {kept: f"{len(found) - kept} other {what}"})


def _nodes(names: Sequence[str], sizes: Host) -> list[Node]:
    """Return the bars of a side from above, with even gaps between them; one alone stands in the middle."""
    shares = sizes / sizes.sum()
    heights = (1 - GAPS) * shares
    gap = GAPS / (len(names) - 1) if len(names) > 1 else 0.0
    starts = np.cumsum([GAPS / 2 if len(names) == 1 else 0.0, *(heights[:-1] + gap)])
    rows = zip(names, sizes.tolist(), shares.tolist(), strict=True)
    told = [f"{lines_of(name)}  {int(size):,} ({shown('share', share)})" for name, size, share in rows]
    return [Node(*node) for node in zip(told, heights.tolist(), starts.tolist(), strict=True)]


def _ribbons(ax: Axes, counts: Host, left: Sequence[Node], right: Sequence[Node], colours: Sequence[str]) -> None:
    """Draw a ribbon for every pair that has customers; on a bar they stand in the order of their other ends."""
    heights = (1 - GAPS) * counts / counts.sum()
    begins = np.array([[node.start] for node in left]) + np.cumsum(heights, axis=1) - heights
    ends = np.array([node.start for node in right]) + np.cumsum(heights, axis=0) - heights
    for persona, segment in np.argwhere(counts > 0).tolist():
        height, begin, end = heights[persona, segment], begins[persona, segment], ends[persona, segment]
        path = _ribbon(begin, end, height)
        ax.add_patch(PathPatch(path, facecolor=colours[persona], alpha=CLEAR, linewidth=0))


def _ribbon(begin: float, end: float, height: float) -> Path:
    """Return the outline of a ribbon that leaves and arrives level: along its upper edge and back along the lower."""
    start, stop = WIDE, 1 - WIDE
    near, far = start + BENT * (stop - start), stop - BENT * (stop - start)
    points = [(start, begin), (near, begin), (far, end), (stop, end), (stop, end + height)]
    points += [(far, end + height), (near, begin + height), (start, begin + height), (start, begin)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return Path(points, codes)


def _labels(ax: Axes, nodes: Sequence[Node], at: float, align: str) -> None:
    """Write the name of each bar beside its middle, apart from the next: where there is no room, a bit below."""
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    lines = max((node.name.count("\n") + 1 for node in nodes), default=1)
    apart = min(LINE * lines / height, 1 / max(len(nodes), 1))
    middles = [node.start + node.height / 2 for node in nodes]
    for place, node in zip(_spread(middles, apart), nodes, strict=True):
        ax.text(at, place, node.name, ha=align, va="center", fontsize="small", **plain_text())


def _spread(middles: Sequence[float], apart: float) -> list[float]:
    """Return places near to the middles that are so far apart at least, the last one no lower than 1 if that can be.

    >>> [round(place, 2) for place in _spread([0.1, 0.12, 0.99], 0.1)]
    [0.1, 0.2, 0.99]
    """
    places: list[float] = []
    for middle in middles:
        places.append(max(middle, places[-1] + apart) if places else middle)
    lowest = 1.0
    for at in range(len(places) - 1, -1, -1):
        places[at] = min(places[at], lowest)
        lowest = places[at] - apart
    return places
