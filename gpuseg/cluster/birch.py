"""BIRCH: one pass makes subclusters of all rows, and Ward's method makes segments of the subclusters."""

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Backend, Host, Task, to_host, with_room
from gpuseg.cluster._assignment import Assignment, order_ids
from gpuseg.cluster._base import Dispatch, Work, in_callers_library, seed_of
from gpuseg.cluster._labelled import renumbered
from gpuseg.cluster._nearest import Kept, NearestPoint, group_search, label_block
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster._sized import means_of, placed, weights_of_segments
from gpuseg.cluster._subclusters import in_segments, joined, subclusters, subclusters_of
from gpuseg.cluster._training import distinct, weights_of
from gpuseg.cluster._tree import cut_tree, kept_merges, leaves_of, linkage_of
from gpuseg.engines import Blocks
from gpuseg.engines.blocks import refuse_weightless
from gpuseg.errors import FewerSegments, InvalidInput, UnsupportedOnBackend
from gpuseg.neighbors.groups import sums_by
from gpuseg.summary import MicroClusters

SUBCLUSTERS = 300
"""Subclusters of an automatic threshold at most. Of 200 to 4,000, from 300 on more did not raise the agreement with
the truth on 24 labelled sets (mean ARI .71 on sipu, .69 to .71 on fcps)."""
A_SEGMENT = 10
"""Subclusters allowed for each segment, where that is more."""
MOST = 30_000
"""Subclusters that the global step takes: its time rises with their square, here to a minute or so."""


class Birch(NearestPoint):
    """Sum rows up as they pass in subclusters of a radius of ``threshold``, and join these to ``n_clusters`` segments.

    Zhang, Ramakrishnan and Livny 1996, phases 1 to 3, with the numerically safe cluster features of Lang and Schubert
    2020. ``threshold``: the largest radius, the root of the mean squared distance to the mean; "auto" raises it from 0,
    and rebuilds the tree, until at most ``max_subclusters`` are left (None: 300, or ten a segment if that is more).
    ``branching_factor``: entries of a node of the tree. ``n_clusters``: segments by Ward's method on the weighted
    subclusters; None: each subcluster is a segment.

    Rows grow a tree a block (65,536 rows of an array, a row group of a file, a chunk of Dask input), and the blocks'
    subclusters one tree of all: linear in the rows, and the same on any engine. ``shuffle``: a block's rows enter in an
    order drawn by ``random_state``, equal ones together, so that their order in the block changes nothing, and a row of
    weight 2 is the row twice; which rows share a block does change the subclusters, as another seed does. False: all
    rows enter one tree as they come, as in scikit-learn, whose subclusters are then the same; they must be in memory.

    ``X``: (n_samples, n_features), finite, scaled; what it may be and ``engine`` are those of ``KMeans``. After
    ``fit``: ``labels_`` (int32; 0 is the heaviest segment; for Dask input a lazy Dask array),
    ``subcluster_centers_``, ``subcluster_labels_``, ``threshold_``, ``n_clusters_``, ``segment_weight_``,
    ``backend_``, ``dispatch_``. A row belongs to the segment of its nearest subcluster; a segment that gets no row so
    is left out. Where segments overlap, they change with the rows: fits of half of 2,400, in four blobs 3.5 deviations
    apart, agreed with a fit of all by an ARI of .72, and gave the other half's rows .71 (means of eight draws; the
    worst fit had .58). A model stores the subclusters' means, which are rows of persons where a subcluster is one row,
    and 201 quantiles a segment. Raises InvalidInput for parameters out of range, for more clusters than rows and for
    NaN.

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
    in_blocks: ClassVar[bool] = True
    beyond: ClassVar[str] = "blocks"
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
        work = self._open(X, sample_weight, reset=True)
        self._check_rows(sum(work.blocks.sizes))
        found = self._grown(work)
        points = MicroClusters(found["mean"], found["weight"], found["radius"])
        self.threshold_ = found["threshold"]
        return self._place(points, self._learn(points, work.backend), work, X)

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

    def _grown(self, work: Work) -> Mapping[str, Any]:
        """Return the subclusters of all rows: of a tree a block, or of one tree that they enter as they come."""
        most = np.inf if self.n_clusters is None else max(MOST, int(self.n_clusters))
        grow = partial(subclusters, partial(work.backend.fits["birch"], **self._tree()), most)
        if self.shuffle:
            found: Mapping[str, Any] = work.engine.merge(
                subclusters_of, partial(joined, grow=grow), grow, seed_of(self.random_state)
            )
        elif work.whole is None:
            raise UnsupportedOnBackend(
                "shuffle=False enters all rows into one tree as they come, and the rows are in blocks, of files or on "
                "workers; use shuffle=True, or pass an array in memory"
            )
        else:
            found = grow(to_host(work.whole), sample_weight=weights_of(work.blocks, work.whole.shape[0]))
        refuse_weightless(len(found["weight"]))
        return found

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
        return ward_labels(points, int(self.n_clusters), backend)

    def _place(self, points: MicroClusters, label: Host, work: Work, given: Any) -> Self:
        """Return self with each row in the segment of its nearest subcluster, and segments in order of weight."""
        found, backend, count = distinct(points.rows), work.backend, int(np.max(label)) + 1
        kept = Kept(points.rows[found.first], label[found.first].astype(np.int64))
        search = group_search(backend, Kept(kept.rows, np.arange(len(kept.rows))))
        near = work.engine.become(placed, label_block, search)
        held = near.reduce(weights_of_segments, sum, backend.kernel_or(sums_by), len(kept.rows))
        seen = near.become(in_segments, kept.segments, held, self._apart(backend, kept))
        weight = seen.reduce(weights_of_segments, sum, backend.kernel_or(sums_by), count)
        order = order_ids(means_of(points.rows, label, count, points.weight), weight)
        order = order[weight[order] > 0]
        number = np.full(count, -1, dtype=np.int32)
        number[order] = np.arange(len(order))
        left = number[kept.segments] >= 0
        self.points_, self.point_segments_ = kept.rows[left], number[kept.segments[left]]
        self.segment_weight_, self.n_clusters_ = weight[order], len(order)
        self.distance_quantiles_ = quantiles_of(seen, backend, count)[order]
        if work.blocks.lazy:  # the workers hold nothing for labels that nobody may ask for
            self.labels_ = self.predict(given)
        else:
            self.labels_ = in_callers_library(seen.rows(renumbered, number, dtypes=(np.int32,)), work.blocks)[0]
        reason = f"{work.reason}; threshold {self.threshold_:.4g} leaves {len(points.rows):,} subclusters"
        return self._say(Dispatch(backend.name, work.engine.name, "own", reason, work.steps))


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
