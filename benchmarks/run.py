"""The table of benchmarks (name, data, run, score), and the command that runs it.

    python benchmarks/run.py [NAME ...] [--data FOLDER] [--practice SCRIPT] [--repeats 3] [--json FILE]

Names are rows of the table, or the beginning of several; without one all are run for which the data is there.
``--data`` is the folder of the labelled sets, ``--practice`` the practitioner's script, of which ``make`` wrote the
transactions to ``--transactions``.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness import Benchmark, as_json, compared, printed
from sklearn.cluster import KMeans as Reference
from sklearn.metrics import silhouette_score

from gpuseg import KMeans, Preprocessor, choose_k, config, customer_features, events, join_features
from gpuseg.datasets import Shop, make_shop

WHOLE_JOB = Path(__file__).with_name("whole_job.py")
K_RANGE = (2, 10)


def around_centers(_: Any, *, rows: int, features: int, clusters: int) -> np.ndarray:
    """Return rows around as many centres as are looked for, overlapping."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(clusters, features)) * 2
    return centers[rng.integers(clusters, size=rows)] + rng.normal(size=(rows, features))


def fitted(x: np.ndarray, *, estimator: Callable[..., Any], clusters: int, starts: int) -> Any:
    """Return k-means fitted."""
    return estimator(clusters, n_init=starts, random_state=0).fit(x)


def inertia(_: np.ndarray, model: Any) -> dict[str, float]:
    """Return the inertia of a model."""
    return {"inertia": float(model.inertia_)}


def sweep_of_scikit_learn(x: np.ndarray) -> list[tuple[float, float]]:
    """Return inertia and sampled silhouette for each k, as practitioners take them."""
    found = []
    for k in range(K_RANGE[0], K_RANGE[1] + 1):
        model = Reference(k, n_init=10, random_state=0).fit(x)
        found.append((model.inertia_, silhouette_score(x, model.labels_, sample_size=10_000, random_state=0)))
    return found


def sweep_of_gpuseg(x: np.ndarray) -> list[tuple[float, float]]:
    """Return inertia and sampled silhouette for each k."""
    return [(k.inertia, k.silhouette or np.nan) for k in choose_k(x, K_RANGE).candidates]


def each_k(_: Any, found: list[tuple[float, float]]) -> dict[str, float]:
    """Return inertia and silhouette of every k under names of their own."""
    rows = [(f"inertia_{k}", f"silhouette_{k}") for k in range(K_RANGE[0], K_RANGE[1] + 1)]
    return {
        name: float(value)
        for names, row in zip(rows, found, strict=True)
        for name, value in zip(names, row, strict=True)
    }


def script(options: argparse.Namespace, *, command: str) -> list[tuple[float, float]]:
    """Return what a script of the whole job prints for each k."""
    arguments = [options.practice, "run"] if command == "practice" else [str(WHOLE_JOB)]
    done = subprocess.run(
        [sys.executable, *arguments, options.transactions], capture_output=True, text=True, check=True
    )
    return [(float(a), float(b)) for a, b in re.findall(r"inertia (\S+)\s+silhouette (\S+)", done.stdout)]


def kmeans(rows: int, features: int, clusters: int, starts: int) -> Benchmark:
    """Return a row of whole fits beside scikit-learn's."""
    contenders = {
        name: partial(fitted, estimator=estimator, clusters=clusters, starts=starts)
        for name, estimator in (("gpuseg", KMeans), ("scikit-learn", Reference))
    }
    data = partial(around_centers, rows=rows, features=features, clusters=clusters)
    return Benchmark(f"kmeans {rows} x {features}, k {clusters}, {starts} starts", data, contenders, inertia)


LABELLED = ("hepta", "lsun", "target", "tetra", "chameleon_t4_8k", "chameleon_t7_10k", "hdbscan", "iris", "a1",
            "aggregation", "compound", "pathbased", "r15", "s1", "s2", "s3", "s4", "spiral")  # fmt: skip
"""The labelled sets with 3 to 20 clusters."""
UP_TO = (2, 24)
TRAITS = ("recency", "frequency", "monetary", "visits", "opens")
SEGMENTS = 6


class Labelled(NamedTuple):
    """Scaled rows, and every number of clusters that a labelling of them has."""

    x: np.ndarray
    true: set[int]


