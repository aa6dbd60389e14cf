"""The simulated shop, some thousand customers at a time: the same rows whether they are kept or written."""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.datasets._archetypes import ARCHETYPES, SPREADS, TRAITS, centres, planned, values_of
from gpuseg.datasets._catalogue import Catalogue, catalogue
from gpuseg.datasets._customers import customers, truth
from gpuseg.datasets._dirt import SHARES, soiled
from gpuseg.datasets._events import contacts, events
from gpuseg.datasets._orders import sold
from gpuseg.errors import InvalidInput, unknown
from gpuseg.progress import bar

CHUNK = 10_000
"""Customers of a chunk: about 400,000 transactions, few enough to be made in some hundred MB."""
FIRST_ORDER = 1_000_001
ORDERS_OF_A_CHUNK = CHUNK * int(TRAITS["frequency"].high)
"""Numbers of orders kept free for every chunk, so that none is used twice."""
MOST_LINES = 10
"""Lines of an order above which a customer's shelves run out of products."""
GOODS, PLAN, ORDERS, DIRT, EVENTS, CONTACTS, CUSTOMERS = range(7)
"""Each has a stream of random numbers of its own: without the dirt, the rest stays as it is."""


class Chunk(NamedTuple):
    """The tables of some customers, and how many faulty transactions were put in, by fault."""

    transactions: pl.DataFrame
    events: pl.DataFrame
    contacts: pl.DataFrame
    customers: pl.DataFrame
    truth: pl.DataFrame
    dirt: dict[str, int]


class Request(NamedTuple):
    """What is asked of the simulator, checked."""

    n_customers: int
    random_state: int
    difficulty: str
    lines_per_order: float
    dirty: bool


def request(n_customers: Any, random_state: Any, difficulty: Any, lines_per_order: Any, *, dirty: bool) -> Request:
    """Return what is asked for; raise InvalidInput where it cannot be made."""
    for name, value, least in (("n_customers", n_customers, 1), ("random_state", random_state, 0)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise InvalidInput(f"{name}={value!r} is not allowed; give a whole number from {least} up")
    if difficulty not in tuple(SPREADS):
        raise unknown("difficulty", difficulty, SPREADS)
    number = isinstance(lines_per_order, Real) and not isinstance(lines_per_order, bool)
    if not number or not 1 <= lines_per_order <= MOST_LINES:
        raise InvalidInput(f"lines_per_order={lines_per_order!r} is not allowed; give a number from 1 to {MOST_LINES}")
    return Request(int(n_customers), int(random_state), difficulty, float(lines_per_order), dirty)


def goods_of(asked: Request) -> Catalogue:
    """Return what the shop sells."""
    return catalogue(_stream(asked, 0, GOODS))


def chunks(asked: Request, goods: Catalogue) -> Iterator[Chunk]:
    """Give the tables of the customers, a chunk at a time, with a bar."""
    for number in bar(range(-(-asked.n_customers // CHUNK)), "chunk"):
        yield _chunk(asked, goods, number)


def centres_table() -> pl.DataFrame:
    """Return one row a segment: its name, its share, and what its typical customer is like in the user's units."""
    table = {
        "segment": np.arange(len(ARCHETYPES), dtype=np.int32),
        "name": [kind.name for kind in ARCHETYPES],
        "share": [kind.share for kind in ARCHETYPES],
    }
    return pl.DataFrame(table | dict(zip(TRAITS, values_of(centres()).T, strict=True)))


def _chunk(asked: Request, goods: Catalogue, number: int) -> Chunk:
    first = number * CHUNK
    ids = np.arange(first, min(first + CHUNK, asked.n_customers)) + 1
    plan = planned(_stream(asked, number, PLAN), ids, SPREADS[asked.difficulty])
    sales = sold(
        _stream(asked, number, ORDERS),
        plan,
        goods,
        lines_per_order=asked.lines_per_order,
        first_order=FIRST_ORDER + number * ORDERS_OF_A_CHUNK,
    )
    lines, dirt = (
        soiled(_stream(asked, number, DIRT), sales.lines) if asked.dirty else (sales.lines, dict.fromkeys(SHARES, 0))
    )
    return Chunk(
        transactions=lines,
        events=events(_stream(asked, number, EVENTS), plan, sales),
        contacts=contacts(_stream(asked, number, CONTACTS), plan),
        customers=customers(_stream(asked, number, CUSTOMERS), plan),
        truth=truth(plan),
        dirt=dirt,
    )


def _stream(asked: Request, number: int, purpose: int) -> np.random.Generator:
    """Return the random numbers of one chunk for one purpose."""
    return np.random.default_rng(np.random.SeedSequence(asked.random_state, spawn_key=(number, purpose)))
