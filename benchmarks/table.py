"""The table: every benchmark by name, data, contenders and score."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import contenders, curve, data, densities, families, indices, labelled, methods
from benchmarks.harness import Benchmark

STEPS = 20
"""Steps of k-means from one start: what is compared is the speed of a step, and where it ends."""


def inertia(_: Any, found: float) -> dict[str, float]:
    """Return the inertia of a model."""
    return {"inertia": found}


def rows_by_size(_: Any, counts: np.ndarray) -> dict[str, float]:
    """Return the rows of the largest and of the smallest segment."""
    return {"largest": int(counts.max()), "smallest": int(counts.min())}


def confidence(_: Any, found: float) -> dict[str, float]:
    """Return the mean confidence."""
    return {"confidence": found}


def totals(_: Any, found: tuple[int, float, float]) -> dict[str, float]:
    """Return customers, orders and amount."""
    return dict(zip(("customers", "orders", "amount"), found, strict=True))


def clusters_and_noise(_: Any, labels: np.ndarray) -> dict[str, float]:
    """Return how many clusters there are, and the share of rows in none."""
    return {"clusters": int(labels.max()) + 1, "noise": float(np.mean(labels < 0))}


def each_k(_: Any, found: list[tuple[float, float]]) -> dict[str, float]:
    """Return inertia and silhouette of every k under names of their own."""
    ks = range(contenders.K_RANGE[0], contenders.K_RANGE[1] + 1)
    return {
        f"{what}_{k}": float(v) for k, row in zip(ks, found, strict=True) for what, v in zip("is", row, strict=True)
    }


def right(sets: Sequence[data.Labelled], found: Sequence[int]) -> dict[str, float]:
    """Return how many numbers of segments are those of a labelling."""
    hits = [k in one.true for one, k in zip(sets, found, strict=True)]
    return {"right": sum(hits), "of": len(hits)}


def kmeans(rows: int, features: int, clusters: int, *, dtype: str = "float64", long: bool = False) -> Benchmark:
    """Return a row of STEPS steps of k-means from one given start."""
    of = partial(data.points, rows=rows, features=features, clusters=clusters, dtype=dtype)
    runs = partial(contenders.kmeans, clusters=clusters, steps=STEPS, starts=1)
    kind = "sweep" if long else "kmeans"
    return Benchmark(f"{kind} {rows:.0e} x {features} {dtype}, k {clusters}, 20 steps", of, runs, inertia, long=long)


def fits(rows: int, features: int, clusters: int, starts: int) -> Benchmark:
    """Return a row of whole fits, each library with its own starts and its own end."""
    of = partial(data.points, rows=rows, features=features, clusters=clusters)
    runs = partial(contenders.kmeans, clusters=clusters, steps=None, starts=starts)
    return Benchmark(f"kmeans {rows} x {features}, k {clusters}, {starts} starts", of, runs, inertia)


def fitted(asked: str, rows: int, features: int, clusters: int) -> Benchmark:
    """Return a row of what a fitted model is asked: "predict" or "assign"."""
    of = partial(data.points, rows=rows, features=features, clusters=clusters)
    runs, score = {
        "predict": (contenders.predict, rows_by_size),
        "assign": (contenders.assign, confidence),
    }[asked]
    return Benchmark(f"{asked} {rows:.0e} x {features}, k {clusters}", of, partial(runs, clusters=clusters), score)


def density(name: str, rows: int, features: int = 4, *, long: bool = False, **parameters: Any) -> Benchmark:
    """Return a row of a density method."""
    of = partial(data.points, rows=rows, features=features, clusters=6)
    runs = partial(contenders.density, name=name, **parameters)
    return Benchmark(f"{name.lower()} {rows} x {features}", of, runs, clusters_and_noise, long=long)


POINTS = partial(data.points, rows=200_000, features=6, clusters=6)

WIDTHS = ((4, 4), (12, 8), (16, 16), (8, 32))
"""Features and clusters of customer tables."""

TABLE = [
    fits(4_000, 3, 6, 10),
    fits(100_000, 6, 8, 3),
    fits(500_000, 12, 8, 1),
    kmeans(200_000, 12, 8),
    *(kmeans(2_000_000, d, k, dtype=of) for d, k in WIDTHS for of in ("float64", "float32")),
    *(fitted(asked, 1_000_000, d, k) for d, k in WIDTHS[:2] for asked in ("predict", "assign")),
    Benchmark("features 2e+06 transactions", partial(data.transactions, rows=2_000_000), contenders.features, totals),
    density("DBSCAN", 50_000, eps=0.5, min_samples=10),
    density("HDBSCAN", 10_000, min_cluster_size=50, min_samples=10),
    density("HDBSCAN", 20_000, 6, min_cluster_size=50, min_samples=10),
    density("HDBSCAN", 100_000, 6, long=True, min_cluster_size=50, min_samples=10),
    Benchmark("choice of k, 200000 x 6", POINTS, contenders.sweep, each_k),
    Benchmark("choice of k, simulated shops", data.simulated_shops, contenders.choice, right, long=True),
    Benchmark("choice of k, shops with decoys", data.shops_with_decoys, contenders.choice, right, long=True),
    Benchmark("choice of k, labelled sets", data.labelled_sets, contenders.choice, right, needs=("data",)),
    Benchmark("whole job", data.as_given, contenders.job, each_k, needs=("practice", "transactions")),
    *(kmeans(n, 12, 8, long=True) for n in (100_000, 1_000_000, 10_000_000)),
    *(kmeans(1_000_000, d, 8, long=True) for d in (4, 8, 16, 32, 64)),
    *(kmeans(1_000_000, 12, k, long=True) for k in (2, 4, 16, 32, 64)),
    Benchmark(
        "sweep of workers, 4e+06 x 12 in 8 parts, k 8",
        partial(data.files, rows=4_000_000, features=12, parts=8),
        partial(contenders.on_workers, clusters=8),
        inertia,
        long=True,
    ),
    *methods.ROWS_OF_THE_TABLE,
    *indices.ROWS_OF_THE_TABLE,
    *families.ROWS_OF_THE_TABLE,
    *curve.ROWS_OF_THE_TABLE,
    *labelled.ROWS_OF_THE_TABLE,
    *densities.ROWS_OF_THE_TABLE,
]
"""Every benchmark. What is long, or needs a file, runs where it is asked for by name."""
