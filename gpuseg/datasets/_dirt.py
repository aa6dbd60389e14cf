"""What spoils a table of transactions: returns, cancellations, and rows with a fault, each of them counted."""

import datetime as dt

import numpy as np
import polars as pl

from gpuseg.datasets._calendar import AS_OF

SHARES = {
    "no id": 0.02,
    "bad timestamp": 0.004,
    "no amount": 0.003,
    "cancelled or returned": 0.03,
    "non-positive price": 0.005,
    "exact duplicate": 0.01,
}
"""Faulty rows beside the true ones, as a share of these; named as the report of the cleaning names its reasons."""
CANCELLED = 0.01
"""Orders that are cancelled whole, beside the lines that are returned."""
LATEST = 20
"""Days after which nothing comes back."""
TRUE_TIME = "true_time"


def soiled(rng: np.random.Generator, lines: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the lines with faulty ones among them, by time, and how many of each fault there are.

    Every faulty row is a copy of a true one with a single fault: a cleaning that finds them all gives back the
    lines as they were.
    """
    lines = lines.with_columns(pl.col("time").alias(TRUE_TIME))
    picked = {fault: lines.filter(rng.random(lines.height) < share) for fault, share in SHARES.items()}
    price = pl.col("unit_price")
    free = pl.Series(rng.random(picked["non-positive price"].height) < 0.5)  # noqa: PLR2004 - the others are negative
    faulty = {
        "no id": picked["no id"].with_columns(customer_id=None),
        "bad timestamp": picked["bad timestamp"].with_columns(time=None),
        "no amount": picked["no amount"].with_columns(unit_price=None),
        "cancelled or returned": pl.concat(
            [_back(rng, picked["cancelled or returned"]), _back(rng, _cancelled(rng, lines))]
        ),
        "non-positive price": picked["non-positive price"].with_columns(
            pl.when(free).then(0.0).otherwise(-price).alias("unit_price")
        ),
        "exact duplicate": picked["exact duplicate"],
    }
    rows = pl.concat([lines, *(rows.cast(lines.schema) for rows in faulty.values())])
    counts = {fault: rows.height for fault, rows in faulty.items()}
    return rows.sort(TRUE_TIME, maintain_order=True).drop(TRUE_TIME), counts


def _cancelled(rng: np.random.Generator, lines: pl.DataFrame) -> pl.DataFrame:
    """Return all lines of some orders under the order's id with a C before it, as in Online Retail."""
    orders = lines["order_id"].unique(maintain_order=True)
    chosen = orders.filter(pl.Series(rng.random(len(orders)) < CANCELLED))
    return lines.filter(pl.col("order_id").is_in(chosen.implode())).with_columns(order_id="C" + pl.col("order_id"))


def _back(rng: np.random.Generator, lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines as what came back: a negative quantity, some days later."""
    days = pl.lit(pl.Series(rng.integers(1, LATEST + 1, size=lines.height)))
    moment = pl.min_horizontal(pl.col("time") + pl.duration(days=days), pl.lit(AS_OF - dt.timedelta(seconds=1)))
    return lines.with_columns(-pl.col("quantity"), time=moment).with_columns(pl.col("time").alias(TRUE_TIME))
