"""BIRCH: one pass makes subclusters of all rows, and Ward's method makes segments of the subclusters."""

import warnings
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Backend, Host, Task, to_host, with_room
from gpuseg.cluster._assignment import Assignment, order_ids
from gpuseg.cluster._base import Dispatch, Work, given_back, seed_of
from gpuseg.cluster._nearest import Kept, NearestPoint, group_search, label_block
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._training import distinct, weights_of
from gpuseg.cluster._tree import cut_tree, kept_merges, leaves_of, linkage_of
from gpuseg.engines import Blocks
from gpuseg.errors import FewerSegments, InvalidInput
from gpuseg.summary import MicroClusters

SUBCLUSTERS = 300
"""Subclusters of an automatic threshold at most. Of 200 to 4,000, from 300 on more did not raise the agreement with
the truth on 24 labelled sets (mean ARI .71 on sipu, .69 to .71 on fcps)."""
A_SEGMENT = 10
"""Subclusters allowed for each segment, where that is more."""
MOST = 30_000
"""Subclusters that the global step takes: its time rises with their square, here to a minute or so."""


class Rows(NamedTuple):
    """Training rows, float64, (n, d), and their weights, (n,)."""

    x: Host
    weight: Host


class Birch(NearestPoint):
    """Sum rows up as they pass in subclusters of a radius of ``threshold``, and join these to ``n_clusters`` segments.

    Zhang, Ramakrishnan and Livny 1996, phases 1 to 3, with the numerically safe cluster features of Lang and Schubert
    2020. ``threshold``: the largest radius, the root of the mean squared distance to the mean; "auto" raises it from 0,
    and rebuilds the tree, until at most ``max_subclusters`` are left (None: 300, or ten a segment if that is more).
    ``branching_factor``: entries of a node of the tree. ``n_clusters``: segments by Ward's method on the weighted
    subclusters; None: each subcluster is a segment. ``shuffle``: rows enter in an order drawn by ``random_state``,
    equal ones together, so that the order they came in changes nothing and a row of weight 2 is the row twice; False:
    as they come, as in scikit-learn, whose subclusters are then the same.

    ``X``: (n_samples, n_features), finite, scaled: an array or a table in memory. Time and memory are linear in the
    rows. After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``subcluster_centers_``,
    ``subcluster_labels_``, ``threshold_``, ``n_clusters_``, ``segment_weight_``, ``backend_``, ``dispatch_``. A row
    belongs to the segment of its nearest subcluster; a segment that gets no row so is left out. Where segments overlap,
    they change with the rows: fits of half of 2,400, in four blobs 3.5 deviations apart, agreed with a fit of all by an
    ARI of .72, and gave the other half's rows .71 (means of eight draws; the worst fit had .58). A model stores the
    subclusters' means, which are rows of persons where a subcluster is one row, and 201 quantiles a segment. Raises
    InvalidInput for parameters out of range, for more clusters than rows and for NaN, UnsupportedOnBackend where
    ``fit`` is given Dask arrays or files.

    >>> import numpy as np
    >>> model = Birch(2, threshold=1.0, random_state=0).fit(np.array([[0.0], [1.0], [8.0], [9.0], [10.0]]))
    >>> model.labels_
    array([1, 1, 0, 0, 0], dtype=int32)
    >>> model.subcluster_centers_
    array([[0.5], [9. ]])
    >>> model.assign(np.array([[7.0]])).distance
    array([2.])
    """

    threshold_: float
    _fit_name: ClassVar[str] = "birch"
    stored: ClassVar[tuple[str, ...]] = (*NearestPoint.stored, "threshold_")

    def __init__(
        self,
        n_clusters: int | None = 3,
        *,
        threshold: Any = "auto",
        branching_factor: int = 50,
        max_subclusters: int | None = None,
        shuffle: bool = True,
        random_state: Any = None,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.threshold = threshold
        self.branching_factor = branching_factor
        self.max_subclusters = max_subclusters
        self.shuffle = shuffle
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    @property
    def subcluster_centers_(self) -> Host:
        """Return the subclusters' means, (m, n_features), in the order of their coordinates."""
        return self.points_

    @property
    def subcluster_labels_(self) -> Host:
        """Return the segment of each subcluster, (m,)."""
        return self.point_segments_

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows."""
        self._check_parameters()
        work = self._whole(X, sample_weight)
        x = to_host(work.whole).astype(np.float64, copy=False)
        rows = Rows(x, weights_of(work.blocks, len(x)))
        self._check_rows(len(x))
        found = work.backend.fits["birch"](**self._entering(rows), **self._tree())
        points = MicroClusters(found["mean"], found["weight"], found["radius"])
        self.threshold_ = found["threshold"]
        return self._place(points, self._learn(points, work.backend), rows, work)

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the mean of the nearest subcluster. confidence: 1 - d1/d2, d2 to the nearest subcluster of any
        other segment. novelty: the rank of the distance among those of the segment's training rows, each to
        the mean of the others.
        """
        return super().assign(X)

    def _check_parameters(self) -> None:
        if self.n_clusters is not None:
            check_count("n_clusters", self.n_clusters)
        check_count("branching_factor", self.branching_factor, low=2)
        if self.max_subclusters is not None:
            check_count("max_subclusters", self.max_subclusters, low=max(2, self.n_clusters or 2))
        if not isinstance(self.threshold, str):
            check_number("threshold", self.threshold, low=0.0)
        elif self.threshold != "auto":
            raise InvalidInput(f"threshold={self.threshold!r} is not allowed; give 'auto' or a number of at least 0")

    def _check_rows(self, rows: int) -> None:
        if rows < (self.n_clusters or 1):
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the rows, n_samples={rows}; use at most {rows}"
            )

    def _task(self, blocks: Blocks) -> Task:
        return super()._task(blocks)._replace(n_clusters=int(self.n_clusters or 1))

    def _entering(self, rows: Rows) -> dict[str, Host]:
        """Return rows and weights in the order in which they enter the tree."""
        if not self.shuffle:
            return {"x": rows.x, "sample_weight": rows.weight}
        found = distinct(rows.x)
        order = np.random.default_rng(seed_of(self.random_state)).permutation(len(found.first))
        return {"x": rows.x[found.first[order]], "sample_weight": np.bincount(found.place, rows.weight)[order]}

    def _tree(self) -> dict[str, Any]:
        """Return the parameters of the tree."""
        automatic = max(SUBCLUSTERS, A_SEGMENT * int(self.n_clusters or 1))
        return {
            "threshold": None if isinstance(self.threshold, str) else float(self.threshold),
            "branching_factor": int(self.branching_factor),
            "max_subclusters": automatic if self.max_subclusters is None else int(self.max_subclusters),
        }

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        """Return the segment of each subcluster: phase 3, on their means and weights."""
        many = len(points.rows)
        if self.n_clusters is None or many <= self.n_clusters:
            if self.n_clusters is not None and many < self.n_clusters:
                warn_few(self.n_clusters, many, f"threshold={self.threshold!r}")
            return np.arange(many)
        if many > MOST:
            raise InvalidInput(
                f"threshold={self.threshold} leaves {many:,} subclusters, and at most {MOST:,} are joined to segments; "
                "give a larger threshold, 'auto', or n_clusters=None"
            )
        return ward_labels(points, int(self.n_clusters), backend)

    def _place(self, points: MicroClusters, label: Host, rows: Rows, work: Work) -> Self:
        """Return self with each row in the segment of its nearest subcluster, and segments in order of weight."""
        found, backend = distinct(points.rows), work.backend
        kept = Kept(points.rows[found.first], label[found.first].astype(np.int64))
        search = group_search(backend, Kept(kept.rows, np.arange(len(kept.rows))))
        nearest, distance = map(to_host, work.engine.rows(label_block, search, dtypes=(np.int32, np.float64)))
        segment = kept.segments[nearest]
        held = np.bincount(nearest, rows.weight, minlength=len(kept.rows))
        distance = without_itself(distance, held[nearest], self._apart(backend, kept)[nearest])
        numbers = np.bincount(label, points.weight)
        weight = np.bincount(segment, rows.weight, minlength=len(numbers))
        means = np.stack([np.bincount(label, points.weight * column) / numbers for column in points.rows.T], axis=1)
        order = order_ids(means, weight)
        order = order[weight[order] > 0]
        number = np.full(len(weight), -1, dtype=np.int32)
        number[order] = np.arange(len(order))
        near = number[kept.segments] >= 0
        self.points_, self.point_segments_ = kept.rows[near], number[kept.segments[near]]
        self.segment_weight_, self.n_clusters_ = weight[order], len(order)
        quantiles = distance_quantiles(number[segment], distance, rows.weight, len(order), backend)
        self.distance_quantiles_, self.labels_ = quantiles, given_back(number[segment], backend, work.blocks)
        reason = f"{work.reason}; threshold {self.threshold_:.4g} leaves {len(points.rows):,} subclusters"
        return self._say(Dispatch(backend.name, work.engine.name, "own", reason, work.steps))


