"""OPTICS: an order of all points by density, of which segments of any density are cut without a new fit."""

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Backend, Host, Task, choose, to_host
from gpuseg.cluster._anchors import (
    Anchors,
    anchor_search,
    anchors_of,
    assign_within,
    training_distances,
    within_block,
)
from gpuseg.cluster._assignment import ASSIGNED, NOISE, Assignment
from gpuseg.cluster._base import check_is_fitted, in_callers_library
from gpuseg.cluster._grouped import Grouped
from gpuseg.cluster._nearest import Kept, other_search
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._sized import scaled
from gpuseg.cluster._training import numbered
from gpuseg.cluster._xi import Ordered, Wanted, by_height, by_steepness
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.summary import N_MICRO, MicroClusters, core_distances, radii, reaches

CLUSTER_METHODS = ("xi", "dbscan")
DECIMALS = 15
"""Decimals of distances, as in scikit-learn: what differs in its last bits alone goes by the order of the rows."""


class OPTICS(Grouped):
    """Order rows so that each follows the one it is densest connected to, and cut segments out of that order.

    Ankerst, Breunig, Kriegel and Sander, SIGMOD 1999; the walk is ours, and gives scikit-learn's order.
    ``min_samples``: rows, the row itself counted, within a row's core distance. ``max_eps``: farther rows are not
    connected.
    ``cluster_method``: "xi" takes valleys of the reachability plot whose sides are steeper than the share ``xi`` a
    row, of at least ``min_cluster_size`` rows (left out, ``min_samples``), with ends that were reached from within
    (``predecessor_correction``, Schubert and Gertz 2018); "dbscan" cuts the plot at the height ``eps`` (left out,
    ``max_eps``). ``extract`` cuts again without a new fit.

    ``X``: (n_samples, n_features), finite, scaled. Points that stand for rows count as their weight, once in the order.

    A new row belongs to the segment of its nearest point that is dense at the segment's level, if that lies within
    the level: ``eps``, or the largest reachability inside the valley, or ``max_eps`` where the valley is all rows; else
    it is noise. Not every training row gets its ``labels_`` back: sparse rows at a valley's rim may not, and equal rows
    agree (of 19 public labelled sets of up to 3,000 rows, cut in four ways, 97 of 100 rows did in the mean and 90 in
    the worst case). Of a digest all do. Valleys come and go with the rows: fits of half of 2,400, in two moons, agreed
    with a fit of all by an ARI of .57 by "xi", and of 1.00 by "dbscan" (means of eight draws).

    ``method``: "exact"; "digest", where ``n_micro`` weighted points, drawn by ``random_state``, stand for the rows; or
    "auto", a digest where an exact fit has no room or takes more than a minute, and for more than ``n_micro`` rows in
    blocks, of files or of Dask. ``exact_``, ``digest_size_`` and ``digest_error_`` (1 - ARI to an exact fit of a
    sample) say what it was; above an error of 0.25 "auto" raises DigestRefused.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment, -1 noise), ``ordering_`` (numbers of the points),
    ``reachability_``, ``core_distances_`` and ``predecessor_`` (by number; inf and -1 where there is none),
    ``cluster_hierarchy_`` (of "xi": first and last place of each valley, smaller ones first), ``n_clusters_``,
    ``segment_weight_``, ``backend_``, ``dispatch_``. A model stores all points, which are rows of persons where the
    fit is exact: at most 8 (n (d + 8) + 202 k) bytes. Raises InvalidInput for parameters out of range, for less weight
    than ``min_samples`` and for NaN.

    In the example 0, 1, 2, 10 and 11 have another row within 1, 13 within 2. From 0, the first row, 1 is reached at 1,
    from there 2 at 1, then 10 at 8, 11 at 1 and 13 at 2: the plot falls and rises steeply at both sides of 1 1 and 1 2.

    >>> import numpy as np
    >>> model = OPTICS(2).fit(np.array([[0.0], [13.0], [1.0], [10.0], [2.0], [11.0]]))
    >>> model.ordering_, model.reachability_[model.ordering_]
    (array([0, 2, 4, 3, 5, 1]), array([inf,  1.,  1.,  8.,  1.,  2.]))
    >>> model.labels_
    array([0, 1, 0, 1, 0, 1], dtype=int32)
    >>> model.extract("dbscan", eps=1.0).labels_
    array([ 0, -1,  0,  1,  0,  1], dtype=int32)
    """

    cluster_hierarchy_: Host
    places_alike: ClassVar[bool] = False
    _fit_name: ClassVar[str] = "optics"
    stored: ClassVar[tuple[str, ...]] = (
        *Grouped.stored, "point_weight_", "point_spread_", "ordering_", "reachability_", "core_distances_",
        "predecessor_", "cluster_hierarchy_", "segment_levels_",
    )  # fmt: skip
    a_segment: ClassVar[tuple[str, ...]] = (*Grouped.a_segment, "segment_levels_")
    counted: ClassVar[tuple[str, ...]] = ("min_samples", "min_cluster_size")

    def __init__(  # noqa: PLR0913 - one parameter a decision of the user's
        self,
        min_samples: int = 5,
        *,
        max_eps: float = np.inf,
        cluster_method: str = "xi",
        xi: float = 0.05,
        predecessor_correction: bool = True,
        min_cluster_size: int | None = None,
        eps: float | None = None,
        method: str = "auto",
        n_micro: int = N_MICRO,
        random_state: Any = 0,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.min_samples = min_samples
        self.max_eps = max_eps
        self.cluster_method = cluster_method
        self.xi = xi
        self.predecessor_correction = predecessor_correction
        self.min_cluster_size = min_cluster_size
        self.eps = eps
        self.method = method
        self.n_micro = n_micro
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    def fit(self, X: Any, y: None = None, **weights: Any) -> Self:  # type: ignore[override]  # noqa: N803 - scikit-learn's name
        """Return self, fitted; ``sample_weight=`` is (n_samples,), not negative, and counts as that many rows.

        A row of weight 0 is none: it comes last in the order, and gets its label as a new row does.
        """
        # Named in the signature, scikit-learn would hold weighted rows, shuffled, to equal repeated ones that are not:
        # no order that begins at the first row does, and its own begins there.
        if weights.keys() - {"sample_weight"}:
            raise TypeError(f"fit() got {', '.join(weights)}; it takes X, y and sample_weight")
        return super().fit(X, y, **weights)

    def extract(self, cluster_method: str = "xi", **parameters: Any) -> Self:
        """Return a model with other segments of the same order; this one stays as it is.

        ``parameters``: ``eps`` of "dbscan"; ``xi``, ``predecessor_correction`` and ``min_cluster_size`` of "xi"; those
        left out are this model's. Of a digest the rows are not kept: ``predict`` gives their labels, there is no
        ``labels_``, and weights and novelty are by the points. Raises InvalidInput for parameters of the other method
        and for those out of range.
        """
        check_is_fitted(self)
        allowed = {"dbscan": {"eps"}, "xi": {"xi", "predecessor_correction", "min_cluster_size"}}
        if cluster_method in allowed and (wrong := sorted(parameters.keys() - allowed[cluster_method])):
            names = ", ".join(sorted(allowed[cluster_method]))
            raise InvalidInput(f"cluster_method={cluster_method!r} takes no {', '.join(wrong)}; give any of {names}")
        return copy(self).set_params(cluster_method=cluster_method, **parameters)._cut()  # noqa: SLF001 - of this class

    def _labelling(self, backend: Backend) -> tuple[Callable[..., tuple[Array, ...]], *tuple[Any, ...]]:
        return within_block, anchor_search(backend, self._anchors())

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of its nearest dense point in reach, or -1."""
        return super().predict(X)

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the nearest dense point of a segment, inf where the model has none. confidence: 1 - d1/d2, d2 to
        that of any other segment; 0 for noise. novelty: the rank of the distance among the segment's training rows,
        those of a dense point being to the nearest other one; that of noise is its rank in the nearest segment.
        """
        check_is_fitted(self)
        opened, anchors = self._open(X, reset=False), self._anchors()
        other = other_search(opened.backend, Kept(anchors.rows, anchors.segments))
        search = anchor_search(opened.backend, anchors)
        fields = opened.engine.rows(assign_within, search, other, self.distance_quantiles_, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))

    def _check_parameters(self) -> None:
        check_count("min_samples", self.min_samples, low=2)
        if self.max_eps != np.inf:
            check_number("max_eps", self.max_eps, low=0.0, above=True)
        if self.cluster_method not in CLUSTER_METHODS:
            raise unknown("cluster_method", self.cluster_method, CLUSTER_METHODS)
        check_number("xi", self.xi, low=0.0)
        if self.xi >= 1:
            raise InvalidInput(f"xi={self.xi!r} is not allowed; give a number of at least 0.0 and below 1")
        if self.min_cluster_size is not None:
            check_count("min_cluster_size", self.min_cluster_size, low=2)
        if self.eps is not None:
            check_number("eps", self.eps, low=0.0, above=True)
            if self.eps > self.max_eps:
                raise InvalidInput(
                    f"eps={self.eps!r} is above max_eps={self.max_eps!r}; give at most that, or fit with more"
                )

    def _task(self, blocks: Blocks) -> Task:
        return super()._task(blocks)._replace(min_samples=int(self.min_samples))

    @property
    def _finest(self) -> int:
        return int(self.min_samples)

    def twin(self, share: float) -> Self:
        """Return an unfitted one like this for an exact fit of a sample: what counts rows is scaled to its share."""
        least = None if self.min_cluster_size is None else scaled(self.min_cluster_size, share)
        counts = {"min_samples": scaled(self.min_samples, share), "min_cluster_size": least}
        return super().twin(share).set_params(**counts)

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        # A point of no weight is no row: it comes last, reached from nowhere.
        some, none, total = np.flatnonzero(points.weight > 0), np.flatnonzero(points.weight <= 0), len(points.weight)
        rows = MicroClusters(*(field[some] for field in points))
        core = core_distances(rows, self.min_samples)
        core = np.around(np.where(core > self.max_eps, np.inf, core), DECIMALS)
        given = {"core_distances": core, "reaches": reaches(rows), "max_eps": float(self.max_eps)}
        found = backend.fits["optics"](rows.rows, **given)
        self.ordering_ = np.append(some[found["ordering"]], none)
        self.core_distances_, self.reachability_ = np.full((2, total), np.inf)
        self.core_distances_[some], self.reachability_[some] = core, found["reachability"]
        self.predecessor_ = np.full(total, -1)
        self.predecessor_[some] = np.append(some, -1)[found["predecessor"]]
        self.point_weight_ = points.weight
        return self._extracted()

    def _extracted(self) -> Host:
        """Return the label of each point by ``cluster_method``, from 0 on, without gaps, or -1."""
        found = Ordered(self.ordering_, self.reachability_, self.core_distances_, self.predecessor_, self.point_weight_)
        if self.cluster_method == "dbscan":
            if hasattr(self, "cluster_hierarchy_"):
                del self.cluster_hierarchy_
            return by_height(found, self._height)
        least = self.min_samples if self.min_cluster_size is None else self.min_cluster_size
        wanted = Wanted(1.0 - self.xi, self.min_samples, least, self.predecessor_correction)
        label, self.cluster_hierarchy_ = by_steepness(found, wanted)
        return label

    @property
    def _height(self) -> float:
        return float(self.max_eps if self.eps is None else self.eps)

    def _cut(self) -> Self:
        """Return self, cut anew by its parameters."""
        self._check_parameters()
        points = MicroClusters(self.points_, self.point_weight_, self.point_spread_)
        segment = self._settle(self._extracted(), points, choose(points.rows, self.backend).backend)
        if self._of_rows(segment):
            self.labels_ = segment
        elif hasattr(self, "labels_"):
            del self.labels_
        return self

    def _settle(self, label: Host, points: MicroClusters, backend: Backend) -> Host:
        """Return the segment of each point, numbered by weight; keep all that placing rows needs."""
        number, self.segment_weight_ = numbered(label, points.rows, points.weight, 1 + int(np.max(label)))
        segment, self.n_clusters_ = number[label], len(self.segment_weight_)
        self.points_, self.point_weight_, self.point_spread_ = points
        self.point_segments_, self.segment_levels_ = segment, self._levels(segment)
        anchors, weight = self._anchors(), points.weight
        if np.any(weight <= 0):
            at, _, near = (to_host(field) for field in anchor_search(backend, anchors)(backend.to_device(points.rows)))
            segment = np.where(weight > 0, segment, np.where(near, at, NOISE)).astype(np.int32)
        distance = training_distances(backend, anchors, points.rows)
        self.distance_quantiles_ = distance_quantiles(segment, distance, weight, self.n_clusters_, backend)
        return segment

    def _levels(self, segment: Host) -> Host:
        """Return within which distance each segment is connected: the height of the cut, or inside its valley."""
        if self.cluster_method == "dbscan":
            return np.full(self.n_clusters_, self._height)
        if self.n_clusters_ == 1 and np.all(segment[self.point_weight_ > 0] >= 0):
            return np.array([float(self.max_eps)])  # a valley of all rows has no rim
        ordered, levels = segment[self.ordering_], np.zeros(self.n_clusters_)
        reached, core = self.reachability_[self.ordering_], self.core_distances_[self.ordering_]
        # The first row of a valley was reached from outside; if a point stands for more, the others lie behind it.
        first = ordered != np.append(NOISE, ordered[:-1])
        height = np.where(first, np.minimum(reached, core), reached)
        inside = (ordered >= 0) & (~first | (self.point_weight_[self.ordering_] > 1))
        np.maximum.at(levels, ordered[inside], height[inside])
        return levels

    def _anchors(self) -> Anchors:
        """Return the points of segments that are dense at their segment's level, and how far each holds rows."""
        level = np.append(self.segment_levels_, -1.0)[self.point_segments_]
        dense = np.flatnonzero(self.core_distances_ <= level)
        points = MicroClusters(self.points_, self.point_weight_, self.point_spread_)
        return anchors_of(self.points_[dense], self.point_segments_[dense], (level + radii(points))[dense])
