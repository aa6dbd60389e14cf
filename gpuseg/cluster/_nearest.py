"""Placing rows by the nearest of the points that a model keeps, each of a segment."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Backend, Host, to_host
from gpuseg.cluster._assignment import ASSIGNED, NOISE, Assignment, confidence, novelty
from gpuseg.cluster._base import Clusterer, check_is_fitted, in_callers_library
from gpuseg.cluster._training import nothing_near
from gpuseg.engines import Block
from gpuseg.neighbors.rows import nearest_group, nearest_of_group, nearest_other_group


class Kept(NamedTuple):
    """Distinct points in the order of their coordinates, and the segment of each."""

    rows: Host
    segments: Host


def group_search(backend: Backend, kept: Kept) -> Any:
    """Return the search ``x -> (segment, distance)`` for the nearest point."""
    if len(kept.rows) == 0:
        return nothing_near
    return backend.kernel_or(nearest_group)(kept.rows, kept.segments)


def other_search(backend: Backend, kept: Kept) -> Any:
    """Return the search ``(x, segment) -> distance`` for the nearest point of any other segment, None without."""
    if len(kept.rows) == 0:
        return None
    return backend.kernel_or(nearest_other_group)(kept.rows, kept.segments)


def apart(backend: Backend, kept: Kept) -> Host:
    """Return each point's distance to the nearest other one of its segment, inf where it is alone."""
    if len(kept.rows) == 0:
        return np.zeros(0)
    search = backend.kernel_or(nearest_of_group)(kept.rows, kept.segments, skip=1)
    _, distance = search(backend.to_device(kept.rows), backend.to_device(kept.segments))
    return to_host(distance)


class Placing(NamedTuple):
    """What ``group_search``, ``other_search`` and ``apart`` are of a metric."""

    group: Callable[[Backend, Kept], Any]
    other: Callable[[Backend, Kept], Any]
    apart: Callable[[Backend, Kept], Host]


EUCLIDEAN = Placing(group_search, other_search, apart)


def label_block(block: Block, search: Any) -> tuple[Array, ...]:
    """Return a block's segments and the distances to the nearest points."""
    segment, distance = search(block.x)
    xp = array_namespace(segment)
    return xp.astype(segment, xp.int32), distance


def assign_block(block: Block, search: Any, other: Any, quantiles: Host) -> tuple[Array, ...]:
    """Return the fields of a block's Assignment: every row is near enough to its nearest point."""
    segment, first = search(block.x)
    return assignment_of(block, (segment, first, segment >= 0), other, quantiles)


def assignment_of(block: Block, found: tuple[Array, Array, Array], other: Any, quantiles: Host) -> tuple[Array, ...]:
    """Return an Assignment's fields from each row's nearest segment, its distance, and whether it is near enough."""
    xp: Any = array_namespace(block.x)
    segment, first, near = found
    sure = xp.zeros_like(first)
    rows = xp.nonzero(near)[0]
    if rows.shape[0]:
        own, of = xp.take(segment, rows), xp.take(first, rows)
        found = confidence(of, other(xp.take(block.x, rows, axis=0), own))
        place = xp.cumulative_sum(xp.astype(near, xp.int64)) - 1
        sure = xp.where(near, xp.take(found, xp.where(near, place, xp.zeros_like(place))), sure)
    label = xp.astype(xp.where(near, segment, xp.full_like(segment, NOISE)), xp.int32)
    return label, first, sure, novelty(segment, first, quantiles)


class Placer(Clusterer):
    """An estimator that places rows block by block, by a search that it keeps."""

    def _labelling(self, backend: Backend) -> tuple[Callable[..., tuple[Array, ...]], *tuple[Any, ...]]:
        """Return what gives a block's segments and distances, and what it takes."""
        raise NotImplementedError

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,), -1 for noise."""
        check_is_fitted(self)
        opened = self._open(X, reset=False)
        fields = opened.engine.rows(*self._labelling(opened.backend), dtypes=(np.int32, np.float64))
        return in_callers_library(fields[:1], opened.blocks)[0]


class NearestPoint(Placer):
    """Predict and assign of a method whose model keeps distinct points, each of a segment, and quantiles of these."""

    points_: Host
    point_segments_: Host
    distance_quantiles_: Host
    stored: ClassVar[tuple[str, ...]] = (
        "points_", "point_segments_", "distance_quantiles_", "segment_weight_", "n_clusters_", "n_features_in_",
        "feature_names_in_",
    )  # fmt: skip

    @property
    def _placing(self) -> Placing:
        """Return the searches that place rows: a subclass with other metrics has others."""
        return EUCLIDEAN

    def _apart(self, backend: Backend, kept: Kept) -> Host:
        """Return each kept point's distance to the nearest other one of its segment, inf where it is alone."""
        return self._placing.apart(backend, kept)

    def _kept(self) -> Kept:
        """Return the points that rows go to: none of those whose segment no row went to."""
        inside = self.point_segments_ >= 0
        return Kept(self.points_[inside], self.point_segments_[inside])

    def _labelling(self, backend: Backend) -> tuple[Callable[..., tuple[Array, ...]], *tuple[Any, ...]]:
        return label_block, self._placing.group(backend, self._kept())

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
        opened, kept = self._open(X, reset=False), self._kept()
        searches = self._placing.group(opened.backend, kept), self._placing.other(opened.backend, kept)
        fields = opened.engine.rows(assign_block, *searches, self.distance_quantiles_, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))
