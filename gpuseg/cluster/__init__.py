"""One file an algorithm."""

from gpuseg.cluster._assignment import Assignment
from gpuseg.cluster.kmeans import KMeans

__all__ = ["Assignment", "KMeans"]