def without_itself(distance: Host, weight: Host, apart: Host) -> Host:
    """Return how far rows would be from the nearest mean if they had not moved their own, at most.

    ``distance``: to the mean of rows that weigh ``weight``, the row itself counted as one. ``apart``: from that mean to
    the next one of the segment, inf where there is none.

    >>> without_itself(np.array([1.0, 0.0, 0.0]), np.array([2.0, 1.0, 1.0]), np.array([5.0, 3.0, np.inf]))
    array([2., 3., 0.])
    """
    alone = weight <= 1
    others = np.where(alone, np.inf, distance * weight / np.where(alone, 1.0, weight - 1.0))
    nearest = np.minimum(others, distance + apart)
    return np.where(np.isfinite(nearest), nearest, distance)


def ward_labels(points: MicroClusters, n_clusters: int, backend: Backend) -> Host:
    """Return the label of each point, from 0 on, where Ward's method on the weighted points leaves so many."""
    leaves = leaves_of(points)
    rows, weight, spread = leaves.points
    grown = backend.fits["agglomerative"](rows, weight=weight, spread=spread, linkage="ward", metric="euclidean")
    tree = linkage_of(grown, leaves.leaf, points.weight)
    return cut_tree(tree, kept_merges(tree, n_clusters, None))


def warn_few(n_clusters: int, found: int, threshold: str) -> None:
    """Warn that fewer subclusters are left than clusters were asked for."""
    left = f"the {found} subclusters that {threshold} leaves"
    sentence = f"n_clusters={n_clusters} is more than {left}; {found} segments are made"
    warnings.warn(sentence, FewerSegments, stacklevel=4)
