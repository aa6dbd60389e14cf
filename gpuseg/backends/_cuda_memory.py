"""The device's memory: one pool for CuPy, cuML and cuDF, unless the user has set memory up already."""

import cupy as cp
import rmm.mr
from rmm.allocators.cupy import rmm_cupy_allocator

from gpuseg.backends.devices import gpu_missing

KEPT = 1 << 30
"""Bytes that the pool keeps when they are free: what is above goes back to the device, for others and for our plans."""


def share_memory() -> bool:
    """Make RMM's asynchronous allocator the one of cuML, cuDF and CuPy, and return whether that was done.

    CUDA's own allocator takes a synchronisation at each call, and CuPy's pool keeps from the others what it has freed.
    Nothing is done where the user has set one of them, as a Dask worker of dask-cuda has, or where there is no GPU.
    """
    if gpu_missing() is not None or not untouched():
        return False
    rmm.mr.set_current_device_resource(rmm.mr.CudaAsyncMemoryResource(release_threshold=KEPT))
    cp.cuda.set_allocator(rmm_cupy_allocator)
    return True


def untouched() -> bool:
    """Return whether RMM and CuPy allocate as they do when they are imported."""
    plain = type(rmm.mr.get_current_device_resource()) is rmm.mr.CudaMemoryResource
    return plain and cp.cuda.get_allocator() == cp.get_default_memory_pool().malloc


def free_memory() -> int:
    """Return the bytes free on the current device, without those that the pool keeps."""
    return int(cp.cuda.runtime.memGetInfo()[0])
