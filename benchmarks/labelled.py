"""Every method on the labelled sets, beside what was published of other people's runs on the same sets."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.harness import Benchmark, Run, Scores
from gpuseg import (
    CLARANS,
    DBSCAN,
    DIANA,
    HDBSCAN,
    OPTICS,
    Agglomerative,
    Birch,
    BisectingKMeans,
    KMeans,
    KMedoids,
    MiniBatchKMeans,
)
from gpuseg.cluster.birch import MOST
from gpuseg.errors import DigestRefused
from gpuseg.metrics import adjusted_rand

BATTERIES = ("fcps", "sipu", "other")
"""BIRCH's number of subclusters was chosen with an eye on the first two, not on the last."""
SEEDS = range(5)
STARTS = 10
"""Starts of k-means, as many as the published runs had."""
NEIGHBOURS = 10
"""``min_samples`` of the density methods."""
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
"""DBSCAN's ``eps``: these quantiles of the distance to the tenth row."""
SHARES = (0.01, 0.02, 0.05, 0.1)
"""HDBSCAN's ``min_cluster_size`` as shares of the rows."""
STEEPNESS = (0.02, 0.05, 0.1, 0.2)
"""OPTICS' ``xi``; its smallest segment is a fiftieth of the rows."""


class Known(NamedTuple):
    """A set: rows as they were published, its valid labellings (0 is noise), and published ARI by method."""

    battery: str
    name: str
    x: np.ndarray
    truths: list[np.ndarray]
    published: Mapping[str, float]


def known_sets(options: Any) -> list[Known]:
    """Return the sets of the batteries, unscaled: the published runs were not scaled either."""
    published = pl.read_csv(Path(options.data, "reference", "published_labels_ari.csv")).drop_nulls("ari")
    # Of a set's valid labellings the best counts.
    met = published.group_by("battery", "dataset", "method").agg(pl.col("ari").max())
    found = []
    for battery in BATTERIES:
        for path in sorted(Path(options.data, "benchmarks", battery).glob("*.data.gz")):
            name = path.name.removesuffix(".data.gz")
            truths = [np.loadtxt(file, dtype=np.int64) for file in sorted(path.parent.glob(f"{name}.labels*.gz"))]
            of = met.filter(battery=battery, dataset=name)
            known = dict(zip(of["method"], of["ari"], strict=True))
            found.append(Known(battery, name, np.loadtxt(path, ndmin=2), truths, known))
    return found


Fits = Callable[[np.ndarray, int, int], list[Any]]
"""Estimators for rows, a number of segments and a seed; of several the one that finds nearest to so many counts."""


class Method(NamedTuple):
    """Estimators, the name of the published runs of the same method, and whether seeds change the result."""

    fits: Fits
    published: str | None = None
    seeded: bool = False


def told(estimator: Callable[..., Any], **parameters: Any) -> Fits:
    """Return how an estimator is made that is told the number of segments."""
    seeded = "random_state" in estimator().get_params()
    return lambda _, k, seed: [estimator(k, **parameters, **({"random_state": seed} if seeded else {}))]


def _dbscan(x: np.ndarray, *_: int) -> list[Any]:
    from scipy.spatial import KDTree

    away = KDTree(x).query(x, k=[NEIGHBOURS])[0]
    return [DBSCAN(float(eps), min_samples=NEIGHBOURS) for eps in np.quantile(away, QUANTILES)]


def _hdbscan(x: np.ndarray, *_: int) -> list[Any]:
    return [HDBSCAN(max(2, round(share * len(x))), min_samples=NEIGHBOURS) for share in SHARES]


