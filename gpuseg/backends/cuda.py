"""CuPy, cuML and cuDF on one GPU. Its calls are checked against RAPIDS 26.10; it has not run on a GPU yet.

cuML is loaded by the first fit: it takes seconds, and array code does without it. With this file the device's memory
is set up, see ``_cuda_memory``.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import cupy as cp
import narwhals as nw
import numpy as np

from gpuseg.backends import _cuda_density
from gpuseg.backends._cuda_errors import told
from gpuseg.backends._cuda_memory import free_memory, share_memory
from gpuseg.backends._protocol import Array, Backend, Host

SMALLEST_TOLERANCE = 1e-6
"""cuML also stops once the cost falls by less than this share, so scikit-learn's 1e-4 would stop it too early."""
LEAST_TOLERANCE = 1e-9
"""The float32 centres of scaled rows never come to rest: a hundred numbers shift by 1e-12, squared, from rounding."""
CELLS = 1 << 24
"""Numbers worked on at a time in float64: 128 MiB."""


@told
def fit_kmeans(
    x: Array, *, starts: Sequence[Host], offset: Host, sample_weight: Array, max_iter: int, tol: float
) -> Mapping[str, Any]:
    """Return centres, steps and inertia of the best end by cuML, from centres as starts; all less offset.

    ``tol`` is a share of the mean variance. cuML expands the distance in float32 and compares tolerances with one:
    rows are centred and scaled to a mean variance of one first. It goes on until the centres are nearly at rest; its
    float32 sums are not ``exact``, so the caller goes on in float64 until the shift is within ``tol``. The inertia
    is summed in float64 here: starts that end close together are told apart by it.
    """
    rows, scale = standardised(x, offset)
    ends = [ended(rows, init / scale, sample_weight, max_iter, tol) for init in starts]
    best = min(ends, key=lambda end: end["inertia"])
    return {**best, "centers": best["centers"] * scale, "inertia": best["inertia"] * scale**2}


def ended(rows: Array, init: Host, weight: Array, max_iter: int, tol: float) -> dict[str, Any]:
    """Return where cuML ends from the centres ``init``, among standardised rows."""
    import cuml.cluster

    model = cuml.cluster.KMeans(
        n_clusters=len(init),
        init=cp.asarray(init, dtype=cp.float32),
        n_init=1,
        max_iter=max_iter,
        tol=max(min(tol, SMALLEST_TOLERANCE), LEAST_TOLERANCE),
        output_type="cupy",
    )
    model.fit(rows, sample_weight=weight.astype(cp.float32))
    inertia = inertia_about(rows, model.labels_, model.cluster_centers_, weight)
    centers = cp.asnumpy(model.cluster_centers_).astype(np.float64)
    return {"centers": centers, "n_iter": int(model.n_iter_), "inertia": inertia, "exact": False}


def standardised(x: Array, offset: Host) -> tuple[Array, float]:
    """Return the rows in float32, less offset and of a mean variance of one, and what they were divided by."""
    shift, squares = cp.asarray(offset, dtype=x.dtype), 0.0
    for cut in cuts(x):
        squares += float(cp.sum((x[cut] - shift) ** 2, dtype=cp.float64))
    scale = (squares / max(x.size, 1)) ** 0.5 or 1.0
    rows = cp.empty(x.shape, dtype=cp.float32)
    for cut in cuts(x):
        rows[cut] = (x[cut] - shift) / scale
    return rows, scale


def inertia_about(x: Array, label: Array, centers: Array, weight: Array) -> float:
    """Return the weighted sum of squared distances of rows to their centres, in float64."""
    total = 0.0
    for cut in cuts(x):
        away = x[cut].astype(cp.float64) - centers[label[cut]].astype(cp.float64)
        total += float(cp.sum(weight[cut].astype(cp.float64) * cp.sum(away * away, axis=1)))
    return total


def cuts(x: Array) -> Iterator[slice]:
    """Give runs of rows that hold about CELLS numbers."""
    rows = max(1, CELLS // max(x.shape[1], 1))
    for start in range(0, x.shape[0], rows):
        yield slice(start, start + rows)


def matrix(frame: nw.DataFrame[Any]) -> Array:
    """Return a table of numbers as a CuPy array of float64; nulls are NaN. One of cuDF does not touch the host."""
    floats = frame.select(nw.all().cast(nw.Float64))  # cuDF fills whole numbers with no NaN
    if not frame.implementation.is_cudf():
        return cp.asarray(floats.to_numpy())
    return floats.to_native().to_cupy(dtype="float64", na_value=float("nan"))


def vendor_always(rows: int, n_clusters: int, n_features: int) -> bool:  # noqa: ARG001 - the signature of a rule
    """Return True: our loop has no kernel on the GPU yet."""
    return True


share_memory()
BACKEND = Backend(
    name="cuda",
    matrix=matrix,
    to_device=partial(cp.asarray, order="C"),
    to_host=cp.asnumpy,
    free_memory=free_memory,
    fits={"kmeans": fit_kmeans, **_cuda_density.FITS},
    vendor_lloyd_wins=vendor_always,
    thrifty=_cuda_density.THRIFTY,
)
