"""A model of one half of the rows segments the other half as well as a fit of that half would: on every kind of set."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Preprocessor
from gpuseg.cluster import ALGORITHMS
from gpuseg.features import clean_transactions, rfm
from gpuseg.metrics import adjusted_rand
from tests.shapes import SHAPES, made, rows_of

ROWS, DRAWS, MARGIN = 2400, 3, 0.02


@pytest.fixture(scope="module")
def customers(data):
    """Return recency, frequency and value of the customers of a real shop, as logarithms, scaled."""
    with gpuseg.config(notices="off"):
        table, _ = clean_transactions(pl.read_parquet(data / "transactions" / "online_retail.parquet"))
        return Preprocessor(skew="log").fit_transform(rfm(table).drop("CustomerID"))


def halves_of(name, shape, x, seed):
    """Return, for either half, the ARI of its rows as the other's model places them and as its own fit does, to all."""
    parts = np.split(np.random.default_rng(seed).permutation(len(x)), 2)
    whole = made(name, shape, len(x)).fit(x).labels_
    models = [made(name, shape, len(x) // 2).fit(x[part]) for part in parts]
    for part, own, other in zip(parts, models, models[::-1], strict=True):
        yield adjusted_rand(other.predict(x[part]), whole[part]), adjusted_rand(own.labels_, whole[part])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_half_places_the_other_as_well_as_a_fit_of_it_does(name, shape, request):
    found = []
    for seed in range(DRAWS):
        if shape == "retail":
            customers = request.getfixturevalue("customers")
            x = customers[np.random.default_rng(seed).choice(len(customers), ROWS, replace=False)]
        else:
            x = rows_of(shape, ROWS, seed)
        found += [*halves_of(name, shape, x, 100 + seed)]
    placed, fitted = np.mean(found, axis=0)
    assert placed >= fitted - MARGIN, (placed, fitted)
