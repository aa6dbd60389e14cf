"""What the methods share that end in a tree of merges: its check, its cuts, and the placing of rows in its metric."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Backend, Host, Task, choose, to_host
from gpuseg.cluster._base import check_is_fitted
from gpuseg.cluster._grouped import Grouped
from gpuseg.cluster._measure import check_matrix
from gpuseg.cluster._metric import PLACING, nearest_given, unit
from gpuseg.cluster._nearest import Kept, Placing
from gpuseg.cluster._training import distinct
from gpuseg.cluster._tree import Leaves, cut_tree, kept_merges, leaves_of, linkage_of
from gpuseg.cluster.kmeans import warn_fewer
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.summary import MicroClusters

GIVEN = "precomputed"


class Hierarchical(Grouped):
    """Points in a tree of merges, ``linkage_``, that can be cut at any number of segments or height.

    A subclass has parameters ``n_clusters``, ``distance_threshold`` and ``metric``, and gives the tree in ``_grow``.
    """

    n_clusters: int | None
    distance_threshold: float | None
    metric: str
    linkage_: Host
    metrics: ClassVar[tuple[str, ...]] = tuple(PLACING)
    stored: ClassVar[tuple[str, ...]] = (*Grouped.stored, "linkage_", "leaf_points_", "leaf_weight_", "nearest_")

    def cut(self, *, n_clusters: int | None = None, height: float | None = None) -> Self:
        """Return a copy of the model, cut anew at ``n_clusters`` segments, or above ``height``; nothing is fitted.

        This model stays as it is. Merges at ``height`` still stand, as in SciPy and R; scikit-learn undoes them. Of a
        digest the rows are not kept: the copy has no ``labels_``, and its weights and novelty are by the points.
        Raises InvalidInput unless one of the two is given.
        """
        check_is_fitted(self)
        model = object.__new__(type(self))
        model.__dict__.update(self.__dict__)
        model.n_clusters, model.distance_threshold = n_clusters, height
        model._check_cut("height")
        model._refuse_many(self.leaf_weight_, digest=not self.exact_)
        rows = self.points_[self.leaf_points_]
        points, backend = MicroClusters(rows, self.leaf_weight_, np.zeros(len(rows))), choose(rows).backend
        segment = model._settle(model._cut(), points, backend)
        if self._of_rows(segment):
            model.labels_ = segment
        elif hasattr(self, "labels_"):
            del model.labels_
        return model

    def _grow(self, points: MicroClusters, backend: Backend) -> Mapping[str, Any]:
        """Return ``children`` and ``heights`` of the tree of distinct points, by rising height."""
        raise NotImplementedError

    def _check_parameters(self) -> None:
        self._check_cut("distance_threshold")
        if self.metric not in PLACING:
            raise unknown("metric", self.metric, PLACING)

    def _check_cut(self, height: str) -> None:
        if (self.n_clusters is None) == (self.distance_threshold is None):
            got = f"n_clusters={self.n_clusters!r} and {height}={self.distance_threshold!r}"
            raise InvalidInput(f"{got} are not allowed together; give one of the two and leave the other None")
        if self.n_clusters is not None:
            check_count("n_clusters", self.n_clusters)
        else:
            check_number(height, self.distance_threshold, low=0.0)

    def _task(self, blocks: Blocks) -> Task:
        return super()._task(blocks)._replace(metric=self.metric)

    @property
    def _no_digest(self) -> str | None:
        return "metric='precomputed', which has no rows" if self.metric == GIVEN else None

    @property
    def _placing(self) -> Placing:
        return PLACING[self.metric]

    def _apart(self, backend: Backend, kept: Kept) -> Host:
        # A model has not the matrix; kept points are its rows' numbers, in order.
        return self.nearest_ if self.metric == GIVEN else super()._apart(backend, kept)

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        """Return the label of each point; keep the tree."""
        if self.metric == GIVEN:
            check_matrix(points.rows)
        elif self.metric == "cosine":
            unit(points.rows)
        self._refuse_many(points.weight, digest=bool(np.any(points.spread)))
        leaves = given_leaves(points) if self.metric == GIVEN else leaves_of(points)
        leaf = self._joined(leaves, points, backend)
        self.linkage_ = linkage_of(self._grow(leaves.points, backend), leaf, points.weight)
        return self._cut()

    def _refuse_many(self, weight: Host, *, digest: bool) -> None:
        # Without spread, a point that weighs more than 1 is as many equal rows.
        rows = len(weight) if digest else max(len(weight), int(np.sum(weight)))
        if self.n_clusters is None or self.n_clusters <= rows:
            return
        if digest:
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the digest's points, of which there are {rows}; use at "
                f"most {rows}, or give a larger n_micro"
            )
        raise InvalidInput(f"n_clusters={self.n_clusters} is more than the rows, n_samples={rows}; use at most {rows}")

    def _joined(self, leaves: Leaves, points: MicroClusters, backend: Backend) -> Host:
        """Return the leaf of each point, of one without weight the nearest: it decides nothing."""
        leaf, left = leaves.leaf, np.flatnonzero(leaves.leaf < 0)
        if len(left):
            x, rows = points.rows[left], leaves.points.rows
            if self.metric == GIVEN:
                rows = np.flatnonzero(leaf >= 0)[:, None]
            search = self._placing.group(backend, Kept(rows, np.arange(len(rows))))
            leaf[left] = to_host(search(backend.to_device(x))[0])
        return leaf

    def _cut(self) -> Host:
        """Return the label of each point by the parameters; warn where they ask for more segments than there are."""
        kept = kept_merges(self.linkage_, self.n_clusters, self.distance_threshold)
        found = len(self.linkage_) + 1 - kept
        if self.n_clusters is not None and found < self.n_clusters:
            warn_fewer(self.n_clusters, found)
        return cut_tree(self.linkage_, kept)

    def _adopt(self, label: Host, points: MicroClusters, backend: Backend) -> Host:
        if self.metric == GIVEN:
            self.nearest_ = nearest_given(points.rows)
            points = points._replace(rows=np.arange(len(label), dtype=np.float64)[:, None])
        self.leaf_points_, self.leaf_weight_ = distinct(points.rows).place, points.weight
        return super()._adopt(label, points, backend)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest point, of ties the first.

        With metric="precomputed", ``X`` holds the distances to the rows of the fit, (n_samples, n of the fit).
        """
        return super().predict(X)

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: with metric="precomputed", rows and columns are cut together."""
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == GIVEN
        return tags


def given_leaves(points: MicroClusters) -> Leaves:
    """Return the points that have weight, of which the rows are distances, in the order given.

    >>> given_leaves(MicroClusters(np.array([[0.0, 2.0], [2.0, 0.0]]), np.array([0.0, 1.0]), np.zeros(2))).points.rows
    array([[0.]])
    """
    heavy = np.flatnonzero(points.weight > 0)
    leaf = np.full(len(points.rows), -1)
    leaf[heavy] = np.arange(len(heavy))
    rows = points.rows if len(heavy) == len(leaf) else points.rows[np.ix_(heavy, heavy)]
    return Leaves(MicroClusters(rows, points.weight[heavy], points.spread[heavy]), leaf)
