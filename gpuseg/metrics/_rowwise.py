"""Each row's silhouette, and how far the mean of all would move if a row were there more often.

The mean silhouette hangs on a row in two ways: the row is scored, and others are compared with it. The derivative of
the mean with respect to the weight of a row, its influence, holds both (infinitesimal jackknife: Jaeckel 1972), and
the squares of the influences add up to the square of the standard error.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host
from gpuseg.metrics._pairs import Distances, every, times

LOOKED_AT = 2000
"""Rows whose influence tells the error: it is then itself known to some hundredths of it."""


class Rowwise(NamedTuple):
    """Each row's silhouette under one labelling, and how it changes with the row's mean distance to each cluster.

    ``own``: the row's cluster, 0 to k - 1. ``weight``: (rows,). ``mass``: the clusters' weights, (k,). ``slope``:
    (rows, k), the change of the weighted sum of silhouettes with the weight of one row of the cluster, a unit of
    distance; ``level``: (rows, k), the same times the row's mean distance.
    """

    values: Host
    own: Host
    weight: Host
    mass: Host
    slope: Host
    level: Host

    @property
    def mean(self) -> float:
        """Return the mean silhouette."""
        return float(self.weight @ self.values / self.weight.sum())


def rowwise(distances: Distances, like: Array, labellings: Sequence[Host], weight: Host) -> list[Rowwise | None]:
    """Return each row's silhouette under each labelling: distances are worked out once.

    ``like``: an array of the namespace and device where the distances are. None stands for fewer than 2 clusters.
    """
    dense = [np.unique(labels, return_inverse=True)[1].ravel() for labels in labellings]
    members = [(own[:, None] == np.arange(own.max() + 1)[None, :]) * weight[:, None] for own in dense]
    sums = times(distances, beside(like, np.concatenate(members, axis=1)), every(len(weight)))
    parts = np.split(sums, np.cumsum([part.shape[1] for part in members])[:-1], axis=1)
    return [_of_rows(part, own, weight) for part, own in zip(parts, dense, strict=True)]


def errors(distances: Distances, like: Array, found: Sequence[Rowwise | None]) -> list[float | None]:
    """Return the standard error of the mean silhouette of each labelling, as if its rows were drawn at random."""
    there = [one for one in found if one is not None]
    if not there:
        return [None] * len(found)
    rows = len(there[0].values)
    step = max(1, rows // LOOKED_AT)
    pulls = times(distances, beside(like, np.concatenate([one.slope for one in there], axis=1)), every(rows, step))
    parts = iter(np.split(pulls, np.cumsum([one.slope.shape[1] for one in there])[:-1], axis=1))
    return [None if one is None else _error(one, next(parts), slice(0, rows, step)) for one in found]


def beside(like: Array, host: Host) -> Array:
    """Return numbers of the host where ``like`` is, float64."""
    xp = array_namespace(like)
    return xp.asarray(host.astype(np.float64), device=device(like))


def _error(found: Rowwise, pulls: Host, looked: slice) -> float:
    own, weight = found.own[looked], found.weight[looked]
    compared = (pulls - found.level.sum(axis=0))[np.arange(len(own)), own]
    influence = (found.values[looked] - found.mean + compared) / found.weight.sum()
    return float(np.sqrt(weight @ influence**2 * found.weight.sum() / weight.sum()))


def _of_rows(sums: Host, own: Host, weight: Host) -> Rowwise | None:
    """Return (b - a) / max(a, b) of each row: a its mean distance within, b to the nearest other cluster."""
    mass = np.bincount(own, weight)
    if len(mass) < 2:  # noqa: PLR2004 - another cluster to compare with
        return None
    here, others = np.arange(len(own)), mass[own] - 1  # a row of weight 2 is beside its like
    alone = others <= 0
    within = np.divide(sums[here, own], others, out=np.zeros(len(own)), where=~alone)
    means = sums / mass
    means[here, own] = np.inf
    near = means.argmin(axis=1)
    other = means[here, near]
    there = ~alone & (np.maximum(within, other) > 0)
    largest = np.where(there, np.maximum(within, other), 1.0)
    values = np.where(there, (other - within) / largest, 0.0)
    # (b - a) / max(a, b) by a and by b: of the larger of the two by the ratio, of the smaller by 1.
    closer = within < other
    by_within = np.where(there, -np.where(closer, 1.0, other / largest) / largest, 0.0)
    by_other = np.where(there, np.where(closer, within / largest, 1.0) / largest, 0.0)
    slope, level = np.zeros_like(sums), np.zeros_like(sums)
    slope[here, own] = weight * np.divide(by_within, others, out=np.zeros(len(own)), where=~alone)
    slope[here, near] = weight * by_other / mass[near]
    level[here, own], level[here, near] = slope[here, own] * within, slope[here, near] * other
    return Rowwise(values, own, weight, mass, slope, level)
