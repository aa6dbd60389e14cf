"""array-api-strict as a backend: slow, and refuses whatever the standard does not promise.

Its arrays live on a device of its own: NumPy cannot take them unasked, and none of the host's can join them.
"""

import array_api_strict as xp
import numpy as np

from gpuseg.backends._protocol import Backend, host_memory

DEVICE, HOST = xp.Device("device1"), xp.Device("CPU_DEVICE")


def to_device(x):
    """Return an array on the device."""
    return xp.asarray(x, device=DEVICE) if isinstance(x, np.ndarray) else x.to_device(DEVICE)


def to_host(x):
    """Return an array of the device, or one of the host's, in NumPy."""
    return x if isinstance(x, np.ndarray) else np.asarray(x.to_device(HOST))


BACKEND = Backend(
    name="strict",
    matrix=lambda frame: to_device(frame.to_numpy()),
    to_device=to_device,
    to_host=to_host,
    free_memory=host_memory,
)
