"""What it is worth to choose rows by a rule: a mean of precision and recall."""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host

POWER = -4
"""Of the mean of precision and recall: the lesser of the two counts most, and both count."""


class Tally(NamedTuple):
    """Rows that are chosen already: members of the segment among them, all, and the members that there are."""

    hits: int
    chosen: int
    members: int


class Search(NamedTuple):
    """The rows among which a condition is sought: those that all other conditions let through, and the members.

    ``apart``: what tells members from others is sought, whatever their numbers: of a segment of most customers all
    customers have a fair precision and recall.
    """

    inside: Host
    members: Host
    tally: Tally
    apart: bool = False

    def worth(self, hits: Host | int, chosen: Host | int) -> Host:
        """Return the mean of precision and recall where so many more rows are chosen; ``apart``: Youden's J."""
        hits, chosen, members = self.tally.hits + hits, self.tally.chosen + chosen, self.tally.members
        if self.apart:
            return np.asarray(hits / max(members, 1) - (chosen - hits) / max(len(self.members) - members, 1))
        return mean_of(hits, chosen, members)


def mean_of(hits: Host | int, chosen: Host | int, members: int) -> Host:
    """Return the power mean of precision and recall, in [0, 1].

    >>> float(mean_of(8, 10, 8)), float(mean_of(0, 10, 8))
    (0.873..., 0.0)
    """
    few = 1e-9  # in place of 0, whose power is infinite
    precision, recall = hits / np.maximum(chosen, 1), hits / max(members, 1)
    powers = (np.maximum(precision, few) ** POWER + np.maximum(recall, few) ** POWER) / 2
    return np.where(np.asarray(hits) > 0, powers ** (1 / POWER), 0.0)


def worth_of_rows(passing: Host, search: Search) -> float:
    """Return what it is worth to choose the rows that pass."""
    rows = search.inside & passing
    return float(search.worth(int(np.count_nonzero(rows & search.members)), int(np.count_nonzero(rows))))
