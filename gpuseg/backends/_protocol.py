"""What a backend is: a namespace of arrays, the crossings to and from it, and two tables of functions."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import narwhals as nw
from numpy.typing import NDArray

from gpuseg.backends._needs import Estimate

Array = Any
Host = NDArray[Any]
Fit = Callable[..., Mapping[str, Any]]
"""``fit(x, **neutral_parameters) -> {fitted attribute: value}``; raises UnsupportedOnBackend."""
Kernel = Callable[..., Any]
"""A faster twin of the array function of the same name, which is the oracle of its tests."""


MEMINFO = Path("/proc/meminfo")
LIMIT, USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
UNKNOWN = 2**32
"""Bytes taken to be free where the system does not say: 4 GiB."""


def never(rows: int, n_clusters: int, n_features: int) -> bool:  # noqa: ARG001 - the signature of a rule
    """Return False: the rule of a backend whose vendor offers no k-means."""
    return False


@dataclass(frozen=True)
class Backend:
    """One library stack. A file of this folder defines exactly one, called BACKEND.

    ``matrix`` turns a table of numbers into a float array (rows, columns); ``to_device`` and
    ``to_host`` cross to and from NumPy; ``free_memory`` is in bytes. ``fits_side_by_side``: whether
    ``fits`` of few rows may run in several threads at once. ``vendor_lloyd_wins`` is given rows, clusters and
    features. ``kernels_repay``: the work, rows * centres * features, from which kernels that are loaded late are.
    ``thrifty``: those of ``fits`` that can work in smaller batches, for when memory ran out.
    """

    name: str
    matrix: Callable[[nw.DataFrame[Any]], Array]
    to_device: Callable[[Array], Array]
    to_host: Callable[[Array], Host]
    free_memory: Callable[[], int]
    fits: Mapping[str, Fit] = field(default_factory=dict)
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    vendor_lloyd_wins: Callable[[int, int, int], bool] = never
    kernels_repay: int = 0
    fits_side_by_side: bool = False
    thrifty: Mapping[str, Fit] = field(default_factory=dict)

    def kernel_or(self, body: Kernel, *, work: float = math.inf) -> Kernel:
        """Return this backend's kernel of the array function's name, else the array function, its oracle.

        ``work``: rows * centres * features of the whole table, so that every block of it gets the same.
        """
        return self.kernels.get(body.__name__, body) if work >= self.kernels_repay else body


def host_memory() -> int:
    """Return the bytes of memory that a process can still take without swapping."""
    free = [_available(), _container()]
    return min(size for size in free if size is not None)


def _available() -> int:
    """Return what Linux says is available, elsewhere half of the memory, else a cautious guess."""
    if MEMINFO.exists():
        fields = dict(line.split(":", 1) for line in MEMINFO.read_text(encoding="ascii").splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return UNKNOWN


def _container() -> int | None:
    """Return what a container's limit leaves, None where there is no limit."""
    if not LIMIT.exists() or (most := LIMIT.read_text(encoding="ascii").strip()) == "max":
        return None
    return max(int(most) - int(USED.read_text(encoding="ascii")), 0)


class Known(NamedTuple):
    """What is known of a backend before anything is imported.

    ``needs``: the fits that "auto" may take it for, and what each needs. ``free``: the bytes free there, None where
    nothing says. ``loads``: the library whose loading takes seconds. ``refuses``: too large a request is an error
    there; without that, the system ends the whole process.
    """

    module: str
    roots: frozenset[str]
    missing: Callable[[], str | None]
    needs: Mapping[str, Estimate] = MappingProxyType({})
    free: Callable[[], int | None] = host_memory
    loads: str | None = None
    refuses: bool = False
