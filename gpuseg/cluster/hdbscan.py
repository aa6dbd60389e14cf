"""HDBSCAN: segments of dense regions of any density, taken from a tree of all of them; what lies in none is noise."""

from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Backend, Host, Task, to_host, with_room
from gpuseg.cluster._approximate import Trained, assign_block, core_block, label_block
from gpuseg.cluster._assignment import ASSIGNED, Assignment
from gpuseg.cluster._base import Clusterer, Dispatch, check_is_fitted, given_back, in_callers_library
from gpuseg.cluster._condensed import METHODS, CondensedTree, Selection, SingleLinkage, condense, memberships, select
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._training import alike, nothing_near, numbered
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.neighbors.rows import nearest_of_group, nearest_rows


class HDBSCAN(Clusterer):
    """Find the dense regions that last longest as the density asked for rises; no distance has to be chosen.

    Campello, Moulavi and Sander 2013 and 2015; scikit-learn's HDBSCAN on the CPU, cuML's on the GPU build the
    single-linkage tree of mutual reachability, from which segments are taken here. ``min_cluster_size``: rows of
    the smallest segment. ``min_samples``: rows, the row itself counted, within a row's core distance; left out,
    ``min_cluster_size``. ``cluster_selection_method``: "eom" (excess of mass) or "leaf" (the finest segments).
    ``cluster_selection_epsilon``: segments are not split below this distance. ``allow_single_cluster``: all rows
    may be one segment.

    ``X``: (n_samples, n_features), finite, scaled: an array or a table in memory. A row whose core distance joins
    two sides hangs at the same height on both, and falls to either by the order of the rows, as in scikit-learn:
    there alone that order matters, by a row a split, or by a segment of ``min_cluster_size`` rows to the row.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment, -1 noise), ``probabilities_`` (membership
    strength), ``n_clusters_``, ``segment_weight_``, ``condensed_tree_``, ``backend_``, ``dispatch_``. A model
    stores all training rows, which are rows of persons, and of each row its segment, strength, core distance and
    place in the tree: at most 8 (n (d + 12) + 202 k) bytes. Raises InvalidInput for parameters out of range, for
    fewer rows than ``min_samples`` and for NaN, UnsupportedOnBackend where ``fit`` is given Dask arrays or files.

    >>> import numpy as np
    >>> model = HDBSCAN(3, min_samples=2).fit(np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0], [10.0]]))
    >>> model.labels_
    array([1, 1, 1, 0, 0, 0, 0], dtype=int32)
    >>> model.predict(np.array([[8.5], [1.5], [30.0]]))
    array([ 0,  1, -1], dtype=int32)
    """

    _fit_name: ClassVar[str] = "hdbscan"
    stored: ClassVar[tuple[str, ...]] = (
        "training_rows_", "training_labels_", "training_strengths_", "core_distances_", "condensed_tree_",
        "selection_", "cluster_segments_", "distance_quantiles_", "segment_weight_", "n_clusters_", "n_features_in_",
        "feature_names_in_",
    )  # fmt: skip

    def __init__(
        self,
        min_cluster_size: int = 5,
        *,
        min_samples: int | None = None,
        cluster_selection_method: str = "eom",
        cluster_selection_epsilon: float = 0.0,
        allow_single_cluster: bool = False,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_method = cluster_selection_method
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.allow_single_cluster = allow_single_cluster
        self.backend = backend
        self.engine = engine

    @with_room
    def fit(self, X: Any, y: None = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted."""
        self._check_parameters()
        blocks, backend, engine, reason, steps, x = self._whole(X)
        self._check_rows(x.shape[0])
        rows = to_host(x)
        tree, selection = self._tree(backend, x)
        chosen, strength = alike(rows, *memberships(tree.row_cluster, tree.row_lambda, selection))
        self.cluster_segments_, self.segment_weight_ = numbered(chosen, rows, np.ones(len(rows)), len(tree.parent))
        self.condensed_tree_, self.selection_ = tree._asdict(), selection._asdict()
        self.n_clusters_, label = len(self.segment_weight_), self.cluster_segments_[chosen]
        self.training_rows_, self.training_labels_, self.training_strengths_ = rows, label, strength
        search = backend.kernel_or(nearest_rows)
        (core,) = engine.rows(core_block, search(rows, self._reach), dtypes=(np.float64,))
        self.core_distances_ = to_host(core)
        self.distance_quantiles_ = self._quantiles(backend)
        self.labels_, self.probabilities_ = (given_back(each, backend, blocks) for each in (label, strength))
        return self._say(Dispatch(backend.name, engine.name, "vendor", reason, steps))

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of its nearest row by mutual reachability, or -1.

        The rows that the model was fitted to get their ``labels_``.
        """
        return self._walk(X, label_block, dtypes=(np.int32, np.float64))[0]

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
        return super()._task(blocks)._replace(min_samples=self._reach)

    def _check_rows(self, rows: int) -> None:
        if rows < (least := max(self._reach, 2)):
            name = "min_cluster_size" if self.min_samples is None else "min_samples"
            raise InvalidInput(
                f"{name}={self._reach} is asked of too few rows, n_samples={rows}; "
                f"pass at least {least} rows or a smaller {name}"
            )

    def _tree(self, backend: Backend, x: Array) -> tuple[CondensedTree, Selection]:
        """Return the condensed tree of the vendor's single-linkage tree, and the clusters selected in it."""
        linkage = SingleLinkage(**backend.fits["hdbscan"](x, min_samples=self._reach))
        tree = condense(linkage, int(self.min_cluster_size))
        epsilon, single = float(self.cluster_selection_epsilon), bool(self.allow_single_cluster)
        return tree, select(tree, method=self.cluster_selection_method, epsilon=epsilon, allow_single_cluster=single)

    def _quantiles(self, backend: Backend) -> Host:
        """Return each segment's distances of a row to the nearest other one, at RANKS."""
        kept = self.training_labels_ >= 0
        label, x = self.training_labels_[kept], backend.to_device(self.training_rows_[kept])
        distance = to_host(self._within(backend, skip=1)(x, backend.to_device(label))[1])
        distance = np.where(np.isfinite(distance), distance, 0.0)
        return distance_quantiles(label, distance, np.ones(len(label)), self.n_clusters_, backend)

    def _within(self, backend: Backend, *, skip: int = 0) -> Any:
        """Return the search ``(x, segment) -> (segment, distance)`` for the nearest row of a segment."""
        kept = self.training_labels_ >= 0
        if not np.any(kept):
            return nothing_near
        search = backend.kernel_or(nearest_of_group)
        return search(self.training_rows_[kept], self.training_labels_[kept], skip=skip)

    def _walk(self, x: Any, function: Any, *args: Any, dtypes: Any) -> tuple[Array, ...]:
        check_is_fitted(self)
        opened = self._open(x, reset=False)
        search = opened.backend.kernel_or(nearest_rows)(self.training_rows_, 2 * self._reach)
        tree, selection = CondensedTree(**self.condensed_tree_), Selection(**self.selection_)
        kept = (self.training_labels_, self.training_strengths_, self.core_distances_)
        trained = Trained(*kept, tree, selection, self.cluster_segments_, self._reach)
        within = (self._within(opened.backend),) if function is assign_block else ()
        fields = opened.engine.rows(function, search, *within, trained, *args, dtypes=dtypes)
        return in_callers_library(fields, opened.blocks)
