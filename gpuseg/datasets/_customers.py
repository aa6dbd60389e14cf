"""What the simulated shop knows of its customers: nothing here tells of a segment but the first day."""

import numpy as np
import polars as pl

from gpuseg.datasets._archetypes import ARCHETYPES, Plan
from gpuseg.datasets._calendar import START

REGIONS = ("north", "east", "south", "west", "islands")
COLOURS = ("blue", "green", "red", "yellow", "black", "white")
AGE, SHOE_SIZE = (46, 14), (40, 2.5)
"""Mean and standard deviation."""
YOUNGEST, OLDEST = 18, 95


def customers(rng: np.random.Generator, plan: Plan) -> pl.DataFrame:
    """Return one row a customer: the first day, and four decoys that belong to no segment."""
    count = len(plan.ids)
    age = np.clip(np.rint(rng.normal(*AGE, size=count)), YOUNGEST, OLDEST).astype(np.int64)
    return pl.DataFrame(
        {
            "customer_id": plan.ids,
            "joined": np.datetime64(START.date(), "D") + plan.joined.astype("timedelta64[D]"),
            "age": age,
            "region": _drawn(rng, REGIONS, count),
            "favourite_colour": _drawn(rng, COLOURS, count),
            "shoe_size": np.rint(rng.normal(*SHOE_SIZE, size=count)),
        }
    )


def truth(plan: Plan) -> pl.DataFrame:
    """Return the segment of every customer and its name."""
    names = pl.Series([kind.name for kind in ARCHETYPES])
    segment = plan.segment.astype(np.int32)
    return pl.DataFrame({"customer_id": plan.ids, "segment": segment, "name": names.gather(plan.segment)})


def _drawn(rng: np.random.Generator, values: tuple[str, ...], count: int) -> pl.Series:
    return pl.Series(values).gather(rng.integers(len(values), size=count))
