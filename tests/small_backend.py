"""A device of array-api-strict arrays with a little memory: its fits are the CPU's, until they run out of it."""

import weakref
from collections import Counter
from copy import copy
from functools import partial

import array_api_strict as xp
import numpy as np

from gpuseg.backends import KNOWN as KNOWN_HERE
from gpuseg.backends import Known, Need, get_backend
from gpuseg.backends._protocol import Backend

FREE = 10**9
ROOM = {"fits": 0, "thrifty": 0, "held": 0}
"""Rows that a fit, and one in smaller batches, has room for, and those of all matrices that are held at once."""
HELD = Counter()
ERROR: Exception = MemoryError("std::bad_alloc: out of memory")
"""What is raised above that."""


def to_device(x):
    """Return an array on the device; a matrix that came from the host takes its rows until nobody has it any more."""
    if isinstance(x, np.ndarray):
        rows = len(x) if x.ndim == 2 else 0
        x = xp.asarray(x, copy=True)
        if rows + HELD.total() > ROOM["held"]:
            raise copy(ERROR)  # one that was raised before would keep what stood around it
        HELD[id(x)] = rows
        weakref.finalize(x, HELD.pop, id(x), None)
    return x


def fit(name, way, x, **parameters):
    if x.shape[0] > ROOM[way]:
        raise copy(ERROR)
    given = {key: np.asarray(value) if hasattr(value, "shape") else value for key, value in parameters.items()}
    return get_backend("cpu").fits[name](np.asarray(x), **given)


BACKEND = Backend(
    name="small",
    matrix=lambda frame: xp.asarray(frame.to_numpy()),
    to_device=to_device,
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


def put_first(room):
    """Let "auto" take this device before the CPU, in this process; give what was known before."""
    before = dict(KNOWN_HERE)
    KNOWN_HERE.clear()
    KNOWN_HERE.update({"small": KNOWN, "cpu": before["cpu"]})
    ROOM.update(room)
    HELD.clear()
    get_backend.cache_clear()
    return before


def take_away(before):
    """Know what was known before."""
    KNOWN_HERE.clear()
    KNOWN_HERE.update(before)
    get_backend.cache_clear()
