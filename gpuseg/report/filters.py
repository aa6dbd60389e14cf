"""How values stand in a page: the filters of its templates."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gpuseg.notebook import counted, shown
from gpuseg.plot._axes import SEGMENTS
from gpuseg.plot.measures import VALUE
from gpuseg.report.words import SCALE, because, called, precise, sure_word
from gpuseg.selection import DensityChoice
from gpuseg.selection.density_choice import HEADINGS

WIDE, DATED = 12, 8
"""Segments that stand beside each other in a table, and in one with dates: more would not fit on a page."""
NAMELESS = "(no name)"
STRONGEST = 0.6
"""Opacity behind a cell that is farthest from the mean: the text on it stays readable, in light and in dark."""
TURNS = dict.fromkeys(range(0x202A, 0x202F))
"""The letters that turn the direction of what follows them."""
FAINTEST = 0.02
"""Contrast that nobody sees."""
MEASURES = {
    "silhouette": "silhouette",
    "inertia": "inertia",
    "stability": "stability",
    "least_stability": "least stable segment",
    "smallest_share": "smallest share",
    "separability": "told by a shallow tree",
    "gap": "gap",
    "gap_error": "error of the gap",
    "dbcv": "DBCV",
    "noise": "noise",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
}
"""Measures of quality, as the report names them."""


def environment() -> Environment:
    """Return what renders the templates: everything is escaped, and an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("gpuseg.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"shown": told, "percent": percent, "counted": counted, "cut_in": cut_in, "called": called}
    made.filters |= {"because": because, "tied": tied, "densities": tried_densities}
    made.filters |= {"tint": tint, "precise": precise, "measure": measure, "measures": measures_of, "sure": sure_word}
    made.filters |= {"widest": widest, "length_of": length_of, "named": named, "strength": strength, "swatch": swatch}
    return made


def told(value: Any, kind: str = "number") -> str:
    """Return a value of a column of this kind as a person reads it."""
    if kind == "date" and value is not None:
        return str(value)[:10]
    return percent(value) if kind == "boolean" else shown(kind, value)


def percent(value: float | None) -> str:
    """Return a share in percent."""
    return shown("share", value)


def widest(segments: Iterable[Mapping[str, Any]]) -> float:
    """Return the largest share, of customers or of value: its bar fills its place."""
    return max((row.get(name) or 0.0 for row in segments for name in ("share", VALUE)), default=0.0)


def length_of(share: float | None, widest: float) -> str:
    """Return the length of a share's bar in percent of its place; a share below 0 (returns) has none."""
    return f"{100 * max(share or 0.0, 0.0) / widest:.1f}" if widest > 0 else "0"


def named(name: str) -> Markup:
    """Return a name from data: whatever the direction it is written in, it turns round nothing beside it."""
    return Markup("<bdi>{}</bdi>").format(name if name.strip() else NAMELESS)


def tied(text: str) -> str:
    r"""Return a sentence in which no name turns the direction of the rest, and no line ends before a percent sign.

    >>> tied("\u202eeman: 5 %")
    'eman: 5\xa0%'
    """
    return text.translate(TURNS).replace(" %", "\u00a0%")


def tried_densities(density: Mapping[str, Any]) -> list[list[str]]:
    """Return how dense segments were tried to be, as rows of texts under a heading."""
    choice = DensityChoice.of(density)
    return [[choice.parameter, *HEADINGS], *choice.rows()]


def swatch(segment: int | None) -> str:
    """Return the class of a segment's colour, that of the pictures; noise and a pool of segments are grey."""
    return "s-noise" if segment is None or segment < 0 else f"s{segment % len(SEGMENTS)}"


def strength(silhouette: float) -> str:
    """Return the word for a structure of this silhouette."""
    return next((word for least, word in SCALE.items() if silhouette > least), "hardly any")


def measure(name: str) -> str:
    """Return what a measure is called."""
    return MEASURES.get(name, name.replace("_", " "))


def measures_of(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the measures that any candidate has, besides the silhouette."""
    known = [name for name in MEASURES if name != "silhouette"]
    return [name for name in known if any(candidate.get(name) is not None for candidate in candidates)]


def tint(contrast: float | None) -> str:
    """Return the attributes of a cell that make it blue above and orange below the mean."""
    if contrast is None or abs(contrast) < FAINTEST:
        return ""
    return Markup('class="{}" style="--t:{}"').format(
        "up" if contrast > 0 else "down", f"{abs(contrast) * STRONGEST:.2f}"
    )


def cut_in(count: int, kinds: Iterable[str]) -> list[tuple[int, int]]:
    """Return the parts of so many segments that go beside each other with columns of these kinds, nearly equal.

    >>> cut_in(20, ["number", "category"]), cut_in(16, ["date"])
    ([(0, 10), (10, 20)], [(0, 8), (8, 16)])
    """
    parts = -(-count // (DATED if "date" in kinds else WIDE))
    return [(count * at // parts, count * (at + 1) // parts) for at in range(parts)]
