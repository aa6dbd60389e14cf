"""A device of array-api-strict arrays with a little memory: its fits are the CPU's, until they run out of it."""

from functools import partial

import array_api_strict as xp
import numpy as np

from gpuseg.backends import Known, Need, get_backend
from gpuseg.backends._protocol import Backend

FREE = 10**9
ROOM = {"fits": 0, "thrifty": 0}
"""Rows that a fit, and one in smaller batches, has room for."""
ERROR: Exception = MemoryError("std::bad_alloc: out of memory")
"""What is raised above that."""


def fit(name, way, x, **parameters):
    if x.shape[0] > ROOM[way]:
        raise ERROR
    given = {key: np.asarray(value) if hasattr(value, "shape") else value for key, value in parameters.items()}
    return get_backend("cpu").fits[name](np.asarray(x), **given)


BACKEND = Backend(
    name="small",
    matrix=lambda frame: xp.asarray(frame.to_numpy()),
    to_device=xp.asarray,
    to_host=np.asarray,
    free_memory=lambda: FREE,
    fits={name: partial(fit, name, "fits") for name in ("kmeans", "dbscan", "hdbscan")},
    vendor_lloyd_wins=lambda *_: True,
    thrifty={"dbscan": partial(fit, "dbscan", "thrifty")},
)
KNOWN = Known(
    "tests.small_backend",
    frozenset({"array_api_strict"}),
    lambda: None,
    needs=dict.fromkeys(BACKEND.fits, lambda task: Need(task.rows * 100, 1.0, None)),
    free=lambda: FREE,
    refuses=True,
)
