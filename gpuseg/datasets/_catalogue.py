"""What the simulated shop sells: products by price, of which a few sell most."""

from typing import NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host

CATEGORIES = ("home", "kitchen", "garden", "toys", "stationery", "clothing", "beauty", "food")
SHELVES, ON_A_SHELF = 25, 20
"""Products of one shelf cost about the same; within it they sell as 1, 1/2, 1/3 ... of the best."""
CHEAPEST, DEAREST = 0.4, 80.0
WANDERING = 1.2
"""Shelves by which a line's price differs from what its customer usually pays (standard deviation)."""


class Catalogue(NamedTuple):
    """The products, one row each, and their prices in the order of the rows."""

    products: pl.DataFrame
    prices: Host


def catalogue(rng: np.random.Generator) -> Catalogue:
    """Return products from the cheapest shelf to the dearest."""
    size = SHELVES * ON_A_SHELF
    shelf = np.repeat(np.arange(SHELVES), ON_A_SHELF)
    prices = np.round(CHEAPEST * np.exp((shelf + rng.random(size)) * _height()), 2)
    products = pl.DataFrame(
        {
            "product_id": [f"P{number:04d}" for number in range(1, size + 1)],
            "category": [CATEGORIES[code] for code in rng.integers(len(CATEGORIES), size=size)],
            "list_price": prices,
        }
    )
    return Catalogue(products, prices)


def picked(rng: np.random.Generator, wanted: Host) -> Host:
    """Return a product's number for each wanted price: on a shelf near to it, more often one that sells well."""
    shelf = np.log(wanted / CHEAPEST) / _height() + WANDERING * rng.normal(size=len(wanted))
    popularity = np.cumsum(1 / np.arange(1, ON_A_SHELF + 1))
    rank = np.searchsorted(popularity, rng.random(len(wanted)) * popularity[-1], side="right")
    return np.clip(shelf, 0, SHELVES - 1).astype(np.int64) * ON_A_SHELF + np.minimum(rank, ON_A_SHELF - 1)


def _height() -> float:
    """Return how far two shelves are apart, in logarithms of prices."""
    return float(np.log(DEAREST / CHEAPEST) / SHELVES)
