"""k-means of many resamples of the same few rows at once: the body of a bootstrap, one array call for all of them.

A run is a resample, told by how often it has each row; its centres are (k, features). Runs stand side by side.
"""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host

STARTS, EARLY, GO_ON, MOST = 6, 4, 2, 30
"""Starts of a run; steps after which they are compared; how many go on; and the most steps that those take.

With fewer starts, runs of a dozen segments end in other optima than the fit, and the true number looks unstable.
"""
TINY = 1e-300
"""Added to squared distances that draw a centre, so that a draw is defined where every row lies on one."""


class Ends(NamedTuple):
    """Where the runs ended: the nearest centre of each row, (runs, rows), and the inertia of each, (runs,).

    Rows that a run does not have are given their nearest centre too, and are not in its inertia.
    """

    labels: Host
    inertia: Host


def ends_of_runs(x: Array, weights: Host, n_clusters: int, rng: np.random.Generator) -> Ends:
    """Return where k-means ends in each run; x: (rows, features), float64, about its mean; weights: (runs, rows)."""
    xp: Any = array_namespace(x)
    counts = xp.asarray(weights, dtype=x.dtype, device=device(x))
    starts = xp.repeat(counts, STARTS, axis=0)
    early = _steps(x, starts, _seeds(x, starts, n_clusters, rng), EARLY)
    near = _best(x, starts, early, STARTS, GO_ON)
    some = xp.repeat(counts, GO_ON, axis=0)
    found = _best(x, some, _steps(x, some, near, MOST), GO_ON, 1)
    squared = _squared(x, found)
    inertia = xp.sum(xp.min(squared, axis=1) * counts, axis=1) + counts @ xp.sum(x * x, axis=1)
    return Ends(to_host(xp.argmin(squared, axis=1)), to_host(inertia))


def _squared(x: Array, centers: Array) -> Array:
    """Return squared distances to centres less those of rows to the origin, (runs, k, rows)."""
    xp: Any = array_namespace(x)
    return xp.sum(centers * centers, axis=2)[:, :, None] - 2 * (centers @ x.T)


def _steps(x: Array, weights: Array, centers: Array, most: int) -> Array:
    """Return centres after at most so many steps of Lloyd's, fewer where no row moves any more."""
    xp: Any = array_namespace(x)
    before, numbers = None, xp.arange(centers.shape[1], device=device(x))[None, :, None]
    for _ in range(most):
        near = xp.argmin(_squared(x, centers), axis=1)
        if before is not None and bool(xp.all(near == before)):
            break
        members = xp.astype(near[:, None, :] == numbers, x.dtype) * weights[:, None, :]
        mass = xp.sum(members, axis=2)[:, :, None]
        there = mass > 0
        centers = xp.where(there, (members @ x) / xp.where(there, mass, xp.ones_like(mass)), centers)
        before = near
    return centers


def _best(x: Array, weights: Array, centers: Array, starts: int, count: int) -> Array:
    """Return of each run's ``starts``, which stand one after the other, the ``count`` of least inertia."""
    xp: Any = array_namespace(x)
    inertia = to_host(xp.sum(xp.min(_squared(x, centers), axis=1) * weights, axis=1)).reshape(-1, starts)
    rows = np.arange(len(inertia))[:, None] * starts + np.argsort(inertia, axis=1, kind="stable")[:, :count]
    return xp.take(centers, xp.asarray(rows.ravel(), device=device(x)), axis=0)


def _seeds(x: Array, weights: Array, n_clusters: int, rng: np.random.Generator) -> Array:
    """Return centres of each run by greedy k-means++ (Arthur and Vassilvitskii 2007)."""
    xp: Any = array_namespace(x)
    runs, tries = weights.shape[0], 2 + int(np.log(n_clusters))  # as many candidates as in scikit-learn
    first = _drawn(weights, rng.random((runs, 1)))
    centers = [xp.take(x, first[:, 0], axis=0)]
    away = _to_rows(x, first)[:, 0, :]
    for _ in range(1, n_clusters):
        picked = _drawn((away + TINY) * weights, rng.random((runs, tries)))
        nearer = xp.minimum(away[:, None, :], _to_rows(x, picked))
        left = to_host(xp.sum(nearer * weights[:, None, :], axis=2))
        at = xp.asarray(np.arange(runs) * tries + np.argmin(left, axis=1), device=device(x))
        centers.append(xp.take(x, xp.take(xp.reshape(picked, (-1,)), at), axis=0))
        away = xp.take(xp.reshape(nearer, (runs * tries, -1)), at, axis=0)
    return xp.stack(centers, axis=1)


def _drawn(mass: Array, numbers: Host) -> Array:
    """Return the rows that random numbers in [0, 1), (runs, draws), fall on, by mass, (runs, rows)."""
    xp: Any = array_namespace(mass)
    rising = xp.cumulative_sum(mass, axis=1)
    at = xp.asarray(numbers, dtype=mass.dtype, device=device(mass)) * rising[:, -1:]
    found = xp.sum(xp.astype(rising[:, None, :] <= at[:, :, None], xp.int64), axis=2)
    return xp.minimum(found, xp.asarray(mass.shape[1] - 1, device=device(mass)))


def _to_rows(x: Array, picked: Array) -> Array:
    """Return the squared distances of all rows to those picked, (runs, draws, rows)."""
    xp: Any = array_namespace(x)
    chosen = xp.reshape(xp.take(x, xp.reshape(picked, (-1,)), axis=0), (*picked.shape, x.shape[1]))
    squared = _squared(x, chosen) + xp.sum(x * x, axis=1)[None, None, :]
    return xp.where(squared > 0, squared, xp.zeros_like(squared))
