"""How near the chosen density comes to the best of those tried on the labelled sets; and the index it is chosen by."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import points
from benchmarks.harness import Benchmark, Run
from benchmarks.labelled import Known, known_sets
from gpuseg import DBSCAN, HDBSCAN, DensityChoice, choose_density
from gpuseg.metrics import adjusted_rand, dbcv

ROWS = 10_000
"""Rows of a set at most: as many as values are tried on, so that every value is fitted to what it was tried on."""
NEAR = 0.05
"""ARI within which a value is as good as the best one."""
FITS: dict[str, Callable[..., Any]] = {"dbscan": DBSCAN, "hdbscan": HDBSCAN}


def runs(_: Any, *, algorithm: str) -> dict[str, Run]:
    """Return the choice on each set."""
    return {"gpuseg": partial(_chosen, algorithm=algorithm)}


def rows_of(one: Known) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a set standardised, and its labellings, of ROWS at most."""
    picked = np.sort(np.random.default_rng(0).permutation(len(one.x))[:ROWS])
    x = one.x[picked]
    return (x - x.mean(axis=0)) / x.std(axis=0), [truth[picked] for truth in one.truths]


def _chosen(sets: Sequence[Known], *, algorithm: str) -> list[DensityChoice]:
    return [choose_density(rows_of(one)[0], algorithm) for one in sets]


def means(sets: Sequence[Known], choices: Sequence[DensityChoice]) -> dict[str, float]:
    """Return the mean ARI of what was chosen, of the best value tried, and of those that other rules take."""
    found: dict[str, list[float]] = {"chosen": [], "best_tried": [], "largest_dbcv": [], "most_stable": []}
    for one, choice in zip(sets, choices, strict=True):
        by_value = {tried.value: _agreement(one, choice, tried.value) for tried in choice.candidates}
        scored = [tried for tried in choice.candidates if tried.dbcv is not None]
        found["chosen"].append(by_value[choice.value])
        found["best_tried"].append(max(by_value.values()))
        found["largest_dbcv"].append(by_value[max(scored, key=lambda tried: tried.dbcv or 0.0).value])
        found["most_stable"].append(by_value[max(scored, key=lambda tried: tried.stability or 0.0).value])
    near = np.array(found["chosen"]) >= np.array(found["best_tried"]) - NEAR
    return {
        **{name: float(np.mean(values)) for name, values in found.items()},
        "near": int(near.sum()),
        "of": len(sets),
    }


def _agreement(one: Known, choice: DensityChoice, value: float) -> float:
    """Return the ARI to the labelling that is met best, rows that are noise there left out."""
    x, truths = rows_of(one)
    fit = FITS["dbscan" if choice.parameter == "eps" else "hdbscan"]
    found = fit(**{**choice.parameters, choice.parameter: value}, method="exact").fit(x).labels_
    return max(adjusted_rand(truth[truth > 0], found[truth > 0]) for truth in truths)


def indices(_: Any) -> dict[str, Run]:
    """Return DBCV of three thousand rows, and that of the hdbscan package."""
    return {"gpuseg": lambda data: dbcv(data.x, data.true), "hdbscan": _theirs}


def _theirs(data: Any) -> float:
    from hdbscan.validity import validity_index

    return float(validity_index(data.x, data.true))


def the_index(_: Any, found: float) -> dict[str, float]:
    """Return the index."""
    return {"dbcv": found}


ROWS_OF_THE_TABLE = [
    *(
        Benchmark(
            f"choice of density, {name}, labelled sets",
            known_sets,
            partial(runs, algorithm=name),
            means,
            needs=("data",),
            long=True,
        )
        for name in FITS
    ),
    Benchmark("dbcv, 3000 x 6", partial(points, rows=3000, features=6, clusters=5), indices, the_index, long=True),
]
"""The choice of each algorithm's parameter, and the index by which it is made."""
