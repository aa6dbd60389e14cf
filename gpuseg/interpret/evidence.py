"""A bounded sample of the customers of a fit: what is not exact over all rows is worked out on it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.profile import Field
from gpuseg.neighbors.keys import mixed, row_keys

MOST = 20_000
"""Customers of a sample, about: a share of one in a hundred is known within 0.07 of a percent."""
SEED = 6
"""What sets these draws apart from others by the rows' keys."""


class Evidence(NamedTuple):
    """A random sample of customers with what is known of each: all of them where they are few.

    ``raw``: (rows, fields), in the user's units: NaN where missing, dates as days, categories as codes of their levels,
    yes as 1. ``matrix``: (rows, features), scaled, as the algorithm took it. ``segments``, ``distance``,
    ``confidence`` and ``novelty``: (rows,), as ``assign`` gives them. ``value``: what each is worth, or None.
    ``ids``: for Python alone, never to be written. ``customers``: how many the sample stands for.
    """

    fields: Sequence[Field]
    features: Sequence[str]
    raw: Host
    matrix: Host
    segments: Host
    distance: Host
    confidence: Host
    novelty: Host
    value: Host | None
    ids: pl.Series
    customers: int


ROWS = ("raw", "matrix", "segments", "distance", "confidence", "novelty", "value", "ids")
"""The fields that have an entry a customer."""


def draws(raw: Host) -> Host:
    """Return a number in [0, 1) for each row: it hangs on the row's values, not on its place; equal rows differ.

    >>> rows = np.array([[1.0], [2.0], [1.0]])
    >>> one, other = draws(rows), draws(rows[::-1])
    >>> sorted(one.tolist()) == sorted(other.tolist()), len(set(one.tolist()))
    (True, 3)
    """
    keys = row_keys(raw, SEED)
    order = np.argsort(keys, kind="stable")
    rising = keys[order]
    starts = np.flatnonzero(np.append(True, rising[1:] != rising[:-1]))[: len(rising)]
    copies = np.arange(len(rising)) - np.repeat(starts, np.diff(np.append(starts, len(rising))))
    found = np.empty(len(rising))
    found[order] = mixed(rising + copies.astype(np.uint64)) / 2.0**64
    return found


def picked(raw: Host, share: float) -> Host:
    """Return the rows of a part that are in a sample of this share of all, in an order that hangs on their values."""
    numbers = draws(raw)
    rows = np.flatnonzero(numbers < share)
    return rows[np.argsort(numbers[rows])]


def joined(parts: Sequence[Evidence], customers: int) -> Evidence:
    """Return the samples of all parts as one."""
    rows = {name: [getattr(part, name) for part in parts] for name in ROWS}
    whole: dict[str, Any] = {name: None if of[0] is None else _concat(of) for name, of in rows.items()}
    return parts[0]._replace(**whole, customers=customers)


def _concat(parts: Sequence[Any]) -> Any:
    return pl.concat(parts) if isinstance(parts[0], pl.Series) else np.concatenate(parts)
