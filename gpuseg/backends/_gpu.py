"""Find a usable GPU in milliseconds, by NVML: no CUDA context is started, so forks stay safe."""

import ctypes
import os
from importlib.util import find_spec

LIBRARIES = {"cupy": "CuPy", "cuml": "cuML", "cudf": "cuDF"}
INSTALL = "install gpuseg[cuda12] or gpuseg[cuda13] on a machine with an NVIDIA GPU"


def gpu_missing() -> str | None:
    """Return why no GPU can be used here, or None where one can."""
    lacking = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if lacking:
        return f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed; {INSTALL}"
    # The variable may hold GPU- and MIG- UUIDs; only an empty one and -1 hide every device.
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU; unset it"
    return None if count_gpus() > 0 else "NVML finds no NVIDIA GPU; check that nvidia-smi lists one"


def count_gpus() -> int:
    """Return how many GPUs the driver knows, 0 where there is no driver."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return 0
    count = ctypes.c_uint(0)
    if nvml.nvmlInit_v2() != 0:
        return 0
    try:
        return int(count.value) if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0 else 0
    finally:
        nvml.nvmlShutdown()
