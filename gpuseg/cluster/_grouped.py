"""The base of methods that look at pairs: points learn a segment each, and a row goes to its nearest point's."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from gpuseg.backends import Array, Backend, Host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment
from gpuseg.cluster._base import check_is_fitted, given_back, in_callers_library
from gpuseg.cluster._nearest import EUCLIDEAN, Kept, Placing, assign_block, label_block
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._sized import SizedClusterer
from gpuseg.cluster._training import distinct, numbered
from gpuseg.summary import MicroClusters


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
    kept: ClassVar[tuple[str, str]] = ("points_", "point_segments_")

    def _check_parameters(self) -> None:
        """Raise InvalidInput for a parameter out of range."""
        raise NotImplementedError

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows."""
        self._check_method()
        self._check_parameters()
        sized = self._sized(X, sample_weight)
        segment, work = self._adopt(self._learn(sized.points, sized.backend), sized.points, sized.backend), sized.work
        if sized.why is None:
            self.labels_ = given_back(segment, work.backend, work.blocks)
        else:
            self._place(work, X)
        return self._told(sized, "own")

    def _adopt(self, label: Host, points: MicroClusters, backend: Backend) -> Host:
        """Return the segment of each point; keep all of the model but what ``_learn`` kept."""
        return self._settle(label, points, backend)

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

    def _labelling(self, backend: Backend) -> tuple[Callable[..., tuple[Array, ...]], *tuple[Any, ...]]:
        return label_block, self._placing.group(backend, Kept(self.points_, self.point_segments_))

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest point, of ties the first."""
        return super().predict(X)

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the nearest point. confidence: 1 - d1/d2, d2 to the nearest point of any other segment. novelty:
        the rank of the distance among those of the segment's training rows: of an exact fit each to the nearest other
        one, of a digest each to its nearest point.
        """
        check_is_fitted(self)
        opened, kept = self._open(X, reset=False), Kept(self.points_, self.point_segments_)
        searches = self._placing.group(opened.backend, kept), self._placing.other(opened.backend, kept)
        fields = opened.engine.rows(assign_block, *searches, np.inf, self.distance_quantiles_, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))
