"""The summary as a page of HTML: one file that needs no network and no script."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gpuseg.features import CleaningReport
from gpuseg.io.write import check_writable, whole
from gpuseg.notebook import counted, shown
from gpuseg.plot.measures import VALUE
from gpuseg.report.curve import curve_svg
from gpuseg.report.summary import summary
from gpuseg.settings import MIN_REPORT_SIZE

ENDINGS = (".html",)
"""What a report's name ends in."""
WIDE, DATED = 12, 8
"""Segments that stand beside each other in a table, and in one with dates: more would not fit on a page."""
SCALE = {0.7: "strong", 0.5: "reasonable", 0.25: "weak"}
"""What Kaufman and Rousseeuw (1990) call a structure whose silhouette is above each number."""
NAMELESS = "(no name)"
STRONGEST = 0.7
"""Opacity behind a cell that is farthest from the mean: the text on it stays readable, in light and in dark."""
MEASURES = {
    "silhouette": "silhouette",
    "inertia": "inertia",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
    "digest_size": "points of the digest that stood for the customers:",
    "digest_error": "error of the digest, 1 - ARI to an exact fit of a sample:",
}
"""Measures of quality, as the report names them."""


def write_report(
    path: str | Path,
    card: Mapping[str, Any],
    *,
    cleaning: CleaningReport | Mapping[str, Any] | None = None,
    title: str | None = None,
    min_report_size: int = MIN_REPORT_SIZE,
) -> Path:
    """Write the report of a model card to an .html file, whole or not at all; return the path.

    ``card``, ``cleaning``, ``title`` and ``min_report_size`` as for ``summary``. The file holds aggregates only, loads
    nothing and runs nothing. Raises InvalidFile for a path that cannot be written, InvalidInput for what is no card.

    >>> import gpuseg, pathlib, polars as pl, tempfile
    >>> customers = pl.DataFrame({"spend": [1.0, 2, 1, 2, 90, 91, 92, 90]})
    >>> with gpuseg.config(notices="off"):
    ...     card = gpuseg.Segmenter().fit(customers).card_
    >>> page = write_report(pathlib.Path(tempfile.mkdtemp(), "report.html"), card).read_text()
    >>> "<h1>2 segments of 8 customers</h1>" in page
    True
    """
    place = Path(path)
    check_writable(place, ENDINGS)
    page = render(summary(card, cleaning=cleaning, title=title, min_report_size=min_report_size))
    with whole(place) as file:
        # A lone surrogate, as file names and broken text hold, has no UTF-8.
        file.write(page.encode(errors="replace"))
    return place


def render(told: dict[str, Any]) -> str:
    """Return a summary as one page of HTML; every text in it is escaped."""
    candidates = told["choice"].get("candidates") or []
    curve = Markup(curve_svg(told["choice"])) if candidates else None  # noqa: S704 - matplotlib's, of numbers alone
    page = _environment().get_template("page.html")
    return page.render(told=told, curve=curve, measures=_measures(candidates))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gpuseg.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"shown": _shown, "percent": _percent, "counted": counted, "cut_in": _cut_in}
    environment.filters |= {"tint": _tint, "precise": _precise, "measure": _measure}
    environment.filters |= {"widest": _widest, "length_of": _length_of, "named": _named, "strength": _strength}
    return environment


def _shown(value: Any, kind: str = "number") -> str:
    """Return a value of a column of this kind as a person reads it."""
    if kind == "date" and value is not None:
        return str(value)[:10]
    return _percent(value) if kind == "boolean" else shown(kind, value)


def _percent(value: float | None) -> str:
    return shown("share", value)


def _widest(segments: list[dict[str, Any]]) -> float:
    """Return the largest share, of customers or of value: its bar fills its place."""
    return max(row.get(name) or 0.0 for row in segments for name in ("share", VALUE))


def _length_of(share: float | None, widest: float) -> str:
    """Return the length of a share's bar in percent of its place; a share below 0 (returns) has none."""
    return f"{100 * max(share or 0.0, 0.0) / widest:.1f}" if widest > 0 else "0"


def _named(name: str) -> Markup:
    """Return a name from data: whatever the direction it is written in, it turns round nothing beside it."""
    return Markup("<bdi>{}</bdi>").format(name if name.strip() else NAMELESS)


def _strength(silhouette: float) -> str:
    return next((word for least, word in SCALE.items() if silhouette > least), "hardly any")


def _precise(value: float | None) -> str:
    """Return a number with three decimals, as a silhouette is told; a large one as any other."""
    return f"{value:.3f}" if value is not None and abs(value) < 10 else shown("", value)  # noqa: PLR2004 - then few digits matter


def _measure(name: str) -> str:
    return MEASURES.get(name, name.replace("_", " "))


def _tint(contrast: float | None) -> str:
    """Return the attributes of a cell that make it blue above and orange below the mean."""
    if contrast is None or abs(contrast) < 0.02:  # noqa: PLR2004 - nobody sees it
        return ""
    return Markup('class="{}" style="--t:{}"').format(
        "up" if contrast > 0 else "down", f"{abs(contrast) * STRONGEST:.2f}"
    )


def _cut_in(count: int, kinds: Iterable[str]) -> list[tuple[int, int]]:
    """Return the parts of so many segments that go beside each other with columns of these kinds, nearly equal.

    >>> _cut_in(20, ["number", "category"]), _cut_in(16, ["date"])
    ([(0, 10), (10, 20)], [(0, 8), (8, 16)])
    """
    parts = -(-count // (DATED if "date" in kinds else WIDE))
    return [(count * at // parts, count * (at + 1) // parts) for at in range(parts)]


def _measures(candidates: list[dict[str, Any]]) -> list[str]:
    """Return the measures that any candidate has, besides the silhouette."""
    known = [name for name in MEASURES if name != "silhouette"]
    return [name for name in known if any(candidate.get(name) is not None for candidate in candidates)]
