"""OPTICS, linkage, medoids, BIRCH and k-prototypes, each beside the libraries that have it, at the same parameters."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contenders import contenders
from benchmarks.data import Mixed, Points, mixed, points
from benchmarks.harness import MB, Benchmark, Run
from gpuseg import CLARANS, OPTICS, Agglomerative, Birch, KMedoids, KPrototypes
from gpuseg.metrics import adjusted_rand

ROWS, FEATURES = 20_000, 6
CLUSTERS = 8
LINKAGES = ("average", "complete", "ward", "single")
THRESHOLD, BRANCHING = 1.5, 50
"""BIRCH's radius, below that of a cluster, the root of 6, and scikit-learn's entries of a node."""
HALF = 0.5
"""The cost of a category that differs, for kmodes' default is not ours."""


class Cut(NamedTuple):
    """Labels, and a figure by which two results can be told apart: the sum of all heights, or subclusters."""

    label: np.ndarray
    figure: float


def optics(options: Any, *, min_samples: int) -> dict[str, Run]:
    """Return the order and the reachability of a whole fit."""
    ours = partial(OPTICS, min_samples, method="exact")
    return contenders(
        options,
        lambda b: partial(_order, make=partial(ours, backend=b)),
        {"scikit-learn": partial(_order, make=partial(_scikit_learn, "OPTICS", min_samples=min_samples))},
    )


def _scikit_learn(name: str, **parameters: Any) -> Any:
    from sklearn import cluster

    return getattr(cluster, name)(**parameters)


def _order(data: Points, *, make: Callable[[], Any]) -> tuple[np.ndarray, np.ndarray]:
    model = make().fit(data.x)
    return np.asarray(model.ordering_, dtype=np.int64), model.reachability_


