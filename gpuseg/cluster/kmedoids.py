"""k-medoids by FasterPAM: segments around rows, in any metric; of very many rows by CLARA, on samples."""

from typing import Any, ClassVar

import numpy as np

from gpuseg.backends import EXACT_MEDOIDS, SAMPLED_MEDOIDS, Backend, Host, Task, to_host
from gpuseg.cluster._base import Work
from gpuseg.cluster._checks import check_count
from gpuseg.cluster._medoids import Medoids, Solution
from gpuseg.cluster._sampled import Points, gathered
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.neighbors.medoids import Measure

METHODS, INITS = ("auto", "exact", "clara"), ("random", "build")
A_CLUSTER = 40
"""Rows of a sample of CLARA under "auto" for each segment, where there are many."""


class KMedoids(Medoids):
    """Choose ``n_clusters`` rows, the medoids, such that the distances of all rows to their nearest one sum up least.

    FasterPAM (Schubert and Rousseeuw 2021, Information Systems 101): each row in turn takes the place of the medoid
    whose loss it makes up for best, as soon as the sum falls, until no row does. Distances are worked out when they
    are needed: of n rows n numbers are kept, not n^2. CLARA (Kaufman and Rousseeuw 1990, chapter 3): the same on
    ``n_init`` random samples, of which the medoids with the least sum over all rows are kept.

    ``metric``: "euclidean", "manhattan", "cosine" (1 - cos), "gower" (numbers and categories: the mean over the
    columns of |a - b| / range, or of whether two categories differ; columns of words are categories, and those named
    in ``categorical``, by name or number), or "precomputed" (``X`` is the matrix of distances of all rows).
    ``init``: "random" rows, "build" (the greedy start of PAM, slower) or an array of row numbers. ``n_init``: starts,
    or samples, of which the best is kept. ``max_iter``: rounds over all rows. ``method``: "exact", "clara", or "auto",
    exact up to 20,000 rows or where ``init`` is an array. ``sample_size``: rows of a sample; "auto" is 8,192, or 40 a
    segment where that is more.

    ``X``: (n_samples, n_features), finite, scaled. By CLARA also Dask arrays and Parquet files, block by block.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``medoid_indices_`` (row numbers of the medoids),
    ``cluster_centers_`` (their rows; not with "precomputed"), ``inertia_`` (the sum of the distances, unsquared),
    ``n_iter_`` (rounds), ``segment_weight_``, ``backend_``, ``dispatch_`` (its solver says whether by CLARA). A model
    stores the medoids, which are rows of persons, and 201 quantiles a segment: at most 8 k (d + 204) bytes, and with
    "gower" 16 d and the categories. Raises InvalidInput for more clusters than rows, for parameters out of range and
    for NaN.

    >>> import numpy as np
    >>> model = KMedoids(2, random_state=0).fit(np.array([[0.0], [1.0], [3.0], [9.0], [10.0], [11.0]]))
    >>> model.medoid_indices_, model.inertia_
    (array([1, 4]), 5.0)
    >>> model.assign(np.array([[8.0]])).distance
    array([2.])
    """

    _fit_name: ClassVar[str] = "kmedoids"

    def __init__(  # noqa: PLR0913 - keyword-only, and few of them in one call
        self,
        n_clusters: int = 8,
        *,
        metric: str = "euclidean",
        categorical: Any = None,
        init: Any = "random",
        n_init: int = 3,
        max_iter: int = 100,
        method: str = "auto",
        sample_size: Any = "auto",
        random_state: Any = None,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.categorical = categorical
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.method = method
        self.sample_size = sample_size
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("n_init", self.n_init)
        check_count("max_iter", self.max_iter)
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        if isinstance(self.init, str) and self.init not in INITS:
            raise InvalidInput(f"init={self.init!r} is not known; give 'random', 'build' or an array of row numbers")
        if self.sample_size != "auto":
            check_count("sample_size", self.sample_size, low=int(self.n_clusters))
        if self.method == "clara" and (self.metric == "precomputed" or self._from_rows):
            what = "metric='precomputed'" if self.metric == "precomputed" else "an array as init"
            raise InvalidInput(f"method='clara' draws samples, which {what} does not allow; use method='exact'")

    @property
    def _from_rows(self) -> bool:
        return not isinstance(self.init, str)

    @property
    def _in_memory(self) -> bool:
        """Return whether all rows have to be in memory."""
        return self.method == "exact" or self.metric == "precomputed" or self._from_rows

    @property
    def _attempts(self) -> int:
        return 1 if self._from_rows else int(self.n_init)

    def _opened(self, x: Any, sample_weight: Any) -> Work:
        return self._whole(x, sample_weight) if self._in_memory else self._open(x, sample_weight, reset=True)

    def _candidates(self, work: Work, measure: Measure, rows: int, seed: int) -> tuple[list[Points], str]:
        if not self._sampled(rows):
            return super()._candidates(work, measure, rows, seed)
        size = self._size
        samples = [gathered(work, measure, size, (seed, attempt)) for attempt in range(self._attempts)]
        return samples, f"clara: the best of {len(samples)} samples of {size} rows"

    def _sampled(self, rows: int) -> bool:
        return not self._in_memory and rows > (self._size if self.method == "clara" else EXACT_MEDOIDS)

    @property
    def _size(self) -> int:
        return (
            max(SAMPLED_MEDOIDS, A_CLUSTER * int(self.n_clusters))
            if self.sample_size == "auto"
            else int(self.sample_size)
        )

    def _task(self, blocks: Blocks) -> Task:
        task = super()._task(blocks)
        return task._replace(solver=self.method if task.solver == "exact" else task.solver)

    def _learn(self, points: Points, measure: Measure, key: tuple[int, int], backend: Backend) -> Solution:
        known, count = points.points, min(int(self.n_clusters), len(points.numbers))
        fitted = backend.fits["kmedoids"](
            known.rows,
            weight=known.weight,
            spread=known.spread,
            metric=measure.metric,
            share=measure.share,
            n_clusters=count,
            start=self._start(points, count, key),
            max_iter=int(self.max_iter),
        )
        return Solution(**fitted)

    def _start(self, points: Points, count: int, key: tuple[int, int]) -> Host | None:
        """Return the points of a start, None where the backend is to build one."""
        if self._from_rows:
            return starting_points(np.asarray(to_host(self.init)), points, int(self.n_clusters))
        if self.init == "build":
            return None
        return np.random.default_rng(key).choice(len(points.numbers), count, replace=False)


def starting_points(init: Host, points: Points, count: int) -> Host:
    """Return the points of rows given as a start; raise InvalidInput unless they are so many different ones."""
    allowed = init.shape == (count,) and np.issubdtype(init.dtype, np.integer)
    at = np.searchsorted(points.row_numbers, init) if allowed else np.zeros(0, dtype=np.int64)
    found = at[at < len(points.row_numbers)]
    found = points.row_points[found[points.row_numbers[found] == init[: len(found)]]]
    if not allowed or len(np.unique(found)) < count:
        raise InvalidInput(
            f"init={init.tolist()} is no start; give 'random', 'build' or the numbers of {count} different rows of X"
        )
    return found
