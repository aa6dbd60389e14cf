"""DIANA: all rows in one cluster, which is split again and again, into a tree that can be cut."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from gpuseg.backends import Backend, Host
from gpuseg.cluster._linkage import Hierarchical
from gpuseg.cluster._tree import leaf_heights
from gpuseg.summary import N_MICRO, MicroClusters


class DIANA(Hierarchical):
    """Split clusters from the top, each by the row least like the others and those that rather follow it.

    Kaufman and Rousseeuw, Finding Groups in Data (1990), chapter 6; R's ``cluster::diana``. Of the cluster to be split,
    the row of the largest mean dissimilarity to the others begins the splinter group; as long as a row's mean
    dissimilarity to the rest is above that to the splinter group, the row for which it is most so follows. A split's
    height is the cluster's diameter. ``n_clusters``: the tree is cut there, or at ``distance_threshold``: splits at or
    below this height are undone; give it with ``n_clusters=None``. ``metric``: "euclidean", "manhattan", "cosine" or
    "precomputed", where ``X`` is a square matrix of dissimilarities. Dissimilarities are worked out when they are
    wanted: memory for a few numbers a row.

    ``X``: (n_samples, n_features), finite, scaled. Equal rows are never parted. A row of
    weight w counts as w rows in every mean; of weights below 1, the least counts as a row. Of ties the first row is
    taken; elsewhere the order of the rows changes nothing. A new row belongs to the segment of its nearest point.
    Where segments overlap, that is a little less than a fit knows: to the labels of a fit of 2,400 rows, four blobs
    3.5 deviations apart and customers of a shop, models of one half gave the other an ARI of .76 and .75, and fits of
    that half itself .79 and .78 (means of eight draws).

    ``method``: "exact"; "digest", where ``n_micro`` weighted points, drawn by ``random_state``, stand for the rows; or
    "auto", a digest where an exact fit has no room or takes more than a minute, and for more than ``n_micro`` rows in
    blocks, of files or of Dask. ``exact_``, ``digest_size_`` and ``digest_error_`` (1 - ARI to an exact fit of a
    sample) say what it was; above an error of 0.25 "auto" raises DigestRefused.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``linkage_`` (n - 1, 4) in SciPy's format, its last
    column the weight, ``divisive_coefficient_`` (the mean over the rows of 1 - h / H, h the diameter of the last
    cluster that a row shared and H that of all), ``n_clusters_``, ``segment_weight_``, ``backend_``, ``dispatch_``;
    ``cut`` cuts the tree anew. A model stores the distinct rows, which are rows of persons, the tree and 201 quantiles
    a segment: at most 8 (n (d + 8) + 202 k) bytes. Raises InvalidInput for parameters out of range, for more segments
    than rows and for NaN.

    By hand: the sums of distances are 17, 14, 13, 15 and 33, so 10 begins. The mean of 4 to 0, 1 and 2 is 3, to 10 it
    is 6: nobody follows. Of the rest, diameter 4, row 4 begins (the sums are 7, 5, 5, 9); 2 has a mean of 1.5 to 0 and
    1 and of 2 to 4, and stays. Then 0, 1 and 2: 0 and 2 have the same sum, 0 is the first; 1 is as near to 2 as to it.

    >>> import numpy as np
    >>> model = DIANA(3).fit(np.array([[0.0], [1.0], [2.0], [4.0], [10.0]]))
    >>> model.linkage_
    array([[ 1.,  2.,  1.,  2.],
           [ 0.,  5.,  2.,  3.],
           [ 3.,  6.,  4.,  4.],
           [ 4.,  7., 10.,  5.]])
    >>> model.labels_, model.divisive_coefficient_
    (array([0, 0, 0, 1, 2], dtype=int32), 0.64)
    """

    _fit_name: ClassVar[str] = "diana"
    stored: ClassVar[tuple[str, ...]] = (*Hierarchical.stored, "divisive_coefficient_")

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        distance_threshold: float | None = None,
        metric: str = "euclidean",
        method: str = "auto",
        n_micro: int = N_MICRO,
        random_state: Any = 0,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.distance_threshold = distance_threshold
        self.metric = metric
        self.method = method
        self.n_micro = n_micro
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    def _grow(self, points: MicroClusters, backend: Backend) -> Mapping[str, Any]:
        beside = {"weight": points.weight, "spread": points.spread}
        return backend.fits["diana"](points.rows, **beside, metric=self.metric)

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        label = super()._learn(points, backend)
        self.divisive_coefficient_ = divisive_coefficient(self.linkage_, points)
        return label


def divisive_coefficient(linkage: Host, points: MicroClusters) -> float:
    """Return the weighted mean of 1 - h / H; 0 where all points are equal.

    The rows of a point that is more than one part last, at their own mean distance.

    >>> merges = np.array([[0, 1, 1.0, 2], [2, 3, 4.0, 3]])
    >>> points = MicroClusters(np.zeros((3, 1)), np.ones(3), np.zeros(3))
    >>> divisive_coefficient(merges, points), divisive_coefficient(merges, points._replace(weight=np.full(3, 2.0)))
    (0.5, 1.0)
    """
    if not len(linkage) or linkage[-1, 2] == 0:
        return 0.0
    height = leaf_heights(linkage)
    inner = np.minimum(np.sqrt(2.0) * points.spread, height)
    share = 1.0 - np.where(points.weight > 1, inner, height) / linkage[-1, 2]
    return float(np.average(share, weights=points.weight))
