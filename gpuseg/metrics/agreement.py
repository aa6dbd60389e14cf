"""How far two labellings of the same rows agree: by pairs of rows, by shared information."""

from collections import Counter
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

from gpuseg.backends import Array, Host
from gpuseg.metrics._contingency import Contingency, contingency, whole

NEGLIGIBLE = 1e-18
"""The probability of counts by chance that is left out: less than a float64 can tell from 1."""


class VMeasure(NamedTuple):
    """How far each cluster holds one class (homogeneity), each class lies in one cluster (completeness), and both."""

    v_measure: float
    homogeneity: float
    completeness: float


def adjusted_rand(first: Array, second: Array, *, sample_weight: Array | None = None, noise: str = "label") -> float:
    """Return the adjusted Rand index (Hubert and Arabie 1985): 1 for the same clusters, about 0 by chance.

    ``first``, ``second``: (n_samples,) labels of any kind, in memory, or of numbers as Dask arrays. ``noise``: with
    "label" -1 is a cluster like others, with "drop" rows with -1 in either are left out. ``sample_weight``: how often
    a row counts, whole numbers. Raises InvalidInput where they are not of the same rows.

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array(["b", "b", "a", "a"]))
    1.0
    >>> round(adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])), 4)
    0.5714
    """
    found = whole(contingency(first, second, sample_weight=sample_weight, noise=noise))
    together, all_pairs = _pairs(found.counts), _pairs(found.counts.sum())
    rows, columns = map(_pairs, found.sizes)
    if rows == columns == together:  # the same clusters; with one cluster or none but single rows the ratio is 0/0
        return 1.0
    by_chance = rows * columns / all_pairs
    return float((together - by_chance) / ((rows + columns) / 2 - by_chance))


def adjusted_mutual_information(
    first: Array, second: Array, *, sample_weight: Array | None = None, noise: str = "label"
) -> float:
    """Return the adjusted mutual information (Vinh, Epps and Bailey 2010): 1 for the same clusters, about 0 by chance.

    By the arithmetic mean of the two entropies. Better than ``adjusted_rand`` where sizes differ much. Parameters and
    errors are those of ``adjusted_rand``.

    >>> adjusted_mutual_information(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    >>> round(adjusted_mutual_information(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])), 4)
    0.5714
    """
    found = whole(contingency(first, second, sample_weight=sample_weight, noise=noise))
    rows, columns = found.sizes
    if len(rows) == len(columns) == len(found.counts):
        return 1.0  # each cluster is one of the other labelling
    if min(len(rows), len(columns)) == 1:
        return 0.0  # one cluster tells nothing of several
    by_chance = _expected(rows, columns)
    most = (_entropy(rows) + _entropy(columns)) / 2
    room = most - by_chance
    # Where rounding leaves no room, the sign alone is told.
    room = min(room, -np.finfo(float).eps) if room < 0 else max(room, float(np.finfo(float).eps))
    return float((_information(found) - by_chance) / room)


def v_measure(first: Array, second: Array, *, sample_weight: Array | None = None, noise: str = "label") -> VMeasure:
    """Return the V-measure (Rosenberg and Hirschberg 2007), the harmonic mean of homogeneity and completeness.

    ``first``: the classes; ``second``: the clusters. Not adjusted for chance: many small clusters are homogeneous
    by it. ``sample_weight`` may hold fractions; other parameters and errors are those of ``adjusted_rand``.

    >>> found = v_measure(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
    >>> [round(value, 4) for value in found]
    [0.8, 1.0, 0.6667]
    """
    found = contingency(first, second, sample_weight=sample_weight, noise=noise)
    shared = _information(found)
    classes, clusters = map(_entropy, found.sizes)
    homogeneity = shared / classes if classes else 1.0
    completeness = shared / clusters if clusters else 1.0
    both = homogeneity + completeness
    return VMeasure(2 * homogeneity * completeness / both if both else 0.0, homogeneity, completeness)


def _pairs(counts: Any) -> float:
    """Return how many pairs of rows share a group."""
    sizes = np.asarray(counts, dtype=np.float64)
    return float(np.sum(sizes * (sizes - 1)) / 2)


def _entropy(sizes: Host) -> float:
    """Return the entropy of groups of these sizes, in nats."""
    if len(sizes) == 1:
        return 0.0
    shares = sizes / sizes.sum()
    return float(-np.sum(xlogy(shares, shares)))


def _information(found: Contingency) -> float:
    """Return the mutual information of two labellings, in nats."""
    total = found.counts.sum()
    rows, columns = found.sizes
    by_chance = rows[found.rows] * columns[found.columns] / total
    return max(float(found.counts @ np.log(found.counts / by_chance) / total), 0.0)


def _expected(rows: Host, columns: Host) -> float:
    """Return the mutual information expected of two labellings of these sizes by chance, in nats.

    Counts of a pair of clusters are hypergeometric then (Vinh, Epps and Bailey 2010, equation 24). Pairs of the same
    two sizes are summed once, and over those counts alone that chance comes near (Hoeffding 1963).
    """
    total = float(rows.sum())
    ones, others = (Counter(side.tolist()) for side in (rows, columns))
    pairs = product(ones.items(), others.items())
    return float(sum(many * more * _expected_of(one, other, total) for (one, many), (other, more) in pairs))


def _expected_of(one: float, other: float, total: float) -> float:
    """Return the share of two clusters of these sizes in the expected mutual information."""
    mean, reach = one * other / total, np.sqrt(min(one, other) * -np.log(NEGLIGIBLE / 2) / 2)
    low = max(1.0, one + other - total, np.floor(mean - reach))
    high = min(one, other, np.ceil(mean + reach))
    n = np.arange(low, high + 1)
    known = gammaln(one + 1) + gammaln(other + 1) + gammaln(total - one + 1) + gammaln(total - other + 1)
    ways = gammaln(n + 1) + gammaln(one - n + 1) + gammaln(other - n + 1) + gammaln(total - one - other + n + 1)
    chance = np.exp(known - gammaln(total + 1) - ways)
    return float(np.sum(n / total * np.log(total * n / (one * other)) * chance))
