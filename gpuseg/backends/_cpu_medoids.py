"""k-medoids on the CPU: FasterPAM and CLARANS of ours, on points with weights, without a matrix of distances.

Nothing of Numba is loaded before the first fit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gpuseg.backends._cpu_kernels import _called
from gpuseg.backends._protocol import Fit, Host

KINDS = {"euclidean": 0, "manhattan": 1, "gower": 1, "cosine": 2, "precomputed": 3}
"""How the distance of each metric is made up of its features; see ``_cpu_medoids_compiled``."""
ORDER = 0
"""The seed of the order in which points are visited: sorted by their coordinates they took a third more rounds."""


def fit_kmedoids(
    x: Host, *, weight: Host, spread: Host, metric: str, share: Host, n_clusters: int, start: Host | None, max_iter: int
) -> Mapping[str, Any]:
    """Return the medoids by their numbers, the rounds of swaps and the loss of FasterPAM, or BUILD's without a start.

    ``x``: points for which the metric is plain (see ``neighbors.measures.prepared``), or the matrix of distances.
    ``share``: what two different codes add in a column of categories, 0 in one of numbers. A point lies as far from a
    medoid as its rows in the root of the mean square: ``spread`` counts where the metric is Euclidean, else not.
    """
    loops, points = _loops(), _points(x, spread, metric, share)
    if start is None or n_clusters == 1:  # the best single medoid is the first that BUILD takes
        start = _called(loops.build, *points, weight, n_clusters)
    medoids, order = np.array(start, dtype=np.int64), np.random.default_rng(ORDER).permutation(len(x))
    n_iter, loss = _called(loops.fasterpam, *points, weight, medoids, order, max_iter if n_clusters > 1 else 0)
    return {"medoids": medoids, "n_iter": max(int(n_iter), 1), "loss": float(loss)}


def fit_clarans(
    x: Host, *, weight: Host, spread: Host, metric: str, share: Host, start: Host, max_neighbors: int, seed: Any
) -> Mapping[str, Any]:
    """Return the medoids by their numbers, the points that were drawn, and the loss of one local search of CLARANS."""
    if len(start) == 1:  # the best single medoid needs no search
        return fit_kmedoids(
            x, weight=weight, spread=spread, metric=metric, share=share, n_clusters=1, start=None, max_iter=1
        )
    loops, points, draws = _loops(), _points(x, spread, metric, share), np.random.default_rng(seed)
    medoids, since, tried, loss = np.array(start, dtype=np.int64), 0, 0, np.inf
    # Where all points are medoids there is nothing to swap.
    most = max_neighbors if len(medoids) < len(x) else 0
    while tried == 0 or since < most:
        drawn = draws.integers(0, len(x), size=max_neighbors)
        since, loss = _called(loops.clarans, *points, weight, medoids, drawn, most, since)
        tried += len(drawn)
    return {"medoids": medoids, "n_iter": tried, "loss": float(loss)}


def _points(x: Host, spread: Host, metric: str, share: Host) -> tuple[Host, Host, Host, int]:
    """Return the points as the loops take them: feature by feature, the squared spread of each, and the metric."""
    kind = KINDS[metric]
    if metric == "precomputed":
        return np.ascontiguousarray(x), np.zeros(0), np.zeros(0), kind
    table = np.ascontiguousarray(x.T, dtype=np.float64)
    return table, np.zeros(len(table)) if share.size == 0 else share, np.square(spread), kind


def _loops() -> Any:
    """Return the compiled loops, loaded here for the first time."""
    from gpuseg.backends import _cpu_medoids_compiled

    return _cpu_medoids_compiled


FITS: Mapping[str, Fit] = {"kmedoids": fit_kmedoids, "clarans": fit_clarans}
