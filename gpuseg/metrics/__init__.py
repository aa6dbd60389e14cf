"""How good a clustering is, and how far two agree."""

from gpuseg.metrics.agreement import adjusted_rand
from gpuseg.metrics.dispersion import calinski_harabasz, davies_bouldin
from gpuseg.metrics.silhouette import SAMPLE, Score, sampled_silhouette, silhouette

__all__ = [
    "SAMPLE",
    "Score",
    "adjusted_rand",
    "calinski_harabasz",
    "davies_bouldin",
    "sampled_silhouette",
    "silhouette",
]
