"""Who buys in the simulated shop: six kinds of customers, and what each customer is planned to do."""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.datasets._calendar import DAYS


class Archetype(NamedTuple):
    """A kind of customer: its share, its levels of the traits (0 is the usual), and its habits.

    ``tenure`` is the longest time from the first day to the last purchase; ``response`` the share of
    campaigns that are answered.
    """

    name: str
    share: float
    recency: float
    frequency: float
    monetary: float
    visits: float
    opens: float
    tenure: int
    response: float


ARCHETYPES = (
    Archetype("champions", 0.15, 0, 1, 2, 0, 0, DAYS, 0.20),
    Archetype("loyal small baskets", 0.18, 0, 2, -1, 0, 0, DAYS, 0.12),
    Archetype("newcomers", 0.15, -1, -1, 0, -1, 0, 60, 0.08),
    Archetype("lapsing", 0.19, 2, 0, 0, 0, -1, DAYS, 0.02),
    Archetype("newsletter readers", 0.15, 1, 0, 0, 0, 2, DAYS, 0.15),
    Archetype("browsers", 0.18, 0, 0, 0, 2, 0, DAYS, 0.05),
)


class Trait(NamedTuple):
    """A trait that a customer table shows: its unit, and the lowest and highest value that a customer can have."""

    unit: float
    low: float
    high: float


TRAITS = {
    "recency": Trait(25, 0, DAYS - 1),
    "frequency": Trait(3, 1, 400),
    "monetary": Trait(150, 1, 1e6),
    "visits": Trait(4, 0, 5_000),
    "opens": Trait(3, 0, 5_000),
}
"""Units are near to each trait's 10 % quantile, so that log(1 + value / quantile), which the preprocessor takes
of such a column, is near to the planned number itself."""
MIDDLE, REACH = 1.4, 1.7
"""log(1 + value / unit) of a usual customer, and how far apart two centres are in it: wide enough that every trait
is skewed beyond 1, as real ones are, and low enough that few customers fall on a trait's lowest value."""
SPREADS = {"easy": 0.160, "medium": 0.217, "hard": 0.269}
"""Standard deviation of a trait within a segment, in distances between centres. Found by bisection on what the
oracle reaches with 10,000 customers; the mean of 20 seeds is ARI .990, .899 and .748, their deviation .002 to .007."""


class Plan(NamedTuple):
    """What every customer of a chunk is to do; every field has an entry a customer.

    ``joined`` and ``last`` are the days of the window of the first contact and of the last purchase;
    ``spend`` is what the orders add up to.
    """

    ids: Host
    segment: Host
    joined: Host
    last: Host
    orders: Host
    spend: Host
    visits: Host
    opens: Host


def centres() -> Host:
    """Return the centres, (6, 5), all at distance 1 from each other: a regular simplex as near as can be to the levels.

    Equal distances leave no group of groups, which an index of the number of clusters would find instead.

    >>> from itertools import combinations
    >>> {round(float(np.linalg.norm(a - b)), 9) for a, b in combinations(centres(), 2)}
    {1.0}
    """
    levels = np.array([[getattr(kind, trait) for trait in TRAITS] for kind in ARCHETYPES], dtype=np.float64)
    left, _, right = np.linalg.svd(levels - levels.mean(axis=0), full_matrices=False)
    return left @ right / np.sqrt(2)


def values_of(planned: Host) -> Host:
    """Return the traits in the user's units of points, (n, 5), in the space of the centres; not yet whole numbers."""
    unit, low, high = np.array(list(TRAITS.values())).T
    return np.clip(unit * np.expm1(np.maximum(MIDDLE + REACH * planned, 0)), low, high)


def planned(rng: np.random.Generator, ids: Host, spread: float) -> Plan:
    """Return what customers of these ids are to do, drawn around their segments' centres."""
    segment = rng.choice(len(ARCHETYPES), size=len(ids), p=[kind.share for kind in ARCHETYPES])
    noise = spread * rng.normal(size=(len(ids), len(TRAITS)))
    recency, orders, spend, visits, opens = values_of(centres()[segment] + noise).T
    last = DAYS - 1 - _whole(recency)
    tenure = np.minimum(np.array([kind.tenure for kind in ARCHETYPES])[segment], last)
    joined = last - _whole(tenure * rng.beta(4, 1.5, size=len(ids)))  # most have been there for long
    return Plan(ids, segment, joined, last, _whole(orders), spend, _whole(visits), _whole(opens))


def _whole(values: Host) -> Host:
    return np.rint(values).astype(np.int64)
