"""k-means by Lloyd's algorithm, over blocks."""

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, to_host
from gpuseg.cluster import _assignment
from gpuseg.cluster._assignment import ASSIGNED, Assignment
from gpuseg.cluster._base import Clusterer, Dispatch, Opened, check_is_fitted, in_callers_library, seed_of
from gpuseg.cluster._checks import check_count, check_number
from gpuseg.cluster._lloyd import Data, Labelled, describe, label, lloyd
from gpuseg.cluster._seeding import Seed, seed_centers, warn_fewer
from gpuseg.engines import Block
from gpuseg.errors import InvalidInput, UnsupportedOnBackend, unknown
from gpuseg.neighbors.centers import kernel_or_body, two_nearest

SOLVERS = ("auto", "vendor", "lloyd")


class Solution(NamedTuple):
    """The end of one start: centres less offset, steps taken, and the rows labelled."""

    centers: Host
    n_iter: int
    labelled: Labelled


class KMeans(Clusterer):
    """Partition rows into ``n_clusters`` segments of least squared distance to their centre.

    ``X``: (n_samples, n_features), finite: NumPy or CuPy arrays, any table, Dask arrays, or Parquet files
    (a path or a list of paths, worked on row group by row group). ``init``: "k-means++" (greedy, Arthur
    and Vassilvitskii 2007) or an array (n_clusters, n_features). ``n_init``: starts, of which the one of
    least inertia is kept; an array ``init`` is one start. ``tol``: stops when the squared shift of the
    centres falls to this share of the mean variance. ``solver``: "lloyd" (our loop over blocks),
    "vendor" (scikit-learn or cuML, rows in memory) or "auto" (the one measured to be faster).

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``cluster_centers_``, ``inertia_``,
    ``n_iter_``, ``segment_weight_``, ``backend_``, ``dispatch_``. A model stores the centres and 201
    quantiles a segment: no row of a person. Raises InvalidInput for more clusters than rows and for NaN.

    >>> import numpy as np
    >>> model = KMeans(2, random_state=0).fit(np.array([[0.0], [1.0], [9.0], [10.0], [11.0]]))
    >>> model.labels_
    array([1, 1, 0, 0, 0], dtype=int32)
    >>> model.assign(np.array([[8.0]])).distance
    array([2.])
    """

    stored: ClassVar[tuple[str, ...]] = (
        "cluster_centers_", "offset_", "segment_weight_", "distance_quantiles_", "inertia_", "n_iter_", "n_features_in_"
    )  # fmt: skip

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
        backend: str = "auto",
        engine: str = "auto",
        solver: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.backend = backend
        self.engine = engine
        self.solver = solver

    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative."""
        self._check_parameters()
        opened = self._open(X, sample_weight, reset=True)
        data = describe(opened.engine, kernel_or_body(opened.backend, "moments"))
        if data.rows < self.n_clusters:
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the rows, n_samples={data.rows}; use at most {data.rows}"
            )
        solver, why = self._solver(opened)
        starts = self._starts(opened, data)
        best = min((self._solve(opened, solver, start, data) for start in starts), key=_inertia)
        self._number(best, data.mean, opened)
        return self._say(Dispatch(opened.backend.name, opened.engine.name, solver, f"{opened.reason}; {why}"))

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,)."""
        check_is_fitted(self)
        opened = self._open(X, reset=False)
        nearest = kernel_or_body(opened.backend, "nearest")
        centers = self.cluster_centers_ - self.offset_
        segment, _ = opened.engine.rows(nearest, centers, self.offset_, dtypes=(np.int32, np.float64))
        return in_callers_library((segment,), opened.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the segment's centre, unsquared. confidence: 1 - d1/d2, d2 to the best other
        centre. novelty: the rank of the distance among the segment's training rows.
        """
        check_is_fitted(self)
        opened = self._open(X, reset=False)
        arguments = (self.cluster_centers_ - self.offset_, self.offset_, self.distance_quantiles_)
        fields = opened.engine.rows(assign_block, *arguments, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))

    def _check_parameters(self) -> None:
        check_count("n_clusters", self.n_clusters)
        check_count("n_init", self.n_init)
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol, low=0.0)
        if self.solver not in SOLVERS:
            raise unknown("solver", self.solver, SOLVERS)
        if isinstance(self.init, str) and self.init != "k-means++":
            raise InvalidInput(f"init={self.init!r} is not known; give 'k-means++' or an array of centres")

    def _starts(self, opened: Opened, data: Data) -> list[Host]:
        """Return the centres, less offset, of each start."""
        if isinstance(self.init, str):
            seed = seed_of(self.random_state)
            starts = [
                seed_centers(opened.engine, self.n_clusters, data.mean, Seed(seed, start))
                for start in range(self.n_init)
            ]
            if (found := len(starts[0])) < self.n_clusters:
                warn_fewer(self.n_clusters, found)
            return starts
        start = np.asarray(to_host(self.init), dtype=np.float64)
        if start.shape != (self.n_clusters, len(data.mean)) or not np.all(np.isfinite(start)):
            wanted = (self.n_clusters, len(data.mean))
            raise InvalidInput(f"init has shape {start.shape}; give 'k-means++' or finite numbers of shape {wanted}")
        return [start - data.mean]

    def _solver(self, opened: Opened) -> tuple[str, str]:
        backend, k, d = opened.backend, self.n_clusters, opened.blocks.n_features
        can = "kmeans" in backend.fits and opened.blocks.in_memory and opened.engine.name == "local"
        if self.solver == "vendor" and not can:
            raise UnsupportedOnBackend(
                f"solver='vendor' needs rows in memory and a k-means of backend {backend.name!r}; use solver='lloyd'"
            )
        if self.solver != "auto":
            return self.solver, "solver asked for by name"
        if can and backend.vendor_lloyd_wins(k, d):
            return "vendor", f"the vendor's loop is faster at n_clusters * n_features = {k * d}"
        return "lloyd", "our loop over blocks"

    def _solve(self, opened: Opened, solver: str, start: Host, data: Data) -> Solution:
        backend, engine, tolerance = opened.backend, opened.engine, self.tol * data.variance
        if solver == "vendor":
            x, weight = (engine.rows(field, dtypes=(np.float64,))[0] for field in (_matrix, _weight))
            fitted = backend.fits["kmeans"](
                x, init=start, offset=data.mean, sample_weight=weight, max_iter=self.max_iter, tolerance=tolerance
            )
            centers, n_iter = fitted["centers"], fitted["n_iter"]
        else:
            step = kernel_or_body(backend, "lloyd_step")
            centers, n_iter = lloyd(engine, step, start, data.mean, max_iter=self.max_iter, tolerance=tolerance)
        return Solution(centers, n_iter, label(engine, kernel_or_body(backend, "nearest"), centers, data.mean))

    def _number(self, best: Solution, offset: Host, opened: Opened) -> None:
        """Put the segments in order of falling weight; what a model stores is NumPy, k rows long."""
        histogram = best.labelled.histogram
        weight = histogram.sum(axis=1)
        order = _assignment.order_ids(best.centers + offset, weight)
        order = order[weight[order] > 0]
        number = np.full(len(weight), -1, dtype=np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        if len(order) < self.n_clusters and not isinstance(self.init, str):
            warn_fewer(self.n_clusters, len(order))
        self.labels_ = _numbered(best.labelled.labels, number, opened)
        self.cluster_centers_, self.offset_ = (best.centers + offset)[order], offset
        self.segment_weight_ = weight[order]
        self.distance_quantiles_ = _assignment.histogram_quantiles(histogram[order])
        self.inertia_, self.n_iter_ = best.labelled.inertia, int(best.n_iter)


def assign_block(block: Block, centers: Host, offset: Host, quantiles: Host) -> Assignment:
    """Return one block's assignment, on its device."""
    segment, first, second = two_nearest(block, centers, offset)
    xp = array_namespace(segment)
    near, away, other = to_host(segment), to_host(first).astype(np.float64), to_host(second).astype(np.float64)
    values = (away, _assignment.confidence(away, other), _assignment.novelty(near, away, quantiles))
    return Assignment(segment, *(xp.asarray(value, device=device(segment)) for value in values))


def _inertia(solution: Solution) -> float:
    return solution.labelled.inertia


def _numbered(labels: list[Array], number: Host, opened: Opened) -> Array:
    """Return the rows' new numbers: where the caller's array is, NumPy for Dask and files."""
    xp = array_namespace(labels[0])
    table = xp.asarray(number, device=device(labels[0]))
    joined = xp.take(table, xp.concat(labels, axis=0), axis=0)
    return to_host(joined) if opened.blocks.lazy else in_callers_library((joined,), opened.blocks)[0]


def _matrix(block: Block) -> tuple[Array]:
    return (block.x,)


def _weight(block: Block) -> tuple[Array]:
    return (block.weight,)
