"""How good a clustering is, and how far two agree.

**Noise**, the label -1, is no cluster. Indices of rows and labels leave it out and count it (``Score.noise``, the last
row of ``segment_quality``); in an agreement of two labellings it is a label of its own unless ``noise="drop"``.
**Weights** count rows: a row of weight 2 is the row twice, one of weight 0 is not there.
"""

from gpuseg.metrics._pairs import Distances, euclidean
from gpuseg.metrics.agreement import VMeasure, adjusted_mutual_information, adjusted_rand, v_measure
from gpuseg.metrics.crosstab import Crosstab, matched_crosstab
from gpuseg.metrics.dbcv import Validity, dbcv, dbcv_clusters
from gpuseg.metrics.dispersion import calinski_harabasz, davies_bouldin, simplified_silhouette
from gpuseg.metrics.quality import segment_quality
from gpuseg.metrics.silhouette import SAMPLE, Score, Silhouettes, sampled_silhouette, silhouette, silhouettes

__all__ = [
    "SAMPLE",
    "Crosstab",
    "Distances",
    "Score",
    "Silhouettes",
    "VMeasure",
    "Validity",
    "adjusted_mutual_information",
    "adjusted_rand",
    "calinski_harabasz",
    "davies_bouldin",
    "dbcv",
    "dbcv_clusters",
    "euclidean",
    "matched_crosstab",
    "sampled_silhouette",
    "segment_quality",
    "silhouette",
    "silhouettes",
    "simplified_silhouette",
    "v_measure",
]
