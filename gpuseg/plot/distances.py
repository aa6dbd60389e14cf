"""The curve of k-distances as a picture: how far rows are from those near them, and the eps that was taken."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.plot._axes import INK, QUIET, SECOND, axes_of, tidy

SHOWN = 1.15
"""How far above what matters the plot ends; the farthest rows may be ten times as far, and would flatten the rest."""
USUAL = 0.99
"""Share of the rows that is shown in any case."""


def k_distance(given: Any, *, ax: Axes | None = None) -> Axes:
    """Return axes with the distances of rows to their min_samples-th nearest one, rising, and the eps that was chosen.

    ``given``: a DensityChoice of eps, as ``choose_density(x, "dbscan")`` or ``Segmenter.density_``, or its plain form,
    as ``card["density"]``; or distances, as of ``k_distances``. Rows to the right of where eps crosses the curve are no
    core points. Raises InvalidInput for a choice without distances.

    >>> from matplotlib.figure import Figure
    >>> axes = k_distance(np.array([1.0, 1.1, 1.2, 4.0]), ax=Figure().subplots())
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('share of the rows', 'distance to the k-th nearest row')
    """
    distances, eps, knee, samples = _taken(given)
    ax = axes_of(ax, 7, 3.6)
    share = np.linspace(0, 1, len(distances))
    ax.plot(share, distances, color=INK, linewidth=1.8)
    if knee is not None:
        ax.axhline(knee, color=QUIET, linewidth=1, linestyle="--", label=f"knee of the curve, {knee:g}")
    if eps is not None:
        ax.axhline(eps, color=SECOND, linewidth=1.4, label=f"eps = {eps:g}")
    if knee is not None or eps is not None:
        ax.legend(frameon=False, loc="upper left")
    top = SHOWN * max(float(np.quantile(distances, USUAL)), eps or 0.0, knee or 0.0)
    ax.set(xlabel="share of the rows", ylabel=f"distance to the {samples} nearest row")
    ax.set(xlim=(0, 1), ylim=(0, top if top > 0 else 1.0))
    if distances[-1] > top:
        ax.text(
            0.99, 0.98, f"up to {distances[-1]:.3g}", transform=ax.transAxes, ha="right", va="top", color=QUIET,
            fontsize="small",
        )  # fmt: skip
    tidy(ax)
    return ax


def _taken(given: Any) -> tuple[Host, float | None, float | None, str]:
    """Return the rising distances, the eps and the knee if any, and the words for how many rows are near."""
    plain = given._asdict() if hasattr(given, "_asdict") else given
    if not isinstance(plain, dict):
        distances = np.sort(np.asarray(plain, dtype=np.float64).ravel())
        if not len(distances) or not np.all(np.isfinite(distances)):
            raise InvalidInput(f"given holds {len(distances)} distances, not all finite; give those of k_distances")
        return distances, None, None, "k-th"
    if plain.get("distances") is None:
        raise InvalidInput(
            f"a choice of {plain.get('parameter', 'k')!r} has no distances; give one of eps, or those of k_distances"
        )
    return np.asarray(plain["distances"]), plain["value"], plain["knee"], _ordinal(plain["min_samples"])


def _ordinal(number: int) -> str:
    """Return a number as a place in an order.

    >>> [_ordinal(number) for number in (1, 2, 5, 11, 23)]
    ['1st', '2nd', '5th', '11th', '23rd']
    """
    tens, ones = divmod(number % 100, 10)
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"
