"""The digest: weighted micro-clusters that stand for millions of rows."""

from gpuseg.summary.digest import N_MICRO, digest_of, summarise
from gpuseg.summary.micro import MicroClusters, rows_as_points

__all__ = ["N_MICRO", "MicroClusters", "digest_of", "rows_as_points", "summarise"]
