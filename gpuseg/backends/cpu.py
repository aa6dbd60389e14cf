"""NumPy and scikit-learn, on the cores of this machine."""

import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import sklearn.cluster
from sklearn.exceptions import ConvergenceWarning

from gpuseg.backends import _cpu_density
from gpuseg.backends._protocol import Backend, Host, host_memory
from gpuseg.backends._threads import one_openmp_thread

SMALL = 100_000
"""Rows below which OpenMP's threads wait for each other longer than they work.

On 2 cores that other processes also use, 30,000 x 6 rows took 1.9 s with two threads and 0.4 s with one.
"""


def fit_kmeans(
    x: Host, *, init: Host, offset: Host, sample_weight: Host, max_iter: int, tol: float
) -> Mapping[str, Any]:
    """Return centres, steps and inertia by scikit-learn, from the centres ``init``; both less offset.

    ``tol`` is a share of the mean variance. ``exact``: whether the sums were taken in one fixed order, which the
    threads of OpenMP do not.
    """
    model = sklearn.cluster.KMeans(
        len(init),
        init=(init + offset).astype(x.dtype),
        n_init=1,
        max_iter=max_iter,
        tol=tol,
        algorithm="lloyd",
    )
    alone = len(x) < SMALL
    with one_openmp_thread() if alone else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: KMeans says it
        model.fit(x, sample_weight=sample_weight)
    centers = model.cluster_centers_.astype(np.float64) - offset
    return {"centers": centers, "n_iter": model.n_iter_, "inertia": float(model.inertia_), "exact": alone}


def vendor_always(n_clusters: int, n_features: int) -> bool:  # noqa: ARG001 - the signature of a rule
    """Return True: without a compiled kernel our loop is the array body, two to five times slower."""
    return True


BACKEND = Backend(
    name="cpu",
    matrix=lambda frame: frame.to_numpy(),
    to_device=np.ascontiguousarray,
    to_host=np.asarray,
    free_memory=host_memory,
    fits={"kmeans": fit_kmeans, **_cpu_density.FITS},
    kernels=_cpu_density.KERNELS,
    vendor_lloyd_wins=vendor_always,
    fits_side_by_side=True,
)
