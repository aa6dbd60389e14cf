"""k-prototypes: segments of customers that are described by numbers and by categories."""

from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg.backends import SKETCHED, Array, Host, Task, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, by_number, order_ids
from gpuseg.cluster._base import Dispatch, Work, check_is_fitted, in_callers_library, seed_of
from gpuseg.cluster._categories import TakesCategories
from gpuseg.cluster._codes import words_of
from gpuseg.cluster._distinct import Extent, Sketch, extent_of, in_order, lowest, sketch_of, widest
from gpuseg.cluster._labelled import renumbered
from gpuseg.cluster._prototypes import (
    Prototypes,
    Sums,
    assigned_block,
    descent,
    deviations,
    labelled_block,
    masses_at,
    mixed_step,
    mixed_two_nearest,
    placed_block,
)
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster.kmeans import warn_fewer
from gpuseg.engines import Blocks, each, site_of
from gpuseg.engines.blocks import refuse_weightless
from gpuseg.errors import InvalidInput

HALF = 0.5
"""The share of the mean standard deviation that ``gamma`` is: of a third to two thirds, which Huang 1998 advises."""
TRIES = 3
"""Rows that a prototype is moved to in turn, where that lowers the cost; with one, 1 of 100 costs was above kmodes'."""


class Found(NamedTuple):
    """Prototypes, the steps that it took to find them, and whether rows were moved one by one."""

    prototypes: Prototypes
    n_iter: int
    whole: bool


