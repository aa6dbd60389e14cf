"""How good a clustering is, and how far two agree."""

from gpuseg.metrics.agreement import adjusted_rand
from gpuseg.metrics.dbcv import Validity, dbcv, dbcv_clusters
from gpuseg.metrics.dispersion import calinski_harabasz, davies_bouldin
from gpuseg.metrics.silhouette import SAMPLE, Score, sampled_silhouette, silhouette

__all__ = [
    "SAMPLE",
    "Score",
    "Validity",
    "adjusted_rand",
    "calinski_harabasz",
    "davies_bouldin",
    "dbcv",
    "dbcv_clusters",
    "sampled_silhouette",
    "silhouette",
]
