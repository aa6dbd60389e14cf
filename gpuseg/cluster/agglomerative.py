"""Agglomerative: rows merged one pair after the other, into a tree that can be cut at any number of segments."""

from collections.abc import Mapping
from typing import Any, ClassVar

from gpuseg.backends import Backend, Task
from gpuseg.cluster._linkage import Hierarchical
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.summary import N_MICRO, MicroClusters

LINKAGES = ("ward", "average", "complete", "single")


class Agglomerative(Hierarchical):
    """Merge the two nearest clusters again and again, and cut the tree at ``n_clusters`` or ``distance_threshold``.

    ``linkage``: "ward" (least growth of the sum of squares; Ward 1963), "average" (mean distance of pairs), "complete"
    (largest) or "single" (least). Lance and Williams 1967 by the chain of nearest neighbours, Murtagh 1983; Ward's by
    its centres and single by Prim's spanning tree, which hold no distances of pairs: memory for a few numbers a row.
    Average and complete linkage hold 4 n^2 bytes. ``distance_threshold``: merges above this height are undone (one at
    it stands, as in SciPy and R, not as in scikit-learn); give it with ``n_clusters=None``. ``metric``: "euclidean",
    "manhattan", "cosine" (1 - cosine) or "precomputed", where ``X`` is a square matrix of distances; Ward's linkage has
    the first alone.

    ``X``: (n_samples, n_features), finite, scaled. Equal rows are never parted. Where
    pairs are equally near, the order of the rows decides, as in SciPy (of Ward's sums, rounding may); elsewhere it
    changes nothing. Points that stand for more than a row are sqrt(d^2 + s1^2 + s2^2) apart to average linkage, s their
    spreads. A new row belongs to the segment of its nearest point. Segments that overlap change with the rows: fits of
    half of 2,400, in four blobs 3.5 deviations apart, agreed with a fit of all by an ARI of .68 (Ward), .65, .46 and
    .44 (single), and gave the other half's rows .68, .64, .45 and .14 (means of eight draws).

    ``method``: "exact"; "digest", where ``n_micro`` weighted points, drawn by ``random_state``, stand for the rows; or
    "auto", a digest where an exact fit has no room or takes more than a minute, and for more than ``n_micro`` rows in
    blocks, of files or of Dask. ``exact_``, ``digest_size_`` and ``digest_error_`` (1 - ARI to an exact fit of a
    sample) say what it was; above an error of 0.25 "auto" raises DigestRefused.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``linkage_`` (n - 1, 4) in SciPy's format, its last
    column the weight, ``n_clusters_``, ``segment_weight_``, ``backend_``, ``dispatch_``; ``cut`` cuts the tree anew.
    A model stores the distinct rows, which are rows of persons, the tree and 201 quantiles a segment: at most
    8 (n (d + 8) + 202 k) bytes. With "precomputed" the quantiles are of distances to the nearest row of any segment.
    Raises InvalidInput for parameters out of range, for more segments than rows and for NaN.

    The two pairs are 1 and 2 apart, their means 5.5: the last height is sqrt(2 * 2 * 2 / 4) * 5.5.

    >>> import numpy as np
    >>> model = Agglomerative(2).fit(np.array([[0.0], [1.0], [5.0], [7.0]]))
    >>> model.linkage_.round(3)
    array([[0.   , 1.   , 1.   , 2.   ],
           [2.   , 3.   , 2.   , 2.   ],
           [4.   , 5.   , 7.778, 4.   ]])
    >>> model.labels_, model.cut(n_clusters=3).labels_, model.cut(height=7.8).n_clusters_
    (array([0, 0, 1, 1], dtype=int32), array([0, 0, 1, 2], dtype=int32), 1)
    """

    _fit_name: ClassVar[str] = "agglomerative"

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        distance_threshold: float | None = None,
        linkage: str = "ward",
        metric: str = "euclidean",
        method: str = "auto",
        n_micro: int = N_MICRO,
        random_state: Any = 0,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.distance_threshold = distance_threshold
        self.linkage = linkage
        self.metric = metric
        self.method = method
        self.n_micro = n_micro
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.linkage not in LINKAGES:
            raise unknown("linkage", self.linkage, LINKAGES)
        if self.linkage == "ward" and self.metric != "euclidean":
            raise InvalidInput(
                f"metric={self.metric!r} has no means, which linkage='ward' needs; "
                "use metric='euclidean' or another linkage, as 'average'"
            )

    def _task(self, blocks: Blocks) -> Task:
        return super()._task(blocks)._replace(linkage=self.linkage)

    def _grow(self, points: MicroClusters, backend: Backend) -> Mapping[str, Any]:
        fit = backend.fits["agglomerative"]
        beside = {"weight": points.weight, "spread": points.spread}
        return fit(points.rows, **beside, linkage=self.linkage, metric=self.metric)
