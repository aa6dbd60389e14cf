"""k-prototypes: segments of customers that are described by numbers and by categories."""

from typing import Any, ClassVar, NamedTuple, Self

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Array, Host, Task, holder, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, by_number, order_ids, tie_order
from gpuseg.cluster._base import (
    Clusterer,
    Dispatch,
    Work,
    _weights,
    check_is_fitted,
    given_back,
    in_callers_library,
    seed_of,
)
from gpuseg.cluster._mixed import (
    Prototypes,
    assigned_block,
    category_columns,
    codes_of,
    is_category,
    number_column,
    placed_block,
    refuse_words,
    series_of,
    texts,
    words_of,
)
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._training import distinct, weights_of
from gpuseg.cluster.kmeans import warn_fewer
from gpuseg.engines import Blocks, Site, blocks_of, is_dask, is_files
from gpuseg.engines.blocks import refuse_odd
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.io import open_table

HALF = 0.5
"""The share of the mean standard deviation that ``gamma`` is: of a third to two thirds, which Huang 1998 advises."""


class Points(NamedTuple):
    """Distinct rows in the order of their coordinates: numbers (m, p), codes (m, q), and their weights."""

    numbers: Host
    codes: Host
    weight: Host


class KPrototypes(Clusterer):
    """Partition rows of numbers and categories into ``n_clusters`` segments around a mean and a mode each.

    Huang 1998. A row's cost is its squared distance to the mean plus ``gamma`` for each category that is not the
    mode's; "auto" is half of the numbers' mean standard deviation, weighted, and 1 where that is 0. ``categorical``:
    names or positions of the columns of categories; None: those that hold text, categories, or true and false.
    ``init``: "k-means++" (greedy, by the mixed distance) or ``n_clusters`` rows like those of ``X``. ``n_init``: drawn
    starts, of which the end of least cost is kept. ``max_iter``: steps of all rows, and of single rows after them.

    ``X``: any table in memory, or an array with ``categorical``; numbers finite and scaled, no category missing. A
    category that ``fit`` did not see differs from every mode. Equal rows count as one of their weight, and the order of
    the rows changes nothing. The distance of ``assign`` is the root of a row's cost, in the units of the numbers.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``cluster_centers_`` (the means), ``cluster_modes_``
    (words), ``gamma_``, ``cost_``, ``n_iter_``, ``segment_weight_``, ``backend_``, ``dispatch_``. A model stores the
    prototypes, the words of each column of categories, and 201 quantiles a segment: no row of a person. Raises
    InvalidInput for more clusters than rows and for missing values, UnsupportedOnBackend for Dask arrays and files.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"spent": [1.0, 2.0, 9.0, 9.5, 10.0], "pays": ["cash", "cash", "card", "card", "cash"]})
    >>> model = KPrototypes(2, random_state=0).fit(rows)
    >>> model.labels_, model.cluster_modes_.tolist()
    (array([1, 1, 0, 0, 0], dtype=int32), [['card'], ['cash']])
    >>> round(model.gamma_, 2), model.assign(rows).distance.round(2).tolist()
    (1.97, [0.5, 0.5, 0.5, 0.0, 1.49])
    """

    levels_: dict[str, Host]
    category_columns_: list[int]
    metrics: ClassVar[tuple[str, ...]] = ("mixed",)
    _fit_name: ClassVar[str] = "kprototypes"
    stored: ClassVar[tuple[str, ...]] = (
        "cluster_centers_", "modes_", "offset_", "gamma_", "levels_", "category_columns_", "segment_weight_",
        "distance_quantiles_", "cost_", "n_iter_", "n_features_in_", "feature_names_in_",
    )  # fmt: skip

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        gamma: Any = "auto",
        categorical: Any = None,
        init: Any = "k-means++",
        n_init: int = 3,
        max_iter: int = 100,
        random_state: Any = None,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.gamma = gamma
        self.categorical = categorical
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    @property
    def cluster_modes_(self) -> Host:
        """Return the mode of each segment and column of categories as words, (n_clusters, q)."""
        return words_of(self.modes_, self.levels_)

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows."""
        self._check_parameters()
        work = self._whole(X, sample_weight)
        x = to_host(work.whole)
        weight = weights_of(work.blocks, len(x))
        if len(x) < self.n_clusters:
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the rows, n_samples={len(x)}; use at most {len(x)}"
            )
        points = self._points(x, weight)
        self.gamma_ = self._gamma(points)
        end = work.backend.fits["kprototypes"](
            points.numbers, codes=points.codes, levels=[len(words) for words in self.levels_.values()],
            gamma=self.gamma_, **self._starts(), sample_weight=points.weight, max_iter=int(self.max_iter),
        )  # fmt: skip
        self.n_iter_, self.offset_ = int(end["n_iter"]), np.average(points.numbers, axis=0, weights=points.weight)
        return self._place(end["means"], end["modes"], weight, work)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest prototype.

        Of equally near prototypes the first by means, then by modes.
        """
        check_is_fitted(self)
        opened, (order, prototypes) = self._open(X, reset=False), self._prototypes()
        fields = opened.engine.rows(by_number, order, placed_block, prototypes, dtypes=(np.int32, np.float64))
        return in_callers_library(fields[:1], opened.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: the root of the squared distance to the segment's mean plus ``gamma_`` for each category that is not
        the mode's. confidence: 1 - d1/d2, d2 to the best other prototype. novelty: the rank of the distance among the
        segment's training rows.
        """
        check_is_fitted(self)
        opened, (order, prototypes) = self._open(X, reset=False), self._prototypes()
        quantiles = self.distance_quantiles_[order]
        fields = opened.engine.rows(by_number, order, assigned_block, prototypes, quantiles, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, opened.blocks))

    def _check_parameters(self) -> None:
        check_count("n_clusters", self.n_clusters)
        check_count("n_init", self.n_init)
        check_count("max_iter", self.max_iter)
        if not isinstance(self.gamma, str):
            check_number("gamma", self.gamma, low=0.0)
        elif self.gamma != "auto":
            raise InvalidInput(f"gamma={self.gamma!r} is not allowed; give 'auto' or a number of at least 0")
        if isinstance(self.init, str) and self.init != "k-means++":
            raise InvalidInput(f"init={self.init!r} is not known; give 'k-means++' or n_clusters rows like those of X")

    def _task(self, blocks: Blocks) -> Task:
        starts = int(self.n_init) if isinstance(self.init, str) else 1
        return super()._task(blocks)._replace(n_clusters=int(self.n_clusters), n_init=starts)

    def _blocks(self, x: Any, sample_weight: Any, site: Site, *, reset: bool) -> Blocks:  # noqa: ARG002 - rows are here
        """Return checked rows, numbers first and then codes, in float64."""
        if is_dask(x) or is_files(x):
            raise UnsupportedOnBackend(
                "KPrototypes got Dask or file input; pass a table in memory, such as read_table(path), or X.compute()"
            )
        matrix = np.hstack(self._columns(x, reset=reset)).astype(np.float64, copy=False)
        if sample_weight is not None:
            sample_weight = _weights(sample_weight, matrix)
        return blocks_of(matrix, sample_weight, missing=True)

    def _columns(self, x: Any, *, reset: bool) -> tuple[Host, Host]:
        """Return the numbers, (n, p), and the codes of the categories, (n, q); learn which are which, and the words."""
        columns = self._series(x, reset=reset)
        if not self.category_columns_:
            numbers = self._array(x, reset=reset)
            refuse_odd(numbers, self._names())
            return numbers, np.empty((len(numbers), 0))
        picked = [number_column(column) for at, column in enumerate(columns) if at not in self.category_columns_]
        names = [column.name for at, column in enumerate(columns) if at not in self.category_columns_]
        numbers = np.stack(picked, axis=1) if picked else np.empty((len(columns[0]), 0))
        if picked:
            refuse_odd(numbers, names)
        words = [texts(columns[at]) for at in self.category_columns_]
        if reset:
            self.levels_ = {each.name: np.array(each.unique().sort().to_list(), dtype=str) for each in words}
        pairs = zip(words, self.levels_.values(), strict=True)
        return numbers, np.stack([codes_of(each, levels) for each, levels in pairs], axis=1)

    def _series(self, x: Any, *, reset: bool) -> list[pl.Series]:
        """Return the columns of a table or an array; learn which hold categories; none where none do."""
        if (holding := holder(x)) is not None and holding.name != "cpu":
            raise UnsupportedOnBackend(f"KPrototypes got rows on {holding.name!r}; pass them on the host")
        table, by_type = nw.from_native(x, pass_through=True), []
        if framed := isinstance(table, nw.DataFrame | nw.LazyFrame):
            frame = open_table(x).eager()
            columns, names = frame.to_polars().get_columns(), frame.columns
            by_type = [at for at, dtype in enumerate(frame.schema.values()) if is_category(dtype)]
        elif (self.categorical is None) if reset else not self.category_columns_:
            refuse_words(x)
            columns, names = [], []
        else:
            columns = self._series_of_array(x, reset=reset)
            names = [column.name for column in columns]
        if reset:
            self.levels_ = {}
            self.category_columns_ = category_columns(names, self.categorical, by_type)
        if framed and self.category_columns_:
            self._match(len(names), tuple(names), reset=reset)
        return columns

    def _series_of_array(self, x: Any, *, reset: bool) -> list[pl.Series]:
        array = np.asarray(x)
        if array.ndim != 2 or not len(array):  # noqa: PLR2004 - a matrix
            raise InvalidInput(f"X has shape {array.shape}; pass rows and columns")
        if array.dtype.kind in "biuf":
            return series_of(self._array(x, reset=reset))
        self._match(array.shape[1], None, reset=reset)
        return series_of(array)

    def _names(self) -> list[str] | None:
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else list(names)

    def _points(self, x: Host, weight: Host) -> Points:
        """Return distinct rows and their weights: equal rows then move together, whatever the order they came in."""
        found = distinct(x)
        rows, numbers = x[found.first], x.shape[1] - len(self.category_columns_)
        codes = rows[:, numbers:].astype(np.int64)
        return Points(rows[:, :numbers], codes, np.bincount(found.place, weight))

    def _gamma(self, points: Points) -> float:
        if not isinstance(self.gamma, str):
            return float(self.gamma)
        if not points.numbers.shape[1]:
            return 1.0
        mean = np.average(points.numbers, axis=0, weights=points.weight)
        variance = np.average((points.numbers - mean) ** 2, axis=0, weights=points.weight)
        return HALF * float(np.mean(np.sqrt(variance))) or 1.0

    def _starts(self) -> dict[str, Any]:
        """Return the start that is given, or the numbers drawn for those that are not."""
        many = int(self.n_clusters)
        if isinstance(self.init, str):
            drawn = np.random.default_rng(seed_of(self.random_state)).random
            trials = 2 + int(np.log2(many))  # as k-means takes
            return {"starts": [], "uniform": [drawn((many, trials)) for _ in range(int(self.n_init))]}
        numbers, codes = self._columns(self.init, reset=False)
        if len(numbers) != many:
            raise InvalidInput(f"init has {len(numbers)} rows; give n_clusters={many} rows like those of X")
        return {"starts": [(numbers, codes.astype(np.int64))], "uniform": []}

    def _prototypes(self) -> tuple[Host, Prototypes]:
        """Return the order in which prototypes are searched, and these in it."""
        order = tie_order(np.hstack([self.cluster_centers_, self.modes_]))
        means = self.cluster_centers_[order] - self.offset_
        return order, Prototypes(means, self.modes_[order], self.offset_, self.gamma_)

    def _place(self, means: Host, modes: Host, weight: Host, work: Work) -> Self:
        """Return self with each row in the segment of its nearest prototype, and segments in order of weight."""
        many, first = len(means), tie_order(np.hstack([means, modes]))
        means, modes = self.cluster_centers_, self.modes_ = means[first], modes[first]
        fields = work.engine.rows(placed_block, self._prototypes()[1], dtypes=(np.int32, np.float64))
        segment, distance = map(to_host, fields)
        weights = np.bincount(segment, weight, minlength=many)
        order = order_ids(np.hstack([means, modes]), weights)
        order = order[weights[order] > 0]
        if len(order) < self.n_clusters:
            warn_fewer(self.n_clusters, len(order))
        number = np.full(many, -1, dtype=np.int32)
        number[order] = np.arange(len(order))
        self.cluster_centers_, self.modes_, self.segment_weight_ = means[order], modes[order], weights[order]
        self.cost_ = float(weight @ distance**2)
        self.distance_quantiles_ = distance_quantiles(number[segment], distance, weight, len(order), work.backend)
        self.labels_ = given_back(number[segment], work.backend, work.blocks)
        chosen = ", half of the mean standard deviation" if isinstance(self.gamma, str) else ""
        reason = f"{work.reason}; gamma={self.gamma_:.4g}{chosen}"
        return self._say(Dispatch(work.backend.name, work.engine.name, "own", reason, work.steps))