def labelled_sets(options: argparse.Namespace) -> list[Labelled]:
    """Return the labelled sets with 3 to 20 clusters, standardised."""
    found = []
    for name in LABELLED:
        (path,) = Path(options.data).glob(f"benchmarks/*/{name}.data.gz")
        x = np.loadtxt(path, ndmin=2)
        labels = [np.loadtxt(file) for file in path.parent.glob(f"{name}.labels*.gz")]
        found.append(Labelled((x - x.mean(axis=0)) / x.std(axis=0), {len(np.unique(of[of > 0])) for of in labels}))
    return found


def recommended(sets: Sequence[Labelled]) -> list[int]:
    """Return the recommended number of segments of each set."""
    return [choose_k(one.x, UP_TO).k for one in sets]


def largest_silhouette(sets: Sequence[Labelled]) -> list[int]:
    """Return the number of segments with the largest silhouette of all rows, of ten starts, of each set."""
    found = []
    for one in sets:
        labels = [Reference(k, n_init=10, random_state=0).fit_predict(one.x) for k in range(UP_TO[0], UP_TO[1] + 1)]
        found.append(UP_TO[0] + int(np.argmax([silhouette_score(one.x, of) for of in labels])))
    return found


def right(sets: Sequence[Labelled], found: Sequence[int]) -> dict[str, float]:
    """Return how many numbers of segments are those of a labelling."""
    hits = [k in one.true for one, k in zip(sets, found, strict=True)]
    return {"right": sum(hits), "of": len(hits)}


def simulated_shops(_: Any) -> list[Labelled]:
    """Return the prepared features of ten shops of medium difficulty, whose customers are of six segments."""
    return [Labelled(prepared_shop(make_shop(3000, random_state=seed)), {SEGMENTS}) for seed in range(10)]


def prepared_shop(shop: Shop) -> np.ndarray:
    """Return what customers bought, saw and opened as a matrix, from the faulty rows."""
    with config(notices="off"):
        bought, _ = customer_features(shop.transactions, drop_duplicates=True, as_of=shop.as_of)
        table, _ = join_features({"bought": bought, "seen": events(shop.events, as_of=shop.as_of)}, how="left")
        return Preprocessor(columns=TRAITS).fit_transform(table)


def as_given(options: argparse.Namespace) -> argparse.Namespace:
    """Return the options: a contender that is a command takes paths."""
    return options


CHOICES = {"gpuseg": recommended, "largest silhouette": largest_silhouette}
SWEEPS = {"gpuseg": sweep_of_gpuseg, "scikit-learn": sweep_of_scikit_learn}
JOBS = {name: partial(script, command=name) for name in ("gpuseg", "practice")}
SIX = partial(around_centers, rows=200_000, features=6, clusters=6)

TABLE = [
    Benchmark("whole job", as_given, JOBS, each_k),
    Benchmark("choice of k, 200000 x 6", SIX, SWEEPS, each_k),
    Benchmark("choice of k, labelled sets", labelled_sets, CHOICES, right),
    Benchmark("choice of k, simulated shops", simulated_shops, CHOICES, right),
    kmeans(4_000, 3, 6, 10),
    kmeans(100_000, 6, 8, 3),
    kmeans(500_000, 12, 8, 1),
]
"""Every benchmark: name, data, run, score."""
NEEDS = {"whole job": ("practice", "transactions"), "choice of k, labelled sets": ("data",)}
"""The options without which a row cannot run."""


def chosen(options: argparse.Namespace) -> list[Benchmark]:
    """Return the rows that were asked for, by the beginning of their names; say which are left out, and why."""
    rows = [row for row in TABLE if not options.names or any(row.name.startswith(name) for name in options.names)]
    lacking = {row.name: [need for need in NEEDS.get(row.name, ()) if not getattr(options, need)] for row in rows}
    for name, needs in lacking.items():
        if needs:
            print(f"{name} is left out: give {' and '.join(f'--{need}' for need in needs)}", file=sys.stderr)
    return [row for row in rows if not lacking[row.name]]


def main() -> None:
    """Run the rows, print each, and keep all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    for option in ("data", "practice", "transactions", "json"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found = []
    for row in chosen(options):
        found.append(compared(row, options, options.repeats))
        print(printed(found[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(as_json(found))


if __name__ == "__main__":
    main()
