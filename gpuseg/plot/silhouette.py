"""The silhouette plot: how much nearer the customers of each segment are to their own than to the next one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from gpuseg._estimator import seed_of
from gpuseg.backends import Host, to_host
from gpuseg.errors import InvalidInput
from gpuseg.metrics import SAMPLE, silhouettes
from gpuseg.metrics._checks import checked
from gpuseg.metrics.silhouette import sample_of
from gpuseg.notebook import counted
from gpuseg.plot._axes import INK, QUIET, axes_of, colour_of, name_of, plain_text, tidy

STEPS = 200
"""Quantiles that a segment's shape is drawn by: no edge of it is a person."""
GAP = 0.02
"""The share of the height that all gaps between segments take together, and no more than ten each."""


def silhouette(
    x: Any,
    labels: Any,
    *,
    names: Mapping[int, str] | None = None,
    sample_size: int | None = SAMPLE,
    random_state: Any = 0,
    ax: Axes | None = None,
) -> Axes:
    """Return axes with the silhouettes of each segment from the largest down, the mean of all dashed.

    ``x``: rows, (n_samples, n_features), of which a sample is drawn as ``metrics.silhouette`` does; or the silhouettes
    of rows, (n_samples,). ``labels``: (n_samples,); noise (-1) is left out and counted. A segment is as high as it has
    rows; what lies left of 0 is nearer to another segment. Raises InvalidInput for fewer than 2 segments.

    >>> from matplotlib.figure import Figure
    >>> rows, labels = np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])
    >>> axes = silhouette(rows, labels, ax=Figure().subplots())
    >>> [tick.get_text() for tick in axes.get_yticklabels()], axes.get_xlabel()
    (['0', '1'], 'silhouette')
    """
    values, own, noise = _values(x, labels, sample_size, random_state)
    segments = np.unique(own).tolist()
    ax = axes_of(ax, 7, max(3.2, 1.0 + 0.34 * len(segments)))
    gap = GAP * len(values) / len(segments) * min(len(segments), 10)
    places, top = [], 0.0
    for segment in segments:
        height = float(np.sum(own == segment))
        shape = np.quantile(values[own == segment], 1 - (np.arange(STEPS) + 0.5) / STEPS)
        ax.fill_betweenx(top + np.linspace(0, height, STEPS), 0, shape, color=colour_of(segment), linewidth=0)
        places.append(top + height / 2)
        top += height + gap
    _mark_mean(ax, float(values.mean()))
    ax.set_yticks(places, [name_of(segment, names) for segment in segments], **plain_text())
    ax.set(xlabel="silhouette", ylabel="segment", ylim=(top, -gap), xlim=(min(float(values.min()), 0.0), 1.0))
    if noise:
        said = f"{counted(noise, 'row')} of noise left out"
        ax.text(1.0, 1.0, said, transform=ax.transAxes, ha="right", va="bottom", color=QUIET, fontsize="small")
    tidy(ax)
    ax.tick_params(axis="y", length=0)
    return ax


def _values(x: Any, labels: Any, sample_size: int | None, random_state: Any) -> tuple[Host, Host, int]:
    """Return silhouettes, the segments of their rows, and how many rows are noise."""
    given = x if hasattr(x, "ndim") else np.asarray(x)
    if given.ndim != 1:
        rows, of = checked(given, labels)
        sample = sample_of(rows, of, None, sample_size, seed_of(random_state))
        (found,) = silhouettes(sample.x, [sample.labels])
        values, own = (np.zeros(0) if found is None else found.values), sample.labels
    else:
        values, of = np.asarray(to_host(given), dtype=np.float64), np.asarray(to_host(labels))
        if of.shape != values.shape:
            raise InvalidInput(f"labels have shape {of.shape}; pass one a silhouette, {values.shape}")
        values, own = values[of >= 0], of[of >= 0]
    if len(np.unique(own)) < 2 or not len(values):  # noqa: PLR2004 - a segment and another one
        raise InvalidInput(
            f"labels hold {len(np.unique(own))} segment(s) among the rows drawn; pass at least 2 segments"
        )
    if not np.all(np.abs(values) <= 1):
        raise InvalidInput("x holds a number that is no silhouette; pass rows, or silhouettes in [-1, 1]")
    return values, own, int(np.sum(np.asarray(to_host(of)) < 0))


def _mark_mean(ax: Axes, mean: float) -> None:
    ax.axvline(mean, color=INK, linewidth=1.2, linestyle="--")
    ax.axvline(0, color=QUIET, linewidth=0.8)
    ax.annotate(
        f"mean {mean:.2f}", (mean, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
        textcoords="offset points", ha="center", va="bottom", color=INK, fontsize="small",
    )  # fmt: skip
