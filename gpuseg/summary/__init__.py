"""The digest: weighted micro-clusters that stand for millions of rows."""

from gpuseg.summary.digest import digest_of, summarise
from gpuseg.summary.micro import MicroClusters, rows_as_points

__all__ = ["MicroClusters", "digest_of", "rows_as_points", "summarise"]
