"""CLARANS: medoids by a random search among the sets that differ from the present one by one medoid."""

from typing import Any, ClassVar

import numpy as np

from gpuseg._checks import check_count
from gpuseg.backends import Backend
from gpuseg.cluster._medoids import Medoids, Solution
from gpuseg.cluster._sampled import Points
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.measures import Measure

SHARE, LEAST = 0.0125, 250
"""The share of all swaps that have to fail in a row, and how many at least: Ng and Han 2002."""


class CLARANS(Medoids):
    """Choose ``n_clusters`` rows, the medoids, by random swaps of a medoid for a row, each taken if it lowers the sum.

    Ng and Han 2002 (IEEE TKDE 14(5)): from ``numlocal`` random starts, each until ``maxneighbor`` swaps in a row did
    not lower the sum of the distances of all rows to their nearest medoid; the best end is kept. A drawn row is tried
    in the place of all medoids, which takes no longer than of one (Schubert and Rousseeuw 2021), and the
    best of these swaps counts as one. ``maxneighbor``: "auto" is the paper's, 1.25 % of the k (n - k) swaps there are,
    and 250 at least. Distances are worked out when they are needed. KMedoids looks at all rows and ends a little
    lower, in more time; see there for ``metric``, ``categorical``, ``method`` (each start has its own sample),
    ``sample_size`` and ``X``.

    After ``fit``: as KMedoids, with ``n_iter_`` the rows that were drawn from the best start. A model stores the
    medoids, which are rows of persons, and 201 quantiles a segment. Raises InvalidInput for more clusters than rows,
    for parameters out of range and for NaN, UnsupportedOnBackend where an exact fit is given Dask arrays or files.

    >>> import numpy as np
    >>> model = CLARANS(2, random_state=0).fit(np.array([[0.0], [1.0], [3.0], [9.0], [10.0], [11.0]]))
    >>> model.medoid_indices_, model.inertia_
    (array([1, 4]), 5.0)
    """

    _fit_name: ClassVar[str] = "clarans"

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        metric: str = "euclidean",
        categorical: Any = None,
        numlocal: int = 2,
        maxneighbor: Any = "auto",
        method: str = "auto",
        sample_size: Any = "auto",
        random_state: Any = None,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.categorical = categorical
        self.numlocal = numlocal
        self.maxneighbor = maxneighbor
        self.method = method
        self.sample_size = sample_size
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("numlocal", self.numlocal)
        if isinstance(self.maxneighbor, str) and self.maxneighbor != "auto":
            raise InvalidInput(f"maxneighbor={self.maxneighbor!r} is not known; give 'auto' or a whole number")
        if not isinstance(self.maxneighbor, str):
            check_count("maxneighbor", self.maxneighbor)

    @property
    def _attempts(self) -> int:
        return int(self.numlocal)

    def _learn(self, points: Points, measure: Measure, key: tuple[int, int], backend: Backend) -> Solution:
        known, size = points.points, len(points.numbers)
        count = min(int(self.n_clusters), size)
        paper = max(LEAST, int(SHARE * count * (size - count)))
        fitted = backend.fits["clarans"](
            known.rows,
            weight=known.weight,
            spread=known.spread,
            metric=measure.metric,
            share=measure.share,
            start=np.random.default_rng(key).choice(size, count, replace=False),
            max_neighbors=paper if self.maxneighbor == "auto" else int(self.maxneighbor),
            seed=(*key, 1),  # other draws than the start's
        )
        return Solution(**fitted)
