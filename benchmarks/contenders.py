"""What takes part: gpuseg on each backend asked for, and every peer that is installed."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Labelled, Points
from benchmarks.harness import Run
from gpuseg import DBSCAN, HDBSCAN, KMeans, choose_k, config, customer_features
from gpuseg.backends.devices import gpu_missing

WHOLE_JOB = Path(__file__).with_name("whole_job.py")
K_RANGE = (2, 10)
UP_TO = (2, 24)
Asked = Callable[[Any, np.ndarray], Any]


def contenders(options: Any, ours: Callable[[str], Run], peers: Mapping[str, Run]) -> dict[str, Run]:
    """Return ours on each backend asked for, and the peers whose libraries are here."""
    mine = {"gpuseg" if b == "cpu" else f"gpuseg {b}": ours(b) for b in options.backend}
    return mine | {name: run for name, run in peers.items() if LIBRARIES[name]()}


LIBRARIES: Mapping[str, Callable[[], bool]] = {
    "scikit-learn": lambda: True,
    "sklearnex": lambda: find_spec("sklearnex") is not None,
    "faiss": lambda: find_spec("faiss") is not None,
    "fast_hdbscan": lambda: find_spec("fast_hdbscan") is not None,
    "SciPy": lambda: True,
    "fastcluster": lambda: find_spec("fastcluster") is not None,
    "kmedoids": lambda: find_spec("kmedoids") is not None,
    "kmodes": lambda: find_spec("kmodes") is not None,
    "betula-cluster": lambda: find_spec("betula_cluster") is not None,
    "pandas": lambda: find_spec("pandas") is not None,
    "cuML": lambda: gpu_missing() is None,
}
"""Whether a peer can take part."""


def kmeans(options: Any, *, clusters: int, steps: int | None, starts: int) -> dict[str, Run]:
    """Return whole fits of k-means: as many ``steps`` from one given start, else ``starts`` of each one's own."""
    given = {} if steps is None else {"tol": 0.0, "max_iter": steps}
    arguments = {"n_clusters": clusters, "n_init": starts, "random_state": 0, **given}
    peers: dict[str, Run] = {
        "scikit-learn": partial(_fitted, estimator=partial(_scikit_learn, "sklearn.cluster", **arguments), steps=steps),
        "sklearnex": partial(_fitted, estimator=partial(_scikit_learn, "sklearnex.cluster", **arguments), steps=steps),
    }
    if steps is not None:
        peers |= {"faiss": partial(_faiss, clusters=clusters, steps=steps)}
        peers |= {"cuML": partial(_cuml, clusters=clusters, steps=steps)}
    return contenders(
        options, lambda b: partial(_fitted, estimator=partial(KMeans, backend=b, **arguments), steps=steps), peers
    )


def _scikit_learn(module: str, **arguments: Any) -> Any:
    from importlib import import_module

    return import_module(module).KMeans(**arguments)


def _fitted(data: Points, *, estimator: Callable[..., Any], steps: int | None) -> float:
    """Return the inertia of a fit; of given steps from the given start."""
    model = estimator() if steps is None else estimator().set_params(init=data.start, n_init=1)
    return float(model.fit(data.x).inertia_)


def _faiss(data: Points, *, clusters: int, steps: int) -> float:
    import faiss

    rows = len(data.x)  # else faiss takes a sample of 256 rows a centre
    search = faiss.Kmeans(data.x.shape[1], clusters, niter=steps, max_points_per_centroid=rows, seed=0)
    search.train(data.x.astype(np.float32), init_centroids=data.start.astype(np.float32))
    return float(search.obj[-1])


def _cuml(data: Points, *, clusters: int, steps: int) -> float:
    import cupy as cp
    from cuml.cluster import KMeans as Theirs

    start = cp.asarray(data.start, dtype=cp.float32)
    # tol must be above 0 there.
    model = Theirs(n_clusters=clusters, init=start, n_init=1, max_iter=steps, tol=np.finfo(np.float32).tiny)
    return float(model.fit(cp.asarray(data.x, dtype=cp.float32)).inertia_)


