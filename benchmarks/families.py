"""Every family on a million rows by a digest or a sample, beside an exact fit of 20,000 rows with counts scaled."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import Benchmark, Run, Scores
from gpuseg import CLARANS, DBSCAN, DIANA, HDBSCAN, OPTICS, Agglomerative, KMedoids
from gpuseg.metrics import adjusted_rand

ROWS, SAMPLE, FEATURES = 1_000_000, 20_000, 8
BLOBS = 8
SETS = {"blobs": BLOBS, "background": BLOBS, "moons": 4}
"""The pinned sets and their clusters: clear blobs, blobs with a tenth of background, two moons and two rings."""
APART = 8.0
"""The deviation of the centres in units of the blobs' own: the nearest two are then 10 of these apart."""
EPS = {"blobs": 2.4, "background": 2.4, "moons": 0.2}
"""A distance within which the rows of a cluster hang together, and no others."""


class Pinned(NamedTuple):
    """Rows and their true labels, -1 for background."""

    x: np.ndarray
    true: np.ndarray


def pinned(_: Any, *, name: str, rows: int = ROWS) -> Pinned:
    """Return a pinned set."""
    rng = np.random.default_rng(0)
    if name == "moons":
        return _moons(rng, rows)
    centers, true = rng.normal(size=(BLOBS, FEATURES)) * APART, rng.integers(0, BLOBS, rows)
    x = centers[true] + rng.normal(size=(rows, FEATURES))
    if name == "background":
        odd = rng.random(rows) < 0.1  # noqa: PLR2004 - a tenth
        x[odd] = rng.uniform(x.min(axis=0), x.max(axis=0), size=(int(odd.sum()), FEATURES))
        true[odd] = -1
    return Pinned(x, true)


def _moons(rng: np.random.Generator, rows: int) -> Pinned:
    true, half, turn = rng.integers(0, 4, rows), rng.uniform(0, np.pi, rows), rng.uniform(0, 2 * np.pi, rows)
    shapes = [(np.cos(half), np.sin(half)), (1 - np.cos(half), 0.5 - np.sin(half))]
    shapes += [(5 + size * np.cos(turn), size * np.sin(turn)) for size in (1.0, 0.4)]
    flat = np.choose(true[:, None], [np.stack(shape, axis=1) for shape in shapes])
    turned, _ = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))
    x = np.hstack([flat, np.zeros((rows, FEATURES - 2))]) + rng.normal(scale=0.05, size=(rows, FEATURES))
    return Pinned(x @ turned, true)


def methods(name: str, rows: int, how: str) -> Mapping[str, Callable[[], Any]]:
    """Return every method for a set, with counts as of so many rows; ``how`` is "digest" or "exact"."""
    k, eps, by_sample = SETS[name], EPS[name], "sample" if how == "digest" else "exact"
    few, many = rows // 2000, rows // 100
    return {
        "Ward": partial(Agglomerative, k, method=how),
        "average": partial(Agglomerative, k, linkage="average", method=how),
        "DIANA": partial(DIANA, k, method=how),
        "HDBSCAN": partial(HDBSCAN, many, min_samples=few, method=how),
        "DBSCAN": partial(DBSCAN, eps, min_samples=few, method=how),
        "OPTICS": partial(OPTICS, few, min_cluster_size=many, method=how),
        "KMedoids": partial(KMedoids, k, random_state=0, method=by_sample),
        "CLARANS": partial(CLARANS, k, random_state=0, method=by_sample),
    }


def contenders(_: Any, *, name: str, method: str) -> dict[str, Run]:
    """Return the fit of all rows, and that of a sample, which then places all rows."""
    return {
        "gpuseg": partial(_fitted, make=methods(name, ROWS, "digest")[method], rows=ROWS),
        f"{SAMPLE} rows": partial(_fitted, make=methods(name, SAMPLE, "exact")[method], rows=SAMPLE),
    }


def _fitted(data: Pinned, *, make: Callable[[], Any], rows: int) -> tuple[np.ndarray, float]:
    model = make().fit(data.x[:rows])
    error = float(getattr(model, "digest_error_", 0.0))
    return np.asarray(model.labels_ if rows == len(data.x) else model.predict(data.x)), error


def agreement(data: Pinned, found: tuple[np.ndarray, float]) -> dict[str, float]:
    """Return the ARI to the truth, background left out, and the digest's error."""
    labels, error = found
    real = data.true >= 0
    return {"ari": adjusted_rand(data.true[real], labels[real]), "digest_error": error}


def rows_of(
    title: str,
    runs: Callable[..., dict[str, Run]],
    score: Callable[[Pinned, Any], Scores],
    names: Callable[[str], Iterable[str]],
) -> list[Benchmark]:
    """Return a row a set and a method of it."""
    return [
        Benchmark(
            f"{title}, {name}, {method}",
            partial(pinned, name=name),
            partial(runs, name=name, method=method),
            score,
            long=True,
        )
        for name in SETS
        for method in names(name)
    ]


ROWS_OF_THE_TABLE = rows_of("families", contenders, agreement, lambda name: methods(name, ROWS, "digest"))
"""A row a set and a method."""
