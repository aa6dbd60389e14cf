"""The digest: weighted micro-clusters that stand for millions of rows."""

from gpuseg.summary.micro import MicroClusters, rows_as_points

__all__ = ["MicroClusters", "rows_as_points"]