def predict(options: Any, *, clusters: int) -> dict[str, Run]:
    """Return how many rows each segment gets: models are fitted in the first run, so that later ones only predict."""
    return _of_fitted(options, clusters, _rows_of_segments, _rows_of_segments)


def assign(options: Any, *, clusters: int) -> dict[str, Run]:
    """Return the mean confidence of all rows: by assign, or by predict and the two least distances of transform."""
    return _of_fitted(options, clusters, _mean_confidence, _mean_by_transform)


def _of_fitted(options: Any, clusters: int, ours: Asked, theirs: Asked) -> dict[str, Run]:
    return contenders(
        options,
        lambda b: Fitted(partial(KMeans, backend=b), clusters, ours),
        {name: Fitted(partial(_scikit_learn, module), clusters, theirs) for name, module in PREDICTING.items()},
    )


PREDICTING = {"scikit-learn": "sklearn.cluster", "sklearnex": "sklearnex.cluster"}


class Fitted:
    """What is asked of a model that is fitted once, to the first rows, from the given start."""

    def __init__(self, estimator: Callable[..., Any], clusters: int, asked: Asked) -> None:
        """Keep how the model is made, and what it is asked."""
        self.estimator, self.clusters, self.asked, self.model = estimator, clusters, asked, None

    def __call__(self, data: Points) -> Any:
        """Return the answer for all rows."""
        if self.model is None:
            fresh = self.estimator(n_clusters=self.clusters, init=data.start, n_init=1, max_iter=1)
            self.model = fresh.fit(data.x[: 10 * self.clusters])
        return self.asked(self.model, data.x)


def _rows_of_segments(model: Any, x: np.ndarray) -> np.ndarray:
    return np.bincount(np.asarray(model.predict(x)), minlength=model.n_clusters)


def _mean_confidence(model: Any, x: np.ndarray) -> float:
    return float(np.asarray(model.assign(x).confidence).mean())


def _mean_by_transform(model: Any, x: np.ndarray) -> float:
    model.predict(x)
    first, second = np.partition(model.transform(x), 1, axis=1)[:, :2].T
    return float((1 - first / second).mean())


def features(options: Any) -> dict[str, Run]:
    """Return recency, frequency and monetary of every customer of a Parquet file."""
    return contenders(options, lambda _: _rfm, {"pandas": _rfm_by_pandas})


def _rfm(path: str) -> tuple[int, float, float]:
    with config(notices="off"):
        table, _ = customer_features(path, as_of="2026-06-01")
    return len(table), float(table["frequency"].sum()), float(table["monetary"].sum())


def _rfm_by_pandas(path: str) -> tuple[int, float, float]:
    import pandas as pd

    rows, moment = pd.read_parquet(path), pd.Timestamp("2026-06-01")
    groups = rows.groupby("customer_id")
    table = pd.DataFrame(
        {
            "recency": (moment - groups["date"].max()).dt.days,
            "frequency": groups["order_id"].nunique(),
            "monetary": groups["amount"].sum(),
        }
    )
    return len(table), float(table["frequency"].sum()), float(table["monetary"].sum())


def density(options: Any, *, name: str, **parameters: Any) -> dict[str, Run]:
    """Return DBSCAN or HDBSCAN with the same parameters; fast_hdbscan's min_samples does not count the row itself."""
    ours, module = {"DBSCAN": DBSCAN, "HDBSCAN": HDBSCAN}[name], "sklearn.cluster"
    peers: dict[str, Run] = {
        "scikit-learn": partial(_labelled, estimator=partial(_theirs, module, name, **parameters)),
    }
    if name == "HDBSCAN":
        one_less = {**parameters, "min_samples": parameters["min_samples"] - 1}
        peers["fast_hdbscan"] = partial(_labelled, estimator=partial(_fast_hdbscan, **one_less))
    return contenders(options, lambda b: partial(_labelled, estimator=partial(ours, backend=b, **parameters)), peers)


def _fast_hdbscan(**parameters: Any) -> Any:
    import fast_hdbscan

    return fast_hdbscan.HDBSCAN(**parameters)