class KPrototypes(TakesCategories):
    """Partition rows of numbers and categories into ``n_clusters`` segments around a mean and a mode each.

    Huang 1998. A row's cost is its squared distance to the mean plus ``gamma`` for each category that is not the
    mode's; "auto" is half of the numbers' mean standard deviation, weighted, and 1 where that is 0. Columns of text, of
    categories, and of true and false are categories; ``categorical`` names or counts out more, such as numbers that
    are codes. ``init``: "k-means++" (greedy, by the mixed distance) or ``n_clusters`` rows like those of ``X``.
    ``n_init``: drawn starts, of which the end of least cost is kept. ``max_iter``: steps of all rows, and of single
    rows after them. Prototypes that are hardly missed are then tried elsewhere, as long as that lowers the cost.

    ``X``: any table, Parquet files, a Dask DataFrame, or an array or Dask array with ``categorical``; numbers finite
    and scaled, no category missing. A category that ``fit`` did not see differs from every mode. Equal rows count as
    one of their weight, and neither the order of the rows nor the blocks that they come in change a bit of the
    prototypes. Of more than 65,536 distinct rows so many, drawn by ``random_state``, are searched for a start; then all
    rows move together, block by block. The distance of ``assign`` is the root of a row's cost, in the units of the
    numbers.

    After ``fit``: ``labels_`` (int32; 0 is the heaviest segment), ``cluster_centers_`` (the means), ``cluster_modes_``
    (words), ``gamma_``, ``cost_``, ``n_iter_``, ``segment_weight_``, ``backend_``, ``dispatch_``. A model stores the
    prototypes, the words of each column of categories, and 201 quantiles a segment: no row of a person. Raises
    InvalidInput for more clusters than rows and for missing values.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"spent": [1.0, 2.0, 9.0, 9.5, 10.0], "pays": ["cash", "cash", "card", "card", "cash"]})
    >>> model = KPrototypes(2, random_state=0).fit(rows)
    >>> model.labels_, model.cluster_modes_.tolist()
    (array([1, 1, 0, 0, 0], dtype=int32), [['card'], ['cash']])
    >>> round(model.gamma_, 2), model.assign(rows).distance.round(2).tolist()
    (1.97, [0.5, 0.5, 0.5, 0.0, 1.49])
    """

    numbers_first: ClassVar[bool] = True
    codes_numbers: ClassVar[bool] = True
    in_blocks: ClassVar[bool] = True
    beyond: ClassVar[str] = "blocks"
    metrics: ClassVar[tuple[str, ...]] = ("mixed",)
    _fit_name: ClassVar[str] = "kprototypes"
    stored: ClassVar[tuple[str, ...]] = (
        "cluster_centers_", "modes_", "gamma_", "segment_weight_", "distance_quantiles_", "cost_", "n_iter_",
        "n_features_in_", "feature_names_in_", *TakesCategories.coding,
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
        work, seed = self._open(X, sample_weight, reset=True), seed_of(self.random_state)
        sums = self._sums(work.engine.reduce(extent_of, widest))
        sketch = work.engine.merge(sketch_of, partial(lowest, most=SKETCHED), SKETCHED, seed, sums.grid[:, -1])
        self.gamma_ = self._gamma(work, sums)
        return self._adopt(self._found(work, sketch, sums, seed), work, sums, X)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest prototype.

        Of equally near prototypes the first by means, then by modes.
        """
        check_is_fitted(self)
        work, (order, prototypes) = self._open(X, reset=False), self._prototypes.in_order()
        search = work.kernel(mixed_two_nearest, len(order))
        fields = work.engine.rows(by_number, order, placed_block, search, prototypes, dtypes=(np.int32, np.float64))
        return in_callers_library(fields[:1], work.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: the root of the squared distance to the segment's mean plus ``gamma_`` for each category that is not
        the mode's. confidence: 1 - d1/d2, d2 to the best other prototype. novelty: the rank of the distance among the
        segment's training rows.
        """
        check_is_fitted(self)
        work, (order, prototypes) = self._open(X, reset=False), self._prototypes.in_order()
        search, quantiles = work.kernel(mixed_two_nearest, len(order)), self.distance_quantiles_[order]
        fields = work.engine.rows(by_number, order, assigned_block, search, prototypes, quantiles, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, work.blocks))

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

    def _sums(self, extent: Extent) -> Sums:
        """Return what exact sums of these rows need; raise InvalidInput where there are too few."""
        if extent.rows < self.n_clusters:
            many = f"the rows, n_samples={extent.rows}; use at most {extent.rows}"
            raise InvalidInput(f"n_clusters={self.n_clusters} is more than {many}")
        refuse_weightless(extent.heavy)
        levels = [len(words) for words in self.levels_.values()]
        wide = extent.wide[: len(extent.wide) - len(levels)]
        return Sums.of(np.append(wide, extent.heaviest), levels, extent.rows)

    def _gamma(self, work: Work, sums: Sums) -> float:
        if not isinstance(self.gamma, str):
            return float(self.gamma)
        return HALF * float(np.mean(deviations(work.engine, sums))) or 1.0 if len(sums.wide) > 1 else 1.0

    def _found(self, work: Work, sketch: Sketch, sums: Sums, seed: int) -> Found:
        """Return the best end of the sketch's starts; where that is not all rows, what all rows make of it."""
        rows, weight = in_order(sketch)
        p, starts, fit = len(sums.wide) - 1, self._starts(len(sums.wide) - 1, seed), work.backend.fits["kprototypes"]
        known = {
            "codes": rows[:, p:].astype(np.int64), "levels": np.diff(sums.edges).tolist(), "gamma": self.gamma_,
            "sample_weight": weight, "max_iter": int(self.max_iter),
        }  # fmt: skip
        ends = each(lambda start: fit(rows[:, :p], **start, **known, tries=0), starts)
        end = min(ends, key=lambda end: float(end["cost"]))
        last = {"starts": [(end["means"], end["modes"])], "uniform": []}
        end = fit(rows[:, :p], **last, **known, tries=TRIES)
        best = Found(Prototypes(end["means"], end["modes"], self.gamma_), int(end["n_iter"]), sketch.whole)
        if sketch.whole:
            return best
        given = [
            Found(Prototypes(means, modes, self.gamma_), 0, whole=False)
            for some in starts
            for means, modes in some["starts"]
        ]
        return min((self._descended(one, work, sums) for one in (best, *given)), key=lambda end: end[0])[1]

    def _descended(self, begun: Found, work: Work, sums: Sums) -> tuple[float, Found]:
        """Return the cost and the end of prototypes that all rows move together."""
        step, search = (work.kernel(body, int(self.n_clusters)) for body in (mixed_step, mixed_two_nearest))
        end, cost, steps = descent(work.engine, step, search, begun.prototypes, sums, max_iter=int(self.max_iter))
        return cost, Found(end, begun.n_iter + steps, whole=False)

    def _starts(self, p: int, seed: int) -> list[dict[str, Any]]:
        """Return the start that is given, or the numbers drawn for those that are not."""
        many = int(self.n_clusters)
        if isinstance(self.init, str):
            drawn, trials = np.random.default_rng(seed).random, 2 + int(np.log2(many))  # trials as k-means takes
            return [{"starts": [], "uniform": [drawn((many, trials))]} for _ in range(int(self.n_init))]
        rows = to_host(self._blocks(self.init, None, site_of("local"), reset=False).held).astype(np.float64)
        if len(rows) != many:
            raise InvalidInput(f"init has {len(rows)} rows; give n_clusters={many} rows like those of X")
        return [{"starts": [(rows[:, :p], rows[:, p:].astype(np.int64))], "uniform": []}]

    @property
    def _prototypes(self) -> Prototypes:
        return Prototypes(self.cluster_centers_, self.modes_, self.gamma_)

    def _adopt(self, found: Found, work: Work, sums: Sums, given: Any) -> Self:
        """Return self with each row in the segment of its nearest prototype, and segments in order of weight."""
        (_, prototypes), many = found.prototypes.in_order(), len(found.prototypes.means)
        step, search = (work.kernel(body, many) for body in (mixed_step, mixed_two_nearest))
        masses = masses_at(work.engine, step, prototypes, sums)
        order = order_ids(np.hstack([prototypes.means, prototypes.modes]), masses.weight)
        order = order[masses.weight[order] > 0]
        if len(order) < self.n_clusters:
            warn_fewer(self.n_clusters, len(order))
        number = np.full(many, -1, dtype=np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        seen = work.engine.become(labelled_block, search, prototypes)
        self.distance_quantiles_ = quantiles_of(seen, work.backend, many)[order]
        self.cluster_centers_, self.modes_ = prototypes.means[order], prototypes.modes[order]
        self.segment_weight_, self.cost_, self.n_iter_ = masses.weight[order], float(np.sum(masses.cost)), found.n_iter
        if work.blocks.lazy:  # the workers hold nothing for labels that nobody may ask for
            self.labels_ = self.predict(given)
        else:
            self.labels_ = in_callers_library(seen.rows(renumbered, number, dtypes=(np.int32,)), work.blocks)[0]
        chosen = ", half of the mean standard deviation" if isinstance(self.gamma, str) else ""
        how = "" if found.whole else f"; starts on {SKETCHED} distinct rows"
        reason = f"{work.reason}; gamma={self.gamma_:.4g}{chosen}{how}"
        return self._say(Dispatch(work.backend.name, work.engine.name, "own", reason, work.steps))
