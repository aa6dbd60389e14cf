"""How dense the rows are at a point that stands for rows: its core distance, and how far its rows reach."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from gpuseg.backends import Host
from gpuseg.summary.micro import MicroClusters

CELLS = 1 << 20
"""Distances to neighbours held at a time, in some eight arrays of 8 MiB."""
SLACK = 1e-12
"""What sums of weights may be short of ``min_samples``, as a share of it: ten times 0.1 are to be 1."""
SPARE = 8
"""Neighbours beyond ``min_samples`` asked for at first where points weigh less than a row."""


class Ball(NamedTuple):
    """The rows of points taken as uniform balls: the radius of each, its weight, and one part in the dimension."""

    radius: Host
    weight: Host
    part: float


def core_distances(points: MicroClusters, min_samples: float) -> Host:
    """Return the least distance of each point within which rows of weight ``min_samples`` lie, (m,), its own counted.

    The w rows of a point are taken as a uniform ball of radius R about its mean, in d dimensions: t of them lie within
    R (t / w)^(1/d) of it (Breunig, Kriegel, Kroeger and Sander, SIGMOD 2001, section 4), where R = spread
    sqrt((d + 2) / d) has the root mean square that was measured. The rows of another point count at its mean: some of
    them lie nearer, as many others of points beyond. inf where all rows together weigh less. At 8,000 points, of a
    median weight of 36, for 300,000 x 8 rows in three sets, half of these were within 0.88 and 1.24 times the distance
    counted on the rows themselves, for ``min_samples`` of 10 to 1,000.

    A point of weight w and spread 0 is w equal rows; a point is a core point of DBSCAN where this is at most eps. No
    more than O(m) memory is held beside a million distances.

    >>> core_distances(MicroClusters(np.array([[0.0], [1.0], [3.0]]), np.array([1.0, 2.0, 1.0]), np.zeros(3)), 2)
    array([1., 0., 2.])
    >>> core_distances(MicroClusters(np.array([[0.0]]), np.array([8.0]), np.array([1.0])), 4)
    array([0.866...])
    """
    tree = cKDTree(points.rows, balanced_tree=False)  # medians of ties cost quadratic time
    ball = Ball(radii(points), points.weight, 1.0 / points.rows.shape[1])
    core, left = np.full(len(points.rows), np.inf), np.arange(len(points.rows))
    count = int(np.ceil(min_samples)) + (0 if np.all(points.weight >= 1) else SPARE)
    while left.size:
        count = min(count, tree.n)
        step, more = max(1, CELLS // count), []
        for start in range(0, left.size, step):
            these = left[start : start + step]
            core[these], sure = _within(tree, points, ball, these, count, min_samples * (1 - SLACK))
            more.append(these[~sure])
        left = np.concatenate(more) if count < tree.n else left[:0]
        count *= 4
    return core


def radii(points: MicroClusters) -> Host:
    """Return the radius of each point's rows, (m,), taken as a uniform ball of its spread; 0 where a point is a row.

    >>> radii(MicroClusters(np.zeros((1, 2)), np.array([9.0]), np.array([1.0])))
    array([1.414...])
    """
    d = points.rows.shape[1]
    return points.spread * np.sqrt((d + 2) / d)


def reaches(points: MicroClusters) -> Host:
    """Return how far each point's rows reach towards others, (m,): rows of i and j come as near as |i - j| less both.

    The radius R less the distance R w^(-1/d) at which a row has its nearest one (Breunig et al. 2001, definition 6 of
    the distance between bubbles, whose case of those that overlap is 0 here: core distances are a floor to it anyway).
    0 where a point is a row.
    """
    heavier = np.maximum(points.weight, 1.0)
    return radii(points) * (1.0 - heavier ** (-1.0 / points.rows.shape[1]))


def _within(
    tree: cKDTree, points: MicroClusters, ball: Ball, these: Host, count: int, wanted: float
) -> tuple[Host, Host]:
    """Return the core distances of some points among ``count`` neighbours, and which of them no other can change."""
    _, number = tree.query(points.rows[these], k=np.arange(1, count + 1))
    away = _away(points.rows, these, number)
    # The point itself has its rows in the ball; with many equal points it may not be among the neighbours.
    weight = np.where(number == these[:, None], 0.0, points.weight[number])
    missing = wanted - np.cumsum(weight, axis=1)
    share = np.maximum(missing, 0.0) / np.where(ball.weight[these] > 0, ball.weight[these], 1.0)[:, None]
    enough = missing <= ball.weight[these, None]
    own = np.where(enough, ball.radius[these, None] * share**ball.part, np.inf)
    core = np.min(np.maximum(away, own), axis=1)
    return core, core <= away[:, -1]


def _away(rows: Host, these: Host, number: Host) -> Host:
    """Return the distances of points to those of the numbers, feature by feature: each sum in the same order."""
    total = np.zeros(number.shape)
    for column in rows.T:
        total += (column[number] - column[these, None]) ** 2
    return np.sqrt(total)
