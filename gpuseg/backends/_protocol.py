"""What a backend is: a namespace of arrays, the crossings to and from it, and two tables of functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

Array = Any
Host = NDArray[Any]
Fit = Callable[..., Mapping[str, Any]]
"""``fit(x, **neutral_parameters) -> {fitted attribute: value}``; raises UnsupportedOnBackend."""
Kernel = Callable[..., Any]
"""A faster twin of the array function of the same name, which is the oracle of its tests."""


class Known(NamedTuple):
    """What is known of a backend before anything is imported."""

    module: str
    roots: frozenset[str]
    missing: Callable[[], str | None]


def never(n_clusters: int, n_features: int) -> bool:  # noqa: ARG001 - the signature of a rule
    """Return False: the rule of a backend whose vendor offers no k-means."""
    return False


@dataclass(frozen=True)
class Backend:
    """One library stack. A file of this folder defines exactly one, called BACKEND.

    ``matrix`` turns a table of numbers into a float array (rows, columns); ``to_device`` and
    ``to_host`` cross to and from NumPy; ``free_memory`` is in bytes.
    """

    name: str
    rank: int
    matrix: Callable[[nw.DataFrame[Any]], Array]
    to_device: Callable[[Array], Array]
    to_host: Callable[[Array], Host]
    free_memory: Callable[[], int]
    fits: Mapping[str, Fit] = field(default_factory=dict)
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    vendor_lloyd_wins: Callable[[int, int], bool] = never


def host_memory() -> int:
    """Return the bytes of memory that a process can still take without swapping."""
    with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 - not a path of the user's
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return np.iinfo(np.int64).max
