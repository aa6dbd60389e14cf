"""The base of methods whose segments are medoids: rows, of which each other row belongs to the nearest."""

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from gpuseg._checks import check_count
from gpuseg.backends import EXACT_MEDOIDS, SAMPLED_MEDOIDS, Array, Backend, Host, Task, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, by_number, order_ids, tie_order
from gpuseg.cluster._base import Dispatch, Work, check_is_fitted, in_callers_library, seed_of
from gpuseg.cluster._categories import TakesCategories
from gpuseg.cluster._labelled import masses_of, renumbered
from gpuseg.cluster._lloyd import label_block
from gpuseg.cluster._measure import check_matrix, measure_of
from gpuseg.cluster._placing import Placing, losses_of, placing_of
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster._sampled import Points, gathered, matrix_points, positive
from gpuseg.cluster.kmeans import warn_fewer
from gpuseg.engines import Blocks, each
from gpuseg.engines.blocks import refuse_weightless
from gpuseg.errors import InvalidInput, unknown
from gpuseg.neighbors.centers import add
from gpuseg.neighbors.measures import METRICS, Measure

METHODS = ("auto", "exact", "sample")
A_CLUSTER = 40
"""Rows of a sample for each segment, where there are so many segments that SAMPLED_MEDOIDS are too few."""


class Solution(NamedTuple):
    """Medoids by their numbers among the points, the rounds or trials it took, and the points' loss."""

    medoids: Host
    n_iter: int
    loss: float


class Found(NamedTuple):
    """The medoids as rows of X and by their numbers in it, the rounds or trials it took, and how they were found."""

    rows: Host
    numbers: Host
    n_iter: int
    solver: str