def _theirs(module: str, name: str, **parameters: Any) -> Any:
    from importlib import import_module

    copied = {"copy": True} if name == "HDBSCAN" else {}
    return getattr(import_module(module), name)(**parameters, **copied)


def _labelled(data: Points, *, estimator: Callable[..., Any]) -> np.ndarray:
    return np.asarray(estimator().fit(data.x).labels_)


def sweep(options: Any) -> dict[str, Run]:
    """Return inertia and sampled silhouette for each k of K_RANGE."""
    return contenders(options, lambda b: partial(_sweep, backend=b), {"scikit-learn": _sweep_of_scikit_learn})


def _sweep(data: Points, *, backend: str) -> list[tuple[float, float]]:
    return [(k.inertia, k.silhouette or np.nan) for k in choose_k(data.x, K_RANGE, backend=backend).candidates]


def _sweep_of_scikit_learn(data: Points) -> list[tuple[float, float]]:
    from sklearn.cluster import KMeans as Reference
    from sklearn.metrics import silhouette_score

    found = []
    for k in range(K_RANGE[0], K_RANGE[1] + 1):
        model = Reference(k, n_init=10, random_state=0).fit(data.x)
        found.append((model.inertia_, silhouette_score(data.x, model.labels_, sample_size=10_000, random_state=0)))
    return found


def choice(options: Any) -> dict[str, Run]:
    """Return the recommended number of segments of each set, beside the one of the largest silhouette."""
    return {**contenders(options, lambda b: partial(_recommended, backend=b), {}), "max silhouette": _largest}


def _recommended(sets: Sequence[Labelled], *, backend: str) -> list[int]:
    return [choose_k(one.x, UP_TO, backend=backend).k for one in sets]


def _largest(sets: Sequence[Labelled]) -> list[int]:
    """Return the number of segments with the largest silhouette of all rows, of ten starts, of each set."""
    from sklearn.cluster import KMeans as Reference
    from sklearn.metrics import silhouette_score

    found = []
    for one in sets:
        labels = [Reference(k, n_init=10, random_state=0).fit_predict(one.x) for k in range(UP_TO[0], UP_TO[1] + 1)]
        found.append(UP_TO[0] + int(np.argmax([silhouette_score(one.x, of) for of in labels])))
    return found


def job(_: Any) -> dict[str, Run]:
    """Return the whole job by gpuseg and by a practitioner's script, each a command."""
    return {name: partial(_script, command=name) for name in ("gpuseg", "practice")}


def _script(options: Any, *, command: str) -> list[tuple[float, float]]:
    arguments = [options.practice, "run"] if command == "practice" else [str(WHOLE_JOB)]
    done = subprocess.run(
        [sys.executable, *arguments, options.transactions], capture_output=True, text=True, check=True
    )
    return [(float(a), float(b)) for a, b in re.findall(r"inertia (\S+)\s+silhouette (\S+)", done.stdout)]


def on_workers(_: Any, *, clusters: int) -> dict[str, Run]:
    """Return k-means of Parquet parts by this process, and by one and by two workers that stand ready."""
    return {"gpuseg": partial(_of_files, clusters=clusters)} | {
        f"{count} worker{'s' * (count > 1)}": Workers(count, clusters) for count in (1, 2)
    }


def _of_files(paths: list[str], *, clusters: int, engine: Any = "local") -> float:
    return float(KMeans(clusters, random_state=0, max_iter=20, tol=0.0, engine=engine).fit(paths).inertia_)


class Workers:
    """k-means on the workers of a cluster that starts at the first run."""

    def __init__(self, count: int, clusters: int) -> None:
        """Keep how many workers there are to be."""
        self.count, self.clusters, self.client = count, clusters, None

    def __call__(self, paths: list[str]) -> float:
        """Return the inertia."""
        if self.client is None:
            from distributed import Client, LocalCluster

            self.client = Client(LocalCluster(self.count, threads_per_worker=1, dashboard_address=None))
        return _of_files(paths, clusters=self.clusters, engine="dask")
