"""Mini-batch k-means: centres by small random batches, for rows so many that few walks over them are wanted."""

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from array_api_compat import array_namespace

from gpuseg._checks import check_count, check_number
from gpuseg.backends import Host, Task, one_blas_thread, to_host, with_room
from gpuseg.cluster._base import Dispatch, seed_of
from gpuseg.cluster._lloyd import describe, relocate
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster._run import Run
from gpuseg.cluster.kmeans import KMeans
from gpuseg.engines import Block, Blocks
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.centers import add, bounds, farthest, join_far, lloyd_step, squared_distances
from gpuseg.neighbors.draws import Seed, generator, weighted_draw
from gpuseg.neighbors.sample import rows_of

TOGETHER = 64
"""Batches that are drawn in one walk over all rows: of 1,024 rows by 16 columns they take 8 MiB."""
FIRST = 8
"""Batches that the start is worked out on: as many as half of the steps usually are, in one walk."""
SMOOTHED = 10
"""Batches over which the inertia is smoothed: that of a single one goes up and down by a few per cent."""
STARVED = 10
"""Rows a centre on average after which starved centres are looked for, as in scikit-learn."""


class State(NamedTuple):
    """Centres less offset, (k, d), and the weight of the rows that each was moved by, (k,)."""

    centers: Host
    counts: Host


