"""Personas of the simulated shop: what a marketing team might believe of its customers, wrong in known ways."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg._checks import check_number
from gpuseg.datasets.shop import Shop
from gpuseg.errors import InvalidInput
from gpuseg.html import Cell, Text, table_html

PERSONAS: dict[str, tuple[str, ...]] = {
    "champions": ("Regulars",),
    "loyal small baskets": ("Regulars",),
    "newcomers": ("New Faces",),
    "lapsing": ("Gone Quiet",),
    "newsletter readers": (),
    "browsers": ("Window Shoppers", "Deal Hunters"),
}
"""What the team calls each true segment: two have one name, one has two, and of one nobody has thought."""
UNDERSERVED = "lapsing"
"""The true segment whose budget is too small: it has some 15 % of the value."""
SERVED = 0.5
"""What an under-served customer gets of the budget that another one of the same value gets."""
RATE, UNEVEN = 0.05, 0.3
"""The budget as a part of the value, and the standard deviation of its logarithm among customers of one value."""


class ShopPersonas(NamedTuple):
    """Personas of a simulated shop; ``make_personas`` says what is in them, and what is planted."""

    table: pl.DataFrame
    plants: dict[str, Any]

    def __repr__(self) -> str:
        """Return one line: the table would fill the screen."""
        return f"<{self._title()}>"

    def _repr_html_(self) -> str:
        """Return how many customers each persona has, and what is planted, for a notebook."""
        sizes = self.table.group_by("persona").len("customers").sort("persona", nulls_last=True)
        rows: list[list[Cell]] = [[Text(name or "no persona"), f"{size:,}"] for name, size in sizes.rows()]
        return table_html(self._title(), [Text("persona"), "customers"], rows, _planted(self.plants))

    def _title(self) -> str:
        return f"Personas of {self.table.height:,} customers of a simulated shop"


def make_personas(shop: Shop, *, random_state: int = 0, mistaken: float = 0.05) -> ShopPersonas:
    """Return what a team believes of the customers of a simulated shop, and what is wrong with it.

    ``table``: customer_id, persona (missing where there is none), and budget, what marketing spends on the customer.
    ``plants``, by true segments' names: "split": one persona, "Regulars", for the two segments of frequent buyers;
    "merge": two personas, drawn at random, for the browsers; "new": newsletter readers have no persona;
    "under-served": budget goes with what customers have spent, but the lapsing get half of it. The other personas are
    true segments. ``mistaken``: the share of customers, below 1, who get the persona of another one at random.
    Raises InvalidInput for a parameter that is not allowed.

    >>> from gpuseg.datasets import make_shop
    >>> make_personas(make_shop(100)).plants["split"]
    {'persona': 'Regulars', 'segments': ['champions', 'loyal small baskets']}
    """
    check_number("mistaken", mistaken, low=0)
    if mistaken >= 1:
        raise InvalidInput(f"mistaken={mistaken} is not allowed; give a share below 1")
    rng = np.random.default_rng(random_state)
    known = shop.truth.join(_spent(shop.transactions), on="customer_id", how="left", maintain_order="left")
    drawn = rng.integers(0, 2**32, size=known.height)
    persona = [
        names[at % len(names)] if (names := PERSONAS[segment]) else None
        for segment, at in zip(known["name"], drawn.tolist(), strict=True)
    ]
    wrong = np.flatnonzero(rng.random(known.height) < mistaken)
    believed = np.array(persona, dtype=object)
    believed[wrong] = believed[rng.permutation(wrong)]
    fair = known["spent"].fill_null(0.0).to_numpy() * RATE * rng.lognormal(sigma=UNEVEN, size=known.height)
    budget = np.where((known["name"] == UNDERSERVED).to_numpy(), SERVED, 1.0) * fair
    table = pl.DataFrame(
        {
            "customer_id": known["customer_id"],
            "persona": pl.Series(believed.tolist(), dtype=pl.String),
            "budget": np.round(budget, 2),
        }
    )
    return ShopPersonas(table, _plants())


def _spent(transactions: pl.DataFrame) -> pl.DataFrame:
    """Return what each customer has paid in rows without a fault."""
    cancelled = pl.col("order_id").cast(pl.String).str.starts_with("C")
    fine = transactions.unique().filter(
        pl.col("quantity") > 0, pl.col("unit_price") > 0, pl.col("time").is_not_null(), ~cancelled
    )
    paid = (pl.col("quantity") * pl.col("unit_price")).sum().alias("spent")
    return fine.group_by("customer_id").agg(paid)


def _planted(plants: dict[str, Any]) -> list[str]:
    """Return what is planted in words."""
    split, merge, under = (plants[kind] for kind in ("split", "merge", "under-served"))
    return [
        f"planted: one persona, {split['persona']}, for {' and '.join(split['segments'])}",
        f"planted: {' and '.join(merge['personas'])} are both {merge['segment']}",
        f"planted: no persona for {plants['new']['segment']}",
        f"planted: {under['segment']} get {under['of its share']} of the budget that goes with what they spend",
    ]


def _plants() -> dict[str, Any]:
    """Return what ``make_personas`` plants, read off its table of names."""
    names = [persona for own in PERSONAS.values() for persona in own]
    (split,) = {name for name in names if names.count(name) > 1}
    (merged,) = (segment for segment, own in PERSONAS.items() if len(own) > 1)
    return {
        "split": {"persona": split, "segments": [segment for segment, own in PERSONAS.items() if split in own]},
        "merge": {"personas": list(PERSONAS[merged]), "segment": merged},
        "new": {"segment": next(segment for segment, own in PERSONAS.items() if not own)},
        "under-served": {"segment": UNDERSERVED, "of its share": SERVED},
    }
