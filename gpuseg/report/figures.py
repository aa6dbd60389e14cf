"""Pictures of matplotlib as SVG that stands in a page: small, in its colours, with a text for who cannot see."""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

NOTHING = dict.fromkeys(("Creator", "Date", "Format", "Type"))
"""No date and no address in the file: the same picture gives the same bytes."""
LOOK: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "gpuseg", "font.size": 10, "path.simplify": True}
"""Text stays text, and the picture is the same each time."""
INKS = {
    "#000000": "currentColor",
    "#30343a": "currentColor",
    "#ffffff": "var(--ground)",
    "#222222": "currentColor",
    "#111111": "currentColor",
}
"""Black and white of a picture follow the page, light or dark."""


def svg(name: str, alt: str, draw: Callable[[Axes], Any], *, width: float = 8, height: float = 3.2) -> Markup:
    """Return what ``draw`` draws on axes as an SVG element with ``alt`` as its text; ``name`` keeps its ids apart.

    ``width`` and ``height`` are inches. The user's matplotlib settings are left alone, and leave the picture alone.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        # Text stays text, and the reader's fonts draw it: that matplotlib's own has no such letter matters to nobody.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(LOOK)
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata=NOTHING)
    drawn = file.getvalue()
    body = _slim(drawn[drawn.index("<svg") :], name)
    told = f'<svg role="img" focusable="false" aria-label="{escape(alt)}" '
    return Markup(body.replace("<svg ", told, 1))  # noqa: S704 - matplotlib escapes its text, and the rest is ours


def _slim(drawn: str, name: str) -> str:
    """Return a picture without what a page does not need: ids that nothing names, digits that nobody sees."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', drawn))
    drawn = re.sub(r' id="([^"]*)"', lambda id_: f' id="{name}-{id_[1]}"' if id_[1] in used else "", drawn)
    drawn = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", drawn)
    drawn = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", re.sub(r"\s+", " ", path[0])), drawn)
    drawn = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>|<!--.*?-->", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"fill: (#\w{6})|stroke: (#\w{6})", _ink, drawn)
    return re.sub(r">\s+<", "><", drawn)


def _ink(found: re.Match[str]) -> str:
    what, colour = found[0].split(": ")
    return f"{what}: {INKS.get(colour, colour)}"
