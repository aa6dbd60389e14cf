"""How good a clustering is: the sampled silhouette and the indices by centres, beside scikit-learn's."""

from functools import partial
from typing import Any

from benchmarks.contenders import contenders
from benchmarks.data import Points, points
from benchmarks.harness import Benchmark, Run
from gpuseg.backends import get_backend
from gpuseg.metrics import calinski_harabasz, davies_bouldin, silhouette

ROWS, FEATURES, CLUSTERS = 1_000_000, 8, 8
ERROR = 0.005
"""The standard error that is asked for: a hundredth of a good silhouette."""
SAMPLE = 10_000
"""Rows of scikit-learn's sample, which tells no error: as many as ours begins with."""


def sampled(options: Any) -> dict[str, Run]:
    """Return the silhouette of a sample of the rows, and its error where it is told."""
    return contenders(options, lambda b: partial(_silhouette, backend=b), {"scikit-learn": _silhouette_of_scikit_learn})


def _silhouette(data: Points, *, backend: str) -> tuple[float, float]:
    rows = get_backend(backend).to_device(data.x)
    return silhouette(rows, data.true, standard_error=ERROR)[:2]


def _silhouette_of_scikit_learn(data: Points) -> tuple[float]:
    from sklearn.metrics import silhouette_score

    return (float(silhouette_score(data.x, data.true, sample_size=SAMPLE, random_state=0)),)


def of_sample(_: Any, found: tuple[float, ...]) -> dict[str, float]:
    """Return the silhouette, and its standard error where there is one."""
    return dict(zip(("silhouette", "standard_error"), found, strict=False))


def by_centres(options: Any) -> dict[str, Run]:
    """Return the indices of Calinski and Harabasz and of Davies and Bouldin of all rows."""
    return contenders(options, lambda b: partial(_indices, backend=b), {"scikit-learn": _indices_of_scikit_learn})


def _indices(data: Points, *, backend: str) -> tuple[float, float]:
    rows = get_backend(backend).to_device(data.x)
    return calinski_harabasz(rows, data.true), davies_bouldin(rows, data.true)


def _indices_of_scikit_learn(data: Points) -> tuple[float, float]:
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    return calinski_harabasz_score(data.x, data.true), davies_bouldin_score(data.x, data.true)


def of_indices(_: Any, found: tuple[float, float]) -> dict[str, float]:
    """Return both indices."""
    return dict(zip(("calinski_harabasz", "davies_bouldin"), found, strict=True))


POINTS = partial(points, rows=ROWS, features=FEATURES, clusters=CLUSTERS)

ROWS_OF_THE_TABLE = [
    Benchmark(f"silhouette {ROWS:.0e} x {FEATURES}, error {ERROR}", POINTS, sampled, of_sample, long=True),
    Benchmark(f"indices by centres {ROWS:.0e} x {FEATURES}", POINTS, by_centres, of_indices, long=True),
]
"""Rows that are long, for the sake of the peer."""
