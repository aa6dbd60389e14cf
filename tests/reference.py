"""Readers of the labelled benchmark sets and of other people's results on them."""

from pathlib import Path

import numpy as np
import polars as pl


def points(data: Path, battery: str, dataset: str) -> np.ndarray:
    """Return the rows of a labelled set."""
    return np.loadtxt(data / "benchmarks" / battery / f"{dataset}.data.gz", ndmin=2)


def scaled(x: np.ndarray) -> np.ndarray:
    """Return z-scores, as the reference results on density were made."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def table(data: Path, name: str) -> list[dict]:
    """Return the rows of a file of reference results."""
    return pl.read_csv(data / "reference" / f"{name}.csv").to_dicts()
