"""Model cards to report on: real fits of small seeded tables."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Segmenter

HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted' & <b>",
    "</style><h1>x",
    "{{7*7}} {% raw %}",
    "javascript:alert(1)",
    "$x^2$ and\nmore",
    "--></svg>",
)
"""Names that would be markup, a template, a script or a formula, if they were not escaped."""


def fitted(table, **parameters):
    with gpuseg.config(notices="off"):
        return Segmenter(**parameters).fit(table)


def customers(rows=120, groups=3):
    """Return a table with a column of each kind, gaps, and a column that is dropped."""
    rng = np.random.default_rng(0)
    group = rng.permutation(np.arange(rows) % groups)
    return pl.DataFrame(
        {
            "id": [f"secret-{i:04}" for i in range(rows)],
            "spend": 100.0 * 5.0**group + rng.normal(size=rows),
            "age": 20 + 15 * group + rng.normal(size=rows),
            "joined": np.datetime64("2020-01-01", "us") + (group * 700).astype("timedelta64[D]"),
            "member": group == 1,
            "plan": np.array(["basic", "gold", "trial"])[group % 3],
            "same": np.ones(rows),
        }
    ).with_columns(pl.when(pl.col("id") < "secret-0003").then(None).otherwise(pl.col("age")).alias("age"))


@pytest.fixture(scope="session")
def card():
    return fitted(customers(), id_column="id", k_range=(2, 6), max_segments=3).card_


@pytest.fixture(scope="session")
def hostile_card():
    """Return the card of a fit whose columns and levels try to be markup."""
    rng = np.random.default_rng(1)
    group = np.arange(60) % 2
    table = {name: group * 9 + rng.normal(size=60) for name in HOSTILE}
    table["level"] = np.array(HOSTILE)[group * 3 + rng.integers(0, 3, 60)]
    return fitted(pl.DataFrame(table), n_clusters=2).card_


@pytest.fixture(scope="session")
def large_card():
    """Return the card of 50 segments and 60 columns."""
    rng = np.random.default_rng(2)
    group = np.arange(1500) % 50
    numbers = {f"a rather long name of column {i}": rng.normal(size=50)[group] * 9 for i in range(50)}
    levels = {f"category {i}": rng.permutation([f"level {j}" for j in range(50)])[group] for i in range(5)}
    flags = {f"flag {i}": rng.random(1500) < (group % 5) / 5 for i in range(5)}
    return fitted(pl.DataFrame(numbers | levels | flags), n_clusters=50, algorithm_params={"n_init": 1}).card_


@pytest.fixture(scope="session")
def full_card():
    """Return the card of a fit with value, with all that is worked out on it."""
    rng = np.random.default_rng(7)
    group = np.repeat([0, 1, 2, 3], [400, 250, 150, 60])
    levels = [rng.permutation([1.0, 4.0, 16.0, 64.0])[group] for _ in range(4)]
    table = {f"number {i}": level * np.exp(rng.normal(size=860) / 4) for i, level in enumerate(levels)}
    table["plan"] = np.array(["basic", "gold", "trial", "gold"])[group]
    table["member"] = rng.random(860) < (group == 1) * 0.7 + 0.1
    segmenter = Segmenter(k_range=(2, 6), value_column="number 0", algorithm_params={"n_init": 2})
    personas = np.array([HOSTILE[0], "Wanderers", None, "Wanderers"])[group]
    with gpuseg.config(notices="off"):
        segmenter.fit(pl.DataFrame(table))
        segmenter.compare_personas(personas.tolist())
    segmenter.insight()
    return segmenter.card_
