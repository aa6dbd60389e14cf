"""Which segments get less, and which more, of the contacts or the budget than their share of the value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.interpret.flows import ERROR, LEAST, is_noise, quantile
from gpuseg.notebook import shown

FAR = 0.8
"""A ratio at or below it, or at or above 1 / 0.8, is told: a smaller gap is within what budgets swing from year to
year, and readers of media indices begin at 80 too."""


class Served(NamedTuple):
    """A segment's share of the value and of the contacts.

    ``ratio``: the second over the first, 1 where they are alike; ``low`` and ``high``: its interval, at 95 % over all
    segments together (Bonferroni); None where the segment has no value above 0.
    """

    segment: int | str
    customers: int
    value_share: float
    contacts_share: float
    ratio: float | None
    low: float | None
    high: float | None

    @property
    def kind(self) -> str | None:
        """Return "under-served" or "over-served" where the ratio is far from 1 and beyond chance, else None."""
        if self.ratio is None or self.low is None or self.high is None or self.customers < LEAST:
            return None
        if is_noise(self.segment):
            return None
        if self.ratio <= FAR and self.high < 1:
            return "under-served"
        return "over-served" if self.ratio >= 1 / FAR and self.low > 1 else None


def served(segments: Sequence[int | str], column: Host, value: Host, contacts: Host) -> list[Served]:
    """Return what each segment has of the value and of the contacts.

    ``column``: (customers,), the place of each one's segment; ``value`` and ``contacts``: (customers,), finite. The
    interval is by the linearised variance of the logarithm of a ratio of shares (Woodruff 1971), customers being drawn
    at random. Raises InvalidInput where one of the two has no sum above 0, or contacts are below 0.

    >>> column, value = np.repeat([0, 1], 50), np.ones(100)
    >>> [one.ratio for one in served([0, 1], column, value, np.where(column, 3.0, 1.0))]
    [0.5, 1.5]
    """
    for what, amounts in (("value", value), ("contacts", contacts)):
        if amounts.sum() <= 0:
            raise InvalidInput(f"{what} adds up to {amounts.sum():g}; give a column whose sum is above 0")
    if (below := int((contacts < 0).sum())) > 0:
        raise InvalidInput(f"contacts are below 0 for {below:,} customers; give a column of counts or of amounts spent")
    count = len(segments)
    sums = [np.bincount(column, weights=amounts, minlength=count) for amounts in (value, contacts)]
    shares = [one / one.sum() for one in sums]
    sizes = np.bincount(column, minlength=count)
    errors = _errors(column, value, contacts, *sums)
    found = zip(segments, sizes.tolist(), *(one.tolist() for one in (*shares, errors)), strict=True)
    reached = np.bincount(column, weights=contacts > 0, minlength=count)
    others = (reached.sum() - reached) / np.maximum(len(value) - sizes, 1)
    far = quantile(count, sides=2)
    return [
        _told(segment, size, of_value, of_contacts, error, far=far, by_chance=float((1 - q) ** size))
        for (segment, size, of_value, of_contacts, error), q in zip(found, others, strict=True)
    ]


def said(one: Served, word: str, value: str, contacts: str) -> str:
    """Return the sentence of a segment that gets too little or too much.

    >>> said(Served(3, 588, 0.155, 0.084, 0.54, 0.5, 0.58), "segment 3", "revenue", "budget")
    'segment 3 is under-served: 15.5 % of revenue and 8.4 % of budget, 0.54 of its share (0.50 to 0.58)'
    """
    shares = f"{shown('share', one.value_share)} of {value} and {shown('share', one.contacts_share)} of {contacts}"
    return f"{word} is {one.kind}: {shares}, {one.ratio:.2f} of its share ({one.low:.2f} to {one.high:.2f})"


def _told(
    segment: int | str, size: int, value: float, contacts: float, error: float, *, far: float, by_chance: float
) -> Served:
    """Return a segment's shares and ratio with its interval; ``by_chance``: how often chance leaves out all of it."""
    if value <= 0:
        return Served(segment, size, value, contacts, None, None, None)
    ratio = contacts / value
    if not contacts:  # a ratio of 0 has no logarithm: chance may have left out a few, never many
        return Served(segment, size, value, contacts, 0.0, 0.0, 0.0 if by_chance < ERROR else np.inf)
    spread = float(np.exp(far * error))
    return Served(segment, size, value, contacts, ratio, ratio / spread, ratio * spread)


def _errors(column: Host, value: Host, contacts: Host, of_value: Host, of_contacts: Host) -> Host:
    """Return the standard error of the logarithm of each segment's ratio, of what each customer adds to it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = contacts / of_contacts[column] - value / of_value[column]
    inside = np.nan_to_num(inside, posinf=0.0, neginf=0.0)
    outside = value / value.sum() - contacts / contacts.sum()
    added = np.bincount(column, weights=inside**2 + 2 * inside * outside, minlength=len(of_value))
    return np.sqrt(np.maximum(np.sum(outside**2) + added, 0.0))
