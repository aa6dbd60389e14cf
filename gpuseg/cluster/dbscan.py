"""DBSCAN: segments of dense regions, as many as the data has; what lies in none is noise."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from array_api_compat import array_namespace

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Backend, Host, Task, to_host, with_room
from gpuseg.cluster._anchors import Anchors, anchor_search, anchors_of, assign_within, within_block
from gpuseg.cluster._assignment import ASSIGNED, NOISE, Assignment
from gpuseg.cluster._base import check_is_fitted, given_back, in_callers_library
from gpuseg.cluster._dense import dense_segments
from gpuseg.cluster._nearest import Kept, apart, other_search
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._sized import Sized, SizedClusterer, scaled
from gpuseg.cluster._training import distinct, numbered
from gpuseg.engines import Blocks
from gpuseg.neighbors.centers import squared_distances
from gpuseg.neighbors.sample import rows_of, sample_rows
from gpuseg.summary import N_MICRO, MicroClusters, reaches

PROBES, AGAINST = 256, 4096
"""Rows whose neighbours are counted, and rows they are counted among: a million pairs, ten milliseconds."""


class DBSCAN(SizedClusterer):
    """Join rows that have ``min_samples`` rows, themselves counted, within ``eps``: the core points of a segment.

    Ester, Kriegel, Sander and Xu, KDD 1996; scikit-learn's DBSCAN on the CPU, cuML's on the GPU. A row that is no
    core point belongs to the segment of its nearest core point within ``eps`` (of equally near ones, the first in
    the order of the coordinates), else it is noise, -1: the order of the rows changes nothing.

    ``X``: (n_samples, n_features), finite, scaled: ``eps`` is in its units.

    ``method``: "exact"; "digest", where ``n_micro`` weighted points, drawn by ``random_state``, stand for the rows; or
    "auto", a digest where an exact fit has no room or takes more than a minute, and for more than ``n_micro`` rows in
    blocks, of files or of Dask. ``exact_``, ``digest_size_`` and ``digest_error_`` (1 - ARI to an exact fit of a
    sample) say what it was; above an error of 0.25 "auto" raises DigestRefused.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``core_sample_indices_``, ``n_clusters_``,
    ``segment_weight_``, ``backend_``, ``dispatch_``. A model stores the distinct core points, which are rows of
    persons, and 201 quantiles a segment: at most 8 (n (d + 1) + 202 k) bytes. Raises InvalidInput for parameters
    out of range, for less weight than ``min_samples`` and for NaN.

    >>> import numpy as np
    >>> model = DBSCAN(eps=1.0, min_samples=3).fit(np.array([[0.0], [1.0], [2.0], [9.0]]))
    >>> model.labels_
    array([ 0,  0,  0, -1], dtype=int32)
    >>> model.assign(np.array([[1.75], [5.0]])).distance
    array([0.75, 4.  ])
    """

    _fit_name: ClassVar[str] = "dbscan"
    stored: ClassVar[tuple[str, ...]] = (
        "core_rows_", "core_segments_", "core_bounds_", "distance_quantiles_", "segment_weight_", "n_clusters_",
        "n_features_in_", "feature_names_in_", *SizedClusterer.sized,
    )  # fmt: skip
    kept: ClassVar[tuple[str, str]] = ("core_rows_", "core_segments_")
    counted: ClassVar[tuple[str, ...]] = ("min_samples",)

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        method: str = "auto",
        n_micro: int = N_MICRO,
        random_state: Any = 0,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.method = method
        self.n_micro = n_micro
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows.

        As in scikit-learn, a row of weight 0 adds nothing to its neighbours, and is a core point where they suffice.
        """
        self._check_method()
        check_number("eps", self.eps, low=0.0, above=True)
        check_count("min_samples", self.min_samples)
        sized = self._sized(X, sample_weight)
        if sized.why is None:
            self._fit_rows(sized, given=sample_weight is not None)
            return self._told(sized, "vendor")
        if hasattr(self, "core_sample_indices_"):  # those of an exact fit before
            del self.core_sample_indices_
        self._learn(sized.points, sized.backend)
        self._place(sized.work, X)
        return self._told(sized, "digest")

    def _fit_rows(self, sized: Sized, *, given: bool) -> None:
        """Keep the segments of rows, which the backend's library finds."""
        work, rows, weight = sized.work, to_host(sized.work.whole), sized.points.weight
        backend, fit = work.backend, work.backend.fits["dbscan"]
        weights = backend.to_device(weight) if given else None
        fitted = fit(work.whole, eps=float(self.eps), min_samples=self.min_samples, sample_weight=weights)
        cores = np.asarray(fitted["core_sample_indices_"], dtype=np.int64)
        found = distinct(rows[cores])
        first = cores[found.first]
        self.core_rows_, self.core_segments_ = rows[first], fitted["labels_"][first].astype(np.int64)
        self.core_bounds_ = np.full(len(first), float(self.eps))
        fields = work.engine.rows(*self._labelling(backend), dtypes=(np.int32, np.float64))
        label, distance = (np.array(to_host(field)) for field in fields)
        distance[cores] = np.minimum(apart(backend, self._cores()), self.eps)[found.place]
        number, self.segment_weight_ = numbered(label, rows, weight, 1 + int(np.max(label)))
        self.n_clusters_, self.core_sample_indices_ = len(self.segment_weight_), cores
        self.core_segments_ = number[self.core_segments_]
        self.distance_quantiles_ = distance_quantiles(number[label], distance, weight, self.n_clusters_, backend)
        self.labels_ = given_back(number[label], backend, work.blocks)

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:  # noqa: ARG002 - the host's work
        """Return the label of each point, -1 for noise; keep the core points, and how far from each rows are of it."""
        found = dense_segments(points, eps=float(self.eps), min_samples=self.min_samples)
        core = np.flatnonzero(found.core)
        bounds = float(self.eps) + reaches(points)[core]
        anchors = anchors_of(points.rows[core], found.label[core], bounds)
        self.core_rows_, self.core_segments_, self.core_bounds_ = anchors
        self.n_clusters_ = 1 + int(np.max(found.label, initial=NOISE))
        return found.label

    def _labelling(self, backend: Backend) -> tuple[Callable[..., tuple[Array, ...]], *tuple[Any, ...]]:
        return within_block, anchor_search(backend, self._anchors())

    def _cores(self) -> Kept:
        return Kept(self.core_rows_, self.core_segments_)

    def _anchors(self) -> Anchors:
        return Anchors(self.core_rows_, self.core_segments_, self.core_bounds_)

    def _reorder(self, order: Host) -> Host:
        number, inside = super()._reorder(order), self.core_segments_ >= 0
        self.core_rows_, self.core_segments_, self.core_bounds_ = (field[inside] for field in self._anchors())
        return number

    @property
    def _finest(self) -> int:
        return int(self.min_samples)

    def twin(self, share: float) -> Self:
        """Return an unfitted one like this for an exact fit of a sample: what counts rows is scaled to its share."""
        return super().twin(share).set_params(min_samples=scaled(self.min_samples, share))

    def _task(self, blocks: Blocks) -> Task:
        task = super()._task(blocks)
        if not blocks.in_memory:
            return task
        return task._replace(neighbours=neighbours_within(blocks.held, float(self.eps)))

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest core point within ``eps``, else -1.

        The rows that the model was fitted to get their ``labels_``.
        """
        return super().predict(X)

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the nearest core point, inf where the model has none. confidence: 1 - d1/d2, d2 to the nearest
        core point of any other segment; 0 for noise. novelty: the rank of the distance among the segment's training
        rows, those of a core point being to the nearest other one; that of noise is its rank in the nearest segment.
        """
        check_is_fitted(self)
        opened = self._open(X, reset=False)
        searches = anchor_search(opened.backend, self._anchors()), other_search(opened.backend, self._cores())
        fields = opened.engine.rows(assign_within, *searches, self.distance_quantiles_, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))


def neighbours_within(x: Array, eps: float) -> float:
    """Return about how many rows lie within ``eps`` of a row, itself counted, from a sample of the pairs.

    >>> neighbours_within(np.array([[0.0], [1.0], [9.0]]), 2.0)
    1.666...
    """
    xp, rows = array_namespace(x), x.shape[0]
    among, probes = (rows_of(x, sample_rows(rows, size, seed)) for seed, size in enumerate((AGAINST, PROBES)))
    among, probes = xp.astype(among, xp.float64), xp.astype(probes, xp.float64)
    mean = xp.mean(among, axis=0)[None, :]
    near = squared_distances(probes - mean, among - mean) <= eps**2
    return float(xp.mean(xp.astype(near, xp.float64))) * rows
