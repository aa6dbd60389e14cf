"""Bisecting k-means: segments by halving one after the other, which keeps how they hang together."""

from typing import Any, ClassVar, Self

import numpy as np

from gpuseg._checks import check_count
from gpuseg.backends import Array, Host, Task, holder, one_blas_thread, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, order_ids
from gpuseg.cluster._base import Clusterer, Dispatch, Work, check_is_fitted, given_back, in_callers_library, seed_of
from gpuseg.cluster._descent import Tree, assigned_block, leaf_weights, leaves_of, led
from gpuseg.cluster._halving import Part, at_root, halved, parts_of, run_of, within
from gpuseg.cluster._run import Run, Solver
from gpuseg.cluster.kmeans import KMeans, warn_fewer
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.neighbors.groups import sums_by

STRATEGIES = ("biggest_inertia", "largest_cluster")


class BisectingKMeans(Clusterer):
    """Halve the segment of most inertia, or of most weight, by k-means, until there are ``n_clusters``.

    Steinbach, Karypis and Kumar 2000. ``bisecting_strategy``: "biggest_inertia" or "largest_cluster". ``n_init``,
    ``max_iter``, ``tol`` and ``solver``: of each halving, as in ``KMeans``. The segments are a hierarchy: the first
    halvings are those of a fit with fewer segments, so that ``cut`` needs no refit.

    ``X`` and ``engine``: as in ``KMeans``. Each halving walks over the rows of one segment, which are held beside all
    rows where these are held, and else looked for at each walk. The same blocks give the same bits on any engine, with
    ``solver="lloyd"``, which "auto" takes on a CPU. After ``fit``: ``labels_`` (int32; 0 is the heaviest segment; for
    Dask input a lazy Dask array), ``cluster_centers_``, ``inertia_``, ``n_iter_`` (the steps of the longest halving),
    ``segment_weight_``, ``n_clusters_``, ``splits_`` (the node that each step halved; its halves are nodes 2s + 1 and
    2s + 2 of ``node_centers_``, node 0 is all rows), ``backend_``, ``dispatch_``. A row goes down the tree by the
    nearer of two centres, as in training: it need not end at the nearest centre of all. A model stores 2k - 1 centres
    with 201 quantiles each: no row of a person. Raises InvalidInput for more clusters than rows and for NaN.

    >>> import numpy as np
    >>> model = BisectingKMeans(3, random_state=0).fit(np.array([[0.0], [1.0], [10.0], [11.0], [12.0], [30.0]]))
    >>> model.labels_, model.splits_
    (array([1, 1, 0, 0, 0, 2], dtype=int32), array([0, 1]))
    >>> model.cut(2).labels_
    array([0, 0, 0, 0, 0, 1], dtype=int32)
    """

    in_blocks: ClassVar[bool] = True
    beyond: ClassVar[str] = "blocks"
    stored: ClassVar[tuple[str, ...]] = (
        "splits_", "node_centers_", "node_weight_", "node_inertia_", "node_quantiles_", "offset_", "segment_nodes_",
        "cluster_centers_", "segment_weight_", "distance_quantiles_", "inertia_", "n_iter_", "n_clusters_",
        "n_features_in_", "feature_names_in_",
    )  # fmt: skip

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        bisecting_strategy: str = "biggest_inertia",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
        backend: str = "auto",
        engine: Any = "auto",
        solver: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.bisecting_strategy = bisecting_strategy
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
        self._check_parameters()
        work = self._open(X, sample_weight, reset=True)
        rows = sum(work.blocks.sizes)
        if rows < self.n_clusters:
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the rows, n_samples={rows}; use at most {rows}"
            )
        with one_blas_thread():  # held over all walks, as in KMeans
            solver, nodes, splits = self._grown(work)
        self._learn(nodes, splits)
        if len(splits) + 1 < self.n_clusters:
            warn_fewer(self.n_clusters, len(splits) + 1)
        self._weigh(work)
        self._settle(len(splits) + 1)
        if work.blocks.lazy:  # the workers hold nothing for labels that nobody may ask for
            self.labels_ = self.predict(X)
        else:
            self.labels_ = given_back(self._numbers()[self._row_nodes], work.backend, work.blocks)
        reason = f"{work.reason}; {solver.reason}"
        return self._say(Dispatch(work.backend.name, work.engine.name, solver.name, reason, work.steps))

    def cut(self, n_clusters: int) -> Self:
        """Return a copy of the model with its first ``n_clusters`` segments, from 1 to those fitted; nothing is fitted.

        This model stays as it is. A model from a file, or a cut of one of Dask input, has no ``labels_``; ``predict``
        gives them.
        """
        check_is_fitted(self)
        check_count("n_clusters", n_clusters)
        if n_clusters > len(self.splits_) + 1:
            raise InvalidInput(
                f"n_clusters={n_clusters} is more than the {len(self.splits_) + 1} fitted; fit that many"
            )
        model = object.__new__(type(self))
        model.__dict__.update({name: value for name, value in self.__dict__.items() if name != "labels_"})
        model.n_clusters = n_clusters
        model._settle(int(n_clusters))
        if hasattr(self, "_row_nodes"):
            holding, labels = holder(self.labels_), model._numbers()[self._row_nodes]
            model.labels_ = labels if holding is None else holding.to_device(labels)
        return model

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): where the nearer of two centres leads at each split."""
        return self.assign(X).segment

    def assign(self, X: Any) -> Assignment:  # noqa: N803 - scikit-learn's name
        """Return segment, distance, confidence and novelty of each row.

        distance: to the segment's centre, unsquared. confidence: 1 - d1/d2, d2 to the best other centre, and 0 where
        that is nearer. novelty: the rank of the distance among the segment's training rows.
        """
        check_is_fitted(self)
        opened = self._open(X, reset=False)
        fields = opened.engine.rows(
            assigned_block,
            self._tree(self.n_clusters_ - 1),
            self.segment_nodes_,
            self.distance_quantiles_,
            dtypes=ASSIGNED,
        )
        return Assignment(*in_callers_library(fields, opened.blocks))

    def _check_parameters(self) -> None:
        self._halving()._check_parameters()  # noqa: SLF001 - its own sentences for what both have
        check_count("n_clusters", self.n_clusters)
        if self.bisecting_strategy not in STRATEGIES:
            raise unknown("bisecting_strategy", self.bisecting_strategy, STRATEGIES)

    def _task(self, blocks: Blocks) -> Task:
        return super()._task(blocks)._replace(n_clusters=2, n_init=int(self.n_clusters))

    def _halving(self) -> KMeans:
        given = {name: getattr(self, name) for name in ("n_init", "max_iter", "tol", "solver")}
        return KMeans(2, **given)

    def _grown(self, work: Work) -> tuple[Solver, list[Part], list[int]]:
        """Return who brought halvings to their ends, all nodes, and which of them were halved, in order."""
        seed, whole = seed_of(self.random_state), self._run(work, self.solver)
        solver = whole.chosen(2)
        (root,), _ = parts_of(whole, 1, int(self.n_init), seed)
        nodes, leaves, placed = [root], [0], work.engine.map(at_root)
        splits: list[int] = []
        while leaves and len(splits) + 1 < self.n_clusters:
            # Of equal scores the first.
            node = max(leaves, key=lambda leaf: (self._score(nodes[leaf]), -leaf))
            leaves.remove(node)
            if not nodes[node].weight > 0:
                continue
            run = self._run(within(work, placed, node, solver), solver.name) if node else whole
            halves, way = parts_of(run, 2, int(self.n_init), split_seed(seed, len(splits)))
            del run  # its rows, before the next ones come
            if len(halves) > 1:
                leaves += [len(nodes), len(nodes) + 1]
                placed = placed.map(halved, node, len(nodes), *way)
                nodes, splits = [*nodes, *halves], [*splits, node]
        return solver, nodes, splits

    def _run(self, work: Work, solver: str) -> Run:
        return run_of(work, int(self.max_iter), self.tol, solver)

    def _score(self, part: Part) -> float:
        return part.inertia if self.bisecting_strategy == "biggest_inertia" else part.weight

    def _learn(self, nodes: list[Part], splits: list[int]) -> None:
        """Keep the tree."""
        self.splits_, self.offset_ = np.array(splits, dtype=np.int64), nodes[0].center
        self.node_centers_ = np.stack([node.center for node in nodes])
        self.node_quantiles_ = np.stack([node.quantiles for node in nodes])
        self.node_inertia_ = np.array([node.inertia for node in nodes])
        self.n_iter_ = max(node.steps for node in nodes)

    def _weigh(self, work: Work) -> None:
        """Learn the weight of each node by the way that ``predict`` goes, and the leaf of each row in this process."""
        found, nodes = work.engine.become(led, self._tree(len(self.splits_))), len(self.node_centers_)
        weights = found.reduce(leaf_weights, sum, work.backend.kernel_or(sums_by), nodes)
        for split in range(len(self.splits_) - 1, -1, -1):
            weights[self.splits_[split]] += weights[2 * split + 1] + weights[2 * split + 2]
        self.node_weight_ = weights
        self.__dict__.pop("_row_nodes", None)
        if not work.blocks.lazy:
            self._row_nodes = to_host(found.rows(leaves_of, dtypes=(np.int32,))[0])

    def _settle(self, n_clusters: int) -> None:
        """Take the nodes that are left after so many splits for segments, in order of weight."""
        nodes = np.setdiff1d(np.arange(2 * n_clusters - 1), self.splits_[: n_clusters - 1])
        nodes = nodes[order_ids(self.node_centers_[nodes], self.node_weight_[nodes])]
        self.segment_nodes_, self.n_clusters_ = nodes, n_clusters
        self.cluster_centers_, self.segment_weight_ = self.node_centers_[nodes], self.node_weight_[nodes]
        self.distance_quantiles_, self.inertia_ = self.node_quantiles_[nodes], float(np.sum(self.node_inertia_[nodes]))

    def _numbers(self) -> Host:
        """Return the segment of each node: its own, or that of the node it is a part of; -1 above the segments."""
        number = np.full(len(self.node_centers_), -1, dtype=np.int32)
        number[self.segment_nodes_] = np.arange(self.n_clusters_)
        for split in range(self.n_clusters_ - 1, len(self.splits_)):
            number[2 * split + 1 : 2 * split + 3] = number[self.splits_[split]]
        return number

    def _tree(self, splits: int) -> Tree:
        """Return the tree after so many splits."""
        return Tree(self.splits_[:splits], self.node_centers_[: 2 * splits + 1] - self.offset_, self.offset_)


def split_seed(seed: int, split: int) -> int:
    """Return the seed of a split: other draws for each.

    >>> split_seed(0, 1) == split_seed(0, 2)
    False
    """
    return int(np.random.SeedSequence([seed, split]).generate_state(1)[0])
