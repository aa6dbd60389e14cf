"""One file an algorithm."""

from collections.abc import Mapping

from gpuseg.cluster._assignment import NOISE, NOVEL, Assignment
from gpuseg.cluster._base import Clusterer, Dispatch
from gpuseg.cluster._run import Run, Solution
from gpuseg.cluster.agglomerative import Agglomerative
from gpuseg.cluster.birch import Birch
from gpuseg.cluster.bisecting import BisectingKMeans
from gpuseg.cluster.clarans import CLARANS
from gpuseg.cluster.dbscan import DBSCAN
from gpuseg.cluster.diana import DIANA
from gpuseg.cluster.hdbscan import HDBSCAN
from gpuseg.cluster.kmeans import KMeans
from gpuseg.cluster.kmedoids import KMedoids
from gpuseg.cluster.kprototypes import KPrototypes
from gpuseg.cluster.minibatch import MiniBatchKMeans
from gpuseg.cluster.optics import OPTICS

ALGORITHMS: Mapping[str, type[Clusterer]] = {
    "kmeans": KMeans,
    "bisectingkmeans": BisectingKMeans,
    "minibatchkmeans": MiniBatchKMeans,
    "kmedoids": KMedoids,
    "clarans": CLARANS,
    "kprototypes": KPrototypes,
    "agglomerative": Agglomerative,
    "diana": DIANA,
    "birch": Birch,
    "dbscan": DBSCAN,
    "hdbscan": HDBSCAN,
    "optics": OPTICS,
}
"""Every algorithm by its name on the command line; a new one is a file and a row here."""

__all__ = [
    "CLARANS",
    "DBSCAN",
    "DIANA",
    "HDBSCAN",
    "NOISE",
    "NOVEL",
    "OPTICS",
    "Agglomerative",
    "Assignment",
    "Birch",
    "BisectingKMeans",
    "Clusterer",
    "Dispatch",
    "KMeans",
    "KMedoids",
    "KPrototypes",
    "MiniBatchKMeans",
    "Run",
    "Solution",
]
