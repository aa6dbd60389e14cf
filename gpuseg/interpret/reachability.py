"""The order of OPTICS as bars: plain values, each bar of several customers where it is to be written."""

from typing import Any

import numpy as np

from gpuseg.backends import Host
from gpuseg.settings import MIN_REPORT_SIZE

BINS = 1500
"""Bars at most: about as many as a picture of seven inches has columns on a screen."""
USUAL, FAR = 0.99, 2.0
"""Bars above twice what 99 of 100 are below would leave no height for these."""


def reachability_bars(model: Any, *, bins: int = BINS, least: int = MIN_REPORT_SIZE) -> dict[str, Any] | None:
    """Return the reachability distances of a fitted OPTICS as bars, in its order; None of another model.

    ``starts``: the place of the first point of each bar, and behind them the number of points; a bar stands for at
    least ``least`` of them. ``height``: the largest distance in each, so that no hill that parts two valleys is lost,
    ``median``: the middle one, so that no valley looks higher than it is, both at most ``top``; ``segment``: that of
    most of its points. ``higher`` distances are cut off at ``top``, the largest is ``highest``.

    >>> from gpuseg.cluster import OPTICS
    >>> model = OPTICS(2).fit(np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [13.0]]))
    >>> reachability_bars(model, least=3)["starts"]
    [0, 3, 6]
    """
    if any(not hasattr(model, name) for name in ("ordering_", "reachability_", "point_segments_")):
        return None
    height, segment = model.reachability_[model.ordering_], model.point_segments_[model.ordering_]
    bars = max(min(len(height) // max(least, 1), bins), 1)
    starts = np.unique(np.linspace(0, len(height), bars + 1).astype(np.int64))
    top, reached = _top(height), height[np.isfinite(height)]
    low = np.minimum(height, top)
    return {
        "starts": starts.tolist(),
        "height": np.maximum.reduceat(low, starts[:-1]).tolist(),
        "median": [float(np.median(piece)) for piece in np.split(low, starts[1:-1])],
        "segment": _main(segment, starts).tolist(),
        "top": top,
        "higher": int(np.sum(reached > top)),
        "highest": float(reached.max()) if reached.size else None,
    }


def _top(height: Host) -> float:
    """Return the upper end of the plot, a little above what was reached but by few; 1 where nothing is above 0."""
    reached = height[np.isfinite(height)]
    most = min(float(np.max(reached)), FAR * float(np.quantile(reached, USUAL))) if reached.size else 0.0
    return 1.08 * most if most > 0 else 1.0


def _main(segment: Host, starts: Host) -> Host:
    """Return the segment of most points of each bar, of as many the first."""
    bars = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    counts = np.zeros((len(starts) - 1, int(segment.max()) + 2), dtype=np.int64)
    np.add.at(counts, (bars, segment + 1), 1)
    found: Host = np.argmax(counts, axis=1) - 1
    return found
