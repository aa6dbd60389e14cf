"""CuPy, cuML and cuDF on one GPU. Its calls are checked against RAPIDS 26.10; it has not run on a GPU yet."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import cuml.cluster
import cupy as cp
import narwhals as nw
import numpy as np

from gpuseg.backends._cuda_density import FITS
from gpuseg.backends._protocol import Array, Backend, Host

SMALLEST_TOLERANCE = 1e-6
"""cuML also stops once the cost falls by less than this share, so scikit-learn's 1e-4 would stop it too early."""


def fit_kmeans(
    x: Array, *, init: Host, offset: Host, sample_weight: Array, max_iter: int, tol: float
) -> Mapping[str, Any]:
    """Return centres, steps and inertia by cuML, from the centres ``init``; both less offset.

    ``tol`` is a share of the mean variance. cuML expands the distance in float32 and compares tolerances with one:
    rows are centred and scaled to a mean variance of one first. Its float32 sums are not ``exact``: the caller takes
    one more step in float64.
    """
    centered = x - cp.asarray(offset, dtype=x.dtype)
    scale = float(cp.sqrt(cp.mean(cp.var(centered, axis=0, dtype=cp.float64)))) or 1.0
    model = cuml.cluster.KMeans(
        n_clusters=len(init),
        init=cp.asarray(init / scale, dtype=cp.float32),
        n_init=1,
        max_iter=max_iter,
        tol=max(min(tol, SMALLEST_TOLERANCE), float(np.finfo(np.float32).tiny)),
        output_type="cupy",
    )
    model.fit((centered / scale).astype(cp.float32), sample_weight=sample_weight.astype(cp.float32))
    centers = cp.asnumpy(model.cluster_centers_).astype(np.float64) * scale
    return {
        "centers": centers,
        "n_iter": int(model.n_iter_),
        "inertia": float(model.inertia_) * scale**2,
        "exact": False,
    }


def matrix(frame: nw.DataFrame[Any]) -> Array:
    """Return a table of numbers as a CuPy array of float64; nulls are NaN. One of cuDF does not touch the host."""
    floats = frame.select(nw.all().cast(nw.Float64))  # cuDF fills whole numbers with no NaN
    if not frame.implementation.is_cudf():
        return cp.asarray(floats.to_numpy())
    return floats.to_native().to_cupy(dtype="float64", na_value=float("nan"))


def free_memory() -> int:
    """Return the bytes free on the current device."""
    return int(cp.cuda.runtime.memGetInfo()[0])


def vendor_always(n_clusters: int, n_features: int) -> bool:  # noqa: ARG001 - the signature of a rule
    """Return True: our loop has no kernel on the GPU yet."""
    return True


BACKEND = Backend(
    name="cuda",
    matrix=matrix,
    to_device=partial(cp.asarray, order="C"),
    to_host=cp.asnumpy,
    free_memory=free_memory,
    fits={"kmeans": fit_kmeans, **FITS},
    vendor_lloyd_wins=vendor_always,
)
