"""The digest: weighted micro-clusters that stand for millions of rows."""

from gpuseg.summary.core import SLACK, core_distances, radii, reaches
from gpuseg.summary.digest import N_MICRO, digest_of, summarise
from gpuseg.summary.micro import MicroClusters, rows_as_points

__all__ = [
    "N_MICRO", "SLACK", "MicroClusters", "core_distances", "digest_of", "radii", "reaches", "rows_as_points",
    "summarise",
]  # fmt: skip
