"""NumPy and scikit-learn, on the cores of this machine."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import sklearn.cluster
from sklearn.exceptions import ConvergenceWarning

from gpuseg.backends import (
    _cpu_birch,
    _cpu_density,
    _cpu_hdbscan,
    _cpu_kernels,
    _cpu_linkage,
    _cpu_medoids,
    _cpu_prototypes,
)
from gpuseg.backends._needs import CROSSING
from gpuseg.backends._protocol import Backend, Host, host_memory
from gpuseg.backends._threads import one_openmp_thread

SMALL = 100_000
"""Rows below which OpenMP's threads wait for each other longer than they work.

On 2 cores that other processes also use, 30,000 x 6 rows took 1.9 s with two threads and 0.4 s with one.
"""

FIRST = 1024
"""Rows that tell what scikit-learn took off all of them."""

REPAYS = 1 << 21
"""Rows * clusters * features from which compiled loops are used, and not scikit-learn's or the array functions.

Loading Numba and the loops takes 0.6 s once in a process, compiling them some seconds once on a machine. From 65,536
rows and 32 numbers in the centres up they earn that back within a few fits; smaller work is done in milliseconds.
"""


def fit_kmeans(
    x: Host, *, starts: Sequence[Host], offset: Host, sample_weight: Host, max_iter: int, tol: float
) -> Mapping[str, Any]:
    """Return centres, steps and inertia of the best end by scikit-learn, from centres as starts; all less offset.

    ``tol`` is a share of the mean variance. ``exact``: whether the sums were taken in float64 and in one fixed order,
    which the threads of OpenMP do not; centres in float32 keep few digits far from zero. All starts go in one call:
    over few rows, what a call does beside its steps takes as long as they do.
    """
    given = iter(starts)

    def init(rows: Host, n_clusters: int, **_: Any) -> Host:  # noqa: ARG001 - as scikit-learn calls it
        # It hands out rows less a mean, and wants starts less it; the median, since a far row holds few digits of it.
        shift = np.median(np.subtract(x[:FIRST], rows[:FIRST], dtype=np.float64), axis=0)
        return (next(given) + (offset - shift)).astype(x.dtype)

    model = sklearn.cluster.KMeans(
        len(starts[0]),
        init=init,
        n_init=len(starts),
        max_iter=max_iter,
        tol=tol,
        algorithm="lloyd",
    )
    alone = len(x) < SMALL
    with one_openmp_thread() if alone else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: KMeans says it
        model.fit(x, sample_weight=sample_weight)
    centers = model.cluster_centers_.astype(np.float64) - offset
    return {
        "centers": centers,
        "n_iter": model.n_iter_,
        "inertia": float(model.inertia_),
        "exact": alone and x.dtype == np.float64,
    }


def vendor_lloyd_wins(rows: int, n_clusters: int, n_features: int) -> bool:
    """Return whether scikit-learn's loop is the faster one: tables too small for Numba, and many wide centres."""
    width = n_clusters * n_features
    return rows * width < REPAYS or width > CROSSING


BACKEND = Backend(
    name="cpu",
    matrix=lambda frame: frame.to_numpy(),
    to_device=np.ascontiguousarray,
    to_host=np.asarray,
    free_memory=host_memory,
    fits={
        "kmeans": fit_kmeans,
        **_cpu_birch.FITS,
        **_cpu_density.FITS,
        **_cpu_hdbscan.FITS,
        **_cpu_linkage.FITS,
        **_cpu_medoids.FITS,
        **_cpu_prototypes.FITS,
    },
    kernels={**_cpu_kernels.KERNELS, **_cpu_density.KERNELS, **_cpu_prototypes.KERNELS},
    kernels_repay=REPAYS,
    vendor_lloyd_wins=vendor_lloyd_wins,
    fits_side_by_side=True,
)
