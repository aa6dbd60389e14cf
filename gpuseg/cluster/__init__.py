"""One file an algorithm."""

from collections.abc import Mapping

from gpuseg.cluster._assignment import NOISE, NOVEL, Assignment
from gpuseg.cluster._base import Clusterer, Dispatch
from gpuseg.cluster._run import Run, Solution
from gpuseg.cluster.clarans import CLARANS
from gpuseg.cluster.dbscan import DBSCAN
from gpuseg.cluster.hdbscan import HDBSCAN
from gpuseg.cluster.kmeans import KMeans
from gpuseg.cluster.kmedoids import KMedoids

ALGORITHMS: Mapping[str, type[Clusterer]] = {
    "kmeans": KMeans,
    "kmedoids": KMedoids,
    "clarans": CLARANS,
    "dbscan": DBSCAN,
    "hdbscan": HDBSCAN,
}
"""Every algorithm by its name on the command line; a new one is a file and a row here."""

__all__ = [
    "ALGORITHMS",
    "CLARANS",
    "DBSCAN",
    "HDBSCAN",
    "NOISE",
    "NOVEL",
    "Assignment",
    "Clusterer",
    "Dispatch",
    "KMeans",
    "KMedoids",
    "Run",
    "Solution",
]
