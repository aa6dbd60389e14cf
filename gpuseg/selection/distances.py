"""How far rows are from those near them: the curve of k-distances, and where it turns."""

from typing import Any

import numpy as np

from gpuseg._checks import check_count
from gpuseg._estimator import seed_of
from gpuseg.backends import Host, get_backend, to_host
from gpuseg.cluster import KMeans
from gpuseg.cluster._sized import HOST
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.rows import nearest_rows
from gpuseg.neighbors.sample import sample_rows

MIN_SAMPLES = 5
"""Rows, the row itself counted, within the distance where ``min_samples`` is left out: as in DBSCAN."""
SAMPLE = 10_000
"""Rows whose distances are worked out: more change the curve by less than its width."""
DIGITS = 3
"""Digits of an eps: no row lies just at it, and a person can read it."""


def k_distances(x: Any, min_samples: int = MIN_SAMPLES, *, sample_size: int = SAMPLE, random_state: Any = 0) -> Host:
    """Return the distances of rows to their ``min_samples``-th nearest row, themselves counted, rising.

    The curve whose knee suggests an eps for DBSCAN (Ester, Kriegel, Sander and Xu, KDD 1996, section 4.2). ``x``:
    (n_samples, n_features), scaled. Above ``sample_size`` rows, those of a sample to all rows. Raises InvalidInput for
    fewer than ``min_samples`` rows.

    >>> k_distances(np.array([[0.0], [1.0], [3.0]]), 2)
    array([1., 1., 2.])
    """
    check_count("min_samples", min_samples)
    check_count("sample_size", sample_size)
    run = KMeans(1).prepare(x)
    seed, count = seed_of(random_state), run.data.rows
    if count < min_samples:
        raise InvalidInput(f"min_samples={min_samples} is more than the {count} rows; give at most {count}")
    rows = to_host(run.sample(count, seed)).astype(np.float64)
    search = get_backend(HOST).kernel_or(nearest_rows)(rows, min_samples)
    return np.sort(to_host(search(rows[sample_rows(count, sample_size, seed)])[1])[:, -1])


def knee_of(distances: Host) -> float:
    """Return the distance at which a rising curve turns: where it is farthest below the line between its ends.

    Satopaa, Albrecht, Irwin and Raghavan, "Finding a kneedle in a haystack", 2011, of the whole curve.

    >>> knee_of(np.array([1.0, 1.1, 1.2, 1.3, 4.0, 9.0]))
    1.3
    """
    high = distances - distances[0]
    if not high[-1] > 0:
        return float(distances[-1])
    return float(distances[np.argmax(np.linspace(0, 1, len(high)) - high / high[-1])])


def rounded(value: float) -> float:
    """Return a distance that no row lies just at, and that a person can read.

    >>> rounded(0.123456)
    0.123
    """
    return float(f"{value:.{DIGITS}g}")
