"""The summary as a page of HTML: one file that needs no network, and no script to be read."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from typing import Any, NamedTuple

from markupsafe import Markup

from gpuseg.plot import dendrogram, elbow, persona_flow, reachability, segment_map
from gpuseg.plot._axes import QUIET, SEGMENTS
from gpuseg.plot.flow import MOST
from gpuseg.report import alternatives, words
from gpuseg.report.figures import svg
from gpuseg.report.filters import environment


class Section(NamedTuple):
    """A section: its id, which is the name of its template, its heading, and whether a summary has what it tells."""

    id: str
    heading: str
    there: Callable[[Mapping[str, Any]], Any]


def _always(_: Mapping[str, Any]) -> bool:
    return True


FIRST = (
    Section("cards", "The segments", lambda told: told["found"]),
    Section("sizes", "Size and value", _always),
    Section("profile", "What they are like", lambda told: told["profile"]),
    Section("map", "Where they lie", lambda told: told["map"]),
    Section("personas", "Beside the personas", lambda told: told["personas"]),
    Section("atypical", "Atypical customers", lambda told: told["atypical"]),
    Section("sure", "How sure this is", _always),
)
"""The sections for everyone, in their order: to add one is a template and a row."""
APPENDIX = (
    Section("choice", "Why this number of segments", _always),
    Section("tree", "What the method saw", lambda told: told["tree"] or told["reachability"]),
    Section("rules", "Rules", lambda told: any(row["rule"] for row in told["segments"])),
    Section("features", "The features that matter", lambda told: told["importance"] and told["found"] > 1),
    Section("splits", "Segments that were split further", lambda told: told["splits"]),
    Section("rows", "What was read, and what was dropped", _always),
    Section("made", "How it was made", _always),
)
"""The sections for who checks the work."""


class Picture(NamedTuple):
    """A picture: the part of a summary that it shows, its words, what draws it, how high, what it calls segments."""

    part: Callable[[Mapping[str, Any]], Any]
    said: Callable[[Mapping[str, Any]], str]
    draw: Callable[..., Any]
    height: Callable[[Any], float]
    names: Callable[[Mapping[str, Any]], dict[int, str]] | None = words.called_by


def _flow_height(personas: Mapping[str, Any]) -> float:
    """Return the inches that both sides of a flow diagram need."""
    sides = [len({flow[side] for flow in personas["flows"]}) for side in ("persona", "segment")]
    return 1.2 + 0.36 * min(max(sides), MOST)


PICTURES: Mapping[str, Picture] = {
    "choice": Picture(
        lambda told: told["choice"] if told["choice"].get("candidates") else None,
        alternatives.choice, elbow, lambda _: 3.2, names=None,
    ),
    "map": Picture(lambda told: told["map"], alternatives.segment_map, segment_map, lambda _: 5.2, words.names_of),
    "personas": Picture(
        lambda told: told["personas"], alternatives.personas, persona_flow, _flow_height, words.names_of,
    ),
    "tree": Picture(lambda told: told["tree"], alternatives.tree, dendrogram, lambda _: 4.2),
    "reachability": Picture(lambda told: told["reachability"], alternatives.reachability, reachability, lambda _: 3.4),
}  # fmt: skip
"""The pictures by name: to add one is a row."""


def render(told: Mapping[str, Any]) -> str:
    """Return a summary as one page of HTML; every text in it is escaped."""
    figures = {name: drawn for name, picture in PICTURES.items() if (drawn := _drawn(name, picture, told))}
    parts = [[section for section in part if section.there(told)] for part in (FIRST, APPENDIX)]
    script = files("gpuseg.report").joinpath("templates", "sort.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment().get_template("page.html")
    return page.render(
        told=told, parts=parts, figures=figures, digest=digest,
        script=Markup(script),  # noqa: S704 - a file of ours
        headline=words.headline(told), colours=SEGMENTS, grey=QUIET,
    )  # fmt: skip


def _drawn(name: str, picture: Picture, told: Mapping[str, Any]) -> Markup | None:
    """Return a picture of a summary; None where the summary has nothing of it."""
    if not (part := picture.part(told)):
        return None
    draw = partial(picture.draw, part, **({"names": picture.names(told)} if picture.names else {}))
    return svg(name, picture.said(told), lambda ax: draw(ax=ax), height=picture.height(part))