def fingerprint(_: Any, found: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """Return 48 bits of a hash of the order, and the sum of the finite reachabilities.

    Contenders are processes of their own, so their orders cannot be compared: equal figures are equal orders.
    """
    order, reachability = found
    bits = int.from_bytes(hashlib.sha256(order.tobytes()).digest()[:6])
    return {"order": bits, "reachability": float(np.sum(reachability[np.isfinite(reachability)]))}


def linkage(options: Any, *, method: str) -> dict[str, Run]:
    """Return the cut of an exact tree; a peer works out its matrix of distances itself."""
    return contenders(
        options,
        lambda b: partial(_tree, linkage=method, backend=b),
        {"SciPy": partial(_tree_of_scipy, method=method), "fastcluster": partial(_tree_of_fastcluster, method=method)},
    )


def _tree(data: Points, **parameters: Any) -> Cut:
    model = Agglomerative(CLUSTERS, method="exact", **parameters).fit(data.x)
    return Cut(np.asarray(model.labels_), float(np.sum(model.linkage_[:, 2])))


def _tree_of_scipy(data: Points, *, method: str) -> Cut:
    from scipy.cluster import hierarchy

    return _cut_by_scipy(hierarchy.linkage(data.x, method))


def _tree_of_fastcluster(data: Points, *, method: str) -> Cut:
    import fastcluster
    from scipy.spatial.distance import pdist

    return _cut_by_scipy(fastcluster.linkage(pdist(data.x), method, preserve_input=False))


def _cut_by_scipy(tree: np.ndarray) -> Cut:
    from scipy.cluster.hierarchy import fcluster

    return Cut(fcluster(tree, CLUSTERS, "maxclust"), float(np.sum(tree[:, 2])))


def of_tree(data: Points, found: Cut) -> dict[str, float]:
    """Return the agreement with the truth, the sum of heights, and the size of a condensed matrix beside the peak."""
    pairs = len(data.x) * (len(data.x) - 1) // 2
    condensed = pairs * np.dtype(np.float64).itemsize / MB**2
    return {"ari": adjusted_rand(data.true, found.label), "heights": found.figure, "condensed_mb": round(condensed, 1)}


def medoids(options: Any, *, method: type[KMedoids | CLARANS]) -> dict[str, Run]:
    """Return the loss of medoids, those of a start by FasterPAM, those of CLARANS by the paper's draws."""
    return contenders(options, lambda b: partial(_loss, method=method, backend=b), {"kmedoids": _loss_of_kmedoids})


def _loss(data: Points, *, method: type[KMedoids | CLARANS], **parameters: Any) -> float:
    given = {"init": _first(data)} if method is KMedoids else {"random_state": 0}
    return float(method(CLUSTERS, method="exact", **given, **parameters).fit(data.x).inertia_)


def _first(data: Points) -> np.ndarray:
    return np.random.default_rng(0).choice(len(data.x), CLUSTERS, replace=False)


def _loss_of_kmedoids(data: Points) -> float:
    import kmedoids
    from scipy.spatial.distance import cdist

    return float(kmedoids.fasterpam(cdist(data.x, data.x), _first(data).astype(np.uint64)).loss)


def loss(_: Any, found: float) -> dict[str, float]:
    """Return the sum of the distances to the nearest medoid, or the cost of prototypes."""
    return {"loss": found}


def birch(options: Any) -> dict[str, Run]:
    """Return segments of subclusters of the same radius, rows taken as they come."""
    tree = {"threshold": THRESHOLD, "branching_factor": BRANCHING}
    theirs = partial(_scikit_learn, "Birch", n_clusters=CLUSTERS, **tree)
    return contenders(
        options,
        lambda b: partial(_subclusters, make=partial(Birch, CLUSTERS, shuffle=False, backend=b, **tree)),
        {"scikit-learn": partial(_subclusters, make=theirs), "betula-cluster": _subclusters_of_betula},
    )


def _subclusters(data: Points, *, make: Callable[[], Any]) -> Cut:
    model = make().fit(data.x)
    return Cut(np.asarray(model.labels_), len(model.subcluster_centers_))


def _subclusters_of_betula(data: Points) -> Cut:
    from betula_cluster import Betula

    # Its radius is squared, and it makes 2,000 subclusters at most unless more are allowed.
    tree = {"absorb": "radius", "threshold": THRESHOLD**2, "branching": BRANCHING, "max_leaves": len(data.x)}
    model = Betula(CLUSTERS, method="ward", **tree)
    label = model.fit_predict(data.x)
    return Cut(label, len(model.microcluster_centers_))


def of_subclusters(data: Points, found: Cut) -> dict[str, float]:
    """Return the agreement with the truth, and the number of subclusters."""
    return {"ari": adjusted_rand(data.true, found.label), "subclusters": found.figure}


def prototypes(options: Any) -> dict[str, Run]:
    """Return the cost of k-prototypes from given rows."""
    return contenders(options, lambda b: partial(_cost, backend=b), {"kmodes": _cost_of_kmodes})


def _cost(data: Mixed, **parameters: Any) -> float:
    places = list(range(data.numbers, data.x.shape[1]))
    model = KPrototypes(CLUSTERS, gamma=HALF, categorical=places, init=data.start, **parameters)
    return float(model.fit(data.x).cost_)


def _cost_of_kmodes(data: Mixed) -> float:
    from kmodes.kprototypes import KPrototypes as Theirs

    places = list(range(data.numbers, data.x.shape[1]))
    start = [data.start[:, : data.numbers].copy(), data.start[:, data.numbers :].astype(np.uint16)]
    model = Theirs(CLUSTERS, init=start, gamma=HALF, n_init=1, random_state=0)
    return float(model.fit(data.x.astype(object), categorical=places).cost_)


POINTS = partial(points, rows=ROWS, features=FEATURES, clusters=CLUSTERS)

ROWS_OF_THE_TABLE = [
    Benchmark(f"optics {ROWS} x {FEATURES}", POINTS, partial(optics, min_samples=10), fingerprint, long=True),
    *(
        Benchmark(f"linkage {ROWS} x {FEATURES}, {name}", POINTS, partial(linkage, method=name), of_tree, long=True)
        for name in LINKAGES
    ),
    Benchmark(
        f"kmedoids {ROWS} x {FEATURES}, k {CLUSTERS}", POINTS, partial(medoids, method=KMedoids), loss, long=True
    ),
    Benchmark(f"clarans {ROWS} x {FEATURES}, k {CLUSTERS}", POINTS, partial(medoids, method=CLARANS), loss, long=True),
    Benchmark(
        f"birch 200000 x {FEATURES}, k {CLUSTERS}",
        partial(points, rows=200_000, features=FEATURES, clusters=CLUSTERS),
        birch,
        of_subclusters,
        long=True,
    ),
    Benchmark(
        f"kprototypes {ROWS} x 4 and 3, k {CLUSTERS}",
        partial(mixed, rows=ROWS, clusters=CLUSTERS),
        prototypes,
        loss,
        long=True,
    ),
]
"""Rows that are long, for the sake of the peers."""
