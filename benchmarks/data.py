"""The input of the rows: points around centres, simulated transactions and shops, labelled sets."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg import Preprocessor, config, customer_features, events, join_features
from gpuseg.datasets import Shop, make_shop

LABELLED = ("hepta", "lsun", "target", "tetra", "chameleon_t4_8k", "chameleon_t7_10k", "hdbscan", "iris", "a1",
            "aggregation", "compound", "pathbased", "r15", "s1", "s2", "s3", "s4", "spiral")  # fmt: skip
"""The labelled sets with 3 to 20 clusters."""
DECOYS = ("age", "region", "favourite_colour", "shoe_size")
TRAITS = ("recency", "frequency", "monetary", "visits", "opens")
SEGMENTS = 6
BASKET = 3
"""Rows of an order, on average."""


class Points(NamedTuple):
    """Rows, the centres that every contender starts from, and the centre that each row was drawn around."""

    x: np.ndarray
    start: np.ndarray
    true: np.ndarray


class Labelled(NamedTuple):
    """Scaled rows, and every number of clusters that a labelling of them has."""

    x: np.ndarray
    true: set[int]


def points(_: Any, *, rows: int, features: int, clusters: int, dtype: str = "float64") -> Points:
    """Return rows around as many centres as are looked for, overlapping, and a start: rows drawn once."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(clusters, features)) * 2
    x, true = np.empty((rows, features), dtype=dtype), np.empty(rows, dtype=np.int32)
    for first in range(0, rows, 1_000_000):  # in runs, so that ten million rows need no second copy
        part, around = x[first : first + 1_000_000], true[first : first + 1_000_000]
        around[:] = rng.integers(clusters, size=len(part))
        part[:] = centers[around] + rng.normal(size=part.shape)
    return Points(x, x[rng.choice(rows, clusters, replace=False)].astype(np.float64), true)


class Mixed(NamedTuple):
    """Rows of numbers and then of the codes of categories, how many columns are numbers, and rows to start from."""

    x: np.ndarray
    numbers: int
    start: np.ndarray


def mixed(_: Any, *, rows: int, clusters: int) -> Mixed:
    """Return customers of some kinds, four numbers and three categories each, of which half follow the kind."""
    rng, numbers, categories, words = np.random.default_rng(0), 4, 3, 5
    kind, usual = rng.integers(clusters, size=rows), rng.integers(words, size=(clusters, categories))
    codes = rng.integers(words, size=(rows, categories))
    follows = rng.random(codes.shape) < 0.5  # noqa: PLR2004 - half
    near = rng.normal(size=(clusters, numbers))[kind] * 2 + rng.normal(size=(rows, numbers))
    x = np.hstack([near, np.where(follows, usual[kind], codes)])
    return Mixed(x, numbers, x[rng.choice(rows, clusters, replace=False)])


def transactions(_: Any, *, rows: int) -> str:
    """Return the path of a Parquet file of transactions of as many customers as a shop has, 40 rows each."""
    rng = np.random.default_rng(0)
    orders = rng.integers(0, rows // BASKET, size=rows)
    table = pl.DataFrame(
        {
            "customer_id": orders % (rows // 40),
            "order_id": orders,
            "date": np.datetime64("2025-01-01", "ms")
            + rng.integers(0, 500 * 86400, size=rows).astype("timedelta64[s]").astype("timedelta64[ms]"),
            "amount": rng.lognormal(3, 1, size=rows).round(2),
        }
    )
    path = Path(tempfile.mkdtemp(prefix="gpuseg-benchmark-"), "transactions.parquet")
    table.write_parquet(path)
    return str(path)


def files(_: Any, *, rows: int, features: int, parts: int) -> list[str]:
    """Return the paths of Parquet parts of points."""
    x = points(None, rows=rows, features=features, clusters=8).x
    folder = Path(tempfile.mkdtemp(prefix="gpuseg-benchmark-"))
    for number, part in enumerate(np.array_split(x, parts)):
        pl.DataFrame(part, schema=[f"x{i}" for i in range(features)]).write_parquet(folder / f"{number:03}.parquet")
    return sorted(str(path) for path in folder.iterdir())


def labelled_sets(options: Any) -> list[Labelled]:
    """Return the labelled sets with 3 to 20 clusters, standardised."""
    found = []
    for name in LABELLED:
        (path,) = Path(options.data).glob(f"benchmarks/*/{name}.data.gz")
        x = np.loadtxt(path, ndmin=2)
        labels = [np.loadtxt(file) for file in path.parent.glob(f"{name}.labels*.gz")]
        found.append(Labelled((x - x.mean(axis=0)) / x.std(axis=0), {len(np.unique(of[of > 0])) for of in labels}))
    return found


def simulated_shops(_: Any) -> list[Labelled]:
    """Return the prepared features of ten shops of medium difficulty, whose customers are of six segments."""
    return [Labelled(prepared_shop(make_shop(3000, random_state=seed)), {SEGMENTS}) for seed in range(10)]


def shops_with_decoys(_: Any) -> list[Labelled]:
    """Return the same shops with four more columns that tell of no segment, two of them categories."""
    return [Labelled(prepared_shop(make_shop(3000, random_state=seed), DECOYS), {SEGMENTS}) for seed in range(10)]


def prepared_shop(shop: Shop, decoys: Sequence[str] = ()) -> np.ndarray:
    """Return what customers bought, saw and opened as a matrix, from the faulty rows, and ``decoys`` of theirs."""
    with config(notices="off"):
        bought, _ = customer_features(shop.transactions, drop_duplicates=True, as_of=shop.as_of)
        table, _ = join_features({"bought": bought, "seen": events(shop.events, as_of=shop.as_of)}, how="left")
        known = shop.customers.select("customer_id", *decoys)
        return Preprocessor(columns=[*TRAITS, *decoys]).fit_transform(table.join(known, on="customer_id", how="left"))


def as_given(options: Any) -> Any:
    """Return the options: a contender that is a command takes paths."""
    return options
