"""Bisecting k-means: segments by halving one after the other, which keeps how they hang together."""

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from gpuseg._checks import check_count
from gpuseg.backends import Array, Host, Task, holder, one_blas_thread, to_host, with_room
from gpuseg.cluster._assignment import ASSIGNED, Assignment, order_ids
from gpuseg.cluster._base import Clusterer, Dispatch, Work, check_is_fitted, given_back, in_callers_library, seed_of
from gpuseg.cluster._descent import Tree, assigned_block, leaf_block
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.cluster._training import weights_of
from gpuseg.cluster.kmeans import KMeans, warn_fewer
from gpuseg.engines import Blocks
from gpuseg.errors import InvalidInput, unknown
from gpuseg.neighbors.centers import nearest
from gpuseg.neighbors.sample import rows_of

STRATEGIES = ("biggest_inertia", "largest_cluster")


class Part(NamedTuple):
    """A node of the tree while it grows: the numbers of its rows, and what is known of them."""

    rows: Host
    center: Host
    weight: float
    inertia: float
    quantiles: Host
    steps: int


class BisectingKMeans(Clusterer):
    """Halve the segment of most inertia, or of most weight, by k-means, until there are ``n_clusters``.

    Steinbach, Karypis and Kumar 2000. ``bisecting_strategy``: "biggest_inertia" or "largest_cluster". ``n_init``,
    ``max_iter``, ``tol`` and ``solver``: of each halving, as in ``KMeans``. The segments are a hierarchy: the first
    halvings are those of a fit with fewer segments, so that ``cut`` needs no refit.

    ``X``: (n_samples, n_features), finite: an array or a table in memory. After ``fit``: ``labels_`` (int32; 0 is the
    heaviest segment), ``cluster_centers_``, ``inertia_``, ``n_iter_`` (the steps of the longest halving),
    ``segment_weight_``, ``n_clusters_``, ``splits_`` (the node that each step halved; its halves are nodes 2s + 1 and
    2s + 2 of ``node_centers_``, node 0 is all rows), ``backend_``, ``dispatch_``. A row goes down the tree by the
    nearer of two centres, as in training: it need not end at the nearest centre of all. A model stores 2k - 1 centres
    with 201 quantiles each: no row of a person. Raises InvalidInput for more clusters than rows and for NaN,
    UnsupportedOnBackend where ``fit`` is given Dask or files.

    >>> import numpy as np
    >>> model = BisectingKMeans(3, random_state=0).fit(np.array([[0.0], [1.0], [10.0], [11.0], [12.0], [30.0]]))
    >>> model.labels_, model.splits_
    (array([1, 1, 0, 0, 0, 2], dtype=int32), array([0, 1]))
    >>> model.cut(2).labels_
    array([0, 0, 0, 0, 0, 1], dtype=int32)
    """

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
        work = self._whole(X, sample_weight)
        rows = sum(work.blocks.sizes)
        if rows < self.n_clusters:
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is more than the rows, n_samples={rows}; use at most {rows}"
            )
        weight = weights_of(work.blocks, rows)
        nodes, splits = self._grown(work, weight)
        self.splits_, self.offset_ = np.array(splits, dtype=np.int64), nodes[0].center
        self.node_centers_ = np.stack([node.center for node in nodes])
        self.node_quantiles_ = np.stack([node.quantiles for node in nodes])
        self.n_iter_ = max(node.steps for node in nodes)
        self.node_inertia_ = np.array([node.inertia for node in nodes])
        if len(splits) + 1 < self.n_clusters:
            warn_fewer(self.n_clusters, len(splits) + 1)
        self._weigh(work, weight)
        self._settle(len(splits) + 1)
        self.labels_ = given_back(self._numbers()[self._row_nodes], work.backend, work.blocks)
        return self._say(Dispatch(work.backend.name, work.engine.name, "own", work.reason, work.steps))

    def cut(self, n_clusters: int) -> Self:
        """Return a copy of the model with its first ``n_clusters`` segments, from 1 to those fitted; nothing is fitted.

        This model stays as it is. A model from a file has no ``labels_``; ``predict`` gives them.
        """
        check_is_fitted(self)
        check_count("n_clusters", n_clusters)
        if n_clusters > len(self.splits_) + 1:
            raise InvalidInput(
                f"n_clusters={n_clusters} is more than the {len(self.splits_) + 1} fitted; fit that many"
            )
        model = object.__new__(type(self))
        model.__dict__.update(self.__dict__)
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
        self._halving(1)._check_parameters()  # noqa: SLF001 - its own sentences for what both have
        check_count("n_clusters", self.n_clusters)
        if self.bisecting_strategy not in STRATEGIES:
            raise unknown("bisecting_strategy", self.bisecting_strategy, STRATEGIES)

    def _task(self, blocks: Blocks) -> Task:
        return super()._task(blocks)._replace(n_clusters=2, n_init=int(self.n_clusters))

    def _halving(self, n_clusters: int) -> KMeans:
        given = {name: getattr(self, name) for name in ("n_init", "max_iter", "tol", "solver")}
        return KMeans(n_clusters, **given)

    def _grown(self, work: Work, weight: Host) -> tuple[list[Part], list[int]]:
        """Return all nodes, and which of them were halved, in order."""
        seed = seed_of(self.random_state)
        (whole,) = self._parts(work, weight, np.arange(len(weight)), 1, seed)
        nodes, leaves = [whole], [0]
        splits: list[int] = []
        while leaves and len(splits) + 1 < self.n_clusters:
            # Of equal scores the first.
            node = max(leaves, key=lambda leaf: (self._score(nodes[leaf]), -leaf))
            leaves.remove(node)
            halves = self._parts(work, weight, nodes[node].rows, 2, split_seed(seed, len(splits)))
            if len(halves) > 1:
                leaves += [len(nodes), len(nodes) + 1]
                nodes, splits = [*nodes, *halves], [*splits, node]
        return nodes, splits

    def _score(self, part: Part) -> float:
        return part.inertia if self.bisecting_strategy == "biggest_inertia" else part.weight

    def _parts(self, work: Work, weight: Host, rows: Host, count: int, seed: int) -> list[Part]:
        """Return the parts into which k-means divides some rows, fewer than asked for where these are all alike."""
        if len(rows) < count or not np.any(weight[rows] > 0):
            return []
        halving = self._halving(count).set_params(backend=work.backend.name)
        with one_blas_thread():
            run = halving.prepare(rows_of(work.whole, rows), weight[rows])
            starts = run.seeds(count, int(self.n_init), seed)
            if len(starts[0]) < count:
                return []
            end = run.settled(run.best(starts))
            search = run.work.kernel(nearest, count)
            fields = run.work.engine.rows(search, end.centers, run.data.offset, dtypes=(np.int32, np.float64))
        label, distance = (to_host(field) for field in fields)
        distance, heavy = distance.astype(np.float64), weight[rows]
        weights, inertias = (np.bincount(label, of, minlength=count) for of in (heavy, heavy * distance**2))
        quantiles = distance_quantiles(label, distance, heavy, count, run.work.backend)
        return [
            Part(
                rows[label == at],
                end.centers[at] + run.data.offset,
                weights[at],
                inertias[at],
                quantiles[at],
                end.n_iter,
            )
            for at in range(count)
        ]

    def _weigh(self, work: Work, weight: Host) -> None:
        """Learn the leaf of each row by the way that ``predict`` goes, and with it the weight of each node."""
        (leaf,) = work.engine.rows(leaf_block, self._tree(len(self.splits_)), dtypes=(np.int32,))
        self._row_nodes = to_host(leaf)
        weights = np.bincount(self._row_nodes, weight, minlength=len(self.node_centers_))
        for split in range(len(self.splits_) - 1, -1, -1):
            weights[self.splits_[split]] += weights[2 * split + 1] + weights[2 * split + 2]
        self.node_weight_ = weights

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
