"""k-means by Lloyd's algorithm, over blocks."""

import warnings
from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Host, Task, one_blas_thread, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, assigned, by_number, order_ids, tie_order
from gpuseg.cluster._base import Clusterer, check_is_fitted, in_callers_library, seed_of
from gpuseg.cluster._labelled import masses_of, renumbered
from gpuseg.cluster._lloyd import describe
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster._run import Run, Solution
from gpuseg.engines import Blocks
from gpuseg.errors import FewerSegments, InvalidInput, unknown
from gpuseg.neighbors.centers import add, labels, squared_about, sums_of

SOLVERS = ("auto", "vendor", "lloyd")


class KMeans(Clusterer):
    """Partition rows into ``n_clusters`` segments of least squared distance to their centre.

    ``X``: (n_samples, n_features), finite: NumPy or CuPy arrays, any table, Dask arrays and DataFrames, or Parquet
    files (a path, a folder, a glob or a list of them, worked on row group by row group). ``engine``: "auto" (Dask for
    Dask input, else "local"), "local", "dask" (the current client, else Dask's own scheduler), a distributed Client or
    the address of a scheduler, as "tcp://host:8786". ``init``: "k-means++" (greedy, Arthur
    and Vassilvitskii 2007) or an array (n_clusters, n_features). ``n_init``: starts, of which the one of
    least inertia is kept; an array ``init`` is one start. ``tol``: stops when the squared shift of the
    centres falls to this share of the mean variance. ``solver``: "lloyd" (our loop over blocks),
    "vendor" (scikit-learn or cuML, rows in memory) or "auto" (the one measured to be faster).

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment; for Dask input a lazy Dask array, as ``predict``
    gives), ``cluster_centers_``, ``inertia_``, ``n_iter_``, ``segment_weight_``, ``backend_``, ``dispatch_``. A model
    stores the centres and 201 quantiles a segment: no row of a person. Raises InvalidInput for more clusters than rows
    and for NaN.

    >>> import numpy as np
    >>> model = KMeans(2, random_state=0).fit(np.array([[0.0], [1.0], [9.0], [10.0], [11.0]]))
    >>> model.labels_
    array([1, 1, 0, 0, 0], dtype=int32)
    >>> model.assign(np.array([[8.0]])).distance
    array([2.])
    """

    in_blocks: ClassVar[bool] = True
    beyond: ClassVar[str] = "blocks"
    stored: ClassVar[tuple[str, ...]] = (
        "cluster_centers_", "offset_", "segment_weight_", "distance_quantiles_", "inertia_", "n_iter_",
        "n_features_in_", "feature_names_in_",
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
        engine: Any = "auto",
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

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative."""
        return self.solve(self.prepare(X, sample_weight))

    def solve(self, run: Run) -> Self:
        """Return self, fitted to the rows of ``run``, which ``prepare`` gave: what ``fit`` goes on with."""
        with one_blas_thread():  # held over all walks: over few rows, setting it takes longer than a walk
            return self.adopt(run, run.best(self._starts(run)))

    def prepare(self, X: Any, sample_weight: Any = None) -> Run:  # noqa: N803 - scikit-learn's name
        """Return the rows opened, checked and described: what ``fit`` begins with, shared where many models follow."""
        self._check_parameters()
        work = self._open(X, sample_weight, reset=True)
        data = describe(work.engine, *(work.kernel(body, self.n_clusters) for body in (sums_of, squared_about)))
        if data.rows < self.n_clusters:
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the rows, n_samples={data.rows}; use at most {data.rows}"
            )
        names = getattr(self, "feature_names_in_", None)
        run = Run(X, work, data, names, self.max_iter, self.tol, self.solver)
        run.chosen(self.n_clusters)
        return run

    def adopt(self, run: Run, solution: Solution) -> Self:
        """Return self, fitted to the rows of ``run`` with the centres of ``solution``."""
        self.n_features_in_ = run.work.blocks.n_features
        if run.names is not None:
            self.feature_names_in_ = run.names
        self._number(run.settled(solution), run)
        return self._say(run.dispatch(self.n_clusters))

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): of equally near centres the first by coordinates."""
        check_is_fitted(self)
        work, order = self._open(X, reset=False), tie_order(self.cluster_centers_)
        centers = (self.cluster_centers_ - self.offset_)[order]
        search = work.kernel(labels, len(centers))
        segment = work.engine.rows(by_number, order, search, centers, self.offset_, dtypes=(np.int32,))
        return in_callers_library(segment, work.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the segment's centre, unsquared. confidence: 1 - d1/d2, d2 to the best other
        centre. novelty: the rank of the distance among the segment's training rows.
        """
        check_is_fitted(self)
        work, order = self._open(X, reset=False), tie_order(self.cluster_centers_)
        centers, quantiles = (self.cluster_centers_ - self.offset_)[order], self.distance_quantiles_[order]
        search = work.kernel(assigned, len(centers))
        fields = work.engine.rows(by_number, order, search, centers, self.offset_, quantiles, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, work.blocks))

    def _task(self, blocks: Blocks) -> Task:
        starts = int(self.n_init) if isinstance(self.init, str) else 1
        return super()._task(blocks)._replace(n_clusters=int(self.n_clusters), n_init=starts, solver=self.solver)

    def _check_parameters(self) -> None:
        check_count("n_clusters", self.n_clusters)
        check_count("n_init", self.n_init)
        check_count("max_iter", self.max_iter)
        check_number("tol", self.tol, low=0.0)
        if self.solver not in SOLVERS:
            raise unknown("solver", self.solver, SOLVERS)
        if isinstance(self.init, str) and self.init != "k-means++":
            raise InvalidInput(f"init={self.init!r} is not known; give 'k-means++' or an array of centres")

    def _starts(self, run: Run) -> list[Host]:
        """Return the centres, less offset, of each start."""
        if isinstance(self.init, str):
            return run.seeds(self.n_clusters, self.n_init, seed_of(self.random_state))
        start = np.asarray(to_host(self.init), dtype=np.float64)
        wanted = (self.n_clusters, len(run.data.offset))
        if start.shape != wanted or not np.all(np.isfinite(start)):
            raise InvalidInput(f"init has shape {start.shape}; give 'k-means++' or finite numbers of shape {wanted}")
        return [start - run.data.offset]

    def _number(self, best: Solution, run: Run) -> None:
        """Put the segments in order of falling weight; what a model stores is NumPy, k rows long."""
        offset, count = run.data.offset, len(best.centers)
        centers = best.centers + offset
        centers = centers[tie_order(centers)]
        seen = run.labelled(centers - offset)
        weight, _, self.inertia_ = seen.reduce(run.work.kernel(masses_of, count), add, count)
        order = order_ids(centers, weight)
        order = order[weight[order] > 0]
        if len(order) < self.n_clusters:
            warn_fewer(self.n_clusters, len(order))
        number = np.full(count, -1, dtype=np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        self.distance_quantiles_ = quantiles_of(seen, run.work.backend, count)[order]
        self.cluster_centers_, self.offset_ = centers[order], offset
        self.segment_weight_, self.n_iter_ = weight[order], best.n_iter
        if run.work.blocks.lazy:  # the workers hold nothing for labels that nobody may ask for
            self.labels_ = self.predict(run.given)
        else:
            labels = seen.rows(renumbered, number, dtypes=(np.int32,))
            self.labels_ = in_callers_library(labels, run.work.blocks)[0]


def warn_fewer(n_clusters: int, found: int) -> None:
    """Warn that the data has fewer distinct rows than clusters were asked for."""
    sentence = f"n_clusters={n_clusters} is more than the {found} distinct rows; {found} segments are made"
    warnings.warn(sentence, FewerSegments, stacklevel=4)
