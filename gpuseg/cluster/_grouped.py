"""The base of methods that look at pairs: points learn a segment each, and a row goes to its nearest point's."""

from typing import Any, ClassVar, Self

import numpy as np

from gpuseg.backends import Backend, Host, with_room
from gpuseg.cluster._base import given_back
from gpuseg.cluster._nearest import Kept, NearestPoint
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._sized import SizedClusterer
from gpuseg.cluster._training import distinct, numbered
from gpuseg.summary import MicroClusters


class Grouped(NearestPoint, SizedClusterer):
    """Fit, predict and assign of a method that gives each point, a row or a micro-cluster, a segment.

    A subclass names what it needs of a backend in ``_fit_name``, checks its parameters in ``_check_parameters``, and
    gives labels from 0 on in ``_learn``, where it also keeps what it fits besides. A model stores the distinct points,
    which are rows of persons where the fit is exact, and 201 quantiles a segment.
    """

    stored: ClassVar[tuple[str, ...]] = (*NearestPoint.stored, *SizedClusterer.sized)
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

    def _of_rows(self, segment: Host) -> bool:
        """Return whether segments of the points are those of the rows: a digest of equal rows is exact, and shorter."""
        return self.exact_ and getattr(self, "labels_", np.zeros(0)).shape[0] == len(segment)

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
        # Of a point of two rows or more without spread, each row lies on another one.
        alone = (np.bincount(found.place, points.weight)[found.place] < 2) | (points.spread > 0)  # noqa: PLR2004
        away = self._apart(backend, kept)[found.place]
        distance = np.where(alone & np.isfinite(away), away, 0.0)
        self.distance_quantiles_ = distance_quantiles(segment, distance, points.weight, self.n_clusters_, backend)
        return segment
