"""The base of methods that look at pairs: points learn a segment each, and a row goes to its nearest point's."""

from typing import Any, ClassVar, Self

import numpy as np

from gpuseg.backends import Array, Backend, Host, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment
from gpuseg.cluster._base import Clusterer, Dispatch, Work, check_is_fitted, given_back, in_callers_library
from gpuseg.cluster._nearest import EUCLIDEAN, Kept, Placing, assign_block, label_block
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._training import distinct, numbered, weights_of
from gpuseg.summary import MicroClusters, rows_as_points


class Grouped(Clusterer):
    """Fit, predict and assign of a method that gives each point, a row or a micro-cluster, a segment.

    A subclass names what it needs of a backend in ``_fit_name``, checks its parameters in ``_check_parameters``, and
    gives labels from 0 on in ``_learn``, where it also keeps what it fits besides. A model stores the distinct points,
    which are rows of persons where it is exact, and 201 quantiles a segment.
    """

    points_: Host
    point_segments_: Host
    stored: ClassVar[tuple[str, ...]] = (
        "points_", "point_segments_", "distance_quantiles_", "segment_weight_", "n_clusters_", "n_features_in_",
        "feature_names_in_",
    )  # fmt: skip

    def _check_parameters(self) -> None:
        """Raise InvalidInput for a parameter out of range."""
        raise NotImplementedError

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        """Return the label of each point, from 0 on, without gaps; keep what is fitted besides."""
        raise NotImplementedError

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows."""
        self._check_parameters()
        work = self._whole(X, sample_weight)
        points = rows_as_points(to_host(work.whole), weights_of(work.blocks, sum(work.blocks.sizes)))
        return self._adopt(self._learn(points, work.backend), points, work)

    def _adopt(self, label: Host, points: MicroClusters, work: Work) -> Self:
        """Return self with the segments of the points, numbered by weight, and all that placing rows needs."""
        self.labels_ = given_back(self._settle(label, points, work.backend), work.backend, work.blocks)
        return self._say(Dispatch(work.backend.name, work.engine.name, "own", work.reason, work.steps))

    def _settle(self, label: Host, points: MicroClusters, backend: Backend) -> Host:
        """Return the segment of each point, numbered by weight; keep all that placing rows needs."""
        found = distinct(points.rows)
        number, self.segment_weight_ = numbered(label, points.rows, points.weight, 1 + int(np.max(label)))
        segment, self.n_clusters_ = number[label], len(self.segment_weight_)
        kept = Kept(points.rows[found.first], segment[found.first])
        self.points_, self.point_segments_ = kept
        alone = np.bincount(found.place)[found.place] == 1
        away = self._apart(backend, kept)[found.place]
        distance = np.where(alone & np.isfinite(away), away, 0.0)
        self.distance_quantiles_ = distance_quantiles(segment, distance, points.weight, self.n_clusters_, backend)
        return segment

    @property
    def _placing(self) -> Placing:
        """Return the searches that place rows: a subclass with other metrics has others."""
        return EUCLIDEAN

    def _apart(self, backend: Backend, kept: Kept) -> Host:
        """Return each kept point's distance to the nearest other one of its segment, inf where it is alone."""
        return self._placing.apart(backend, kept)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest point, of ties the first."""
        check_is_fitted(self)
        opened, kept = self._open(X, reset=False), Kept(self.points_, self.point_segments_)
        fields = opened.engine.rows(
            label_block, self._placing.group(opened.backend, kept), dtypes=(np.int32, np.float64)
        )
        return in_callers_library(fields[:1], opened.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the nearest point. confidence: 1 - d1/d2, d2 to the nearest point of any other segment. novelty:
        the rank of the distance among those of the segment's training rows, each to the nearest other one.
        """
        check_is_fitted(self)
        opened, kept = self._open(X, reset=False), Kept(self.points_, self.point_segments_)
        searches = self._placing.group(opened.backend, kept), self._placing.other(opened.backend, kept)
        fields = opened.engine.rows(assign_block, *searches, np.inf, self.distance_quantiles_, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))