class Medoids(TakesCategories):
    """Fit, predict and assign of a method that chooses medoids.

    A subclass names what it needs of a backend in ``_fit_name`` and gives a solution of points in ``_learn``, one for
    each of ``_attempts``; of these the one of least loss is kept. The points are the distinct rows in the order of
    their coordinates, each with the weight of all equal ones: neither the order of the rows nor how they are repeated
    changes anything.
    """

    n_clusters: int
    metric: str
    method: str
    sample_size: Any
    random_state: Any
    measure_: dict[str, Any]
    cluster_centers_: Host
    medoid_indices_: Host
    distance_quantiles_: Host
    segment_weight_: Host
    in_blocks: ClassVar[bool] = True
    beyond: ClassVar[str] = "samples"
    metrics: ClassVar[tuple[str, ...]] = METRICS
    stored: ClassVar[tuple[str, ...]] = (
        "cluster_centers_", "medoid_indices_", "measure_", "segment_weight_", "distance_quantiles_",
        "inertia_", "n_iter_", "exact_", "n_features_in_", "feature_names_in_", *TakesCategories.coding,
    )  # fmt: skip

    def _learn(self, points: Points, measure: Measure, key: tuple[int, int], backend: Backend) -> Solution:
        """Return the medoids of one attempt, whose draws have this key; the points are ``prepared`` for the measure."""
        raise NotImplementedError

    @property
    def _attempts(self) -> int:
        """Return how many times medoids are looked for, each time in a sample of its own where samples are drawn."""
        raise NotImplementedError

    @property
    def _drawn(self) -> bool:
        """Return whether attempts at the same points differ."""
        return True

    @property
    def _whole_input(self) -> str | None:
        """Return what of the parameters allows no samples, None where nothing does not."""
        return "metric='precomputed'" if self.metric == "precomputed" else None

    def _check_parameters(self) -> None:
        """Raise InvalidInput for a parameter out of range."""
        check_count("n_clusters", self.n_clusters)
        if self.metric not in METRICS:
            raise unknown("metric", self.metric, METRICS)
        if self.categorical is not None and self.metric != "gower":
            raise InvalidInput(
                f"categorical={self.categorical!r} has no meaning for metric={self.metric!r}; leave it out, or give "
                "metric='gower'"
            )
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        if self.method == "sample" and self._whole_input is not None:
            raise InvalidInput(f"method='sample' is not for {self._whole_input}; use method='exact'")
        if self.sample_size != "auto":
            check_count("sample_size", self.sample_size, low=int(self.n_clusters))

    @with_room
    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted; ``sample_weight`` is (n_samples,), not negative, and counts as that many rows."""
        self._check_parameters()
        work = self._opened(X, sample_weight)
        refuse_weightless(rows := work.engine.reduce(positive, sum))
        if rows < self.n_clusters:
            weightless = rows < sum(work.blocks.sizes)
            which = "the rows that weigh anything" if weightless else "the rows"
            more = ", or give more rows a positive sample_weight" if weightless else ""
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than {which}, n_samples={rows}; use at most {rows}{more}"
            )
        measure = self._measured(work)
        return self._adopt(self._found(work, measure, rows), work, measure, X)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): that of the nearest medoid.

        Of equally near medoids the first by coordinates, with metric="precomputed" by number.
        With metric="precomputed" ``X`` is (n_samples, n_train): the distances to the rows that were fitted.
        """
        check_is_fitted(self)
        work = self._open(X, reset=False)
        order, placing = self._placing()
        search = work.kernel(placing.labels, placing.medoids)
        segment = work.engine.rows(by_number, order, search, *placing.args, dtypes=(np.int32,))
        return in_callers_library(segment, work.blocks)[0]

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the segment's medoid, in the metric. confidence: 1 - d1/d2, d2 to the best other medoid. novelty:
        the rank of the distance among those of the segment's training rows.
        """
        check_is_fitted(self)
        work = self._open(X, reset=False)
        order, placing = self._placing()
        search, quantiles = work.kernel(placing.assigned, placing.medoids), self.distance_quantiles_[order]
        fields = work.engine.rows(by_number, order, search, *placing.args, quantiles, dtypes=ASSIGNED)
        return Assignment(*in_callers_library(fields, work.blocks))

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: with metric="precomputed" the columns are rows too."""
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags

    def _opened(self, x: Any, sample_weight: Any) -> Work:
        """Return checked rows, in memory where no samples are drawn."""
        if self.method == "exact" or self._whole_input is not None:
            return self._whole(x, sample_weight)
        return self._open(x, sample_weight, reset=True)

    def _candidates(self, work: Work, measure: Measure, rows: int, seed: int) -> tuple[list[Points], str]:
        """Return the points that attempts choose from, one for all of them or one each, and what that is called."""
        if self.metric == "precomputed":
            return [matrix_points(work)], "exact"
        most = self._most(rows)
        if most >= rows:
            return [gathered(work, measure, rows, (seed, 0))], "exact"
        samples = [gathered(work, measure, most, (seed, attempt)) for attempt in range(self._attempts)]
        return samples, f"sample: the best of {len(samples)} samples of {most} rows"

    def _most(self, rows: int) -> int:
        """Return how many of the rows an attempt looks at."""
        if self.method == "exact" or self._whole_input is not None:
            return rows
        if self.method == "auto" and rows <= EXACT_MEDOIDS:
            return rows
        return (
            max(SAMPLED_MEDOIDS, A_CLUSTER * int(self.n_clusters)) if self.sample_size == "auto" else self.sample_size
        )

    def _found(self, work: Work, measure: Measure, rows: int) -> Found:
        """Return the medoids of least loss, over all rows where attempts saw different ones."""
        seed = seed_of(self.random_state)
        choices, solver = self._candidates(work, measure, rows, seed)
        attempts = self._attempts if self._drawn else len(choices)
        tasks = [(choices[attempt % len(choices)], (seed, attempt)) for attempt in range(attempts)]
        solved: list[Solution] = each(lambda task: self._learn(task[0], measure, task[1], work.backend), tasks)
        pairs = list(zip((points for points, _ in tasks), solved, strict=True))
        losses = tuple(one.loss for one in solved)
        if solver != "exact":
            losses = self._losses(work, measure, [points.rows[one.medoids] for points, one in pairs])
        points, best = pairs[int(np.argmin(losses))]
        return Found(points.rows[best.medoids], points.numbers[best.medoids], best.n_iter, solver)

    def _losses(self, work: Work, measure: Measure, candidates: list[Host]) -> tuple[float, ...]:
        """Return the loss of all rows with each of some sets of medoids, in one walk."""
        placings = [placing_of(rows, np.zeros(0), measure) for rows in candidates]
        searches = [(work.kernel(placing.nearest, placing.medoids), *placing.args) for placing in placings]
        losses: tuple[float, ...] = work.engine.reduce(losses_of, add, searches)
        return losses

    def _measured(self, work: Work) -> Measure:
        if self.metric == "precomputed":
            check_matrix(to_host(work.whole))
        columns = np.arange(work.blocks.n_features)
        return measure_of(work, self.metric, np.isin(columns, self.category_columns_))

    @property
    def _mixed(self) -> bool:
        return self.metric == "gower"

    def _placing(self) -> tuple[Host, Placing]:
        """Return the order in which medoids are searched, and how rows are placed by medoids in this order."""
        rows, numbers = getattr(self, "cluster_centers_", None), self.medoid_indices_
        order = tie_order(numbers[:, None] if rows is None else rows)
        return order, placing_of(None if rows is None else rows[order], numbers[order], Measure(**self.measure_))

    def _adopt(self, found: Found, work: Work, measure: Measure, given: Any) -> Self:
        """Return self with these medoids, numbered by the weight of their rows, and all that placing rows needs."""
        ties = found.numbers[:, None] if self.metric == "precomputed" else found.rows
        first = tie_order(ties)
        found, ties = found._replace(rows=found.rows[first], numbers=found.numbers[first]), ties[first]
        placing, count = placing_of(found.rows, found.numbers, measure), len(found.numbers)
        search, sums = work.kernel(placing.nearest, count), work.kernel(masses_of, count)
        seen = work.engine.become(label_block, search, *placing.args)
        weight, distances, _ = seen.reduce(sums, add, count)
        order = order_ids(ties, weight)
        order = order[weight[order] > 0]
        if len(order) < self.n_clusters:
            warn_fewer(self.n_clusters, len(order))
        number = np.full(count, -1, dtype=np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        self.distance_quantiles_ = quantiles_of(seen, work.backend, count)[order]
        self.medoid_indices_, self.measure_ = found.numbers[order], measure._asdict()
        if self.metric != "precomputed":
            self.cluster_centers_ = found.rows[order]
        self.inertia_, self.n_iter_ = float(np.sum(distances)), found.n_iter
        self.segment_weight_, self.exact_ = weight[order], found.solver == "exact"
        if work.blocks.lazy:
            self.labels_ = self.predict(given)
        else:
            self.labels_ = in_callers_library(seen.rows(renumbered, number, dtypes=(np.int32,)), work.blocks)[0]
        return self._say(Dispatch(work.backend.name, work.engine.name, found.solver, work.reason, work.steps))

    def _task(self, blocks: Blocks) -> Task:
        solver = "precomputed" if self.metric == "precomputed" else "exact" if self._whole_input else self.method
        return super()._task(blocks)._replace(n_clusters=int(self.n_clusters), n_init=self._attempts, solver=solver)
