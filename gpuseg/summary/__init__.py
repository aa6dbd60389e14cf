"""The digest: weighted micro-clusters that stand for millions of rows."""

from gpuseg.summary.core import core_distances, radii, reaches
from gpuseg.summary.micro import MicroClusters, rows_as_points

__all__ = ["MicroClusters", "core_distances", "radii", "reaches", "rows_as_points"]
