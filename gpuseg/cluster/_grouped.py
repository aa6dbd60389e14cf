"""The base of methods that look at pairs: points learn a segment each, and a row goes to its nearest point's."""

from typing import Any, ClassVar, Self

import numpy as np

from gpuseg.backends import Array, Host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, order_ids
from gpuseg.cluster._base import Dispatch, check_is_fitted, given_back, in_callers_library
from gpuseg.cluster._labelled import masses_of, renumbered
from gpuseg.cluster._nearest import Kept, apart, assign_block, group_search, label_block, labelled, other_search
from gpuseg.cluster._quantiles import distance_quantiles, quantiles_of
from gpuseg.cluster._sized import Sized, SizedClusterer
from gpuseg.cluster._training import distinct, numbered
from gpuseg.neighbors.centers import add


class Grouped(SizedClusterer):
    """Fit, predict and assign of a method that gives each point, a row or a micro-cluster, a segment.

    A subclass names what it needs of a backend in ``_fit_name``, checks its parameters in ``_check_parameters``, and
    gives labels from 0 on in ``_learn``, where it also keeps what it fits besides. A model stores the distinct points,
    which are rows of persons where the fit is exact, and 201 quantiles a segment.
    """

    points_: Host
    point_segments_: Host
    stored: ClassVar[tuple[str, ...]] = (
        "points_", "point_segments_", "distance_quantiles_", "segment_weight_", "n_clusters_", "n_features_in_",
        "feature_names_in_", *SizedClusterer.sized,
    )  # fmt: skip

    def _check_parameters(self) -> None:
        """Raise InvalidInput for a parameter out of range."""
        raise NotImplementedError

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows."""
        self._check_method()
        self._check_parameters()
        sized = self._sized(X, sample_weight)
        label = self._learn(sized.points, sized.backend)
        self._adopt(label, sized) if sized.why is None else self._adopt_digest(label, sized, X)
        self._measure(sized)
        work, solver = sized.work, "own" if sized.why is None else "digest"
        reason = work.reason if sized.why is None else f"{work.reason}; a digest, for {sized.why}"
        return self._say(Dispatch(sized.backend.name, work.engine.name, solver, reason, work.steps))

    def _adopt(self, label: Host, sized: Sized) -> None:
        """Keep the segments of rows, numbered by weight, and all that placing new ones needs."""
        work, points, backend = sized.work, sized.points, sized.backend
        found = distinct(points.rows)
        number, self.segment_weight_ = numbered(label, points.rows, points.weight, 1 + int(np.max(label)))
        segment, self.n_clusters_ = number[label], len(self.segment_weight_)
        kept = Kept(points.rows[found.first], segment[found.first])
        self.points_, self.point_segments_ = kept
        alone = np.bincount(found.place)[found.place] == 1
        away = apart(backend, kept)[found.place]
        distance = np.where(alone & np.isfinite(away), away, 0.0)
        self.distance_quantiles_ = distance_quantiles(segment, distance, points.weight, self.n_clusters_, backend)
        self.labels_ = given_back(segment, backend, work.blocks)

    def _adopt_digest(self, label: Host, sized: Sized, given: Any) -> None:
        """Keep the segments of points, numbered by the weight of the rows that are nearest to them."""
        work, points = sized.work, sized.points
        order = distinct(points.rows).first
        rows, segment, count = points.rows[order], label[order], 1 + int(np.max(label))
        seen = work.engine.become(labelled, group_search(work.backend, Kept(rows, segment)))
        weight, _, _ = seen.reduce(work.backend.kernel_or(masses_of), add, count)
        ranked = order_ids(means_of(rows, points.weight[order], segment), weight)
        number = np.empty(count, dtype=np.int32)
        number[ranked] = np.arange(count, dtype=np.int32)
        self.points_, self.point_segments_ = Kept(rows, number[segment])
        self.segment_weight_, self.n_clusters_ = weight[ranked], count
        self.distance_quantiles_ = quantiles_of(seen, work.backend, count)[ranked]
        if work.blocks.lazy:  # the workers hold nothing for labels that nobody may ask for
            self.labels_ = self.predict(given)
        else:
            self.labels_ = in_callers_library(seen.rows(renumbered, number, dtypes=(np.int32,)), work.blocks)[0]

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest point, of ties the first."""
        check_is_fitted(self)
        opened, kept = self._open(X, reset=False), Kept(self.points_, self.point_segments_)
        fields = opened.engine.rows(label_block, group_search(opened.backend, kept), dtypes=(np.int32, np.float64))
        return in_callers_library(fields[:1], opened.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the nearest point. confidence: 1 - d1/d2, d2 to the nearest point of any other segment. novelty:
        the rank of the distance among those of the segment's training rows: of an exact fit each to the nearest other
        one, of a digest each to its nearest point.
        """
        check_is_fitted(self)
        opened, kept = self._open(X, reset=False), Kept(self.points_, self.point_segments_)
        searches = group_search(opened.backend, kept), other_search(opened.backend, kept)
        fields = opened.engine.rows(assign_block, *searches, np.inf, self.distance_quantiles_, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))


def means_of(rows: Host, weight: Host, label: Host) -> Host:
    """Return the weighted mean of the rows of each label, (labels, d)."""
    return np.stack(
        [np.average(rows[label == one], axis=0, weights=weight[label == one]) for one in range(1 + int(np.max(label)))]
    )