def _optics(x: np.ndarray, *_: int) -> list[Any]:
    return [OPTICS(NEIGHBOURS, xi=xi, min_cluster_size=max(2, len(x) // 50)) for xi in STEEPNESS]


def _birch(x: np.ndarray, k: int, seed: int) -> list[Any]:
    # The published runs have no birch1, on which this threshold keeps all 100,000 rows apart, more than ours joins.
    threshold = 0.01 if len(x) <= MOST else "auto"
    return [Birch(k, threshold=threshold, random_state=seed)]


METHODS: Mapping[str, Method] = {
    "k-means": Method(told(KMeans, n_init=STARTS), "sklearn_kmeans", seeded=True),
    "bisecting k-means": Method(told(BisectingKMeans, n_init=STARTS), seeded=True),
    "mini-batch k-means": Method(told(MiniBatchKMeans), seeded=True),
    "Ward": Method(told(Agglomerative), "fastcluster_ward"),
    "average": Method(told(Agglomerative, linkage="average"), "fastcluster_average"),
    "complete": Method(told(Agglomerative, linkage="complete"), "fastcluster_complete"),
    "single": Method(told(Agglomerative, linkage="single")),
    "DIANA": Method(told(DIANA)),
    "BIRCH": Method(told(Birch), "sklearn_birch_T0.01_BF50", seeded=True),
    "BIRCH, threshold 0.01": Method(_birch, "sklearn_birch_T0.01_BF50", seeded=True),
    "PAM": Method(told(KMedoids), "FCPS_PAM", seeded=True),
    "CLARANS": Method(told(CLARANS), "FCPS_Clara", seeded=True),
    "DBSCAN": Method(_dbscan),
    "HDBSCAN": Method(_hdbscan),
    "OPTICS": Method(_optics),
}


def labels_of(model: Any, x: np.ndarray) -> np.ndarray:
    """Return the labels of a fit; by a digest where "auto" refuses one, for here its agreement is what is asked."""
    try:
        return np.asarray(model.fit(x).labels_)
    except DigestRefused:
        return np.asarray(model.set_params(method="digest").fit(x).labels_)


def agreement(one: Known, method: Method, seed: int) -> float:
    """Return the ARI to the labelling that is met best, of its number of segments, rows that are noise there left out.

    Rows that a method calls noise are a class of their own.
    """
    numbers = {len(np.unique(of[of > 0])) for of in one.truths}
    found = {k: _nearest([labels_of(fit, one.x) for fit in method.fits(one.x, k, seed)], k) for k in sorted(numbers)}
    return max(adjusted_rand(of[of > 0], found[len(np.unique(of[of > 0]))][of > 0]) for of in one.truths)


def _nearest(labellings: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Return the labels nearest to so many segments, of ties those with least noise."""
    return min(labellings, key=lambda label: (abs(int(label.max()) + 1 - count), int(np.sum(label < 0))))


def each_seed(sets: Sequence[Known], *, name: str) -> np.ndarray:
    """Return the ARI of a method by seed and set, (seeds, sets)."""
    method = METHODS[name]
    return np.array(
        [[agreement(one, method, seed) for one in sets] for seed in (SEEDS if method.seeded else SEEDS[:1])]
    )


def best(sets: Sequence[Known]) -> np.ndarray:
    """Return the ARI of the method that is best on each set, with the first seed, (1, sets)."""
    return np.array([[max(agreement(one, method, SEEDS[0]) for method in METHODS.values()) for one in sets]])


def contenders(_: Any, *, name: str | None) -> dict[str, Run]:
    """Return ours alone: what others reached was published."""
    return {"gpuseg": best if name is None else partial(each_seed, name=name)}


def means(sets: Sequence[Known], found: np.ndarray, *, published: str | None) -> Scores:
    """Return the mean over each battery, in the median of the seeds, and the published one with ours on its sets."""
    scores = {}
    for battery in BATTERIES:
        inside = np.array([one.battery == battery for one in sets])
        scores[battery] = _median(found[:, inside])
        theirs = np.array([one.published.get(str(published), np.nan) for one in sets])
        there = inside & ~np.isnan(theirs)
        if there.any():
            scores |= {
                f"{battery}_published": float(theirs[there].mean()),
                f"{battery}_there": _median(found[:, there]),
            }
    return scores


def _median(found: np.ndarray) -> float:
    return float(np.median(found.mean(axis=1)))


def _row(name: str | None, published: str | None) -> Benchmark:
    return Benchmark(
        f"labelled sets, {name or 'best of all methods'}",
        known_sets,
        partial(contenders, name=name),
        partial(means, published=published),
        needs=("data",),
        long=True,
    )


ROWS_OF_THE_TABLE = [
    *(_row(name, method.published) for name, method in METHODS.items()),
    _row(None, "Genie_G0.3"),
]
"""A row a method, and one of the method that is best on each set, which nobody knows beforehand."""
