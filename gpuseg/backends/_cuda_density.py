"""Density methods on one GPU: cuML's DBSCAN and HDBSCAN. Never run: no GPU was at hand.

Names of parameters and attributes were read in cuML 26.10. cuML works in float32 without centring the data, so
what it gets is less the columns' means. Searches for nearest rows are the array bodies of neighbors/rows.py.
"""

from collections.abc import Mapping
from typing import Any

import cuml.cluster
import cupy as cp
import numpy as np

from gpuseg.backends._protocol import Fit
from gpuseg.errors import UnsupportedOnBackend

MEGABYTE = 1 << 20
SHARE = 4
"""A quarter of the free memory may hold a batch of distances: the neighbour lists take the rest."""
MOST_SAMPLES = 1024


def fit_dbscan(x: Any, *, eps: float, min_samples: int, sample_weight: Any) -> Mapping[str, Any]:
    """Return labels and the numbers of the core points by cuML; see ``_cpu_density.fit_dbscan``."""
    # The random ball cover needs float32, the Euclidean metric and int64 results; any other call is brute force.
    free, _ = cp.cuda.runtime.memGetInfo()
    model = cuml.cluster.DBSCAN(
        eps=eps,
        min_samples=min_samples,
        algorithm="rbc",
        max_mbytes_per_batch=max(1, free // MEGABYTE // SHARE),
        output_type="cupy",
    )
    weight = None if sample_weight is None else cp.asarray(sample_weight, dtype=cp.float32)
    model.fit(_centred(x), sample_weight=weight, out_dtype="int64")
    return {
        "labels_": cp.asnumpy(model.labels_).astype(np.int32),
        "core_sample_indices_": cp.asnumpy(model.core_sample_indices_),
    }


def fit_hdbscan(x: Any, *, min_samples: int) -> Mapping[str, Any]:
    """Return the single-linkage tree of mutual reachability by cuML; see ``_cpu_density.fit_hdbscan``."""
    if not 2 <= min_samples <= MOST_SAMPLES:  # noqa: PLR2004 - one below is cuML's least, 1
        raise UnsupportedOnBackend(
            f"min_samples={min_samples} is outside the 2 to {MOST_SAMPLES} of backend='cuda'; use backend='cpu'"
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
