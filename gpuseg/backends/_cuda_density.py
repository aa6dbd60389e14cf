"""Density methods on one GPU: cuML's DBSCAN and HDBSCAN. Never run: no GPU was at hand.

Names of parameters and attributes were read in cuML 26.10. cuML works in float32 without centring the data, so
what it gets is less the columns' means. Searches for nearest rows are the array bodies of neighbors/rows.py.
"""

from collections.abc import Mapping
from typing import Any

import cupy as cp
import numpy as np

from gpuseg.backends._cuda_errors import told
from gpuseg.backends._cuda_memory import free_memory
from gpuseg.backends._needs import LEAST_SAMPLES, MOST_SAMPLES
from gpuseg.backends._protocol import Fit
from gpuseg.errors import UnsupportedOnBackend

MEGABYTE = 10**6
"""Bytes that cuML multiplies ``max_mbytes_per_batch`` by."""
SHARE, THRIFTY_SHARE = 4, 32
"""The part of the free memory that a batch may take: a quarter, for the neighbour lists take more; less in need."""


@told
def fit_dbscan(x: Any, *, eps: float, min_samples: int, sample_weight: Any) -> Mapping[str, Any]:
    """Return labels and the numbers of the core points by cuML; see ``_cpu_density.fit_dbscan``."""
    return _dbscan(x, eps, min_samples, sample_weight, SHARE)


@told
def thrifty_dbscan(x: Any, *, eps: float, min_samples: int, sample_weight: Any) -> Mapping[str, Any]:
    """Return what ``fit_dbscan`` does, in batches of an eighth of its size."""
    return _dbscan(x, eps, min_samples, sample_weight, THRIFTY_SHARE)


def _dbscan(x: Any, eps: float, min_samples: int, sample_weight: Any, share: int) -> dict[str, Any]:
    import cuml.cluster

    # The random ball cover needs float32, the Euclidean metric and int64 results; any other call is brute force.
    # The budget of cuML itself does not look at what is in use.
    model = cuml.cluster.DBSCAN(
        eps=eps,
        min_samples=min_samples,
        metric="euclidean",
        algorithm="rbc",
        max_mbytes_per_batch=max(1, free_memory() // MEGABYTE // share),
        output_type="cupy",
    )
    weight = None if sample_weight is None else cp.asarray(sample_weight, dtype=cp.float32)
    model.fit(_centred(x), sample_weight=weight, out_dtype="int64")
    return {
        "labels_": cp.asnumpy(model.labels_).astype(np.int32),
        "core_sample_indices_": cp.asnumpy(model.core_sample_indices_),
    }


@told
def fit_hdbscan(
    x: Any, *, min_samples: int, sample_weight: Any = None, core: Any = None, reach: Any = None, each: Any = map
) -> Mapping[str, Any]:
    """Return the single-linkage tree of mutual reachability by cuML; see ``_cpu_hdbscan.fit_hdbscan``.

    Without what that gives beside the tree. cuML takes no weights.
    """
    import cuml.cluster

    del each  # cuML sees to what runs side by side
    if any(given is not None for given in (sample_weight, core, reach)):
        raise UnsupportedOnBackend(
            "sample_weight, or points that stand for rows, are asked of HDBSCAN on backend='cuda', which takes rows "
            "of weight 1 alone; use backend='cpu'"
        )
    if not LEAST_SAMPLES <= min_samples <= MOST_SAMPLES:
        raise UnsupportedOnBackend(
            f"min_samples={min_samples} is outside the {LEAST_SAMPLES} to {MOST_SAMPLES} of backend='cuda'; "
            "use backend='cpu'"
        )
    # cuML does not count the row itself.
    model = cuml.cluster.HDBSCAN(min_samples=min_samples - 1, output_type="cupy").fit(_centred(x))
    tree = model._single_linkage_tree  # noqa: SLF001 - the public name needs the hdbscan package
    return {
        "children": tree[:, :2].astype(np.int64),
        "heights": tree[:, 2].astype(np.float64),
        "sizes": tree[:, 3].astype(np.int64),
    }


def _centred(x: Any) -> Any:
    return cp.ascontiguousarray((x - cp.mean(x, axis=0, dtype=cp.float64)).astype(cp.float32))


FITS: Mapping[str, Fit] = {"dbscan": fit_dbscan, "hdbscan": fit_hdbscan}
THRIFTY: Mapping[str, Fit] = {"dbscan": thrifty_dbscan}
