"""array-api-strict as a backend: slow, and refuses whatever the standard does not promise."""

import array_api_strict as xp
import numpy as np

from gpuseg.backends._protocol import Backend, host_memory

BACKEND = Backend(
    name="strict",
    matrix=lambda frame: xp.asarray(frame.to_numpy()),
    to_device=xp.asarray,
    to_host=np.asarray,
    free_memory=host_memory,
)
