"""Ward's tree of weighted points, for the global step of BIRCH: a chain of nearest neighbours over the means alone."""

import numpy as np

from gpuseg.backends import Host
from gpuseg.summary import MicroClusters


def ward_labels(points: MicroClusters, n_clusters: int) -> Host:
    """Return the label of each point, from 0 on, after the merges of Ward's method that leave so many.

    What a merge adds to the sum of squares, w v / (w + v) times the squared distance of the means, does not hang on the
    points' spread (Ward 1963). The chain finds the same merges as the greedy search (Murtagh 1983): m^2 steps, and
    nothing held but the means.

    >>> rows = np.array([[0.0], [1.0], [5.0], [7.0]])
    >>> ward_labels(MicroClusters(rows, np.array([1.0, 1.0, 9.0, 9.0]), np.zeros(4)), 3)
    array([0, 0, 1, 2])
    """
    many = len(points.rows)
    pairs, costs = _chain(points.rows - np.average(points.rows, axis=0, weights=points.weight), points.weight)
    first, merged = np.arange(many), pairs[np.argsort(costs, kind="stable")[: many - n_clusters]]
    first[merged[:, 1]] = merged[:, 0]
    for point in range(many):  # what a point went to has a lower number, and is settled
        first[point] = first[first[point]]
    return np.unique(first, return_inverse=True)[1]


def _chain(means: Host, weight: Host) -> tuple[Host, Host]:
    """Return the pairs that merge, (m - 1, 2), the lower number first, which stands for both, and what each costs."""
    means, weight = means.T.copy(), weight.astype(np.float64)
    alive, chain = np.ones(len(weight), dtype=bool), [0]
    pairs, costs = np.empty((len(weight) - 1, 2), dtype=np.int64), np.empty(len(weight) - 1)
    for merge in range(len(pairs)):
        while True:
            cost = _costs(means, weight, chain[-1])
            cost[~alive] = np.inf
            nearest = int(np.argmin(cost))
            # Of equal costs the one before: the chain would go round else.
            if len(chain) > 1 and cost[chain[-2]] <= cost[nearest]:
                break
            chain.append(nearest)
        kept, gone = sorted((chain.pop(), chain.pop()))
        pairs[merge], costs[merge] = (kept, gone), cost[nearest]
        share = weight[gone] / (weight[kept] + weight[gone])
        means[:, kept] += share * (means[:, gone] - means[:, kept])
        weight[kept] += weight[gone]
        alive[gone] = False
        chain = chain or [int(np.argmax(alive))]
    return pairs, costs


def _costs(means: Host, weight: Host, point: int) -> Host:
    """Return what a merge with each point would add to the sum of squares; inf for the point itself."""
    apart = np.sum((means - means[:, point, None]) ** 2, axis=0)
    cost = apart * (weight / (weight + weight[point])) * weight[point]
    cost[point] = np.inf
    return cost
