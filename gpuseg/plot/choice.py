"""The choice of the number of segments as a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from gpuseg.errors import InvalidInput
from gpuseg.plot._axes import INK, QUIET, SECOND, axes_of, tidy


def elbow(choice: Any, *, ax: Axes | None = None) -> Axes:
    """Return axes with the silhouette of each k tried, the chosen k marked, and the inertia behind in grey.

    ``choice``: a KChoice, as ``Segmenter.choice_``, or its plain form, as ``card["choice"]``. Bars are one standard
    error. The stability of each k stands beside the silhouette where it was worked out. The inertia stands on a second
    axis, on the right. Raises InvalidInput where no k was tried.

    >>> from matplotlib.figure import Figure
    >>> tried = [{"k": k, "inertia": 9.0 / k, "silhouette": 0.3, "standard_error": 0.01} for k in (2, 3, 4)]
    >>> axes = elbow({"k": 3, "reason": "", "candidates": tried}, ax=Figure().subplots())
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('number of segments k', 'silhouette')
    """
    k, candidates = _taken(choice)
    ax = axes_of(ax, 7, 3.6)
    _draw_inertia(ax.twinx(), candidates)
    ks, scores, errors = _scored(candidates, "silhouette", "standard_error")
    ax.errorbar(ks, scores, errors, color=INK, marker="o", markersize=5, capsize=3, linewidth=1.6, label="silhouette")
    _mark(ax, k, dict(zip(ks, scores, strict=True)).get(k))
    ax.set(xlabel="number of segments k", ylabel="silhouette")
    _draw_stability(ax, candidates)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    # The curve before the inertia's, whose axes were made later; their background would hide it.
    ax.set_zorder(ax.get_zorder() + 2)
    ax.patch.set_visible(False)
    tidy(ax)
    return ax


def _scored(candidates: Sequence[Mapping[str, Any]], score: str, error: str) -> tuple[list[int], list[Any], list[Any]]:
    """Return the numbers of segments that have a score, the scores and their errors."""
    there = [c for c in candidates if c.get(score) is not None]
    return [c["k"] for c in there], [c[score] for c in there], [c.get(error) or 0.0 for c in there]


def _draw_stability(ax: Axes, candidates: Sequence[Mapping[str, Any]]) -> None:
    """Draw the stability where it was worked out, from the least stable segment to the mean of all."""
    ks, mean, _ = _scored(candidates, "stability", "")
    if not ks:
        return
    least = [c.get("least_stability") for c in candidates if c.get("stability") is not None]
    low = [value if lowest is None else lowest for value, lowest in zip(mean, least, strict=True)]
    ax.fill_between(ks, low, mean, color=SECOND, alpha=0.15, linewidth=0, label="down to the least stable segment")
    ax.plot(ks, mean, color=SECOND, marker="s", markersize=4, linewidth=1.4, label="stability")
    ax.set_ylabel("silhouette, stability")
    # Below the picture: two curves and a band leave no room that is free for sure.
    ax.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)


def _taken(choice: Any) -> tuple[int, Sequence[Mapping[str, Any]]]:
    """Return the chosen k, and the candidates as dicts."""
    try:
        plain = choice if isinstance(choice, Mapping) else choice._asdict()
        candidates = [c if isinstance(c, Mapping) else c._asdict() for c in plain["candidates"]]
    except (AttributeError, KeyError, TypeError) as error:
        sentence = f"choice is a {type(choice).__name__} without candidates; give Segmenter.choice_ or card['choice']"
        raise InvalidInput(sentence) from error
    if not candidates:
        why = "it was given, or the algorithm found it"
        raise InvalidInput(f"no number of segments was tried: {why}; fit k-means with n_clusters='auto' for a curve")
    return plain["k"], candidates


def _draw_inertia(ax: Axes, candidates: Sequence[Mapping[str, Any]]) -> None:
    ks, inertia = [c["k"] for c in candidates], [c["inertia"] for c in candidates]
    ax.plot(ks, inertia, color=QUIET, linewidth=1, linestyle="--", marker=".", alpha=0.8)
    ax.set_ylabel("inertia (dashed)", color=QUIET)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(EngFormatter(sep=""))
    ax.tick_params(axis="y", colors=QUIET)
    ax.set_ylim(bottom=0)
    ax.spines[:].set_visible(False)


def _mark(ax: Axes, k: int, score: float | None) -> None:
    ax.axvline(k, color=INK, linewidth=1, linestyle=":")
    if score is not None:
        ax.plot([k], [score], "o", markersize=11, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=2)
    ax.annotate(
        f"k = {k}", (k, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
        ha="center", va="bottom", color=INK, weight="bold",
    )  # fmt: skip
