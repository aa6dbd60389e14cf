"""Which segments get less, and which more, of the contacts or the budget than their share of the value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.interpret.flows import ERROR, LEAST, is_noise
from gpuseg.notebook import shown

FAR = 0.8
"""A ratio at or below it, or at or above 1 / 0.8, is told: a smaller gap is within what budgets swing from year to
year, and readers of media indices begin at 80 too."""


class Served(NamedTuple):
    """A segment's share of the value and of the contacts.

    ``ratio``: the second over the first, 1 where they are alike; ``low`` and ``high``: its interval, at 95 % over all
    segments together (Bonferroni); None where the segment has no value above 0,
    or, of the interval, all of it.
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
    interval is by the linearised variance (Woodruff 1971) of the difference of the two shares' logits, customers being
    drawn at random. Where few customers are most of the value, that variance is known badly: the quantile is Student's
    of as many degrees of freedom as they leave (Satterthwaite 1946). Raises InvalidInput where one of the two has no
    sum above 0, or contacts are below 0.

    >>> column, value = np.repeat([0, 1], 50), np.ones(100)
    >>> [one.ratio for one in served([0, 1], column, value, np.where(column, 3.0, 1.0))]
    [0.5, 1.5]
    """
    for what, amounts in (("value", value), ("contacts", contacts)):
        if amounts.sum() <= 0:
            raise InvalidInput(f"{what} adds up to {amounts.sum():g}; give a column whose sum is above 0")
    if (below := int((contacts < 0).sum())) > 0:
        raise InvalidInput(f"contacts are below 0 for {below:,} customers; give a column of counts or of amounts spent")
    return [_served(segment, column == at, value, contacts, len(segments)) for at, segment in enumerate(segments)]


def _served(segment: int | str, inside: Host, value: Host, contacts: Host, looks: int) -> Served:
    """Return what a segment has; ``inside``: (customers,), who is in it; ``looks``: how many segments there are."""
    size, whole = int(inside.sum()), (float(value.sum()), float(contacts.sum()))
    within = (float(value[inside].sum()), float(contacts[inside].sum()))
    of_value, of_contacts = within[0] / whole[0], within[1] / whole[1]
    ratio = of_contacts / of_value if of_value > 0 else None
    if ratio is None or of_value >= 1:
        return Served(segment, size, of_value, of_contacts, ratio, None, None)
    if of_contacts in (0.0, 1.0):  # without a logit: chance may leave out a few customers, or all but a few, not many
        reached, left = contacts[inside != (of_contacts == 0)] > 0, size if of_contacts == 0 else len(value) - size
        certain = float((1 - reached.mean()) ** left) < ERROR / looks
        ends = (ratio, ratio) if certain else (0.0, np.inf)
        return Served(segment, size, of_value, of_contacts, ratio, *ends)
    without = (whole[0] - within[0], whole[1] - within[1])
    added = np.where(inside, contacts / within[1] - value / within[0], value / without[0] - contacts / without[1])
    far, apart = _spread(added, looks), logit(of_contacts) - logit(of_value)
    low, high = (float(expit(logit(of_value) + apart + off) / of_value) for off in (-far, far))
    return Served(segment, size, of_value, of_contacts, ratio, low, high)


def _spread(added: Host, looks: int) -> float:
    """Return half of the interval of a sum to which customers add this, at 95 % over as many as are looked at."""
    each = added * added
    squares, fourths = float(np.sum(each)), float(each @ each)
    vary = max(fourths - squares**2 / len(added), np.finfo(float).tiny)
    freedom = max(2 * squares**2 / vary, 1.0)
    return float(np.sqrt(squares) * student.ppf(1 - ERROR / (2 * looks), freedom))


def said(one: Served, word: str, value: str, contacts: str) -> str:
    """Return the sentence of a segment that gets too little or too much.

    >>> said(Served(3, 588, 0.155, 0.084, 0.54, 0.5, 0.58), "segment 3", "revenue", "budget")
    'segment 3 is under-served: 15.5 % of revenue and 8.4 % of budget, 0.54 of its share (0.50 to 0.58)'
    """
    shares = f"{shown('share', one.value_share)} of {value} and {shown('share', one.contacts_share)} of {contacts}"
    return f"{word} is {one.kind}: {shares}, {one.ratio:.2f} of its share ({one.low:.2f} to {one.high:.2f})"
