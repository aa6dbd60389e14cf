"""The curve of the choice of k as an SVG that stands in a page."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from gpuseg.plot import elbow

NOTHING = dict.fromkeys(("Creator", "Date", "Format", "Type"))
"""No date and no address in the file: the same choice gives the same bytes."""


def curve_svg(choice: Mapping[str, Any]) -> str:
    """Return the curve of a choice of k as an SVG element: its text is text, its ground is clear.

    The user's matplotlib settings are left alone, and leave the picture alone.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gpuseg", "font.size": 10})
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        elbow(choice, ax=figure.subplots())
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata=NOTHING)
    drawn = file.getvalue()
    return drawn[drawn.index("<svg") :]
