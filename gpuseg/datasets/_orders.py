"""Orders and their lines, made so that every customer's plan comes true."""

from typing import NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.datasets._archetypes import Plan
from gpuseg.datasets._calendar import drawn_days, drawn_seconds, moments
from gpuseg.datasets._catalogue import Catalogue, picked

PIECES = 2.0
"""Pieces of a product on a line, on average."""
CENT = 0.01


class Sold(NamedTuple):
    """The lines sold, by time; and of every order the buyer (a row of the plan) and the moment."""

    lines: pl.DataFrame
    buyer: Host
    moment: Host


class _Lines(NamedTuple):
    """Lines by order: the order's place in time, the buyer's row in the plan, what was bought and for how much."""

    order: Host
    buyer: Host
    product: Host
    quantity: Host
    price: Host


def sold(rng: np.random.Generator, plan: Plan, goods: Catalogue, *, lines_per_order: float, first_order: int) -> Sold:
    """Return the lines that were bought: as many orders, until the day, and of the sum that the plan says.

    A product stands once in an order, so that no two lines are equal.
    """
    buyer, moment = _orders(rng, plan)
    lines = _lines(rng, plan, goods, buyer, lines_per_order)
    names = pl.Series(first_order + np.arange(len(buyer))).cast(pl.String)
    columns = {
        "customer_id": plan.ids[lines.buyer],
        "order_id": names.gather(lines.order),
        "time": moment[lines.order],
        "product_id": goods.products["product_id"].gather(lines.product),
        "quantity": lines.quantity,
        "unit_price": lines.price,
    }
    return Sold(pl.DataFrame(columns), buyer, moment)


def _orders(rng: np.random.Generator, plan: Plan) -> tuple[Host, Host]:
    """Return buyer and moment of every order by time; one order of each customer falls on the last day."""
    buyer = np.repeat(np.arange(len(plan.ids)), plan.orders)
    days = drawn_days(rng, plan.joined[buyer], plan.last[buyer])
    days[np.cumsum(plan.orders) - plan.orders] = plan.last
    moment = moments(days, drawn_seconds(rng, len(buyer)))
    by_time = np.argsort(moment, kind="stable")
    return buyer[by_time], moment[by_time]


def _lines(rng: np.random.Generator, plan: Plan, goods: Catalogue, buyer: Host, lines_per_order: float) -> _Lines:
    order = np.repeat(np.arange(len(buyer)), 1 + rng.poisson(lines_per_order - 1, size=len(buyer)))
    usual = plan.spend / np.bincount(buyer[order], minlength=len(plan.ids))
    product = picked(rng, usual[buyer[order]] / PIECES)
    order, product = np.divmod(np.unique(order * len(goods.prices) + product), len(goods.prices))
    who, price = buyer[order], goods.prices[product]
    quantity = 1 + rng.poisson(PIECES - 1, size=len(order))
    quantity = np.maximum(np.rint(quantity * _missing(plan.spend, who, quantity * price)), 1).astype(np.int64)
    paid = np.round(price * _missing(plan.spend, who, quantity * price), 2)
    return _Lines(order, who, product, quantity, np.maximum(paid, CENT))


def _missing(spend: Host, who: Host, amounts: Host) -> Host:
    """Return for each line the factor that would bring its customer's amounts to the planned sum."""
    return (spend / np.bincount(who, weights=amounts, minlength=len(spend)))[who]