class MiniBatchKMeans(KMeans):
    """Move centres by random batches of ``batch_size`` rows, and label all rows by one exact step at the end.

    Sculley 2010: a centre moves to the mean of all rows that were ever drawn and nearest to it. Rows are drawn in
    proportion to their weight. The start is k-means on the first batches (``n_init`` starts), or ``init``, (n_clusters,
    n_features). ``max_iter``: the batches hold so many times the rows of ``X`` at most. ``max_no_improvement``: batches
    without a lower smoothed inertia after which it ends; None: none. ``reassignment_ratio``: a centre that got less
    than this share of the rows of the largest moves onto a random row. ``X``, ``engine``, ``assign`` and what is stored
    are those of ``KMeans``: files and Dask input are read block by block, once for every 64 batches, and three times
    beside that.

    After ``fit`` as for ``KMeans``; ``n_iter_`` counts batches. ``partial_fit`` moves the centres by one batch that is
    given, and keeps the numbers of the segments as the first one made them.

    >>> import numpy as np
    >>> x = np.array([[0.0], [1.0], [9.0], [10.0], [11.0]])
    >>> MiniBatchKMeans(2, random_state=0).fit(x).labels_
    array([1, 1, 0, 0, 0], dtype=int32)
    >>> MiniBatchKMeans(2, random_state=0).partial_fit(x).partial_fit([[12.0]]).cluster_centers_
    array([[10.5],
           [ 0.5]])
    """

    solver = "lloyd"
    tol = 0.0
    stored: ClassVar[tuple[str, ...]] = (*KMeans.stored, "counts_")

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int = 3,
        batch_size: int = 1024,
        max_iter: int = 100,
        max_no_improvement: int | None = 10,
        reassignment_ratio: float = 0.001,
        random_state: Any = None,
        backend: str = "auto",
        engine: Any = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.max_no_improvement = max_no_improvement
        self.reassignment_ratio = reassignment_ratio
        self.random_state = random_state
        self.backend = backend
        self.engine = engine

    def solve(self, run: Run) -> Self:
        """Return self, fitted to the rows of ``run``, which ``prepare`` gave: what ``fit`` goes on with."""
        seed = seed_of(self.random_state)
        with one_blas_thread():
            state, batches = self._walked(run, self._start(run, seed), seed)
            # An exact step moves centres without rows onto the farthest ones, and the others to their rows' means.
            (end,) = run.solve([state.centers], max_iter=1, compared=False)
            self._number(end._replace(n_iter=batches), run)
        self.counts_ = self.segment_weight_
        reason = f"{run.work.reason}; {batches} batches of {self._batch(run)} rows"
        return self._say(Dispatch(run.work.backend.name, run.work.engine.name, "own", reason, run.work.steps))

    @with_room
    def partial_fit(self, X: Any, y: None = None, sample_weight: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, with centres moved by the rows of ``X``, which are one batch.

        The first batch makes the start, and needs ``n_clusters`` distinct rows. ``labels_``, ``inertia_`` and the
        distances for the novelty are those of the last batch; ``segment_weight_`` counts all of them.
        """
        first = not hasattr(self, "counts_")
        self._check_parameters()
        work = self._open(X, sample_weight, reset=first)
        data = describe(work.engine)
        if not first:
            data = data._replace(offset=self.offset_)
        run = Run(X, work, data, None, int(self.max_iter), self.tol, self.solver)
        with one_blas_thread():
            state = self._first(run) if first else State(self.cluster_centers_ - self.offset_, self.counts_)
            return self._keep(run, self._moved_by(run, state), first=first)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("batch_size", self.batch_size)
        check_number("reassignment_ratio", self.reassignment_ratio, low=0.0)
        if self.max_no_improvement is not None:
            check_count("max_no_improvement", self.max_no_improvement)

    def _task(self, blocks: Blocks) -> Task:
        # All rows are seen a few times, whatever the batches.
        return super()._task(blocks)._replace(n_init=1)

    def _batch(self, run: Run) -> int:
        return min(int(self.batch_size), run.data.rows)

    def _start(self, run: Run, seed: int) -> State:
        """Return the centres that are given, or those of k-means on the first batches."""
        if not isinstance(self.init, str):
            (given,) = self._starts(run)
            return State(given, np.zeros(len(given)))
        rows = drawn(run, max(FIRST * self._batch(run), STARVED * int(self.n_clusters)), seed, 0)
        few = KMeans(self.n_clusters, backend="cpu").prepare(rows)
        centers = few.best(few.seeds(self.n_clusters, int(self.n_init), seed)).centers
        weight, _, _ = few.masses(centers)
        return State(centers + few.data.offset, weight)

    def _walked(self, run: Run, state: State, seed: int) -> tuple[State, int]:
        """Return the state after all batches, and how many there were."""
        size, smooth, least, idle, batches = self._batch(run), None, np.inf, 0, 0
        most = -(-int(self.max_iter) * run.data.rows // size)
        patience = most if self.max_no_improvement is None else int(self.max_no_improvement)
        while batches < most and idle < patience:
            count = min(TOGETHER, most - batches)
            rows, draws = drawn(run, count * size, seed, 1 + batches), generator(Seed(seed, 1), 0, batches)
            for batch in np.split(rows, count):
                state, inertia = moved(state, batch)
                batches += 1
                if batches % max(1, STARVED * int(self.n_clusters) // size) == 0:
                    state = fed(state, batch, float(self.reassignment_ratio), draws)
                smooth = inertia if smooth is None else smooth + 2 / (SMOOTHED + 1) * (inertia - smooth)
                least, idle = (smooth, 0) if smooth < least else (least, idle + 1)
                if idle >= patience:
                    break
        return state, batches

    def _first(self, run: Run) -> State:
        """Return the start of ``partial_fit``: seeds among the rows of its first batch, the heaviest first."""
        many = int(self.n_clusters)
        seeds = self._starts(run)[0]
        if len(seeds) < many:
            raise InvalidInput(
                f"n_clusters={many} is more than the {len(seeds)} distinct rows of the first batch; give more"
            )
        weight, _, _ = run.masses(seeds)
        return State(seeds[np.argsort(-weight, kind="stable")], np.zeros(many))

    def _moved_by(self, run: Run, state: State) -> State:
        """Return the state after one batch, all rows of ``run``; a centre that never had any goes to the farthest."""
        engine, offset = run.work.engine, run.data.offset
        search, step = (run.work.kernel(body, len(state.centers)) for body in (bounds, lloyd_step))
        bounded = engine.map(search, len(state.centers), run.data.spread)
        sums, weights = bounded.reduce(step, add, state.centers, offset)
        if (empty := np.flatnonzero(state.counts + weights == 0)).size:
            far = engine.reduce(farthest, join_far, state.centers, offset, len(empty))
            sums, weights = relocate(sums, weights, empty, far)
        return joined(state, sums, weights)

    def _keep(self, run: Run, state: State, *, first: bool) -> Self:
        many = len(state.centers)
        seen, before = run.labelled(state.centers), getattr(self, "distance_quantiles_", None)
        quantiles, (weight, _, self.inertia_) = quantiles_of(seen, run.work.backend, many), run.masses(state.centers)
        if not first and before is not None:
            quantiles = np.where(weight[:, None] > 0, quantiles, before)
        self.distance_quantiles_, self.offset_ = quantiles, run.data.offset
        self.cluster_centers_, self.counts_ = state.centers + run.data.offset, state.counts
        self.segment_weight_, self.n_iter_ = state.counts, 1 if first else self.n_iter_ + 1
        self.labels_ = self.predict(run.given)
        work = run.work
        return self._say(Dispatch(work.backend.name, work.engine.name, "own", f"{work.reason}; one batch", work.steps))


def drawn(run: Run, count: int, seed: int, turn: int) -> Host:
    """Return rows less offset, drawn by weight with replacement, in random order: the same on every engine."""
    engine, shares = run.work.engine, run.block_weights()
    counts = generator(Seed(seed, 2), 0, turn).multinomial(count, shares / shares.sum())
    parts = engine.collect(drawn_of, counts, run.data.offset, seed, turn)
    return generator(Seed(seed, 3), 0, turn).permutation(np.concatenate(parts))


def drawn_of(block: Block, counts: Host, offset: Host, seed: int, turn: int) -> Host:
    """Return as many rows of a block, less offset, as were drawn for it."""
    xp: Any = array_namespace(block.x)
    uniform = generator(Seed(seed, 4), block.number, turn).random(int(counts[block.number]))
    picked = weighted_draw(xp.astype(block.weight, xp.float64), uniform)
    return to_host(rows_of(block.x, picked)).astype(np.float64) - offset


def joined(state: State, sums: Host, weights: Host) -> State:
    """Return the state with each centre moved to the mean of its rows of this batch and of those before.

    >>> joined(State(np.array([[1.0]]), np.array([1.0])), np.array([[5.0]]), np.array([1.0])).centers
    array([[3.]])
    """
    counts = state.counts + weights
    share = 1.0 / np.where(counts > 0, counts, 1.0)[:, None]
    return State(state.centers + share * (sums - weights[:, None] * state.centers), counts)


def moved(state: State, batch: Host) -> tuple[State, float]:
    """Return the state after a batch of rows, and the mean squared distance to the centres before it."""
    d2 = squared_distances(batch, state.centers)
    label, many = np.argmin(d2, axis=1), len(state.centers)
    members = (label[:, None] == np.arange(many)).astype(np.float64)
    inertia = float(np.mean(d2[np.arange(len(batch)), label]))
    return joined(state, members.T @ batch, np.sum(members, axis=0)), inertia


def fed(state: State, batch: Host, ratio: float, draws: np.random.Generator) -> State:
    """Return the state with starved centres moved onto random rows of a batch, at most half of it.

    They count as much as the least of the others, as in scikit-learn: they would move by every row else.
    """
    starved = np.flatnonzero(state.counts < ratio * np.max(state.counts))
    starved = starved[np.argsort(state.counts[starved], kind="stable")][: len(batch) // 2]
    if not len(starved):
        return state
    centers, counts = state.centers.copy(), state.counts.copy()
    centers[starved] = batch[draws.choice(len(batch), len(starved), replace=False)]
    counts[starved] = np.min(np.delete(state.counts, starved))
    return State(centers, counts)
