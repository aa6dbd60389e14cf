"""k-medoids by FasterPAM: segments around rows, in any metric; of very many rows by CLARA, on samples."""

from typing import Any, ClassVar

import numpy as np

from gpuseg._checks import check_count
from gpuseg.backends import Backend, Host, to_host
from gpuseg.cluster._medoids import Medoids, Solution
from gpuseg.cluster._sampled import Points
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.measures import Measure

INITS = ("random", "build")


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
    or samples, of which the best is kept. ``max_iter``: rounds over all rows. ``method``: "exact", "sample" (CLARA), or
    "auto": exact up to 20,000 rows, and where ``init`` is an array. ``sample_size``: rows of a sample; "auto" is 8,192,
    or 40 a segment where that is more.

    ``X``: (n_samples, n_features), finite, scaled. By samples also Dask arrays and Parquet files, block by block.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``medoid_indices_`` (row numbers of the medoids),
    ``cluster_centers_`` (their rows; not with "precomputed"), ``inertia_`` (the sum of the distances, unsquared),
    ``n_iter_`` (rounds), ``exact_`` (False by samples), ``segment_weight_``, ``backend_``, ``dispatch_``. A model
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
        if isinstance(self.init, str) and self.init not in INITS:
            raise InvalidInput(f"init={self.init!r} is not known; give 'random', 'build' or an array of row numbers")

    @property
    def _from_rows(self) -> bool:
        return not isinstance(self.init, str)

    @property
    def _whole_input(self) -> str | None:
        return "an array as init" if self._from_rows else super()._whole_input

    @property
    def _attempts(self) -> int:
        return 1 if self._from_rows else int(self.n_init)

    @property
    def _drawn(self) -> bool:
        return not self._from_rows and self.init == "random"

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
    known = np.isin(init, points.row_numbers)
    found = points.row_points[np.searchsorted(points.row_numbers, init[known])] if allowed else init
    if not allowed or not np.all(known) or len(np.unique(found)) < count:
        raise InvalidInput(
            f"init={init.tolist()} is no start; give 'random', 'build' or the numbers of {count} different rows of X "
            "that weigh something"
        )
    return found
