"""HDBSCAN: segments of dense regions of any density, taken from a tree of all of them; what lies in none is noise."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Backend, Host, Task, to_host, with_room
from gpuseg.cluster._approximate import Trained, assign_block, distance_block, label_block, searches_of
from gpuseg.cluster._assignment import ASSIGNED, NOISE, Assignment
from gpuseg.cluster._base import check_is_fitted, given_back, in_callers_library
from gpuseg.cluster._condensed import (
    METHODS,
    CondensedTree,
    Selection,
    SingleLinkage,
    condense,
    memberships,
    select,
)
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._sized import SizedClusterer, scaled
from gpuseg.cluster._training import alike, nothing_near, numbered
from gpuseg.engines import Blocks, each
from gpuseg.engines.blocks import ROWS, runs_of
from gpuseg.errors import unknown
from gpuseg.neighbors.rows import nearest_of_group, nearest_rows
from gpuseg.summary import N_MICRO, MicroClusters, core_distances, reaches, rows_as_points


class HDBSCAN(SizedClusterer):
    """Find the dense regions that last longest as the density asked for rises; no distance has to be chosen.

    Campello, Moulavi and Sander 2013 and 2015. The tree of mutual reachability is built by Boruvka's algorithm over
    a k-d tree on the CPU (March, Ram and Gray 2010), by cuML on the GPU. ``min_cluster_size``: rows of
    the smallest segment. ``min_samples``: rows, the row itself counted, within a row's core distance; left out,
    ``min_cluster_size``. ``cluster_selection_method``: "eom" (excess of mass) or "leaf" (the finest segments).
    ``cluster_selection_epsilon``: segments are not split below this distance. ``allow_single_cluster``: all rows
    may be one segment.

    ``X``: (n_samples, n_features), finite, scaled. A row whose core distance
    joins two sides hangs at the same height on both: it falls to the one whose row is nearer, and the order of the
    rows changes nothing. In scikit-learn it falls to either by that order.

    ``method``: "exact"; "digest", where ``n_micro`` weighted points, drawn by ``random_state``, stand for the rows; or
    "auto", a digest where an exact fit has no room or takes more than a minute, and for more than ``n_micro`` rows in
    blocks, of files or of Dask. ``exact_``, ``digest_size_`` and ``digest_error_`` (1 - ARI to an exact fit of a
    sample) say what it was; above an error of 0.25 "auto" raises DigestRefused.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment, -1 noise), ``probabilities_`` (membership
    strength), ``n_clusters_``, ``segment_weight_``, ``condensed_tree_``, ``backend_``, ``dispatch_``. A model
    stores all training rows, which are rows of persons, and of each row its segment, strength, core distance, weight
    and place in the tree: at most 8 (n (d + 14) + 202 k) bytes. Raises InvalidInput for parameters out of range, for
    fewer rows, by weight, than are asked for and for NaN, UnsupportedOnBackend for weights on a GPU.

    >>> import numpy as np
    >>> model = HDBSCAN(3, min_samples=2).fit(np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0], [10.0]]))
    >>> model.labels_
    array([1, 1, 1, 0, 0, 0, 0], dtype=int32)
    >>> model.predict(np.array([[8.5], [1.5], [30.0]]))
    array([ 0,  1, -1], dtype=int32)
    """

    _fit_name: ClassVar[str] = "hdbscan"
    stored: ClassVar[tuple[str, ...]] = (
        "training_rows_", "training_labels_", "training_strengths_", "training_weights_", "training_extents_",
        "core_distances_", "condensed_tree_", "selection_", "cluster_segments_", "distance_quantiles_",
        "segment_weight_", "n_clusters_", "n_features_in_", "feature_names_in_", *SizedClusterer.sized,
    )  # fmt: skip
    kept: ClassVar[tuple[str, str]] = ("training_rows_", "training_labels_")
    numbers: ClassVar[tuple[str, ...]] = ("cluster_segments_",)
    a_row: ClassVar[tuple[str, ...]] = ("labels_", "probabilities_")
    counted: ClassVar[tuple[str, ...]] = ("min_samples", "min_cluster_size")

    def __init__(
        self,
        min_cluster_size: int = 5,
        *,
        min_samples: int | None = None,
        cluster_selection_method: str = "eom",
        cluster_selection_epsilon: float = 0.0,
        allow_single_cluster: bool = False,
        method: str = "auto",
        n_micro: int = N_MICRO,
        random_state: Any = 0,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_method = cluster_selection_method
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.allow_single_cluster = allow_single_cluster
        self.method = method
        self.n_micro = n_micro
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows.

        A row of weight 0 changes nothing, and gets the segment that ``predict`` gives it.
        """
        self._check_method()
        self._check_parameters()
        sized = self._sized(X, sample_weight)
        if sized.why is not None:
            self._learn(sized.points, sized.backend)
            self._place(sized.work, X)
            return self._told(sized, "digest")
        work, (rows, weight, _) = sized.work, sized.points
        counts = weight > 0
        plain = sample_weight is None
        fitted = self._fitted(rows_as_points(rows[counts], weight[counts]), work.backend, work.whole if plain else None)
        label, strength = self._taken(rows_as_points(rows[counts], weight[counts]), work.backend, fitted, plain=plain)
        if not np.all(counts):
            counted, others = (label, strength), self._placed(rows[~counts])
            label, strength = np.full(len(rows), NOISE, dtype=np.int32), np.zeros(len(rows))
            for field, found, other in zip((label, strength), counted, others, strict=True):
                field[counts], field[~counts] = found, to_host(other)
        self.labels_, self.probabilities_ = (
            given_back(field, work.backend, work.blocks) for field in (label, strength)
        )
        return self._told(sized, fitted["solver"])

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        return self._taken(points, backend, self._fitted(points, backend, None), plain=False)[0]

    def _taken(
        self, points: MicroClusters, backend: Backend, fitted: Mapping[str, Any], *, plain: bool
    ) -> tuple[Host, Host]:
        """Return segment and strength of each point by its tree, and keep what placing rows needs.

        ``plain``: the points are all rows, each of weight 1.
        """
        core, near, weight = fitted["core_distances"], fitted["near"], None if plain else points.weight
        linkage = SingleLinkage(fitted["children"], fitted["heights"], fitted["sizes"], fitted.get("gaps"))
        tree = condense(linkage, int(self.min_cluster_size), weight=weight, core=core)
        epsilon, single = float(self.cluster_selection_epsilon), bool(self.allow_single_cluster)
        method = self.cluster_selection_method
        selection = select(tree, weight, method=method, epsilon=epsilon, allow_single_cluster=single)
        chosen, strength = alike(points.rows, *memberships(tree.row_cluster, tree.row_lambda, selection))
        self.cluster_segments_, self.segment_weight_ = numbered(chosen, points.rows, points.weight, len(tree.parent))
        self.condensed_tree_, self.selection_ = tree._asdict(), selection._asdict()
        self.n_clusters_, label = len(self.segment_weight_), self.cluster_segments_[chosen]
        self.training_rows_, self.training_labels_, self.training_strengths_ = points.rows, label, strength
        self.training_weights_, self.training_extents_, self.core_distances_ = points.weight, reaches(points), core
        self.distance_quantiles_ = self._quantiles(backend, points, near)
        return label, strength

    def _fitted(self, points: MicroClusters, backend: Backend, whole: Array | None) -> dict[str, Any]:
        """Return the single-linkage tree of mutual reachability, core distances and nearest rows of points.

        ``whole``: the points where the backend works, where they are rows of weight 1; else None.
        """
        x, given = (points.rows, points.weight) if whole is None else (whole, None)
        spread = (
            {"core": core_distances(points, self._reach), "reach": reaches(points)} if np.any(points.spread) else {}
        )
        fit = backend.fits["hdbscan"]
        fitted = {"solver": "own", **fit(x, min_samples=self._reach, sample_weight=given, **spread, each=each)}
        if "core_distances" not in fitted:  # a library's tree
            search = backend.kernel_or(nearest_rows)(points.rows, self._reach)
            core = np.concatenate([to_host(search(x[run])[1][:, -1]) for run in runs_of(len(points.rows), ROWS)])
            nothing = np.empty((len(points.rows), 0), dtype=np.int32)
            fitted |= {"solver": "vendor", "core_distances": core, "near": nothing}
        return fitted

    def _labelling(self, backend: Backend) -> tuple[Callable[..., tuple[Array, ...]], *tuple[Any, ...]]:
        trained = self._trained()
        return distance_block, searches_of(backend, self.training_rows_, trained), self._within(backend), trained

    def _told_rows(self, x: Any) -> tuple[Array, ...]:
        return self._placed(x)

    @property
    def _finest(self) -> int:
        return min(self._reach, int(self.min_cluster_size))

    def twin(self, share: float) -> Self:
        """Return an unfitted one like this for an exact fit of a sample: what counts rows is scaled to its share."""
        samples = None if self.min_samples is None else scaled(self.min_samples, share)
        return (
            super().twin(share).set_params(min_samples=samples, min_cluster_size=scaled(self.min_cluster_size, share))
        )

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of its nearest row by mutual reachability, or -1.

        The rows that the model was fitted to get their ``labels_``.
        """
        return self._placed(X)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the nearest training row of the segment, of noise to that of any segment, inf where the model
        has none. confidence: the membership strength, 0 for noise. novelty: the rank of the distance among those of
        the segment's training rows to the nearest other one; that of noise is its rank in the nearest segment.
        """
        check_is_fitted(self)
        return Assignment(*self._walk(X, assign_block, self.distance_quantiles_, dtypes=ASSIGNED))

    @property
    def _reach(self) -> int:
        return int(self.min_cluster_size if self.min_samples is None else self.min_samples)

    def _check_parameters(self) -> None:
        check_count("min_cluster_size", self.min_cluster_size, low=2)
        if self.min_samples is not None:
            check_count("min_samples", self.min_samples)
        check_number("cluster_selection_epsilon", self.cluster_selection_epsilon, low=0.0)
        if self.cluster_selection_method not in METHODS:
            raise unknown("cluster_selection_method", self.cluster_selection_method, METHODS)

    def _task(self, blocks: Blocks) -> Task:
        weighted = blocks.weights[0] is not None
        return super()._task(blocks)._replace(min_samples=self._reach, weighted=weighted)

    def _quantiles(self, backend: Backend, points: MicroClusters, near: Host) -> Host:
        """Return each segment's distances of a row to the nearest other one, at RANKS."""
        kept, label = np.flatnonzero(self.training_labels_ >= 0), self.training_labels_
        # Of a point of two rows or more, each row lies on another one.
        distance = np.where(points.weight >= 2, 0.0, among(points.rows, label, near))  # noqa: PLR2004 - two rows
        left = kept[np.isinf(distance[kept])]
        if left.size:
            x, wanted = backend.to_device(points.rows[left]), backend.to_device(label[left])
            distance[left] = to_host(self._within(backend, skip=1)(x, wanted)[1])
        distance = np.where(np.isfinite(distance), distance, 0.0)[kept]
        return distance_quantiles(label[kept], distance, points.weight[kept], self.n_clusters_, backend)

    def _within(self, backend: Backend, *, skip: int = 0) -> Any:
        """Return the search ``(x, segment) -> (segment, distance)`` for the nearest row of a segment."""
        kept = self.training_labels_ >= 0
        if not np.any(kept):
            return nothing_near
        search = backend.kernel_or(nearest_of_group)
        return search(self.training_rows_[kept], self.training_labels_[kept], skip=skip)

    def _placed(self, x: Any) -> tuple[Array, ...]:
        """Return the segment and the strength of each row."""
        return self._walk(x, label_block, dtypes=(np.int32, np.float64))

    def _trained(self) -> Trained:
        """Return what rows are placed by."""
        tree, selection = CondensedTree(**self.condensed_tree_), Selection(**self.selection_)
        kept = self.training_labels_, self.training_strengths_, self.core_distances_
        points = self.training_weights_, self.training_extents_
        return Trained(*kept, *points, tree, selection, self.cluster_segments_, self._reach)

    def _walk(self, x: Any, function: Any, *args: Any, dtypes: Any) -> tuple[Array, ...]:
        check_is_fitted(self)
        opened = self._open(x, reset=False)
        trained = self._trained()
        searches = searches_of(opened.backend, self.training_rows_, trained)
        within = (self._within(opened.backend),) if function is assign_block else ()
        fields = opened.engine.rows(function, searches, *within, trained, *args, dtypes=dtypes)
        return in_callers_library(fields, opened.blocks)


def among(rows: Host, label: Host, near: Host) -> Host:
    """Return the distance of each row to the nearest of its near ones that has its label; inf where none has.

    >>> among(np.array([[0.0], [1.0], [3.0]]), np.array([0, 1, 0]), np.array([[1, 2], [0, 2], [1, -1]]))
    array([ 3., inf, inf])
    """
    distance = np.full(len(rows), np.inf)
    for column in near.T[::-1]:  # the nearest last
        found = np.flatnonzero((column >= 0) & (label[column] == label))
        distance[found] = np.sqrt(np.sum((rows[found] - rows[column[found]]) ** 2, axis=1))
    return distance
