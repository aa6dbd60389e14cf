"""Rows whose segments are known, and every algorithm with parameters that find them."""

from typing import Any, NamedTuple

import numpy as np

from gpuseg.cluster import ALGORITHMS, Clusterer

CENTRES = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
SHARES = [0.4, 0.3, 0.2, 0.1]


class Shape(NamedTuple):
    """How many segments a set has, and a distance within which the rows of one hang together and no others."""

    n_clusters: int
    eps: float


SHAPES = {"clear": Shape(4, 1.5), "overlapping": Shape(4, 0.8), "moons": Shape(2, 0.15), "retail": Shape(4, 0.35)}


def rows_of(shape: str, count: int, seed: int) -> np.ndarray:
    """Return rows of a set: four blobs, 9 or 3.5 of their deviations apart, or two moons."""
    rng = np.random.default_rng(seed)
    if shape == "moons":
        angle, side = rng.uniform(0, np.pi, count), rng.integers(0, 2, count)
        flat = np.stack([np.cos(angle) + side, np.where(side, 0.4 - np.sin(angle), np.sin(angle))], axis=1)
        return flat + rng.normal(scale=0.06, size=flat.shape)
    apart = {"clear": 9.0, "overlapping": 3.5}[shape]
    return apart * CENTRES[rng.choice(4, count, p=SHARES)] + rng.normal(size=(count, 3))


def counts_of(name: str, rows: int) -> dict[str, Any]:
    """Return the parameters of an algorithm that count rows, for so many."""
    counts = {"min_samples": max(2, rows // 80), "min_cluster_size": max(2, rows // 20)}
    return {key: value for key, value in counts.items() if key in ALGORITHMS[name]().get_params()}


def made(name: str, shape: str, rows: int, **parameters: Any) -> Clusterer:
    """Return an algorithm with what a set asks for; ``rows``: what it counts is for so many."""
    algorithm = ALGORITHMS[name]
    asked = {**SHAPES[shape]._asdict(), "random_state": 0, **counts_of(name, rows)}
    known = algorithm().get_params()
    return algorithm(**{**{key: value for key, value in asked.items() if key in known}, **parameters})
