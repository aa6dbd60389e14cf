"""The gap statistic (Tibshirani, Walther and Hastie 2001): how far k segments beat those of rows without any."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.neighbors.sample import rows_of, sample_rows
from gpuseg.selection.resampled import ends_of_runs

ROWS = 1000
"""Rows that it is worked out on."""
REFERENCES = 10
"""Sets of rows without segments; their spread is in the error."""


class Gap(NamedTuple):
    """The gap of a number of segments, and its error s_k."""

    gap: float
    error: float


def gap_statistic(x: Host, ks: Sequence[int], seed: int) -> dict[int, Gap]:
    """Return the gap of each number of segments, of a sample of ``x``, (rows, features).

    References are drawn evenly from the box of the rows along their principal components, as in the paper's (b).
    """
    rows = rows_of(x, sample_rows(len(x), ROWS, seed)).astype(np.float64)
    rows = rows - rows.mean(axis=0)
    rng = np.random.default_rng([seed, REFERENCES])
    _, _, axes = np.linalg.svd(rows, full_matrices=False)
    along = rows @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    # Rotating changes no distance: references stay along the components.
    drawn = [rng.uniform(low, high, along.shape) for _ in range(REFERENCES)]
    return {k: _gap(along, [one - one.mean(axis=0) for one in drawn], k, rng) for k in ks}


def _gap(rows: Host, references: Sequence[Host], k: int, rng: np.random.Generator) -> Gap:
    """Return log W of the references less that of the rows: W is the inertia."""
    once = np.ones((1, len(rows)))
    own, *others = (float(ends_of_runs(of, once, k, rng).inertia[0]) for of in (rows, *references))
    tiny = np.finfo(np.float64).tiny  # rows that all lie on their centres
    logs = np.log(np.maximum(others, tiny))
    return Gap(float(logs.mean() - np.log(max(own, tiny))), float(logs.std() * np.sqrt(1 + 1 / len(others))))
