"""NumPy and scikit-learn, on the cores of this machine."""

from gpuseg.backends._protocol import Backend, host_memory
import numpy as np

BACKEND = Backend(
    name="cpu",
    rank=0,
    matrix=lambda frame: frame.to_numpy(),
    to_device=np.ascontiguousarray,
    to_host=np.asarray,
    free_memory=host_memory,
)
