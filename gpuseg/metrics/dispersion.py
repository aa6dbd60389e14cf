"""Clusters by their centres: the indices of Calinski and Harabasz and of Davies and Bouldin."""

from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host, to_host
from gpuseg.errors import InvalidInput
from gpuseg.metrics._checks import checked, finite_rows


class Dispersion(NamedTuple):
    """What both indices are made of: each cluster's centre, weight and mean distance to it; sums of squares.

    ``within`` is the sum of squared distances to the centres (inertia), ``total`` that to the mean of all rows.
    """

    centers: Host
    weights: Host
    distances: Host
    within: float
    total: float


def calinski_harabasz(x: Array, labels: Array) -> float:
    """Return the index of Calinski and Harabasz (1974), noise (-1) left out: larger is better, infinite at best.

    (between / (k - 1)) / (within / (n - k)), the variance ratio criterion. ``x``: (n_samples, n_features);
    ``labels``: (n_samples,). Raises InvalidInput for fewer than 2 clusters, for NaN and for other shapes.

    >>> calinski_harabasz(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1]))
    162.0
    """
    return variance_ratio(_dispersion(x, labels))


def davies_bouldin(x: Array, labels: Array) -> float:
    """Return the index of Davies and Bouldin (1979), noise (-1) left out: 0 at best, smaller is better.

    The mean over the clusters of the largest (s_i + s_j) / d_ij: s is the mean distance to a cluster's centre, d
    that between centres. Shapes and errors are those of ``calinski_harabasz``.

    >>> round(davies_bouldin(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])), 4)
    0.1111
    """
    return worst_ratio(_dispersion(x, labels))


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


def _dispersion(x: Array, labels: Array) -> Dispersion:
    rows, of = checked(x, labels)
    xp = array_namespace(of)
    found = [label for label in to_host(xp.unique_values(of)).tolist() if label >= 0]
    if len(found) < 2:  # noqa: PLR2004 - clusters to tell apart
        raise InvalidInput(f"labels hold {len(found)} cluster(s); pass at least 2 clusters")
    parts = [_about(finite_rows(rows, xp.nonzero(of == cluster)[0])) for cluster in sorted(found)]
    centers, weights, distances, within = (np.array(field) for field in zip(*parts, strict=True))
    middle = weights @ centers / weights.sum()
    between = float(weights @ np.sum((centers - middle) ** 2, axis=1))
    return Dispersion(centers, weights, distances, float(within.sum()), float(within.sum()) + between)


def _about(rows: Array) -> tuple[Host, float, float, float]:
    """Return a cluster's centre, number of rows, mean distance to the centre, and sum of squared distances."""
    xp = array_namespace(rows)
    center = xp.mean(rows, axis=0)
    squared = xp.sum((rows - center[None, :]) ** 2, axis=1)
    return to_host(center), float(rows.shape[0]), float(xp.mean(xp.sqrt(squared))), float(xp.sum(squared))
