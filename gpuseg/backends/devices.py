"""What NVML knows of the GPUs here, in milliseconds, and whether one can be used.

No CUDA context is started, so forks stay safe, and nothing is installed for it.
"""

import ctypes
import os
from importlib.util import find_spec
from typing import Any, NamedTuple

LIBRARIES = {"cupy": "CuPy", "cuml": "cuML", "cudf": "cuDF"}
INSTALL = "install gpuseg[cuda12] or gpuseg[cuda13] on a machine with an NVIDIA GPU"
LIBRARY = "libnvidia-ml.so.1"
TEXT = 96
"""Bytes of the longest text that NVML gives: NVML_DEVICE_NAME_V2_BUFFER_SIZE."""


class Gpu(NamedTuple):
    """A device: its name, and its memory in bytes, all of it and what is free; None where NVML does not say."""

    name: str
    memory: int | None
    free: int | None


class Driver(NamedTuple):
    """The driver, the newest CUDA (major, minor) that it runs, and its devices."""

    version: str
    cuda: tuple[int, int]
    gpus: tuple[Gpu, ...]


class _Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def gpu_missing() -> str | None:
    """Return why no GPU can be used here, or None where one can."""
    lacking = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if lacking:
        return f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed; {INSTALL}"
    # The variable may hold GPU- and MIG- UUIDs; only an empty one and -1 hide every device.
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU; unset it"
    found = driver()
    return None if found and found.gpus else "NVML finds no NVIDIA GPU; check that nvidia-smi lists one"


def gpu_memory() -> int | None:
    """Return the bytes free on the first visible GPU, by NVML; None where it does not say."""
    found = driver()
    gpus = found.gpus if found else ()
    # CUDA counts the devices that the variable names; a UUID in it is not looked up: then the fullest one speaks.
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0].strip()
    seen = gpus[int(first) : int(first) + 1] if first.isdigit() else gpus
    return min((gpu.free for gpu in seen if gpu.free is not None), default=None)


def driver(library: str = LIBRARY) -> Driver | None:
    """Return what NVML says of the driver and its GPUs; None where there is no driver that answers.

    The calls are those of the NVML API reference; they take milliseconds.

    >>> driver("no-such-library.so") is None
    True
    """
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return None
    if nvml.nvmlInit_v2() != 0:
        return None
    try:
        cuda, count = ctypes.c_int(0), ctypes.c_uint(0)
        nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(cuda))
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        version = _text(nvml.nvmlSystemGetDriverVersion)
        # NVML counts in thousands and tens: 13010 is CUDA 13.1.
        release = (cuda.value // 1000, cuda.value % 1000 // 10)
        return Driver(version, release, tuple(_gpu(nvml, number) for number in range(count.value)))
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, number: int) -> Gpu:
    handle, memory = ctypes.c_void_p(), _Memory()
    if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(number), ctypes.byref(handle)) != 0:
        return Gpu("unknown", None, None)
    # Refused where the device is cut into MIG instances and the caller holds one of them.
    known = nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == 0
    name = _text(nvml.nvmlDeviceGetName, handle)
    return Gpu(name, int(memory.total) if known else None, int(memory.free) if known else None)


def _text(function: Any, *arguments: Any) -> str:
    """Return the text that a function of NVML writes."""
    text = ctypes.create_string_buffer(TEXT)
    return text.value.decode(errors="replace") if function(*arguments, text, ctypes.c_uint(TEXT)) == 0 else "unknown"
