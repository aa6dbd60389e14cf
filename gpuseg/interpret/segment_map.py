"""The customers on two axes, as counts of small squares: no point of the map is a person."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom

from gpuseg._checks import check_count
from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.settings import MIN_REPORT_SIZE

FINEST, COARSEST = 48, 6
"""Squares on a side: small customer tables have coarser ones, so that most customers are in some that are shown."""
MOSTLY = 0.9
"""The share of the customers that is to be in squares that are shown, if squares of some size do that."""
EDGE = 0.005
"""The share of the customers beyond each end of an axis: few far ones would squeeze all others into one square."""
SURE = 0.001
"""The chance that a square of a sample is shown although fewer customers than asked for lie in it."""
NOTHING = 1e-12
"""A share of the variance that is no more than rounding."""
LOADED, NAMED = 0.5, 3
"""Features are named that load at least half as much as the one that loads most, three of them on each side."""


class Axes(NamedTuple):
    """Two principal axes: (features, 2), and the share of the variance that each explains."""

    loadings: Host
    shares: Host


def segment_map(
    matrix: Host,
    segments: Host,
    *,
    rows: int,
    features: Sequence[str],
    codes: Sequence[int] = (),
    bins: int = FINEST,
    least: int = MIN_REPORT_SIZE,
) -> dict[str, Any]:
    """Return the customers on the two axes along which they differ most, as counts of small squares: plain values.

    ``matrix``: (customers, features), scaled, of all customers or of a random sample of them; ``segments``:
    (customers,), -1 for noise; ``rows``: how many customers they stand for. ``codes``: columns that hold codes of
    categories, which count as a column of 0 and 1 for each. ``bins``: squares on a side at most. ``least``: customers
    in a square that is shown, at least; of a sample so many as hardly come of fewer in all (once in 1,000 squares).

    The axes are the principal components (Pearson 1901). ``axes``: of each its ``share`` of the variance, the features
    that load most on it (``more``, ``less``) and a sentence of them. ``bins``: columns ``x`` and ``y`` (centres),
    ``segment`` (of most customers there) and ``count`` (of all segments, estimated for ``rows``). ``width``,
    ``height``: of a square. ``centers``: where the middle of each segment is. ``shown``: the share of the customers in
    ``bins``. Raises InvalidInput for fewer than ``least`` customers.

    >>> rng = np.random.default_rng(0)
    >>> matrix = np.concatenate([rng.normal(at, 1.0, (500, 2)) for at in (0, 6)])
    >>> found = segment_map(matrix, np.repeat([0, 1], 500), rows=1000, features=["visits", "spend"])
    >>> found["axes"][0]["words"], round(found["axes"][0]["share"], 1), sum(found["bins"]["count"]) <= 1000
    ('more visits, spend', 0.9, True)
    """
    check_count("bins", bins)
    check_count("least", least)
    if rows < least or not len(matrix):
        raise InvalidInput(f"{rows} customers are too few for a map with least={least}; give more, or a lower least")
    x, names = _columns(matrix, features, codes)
    x = x - x.mean(axis=0)
    axes = _axes_of(x)
    places = x @ axes.loadings
    sides = [_ends(place) for place in places.T]
    fewest = fewest_of(least, len(x) / rows)
    counts = max((_counted(places, segments, sides, side, fewest) for side in _sides(bins)), key=_enough)
    return {
        "axes": [_told(axes, at, names) for at in range(2)],
        "bins": counts.told(sides, rows / len(x)),
        "width": (sides[0][1] - sides[0][0]) / counts.side,
        "height": (sides[1][1] - sides[1][0]) / counts.side,
        "centers": _centers(places, segments, fewest),
        "shown": counts.shown,
        "customers": rows,
        "least": least,
    }


class Counted(NamedTuple):
    """Customers of each square and segment, (squares, segments), of the squares with enough of them."""

    side: int
    squares: Host
    counts: Host
    segments: Host
    shown: float

    def told(self, sides: Sequence[tuple[float, float]], scale: float) -> dict[str, list[Any]]:
        """Return the squares as plain columns."""
        total, main = self.counts.sum(axis=1), self.counts.argmax(axis=1)
        (left, right), (low, high) = sides
        at = np.stack([self.squares // self.side, self.squares % self.side]) + 0.5
        return {
            "x": (left + at[0] * (right - left) / self.side).round(4).tolist(),
            "y": (low + at[1] * (high - low) / self.side).round(4).tolist(),
            "segment": self.segments[main].tolist(),
            "count": np.round(total * scale).astype(np.int64).tolist(),
        }


def fewest_of(least: int, share: float) -> int:
    """Return how many customers of a random sample of this share tell that there are ``least`` in all.

    >>> fewest_of(10, 1.0), fewest_of(10, 0.2), fewest_of(10, 0.004)
    (10, 7, 2)
    """
    return least if share >= 1 else max(1, int(binom.isf(SURE, least - 1, share)) + 1)


def _columns(matrix: Host, features: Sequence[str], codes: Sequence[int]) -> tuple[Host, list[str]]:
    """Return the columns with codes as columns of 0 and 1, and their names."""
    columns, names = [], []
    for at, name in enumerate(features):
        column = matrix[:, at].astype(np.float64)
        levels = np.unique(column) if at in codes else None
        columns.append(column[:, None] if levels is None else (column[:, None] == levels).astype(np.float64))
        names += [name] * columns[-1].shape[1]
    return np.concatenate(columns, axis=1), names


def _axes_of(x: Host) -> Axes:
    """Return the two principal axes of centred rows; the largest loading of each is positive."""
    spread, directions = np.linalg.eigh(x.T @ x)
    spread, directions = np.maximum(spread[::-1], 0.0), directions[:, ::-1]
    if len(spread) == 1:
        spread, directions = np.append(spread, 0.0), np.hstack([directions, [[0.0]]])
    loadings = directions[:, :2]
    largest = loadings[np.abs(loadings).argmax(axis=0), [0, 1]]
    shares = spread[:2] / (spread.sum() or 1.0)
    # An axis along which nobody differs has no direction.
    return Axes(loadings * np.where(shares > NOTHING, np.where(largest < 0, -1.0, 1.0), 0.0), shares)


def _told(axes: Axes, at: int, names: Sequence[str]) -> dict[str, Any]:
    """Return the share of an axis and the features that load most on it, in words."""
    loading = axes.loadings[:, at]
    order = np.argsort(-np.abs(loading), kind="stable")
    taken = [i for i in order.tolist() if abs(loading[i]) >= LOADED * np.max(np.abs(loading)) > 0]
    sides = {side: [i for i in taken if (loading[i] > 0) == (side == "more")][:NAMED] for side in ("more", "less")}
    named = {side: list(dict.fromkeys(names[i] for i in found)) for side, found in sides.items()}
    words = "; ".join(f"{side} {', '.join(found)}" for side, found in named.items() if found)
    return {"share": float(axes.shares[at]), **named, "words": words}


def _ends(place: Host) -> tuple[float, float]:
    """Return where an axis begins and ends: beyond, few customers lie far off."""
    low, high = np.quantile(place, [EDGE, 1 - EDGE])
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def _sides(bins: int) -> list[int]:
    """Return numbers of squares on a side, the finest first, each five sixths of the one before."""
    sides = [bins]
    while sides[-1] * 5 // 6 >= COARSEST:
        sides.append(sides[-1] * 5 // 6)
    return sides


def _counted(places: Host, segments: Host, sides: Sequence[tuple[float, float]], side: int, least: int) -> Counted:
    at = [
        np.minimum(np.floor((place - low) / (high - low) * side), side - 1)
        for place, (low, high) in zip(places.T, sides, strict=True)
    ]
    # Who lies beyond an end is in no square.
    inside = np.all(
        [(one >= 0) & (place <= high) for one, place, (_, high) in zip(at, places.T, sides, strict=True)], axis=0
    )
    known, own = np.unique(segments, return_inverse=True)
    square = (at[0] * side + at[1])[inside].astype(np.int64)
    counts = np.zeros((side * side, len(known)), dtype=np.int64)
    np.add.at(counts, (square, own[inside]), 1)
    kept = np.flatnonzero(counts.sum(axis=1) >= least)
    return Counted(side, kept, counts[kept], known, float(counts[kept].sum() / len(segments)))


def _enough(counts: Counted) -> tuple[bool, float]:
    """Return what the better of two grids has more of: enough customers shown, then detail; else customers shown."""
    enough = counts.shown >= MOSTLY
    return enough, counts.side if enough else counts.shown


def _centers(places: Host, segments: Host, least: int) -> list[dict[str, Any]]:
    """Return the middle of each segment, noise and those of few customers left out."""
    found = []
    for segment in np.unique(segments[segments >= 0]).tolist():
        mine = places[segments == segment]
        if len(mine) >= least:
            x, y = np.median(mine, axis=0).round(4).tolist()
            found.append({"segment": segment, "x": x, "y": y})
    return found
