"""How far two labellings of the same rows agree: the adjusted Rand index."""

import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.errors import InvalidInput


def adjusted_rand(first: Array, second: Array) -> float:
    """Return the adjusted Rand index (Hubert and Arabie 1985): 1 for the same clusters, about 0 by chance.

    ``first``, ``second``: (n_samples,) labels of any kind; every value is a cluster, noise (-1) too. Raises
    InvalidInput where they are not of the same rows.

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array(["b", "b", "a", "a"]))
    1.0
    >>> round(adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])), 4)
    0.5714
    """
    one, other = np.asarray(to_host(first)), np.asarray(to_host(second))
    if one.ndim != 1 or one.shape != other.shape or not len(one):
        raise InvalidInput(f"labels have shapes {one.shape} and {other.shape}; pass one label a row, of the same rows")
    together = _pairs(_counts(one, other))
    rows, columns, all_pairs = _pairs(_counts(one)), _pairs(_counts(other)), _pairs(np.array([len(one)]))
    if rows == columns == together:  # the same clusters; with one cluster or none but single rows the ratio is 0/0
        return 1.0
    by_chance = rows * columns / all_pairs
    return float((together - by_chance) / ((rows + columns) / 2 - by_chance))


def _counts(*labels: Host) -> Host:
    """Return how many rows there are of each combination of labels that occurs."""
    codes = [np.unique(label, return_inverse=True)[1].ravel() for label in labels]
    joint = codes[0] if len(codes) == 1 else codes[0].astype(np.int64) * (int(codes[1].max()) + 1) + codes[1]
    return np.unique(joint, return_counts=True)[1]


def _pairs(counts: Host) -> float:
    """Return how many pairs of rows share a group."""
    sizes = counts.astype(np.float64)
    return float(np.sum(sizes * (sizes - 1)) / 2)
