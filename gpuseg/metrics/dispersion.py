"""Clusters by their centres: the indices of Calinski and Harabasz and of Davies and Bouldin, and a quick silhouette."""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.engines import Block
from gpuseg.metrics._labelled import Centers, Labelled, Rows, by_cluster, centers_of, opened, runs
from gpuseg.neighbors.centers import add, beside, squared_distances


class Dispersion(NamedTuple):
    """What the indices are made of: each cluster's centre, weight and mean distance to it; sums of squares.

    ``within`` is the sum of squared distances to the centres (inertia), ``total`` that to the mean of all rows.
    """

    centers: Host
    weights: Host
    distances: Host
    within: float
    total: float


def calinski_harabasz(x: Array, labels: Array, *, sample_weight: Array | None = None) -> float:
    """Return the index of Calinski and Harabasz (1974), noise (-1) left out: larger is better, infinite at best.

    (between / (k - 1)) / (within / (n - k)), the variance ratio criterion. ``x``: (n_samples, n_features), in memory
    or a Dask array; ``labels``: (n_samples,), the same. ``sample_weight``: how often a row counts. Raises
    InvalidInput for fewer than 2 clusters, for NaN and for other shapes.

    >>> calinski_harabasz(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))
    162.0
    """
    return variance_ratio(dispersion_of(*_centered(x, labels, sample_weight)))


def davies_bouldin(x: Array, labels: Array, *, sample_weight: Array | None = None) -> float:
    """Return the index of Davies and Bouldin (1979), noise (-1) left out: 0 at best, smaller is better.

    The mean over the clusters of the largest (s_i + s_j) / d_ij: s is the mean distance to a cluster's centre, d
    that between centres. Input and errors are those of ``calinski_harabasz``.

    >>> round(davies_bouldin(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])), 4)
    0.1111
    """
    return worst_ratio(dispersion_of(*_centered(x, labels, sample_weight)))


def simplified_silhouette(x: Array, labels: Array, *, sample_weight: Array | None = None) -> float:
    """Return the mean silhouette by centres (Hruschka, Campello and de Castro 2006), noise (-1) left out; in [-1, 1].

    (b - a) / max(a, b) with a the distance to the centre of the row's cluster and b that to the nearest other centre:
    n * k distances instead of n * n. A row alone in its cluster counts 0. Input and errors are those of
    ``calinski_harabasz``.

    >>> round(simplified_silhouette(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])), 4)
    0.9443
    """
    given, found = _centered(x, labels, sample_weight)
    (sums,) = given.engine.reduce(_ratios, add, found)
    return float(sums[found.weights > 1].sum() / found.weights.sum())


def variance_ratio(found: Dispersion) -> float:
    """Return Calinski and Harabasz's index; NaN where it is 0/0."""
    clusters, rows = len(found.weights), float(found.weights.sum())
    between = max(found.total - found.within, 0.0) * (rows - clusters)
    within = found.within * (clusters - 1)
    return between / within if within > 0 else np.inf if between > 0 else np.nan


def worst_ratio(found: Dispersion) -> float:
    """Return Davies and Bouldin's index; NaN for one cluster."""
    if len(found.weights) < 2:  # noqa: PLR2004 - a pair
        return np.nan
    apart = np.sqrt(np.sum((found.centers[:, None, :] - found.centers[None, :, :]) ** 2, axis=2))
    spread = found.distances[:, None] + found.distances[None, :]
    ratio = np.divide(spread, apart, out=np.where(spread > 0, np.inf, 0.0), where=apart > 0)
    np.fill_diagonal(ratio, 0.0)
    return float(np.mean(ratio.max(axis=1)))


def dispersion_of(given: Labelled, found: Centers) -> Dispersion:
    """Return what the indices are made of, in one more walk over the rows."""
    distances, within = given.engine.reduce(_spread, add, found)
    middle = found.weights @ found.centers / found.weights.sum()
    between = float(found.weights @ np.sum((found.centers - middle) ** 2, axis=1))
    return Dispersion(found.centers, found.weights, distances / found.weights, within, within + between)


def _centered(x: Any, labels: Any, sample_weight: Any) -> tuple[Labelled, Centers]:
    given = opened(x, labels, sample_weight)
    return given, centers_of(given)


def _spread(block: Block, of: Array, found: Centers) -> tuple[Host, float]:
    """Return each cluster's weighted sum of distances to its centre, and that of all squared ones."""
    distances, within = np.zeros(len(found.labels)), 0.0
    for rows in runs(block, of, found.labels, found.offset):
        xp = array_namespace(rows.x)
        away = _to_own(rows, found)
        distances += by_cluster(rows, away, len(found.labels))
        within += float(xp.sum(rows.weight * away * away))
    return distances, within


def _ratios(block: Block, of: Array, found: Centers) -> tuple[Host]:
    """Return each cluster's weighted sum of (b - a) / max(a, b)."""
    sums = np.zeros(len(found.labels))
    for rows in runs(block, of, found.labels, found.offset):
        xp = array_namespace(rows.x)
        numbers = xp.arange(len(found.labels), dtype=rows.own.dtype, device=device(rows.own))
        squared = squared_distances(rows.x, beside(rows.x, found.centers))
        mine = rows.own[:, None] == numbers[None, :]
        other = xp.sqrt(xp.min(xp.where(mine, xp.full_like(squared, xp.inf), squared), axis=1))
        away = _to_own(rows, found)
        largest = xp.where(away > other, away, other)
        ratio = (other - away) / xp.where(largest > 0, largest, xp.ones_like(largest))
        sums += by_cluster(rows, ratio, len(found.labels))
    return (sums,)


def _to_own(rows: Rows, found: Centers) -> Array:
    """Return each row's distance to the centre of its cluster, by the difference itself."""
    xp = array_namespace(rows.x)
    own = xp.take(beside(rows.x, found.centers), rows.own, axis=0)
    return xp.sqrt(xp.sum((rows.x - own) ** 2, axis=1))
