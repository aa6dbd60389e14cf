"""A small simulated shop, and the matrix in which its segments are to be found."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

import gpuseg
from gpuseg.datasets import make_shop

TRAITS = ["recency", "frequency", "monetary", "visits", "opens"]


@pytest.fixture(scope="session")
def shop():
    return make_shop(2_000, random_state=3)


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


def traits(shop):
    """Return what a user can see of every customer, and the true segment, in order of id."""
    features, _ = gpuseg.customer_features(shop.transactions, set="rfm", drop_duplicates=True, as_of=shop.as_of)
    kind = pl.col("type")
    counts = shop.events.group_by("customer_id").agg(visits=(kind == "visit").sum(), opens=(kind == "open").sum())
    table = shop.truth.join(features, on="customer_id").join(counts, on="customer_id", how="left").sort("customer_id")
    return table.with_columns(pl.col("visits", "opens").fill_null(0))


def matrix(table):
    return gpuseg.Preprocessor().fit_transform(table.select(TRAITS))


def oracle(table):
    """Return the adjusted Rand index of giving each row to the nearest of the true segments' means."""
    x, segment = matrix(table), table["segment"].to_numpy()
    centres = np.array([x[segment == k].mean(axis=0) for k in range(6)])
    nearest = ((x[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    return adjusted_rand_score(segment, nearest)
