"""Columns as the search for rules takes them: what a bound or a set of levels lets through, and which is best."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from gpuseg.backends import Host
from gpuseg.interpret._rule_worth import Search, worth_of_rows
from gpuseg.interpret._thresholds import plainest_day, shortest
from gpuseg.interpret.conditions import Condition, bounded, level_names
from gpuseg.interpret.profile import Field
from gpuseg.preprocessing import LARGEST

OUTERMOST = 0.01
"""Share of the members that may lie beyond each first bound: outliers are not to draw it."""
ROUNDING = 0.0005
"""What a threshold that reads well may cost of the mean of precision and recall."""
MOST_LEVELS = 8
"""Levels that a condition may name: more are no rule that anyone reads."""


class Span(NamedTuple):
    """The numbers that a condition lets through: above ``low``, at most ``high``, and missing ones."""

    low: float | None
    high: float | None
    missing: bool


class Some(NamedTuple):
    """The codes that a condition lets through; the one after the last level is for missing values."""

    codes: frozenset[int]


class Column(Protocol):
    """What the search asks of a column; a state is a ``Span`` or a ``Some``, None where it lets all through."""

    def first(self, members: Host) -> Any:
        """Return the state to start from: nearly all members pass."""

    def alone(self, search: Search) -> Any:
        """Return the state that is worth most by itself."""

    def passes(self, state: Any) -> Host:
        """Return which rows a state lets through."""

    def looser(self, state: Any) -> list[Any]:
        """Return the states with one bound less."""

    def best(self, state: Any, search: Search) -> Any:
        """Return the best state with the same bounds."""

    def plainer(self, state: Any, search: Search) -> Any:
        """Return a state that reads better and costs next to nothing."""

    def condition(self, state: Any) -> Condition:
        """Return a state as a condition."""


class Curve(NamedTuple):
    """Cuts of a column between different values, rising: the values below and above each, and what each is worth."""

    below: Host
    above: Host
    worth: Host


class Numbers:
    """A column of numbers or of dates."""

    def __init__(self, field: Field, values: Host) -> None:
        """Keep the values, and their order."""
        self.field, self.values = field, values
        self.there = np.abs(values) <= LARGEST
        rows = np.flatnonzero(self.there)
        self.order = rows[np.argsort(values[rows], kind="stable")]
        known = values[self.order]
        self.largest = known[-1] if len(known) else 0.0
        self.whole = bool(np.all(known == np.floor(known)))

    def first(self, members: Host) -> Span | None:
        """Return the bounds that leave out one member in a hundred on each side; missing ones pass if members do."""
        rows = members[self.order]
        known = self.values[self.order][rows]
        if not len(known):
            return Span(None, None, missing=True)
        missing = bool(np.any(members & ~self.there))
        low = np.quantile(known, OUTERMOST, method="lower")
        high = float(np.quantile(known, 1 - OUTERMOST, method="higher"))
        under = self.values[self.order][: np.searchsorted(self.values[self.order], low)]
        span = Span(float(under[-1]) if len(under) else None, high if high < self.largest else None, missing)
        return None if span[:2] == (None, None) and (missing or self.there.all()) else span

    def alone(self, search: Search) -> Span | None:
        """Return the best of one bound, and of being known."""
        if not len(self.order):
            return None
        ends = (float(self.values[self.order[0]]), float(self.largest))
        starts = [Span(ends[0], None, missing=False), Span(None, ends[1], missing=False)]
        found = [self.best(span, search) for span in starts] + [Span(None, None, missing=False)]
        best = max(found, key=lambda span: worth_of_rows(self.passes(span), search))
        return None if self.passes(best).all() else best

    def passes(self, state: Span) -> Host:
        """Return which rows lie within the bounds, or are missing where these pass."""
        if state.missing and state.low is None and state.high is None:
            return ~self.there
        return (self.there & bounded(self.values, state.low, state.high)) | (~self.there & state.missing)

    def looser(self, state: Span) -> list[Span | None]:
        """Return the state without either bound, or, where it has none, no condition."""
        spans = [span for span in (state._replace(low=None), state._replace(high=None)) if span != state]
        tells = not (self.there.all() or state.missing)  # without bounds it is yet told that a value is known
        return [span if tells or span[:2] != (None, None) else None for span in spans] or [None]

    def best(self, state: Span, search: Search) -> Span:
        """Return the state with each bound, and then the missing ones, as they are worth most."""
        for low in (True, False):
            if (state.low if low else state.high) is None:
                continue
            curve = self._curve(state, search, low=low)
            if len(curve.worth):
                cut = float(curve.below[np.argmax(curve.worth)])
                state = state._replace(low=cut) if low else state._replace(high=cut)
        if self.there.all() or state[:2] == (None, None):
            return state
        both = [state._replace(missing=flag) for flag in (False, True)]
        return max(both, key=lambda one: worth_of_rows(self.passes(one), search))

    def plainer(self, state: Span, search: Search) -> Span:
        """Return the state with thresholds that read well, each between cuts that are worth nearly the best."""
        for low in (True, False):
            if (state.low if low else state.high) is None:
                continue
            curve = self._curve(state, search, low=low)
            if not len(curve.worth):
                continue
            best = int(np.argmax(curve.worth))
            good = curve.worth >= curve.worth[best] - ROUNDING
            first, last = best, best
            while first > 0 and good[first - 1]:
                first -= 1
            while last < len(good) - 1 and good[last + 1]:
                last += 1
            middle = float(curve.below[best] + curve.above[best]) / 2
            cut = self._plain(float(curve.below[first]), float(curve.above[last]), middle)
            state = state._replace(low=cut) if low else state._replace(high=cut)
        return state

    def condition(self, state: Span) -> Condition:
        """Return the state as a condition."""
        low, high = (None if bound is None else float(bound) for bound in state[:2])
        return Condition(self.field.name, self.field.kind, low, high, missing=state.missing and not self.there.all())

    def _curve(self, state: Span, search: Search, *, low: bool) -> Curve:
        """Return what the cuts for one bound are worth, the other bound as it is."""
        other = state._replace(low=None) if low else state._replace(high=None)
        free = search.inside & bounded(self.values, other.low, other.high) & self.there
        rows = self.order[free[self.order]]
        values, hits = self.values[rows], np.cumsum(search.members[rows])
        ends = np.flatnonzero(values[1:] != values[:-1])
        missing = search.inside & ~self.there & state.missing
        more, more_hits = np.count_nonzero(missing), np.count_nonzero(missing & search.members)
        chosen, found = ends + 1, hits[ends]
        if low:
            chosen, found = len(rows) - chosen, (hits[-1] if len(hits) else 0) - found
        return Curve(values[ends], values[ends + 1], search.worth(found + more_hits, chosen + more))

    def _plain(self, low: float, high: float, near: float) -> float:
        if self.field.kind == "date":
            return plainest_day(low, high, near)
        return shortest(low, high, near, whole=self.whole)


class Levels:
    """A column of a category, or of yes and no."""

    def __init__(self, field: Field, values: Host, absent: str | None = None) -> None:
        """Keep the codes; ``absent`` is the level that stands for a missing value."""
        self.field, self.names, self.absent = field, tuple(level_names(field)), absent
        there = (np.abs(values) <= LARGEST) & (values >= 0)
        self.codes = np.where(there, values, len(self.names)).astype(np.int64)

    def first(self, members: Host) -> Some | None:
        """Return the most frequent levels of the members, until few are left out."""
        counts = np.bincount(self.codes[members], minlength=len(self.names) + 1)
        order = np.argsort(-counts, kind="stable")
        needed = int(np.searchsorted(np.cumsum(counts[order]), (1 - OUTERMOST) * counts.sum())) + 1
        state = Some(frozenset(order[: min(needed, MOST_LEVELS)].tolist()))
        return None if self.passes(state).all() else state

    def alone(self, search: Search) -> Some | None:
        """Return the best levels."""
        best = self.best(Some(frozenset()), search)
        return None if self.passes(best).all() else best

    def passes(self, state: Some) -> Host:
        """Return which rows have one of the levels."""
        wanted = np.zeros(len(self.names) + 1, dtype=bool)
        wanted[list(state.codes)] = True
        return wanted[self.codes]

    def looser(self, _: Some) -> list[Some | None]:
        """Return no condition: a set of levels goes as a whole."""
        return [None]

    def best(self, _: Some, search: Search) -> Some:
        """Return the levels that are worth most: the first of those in the order of the members' share in them."""
        counts = np.bincount(self.codes[search.inside], minlength=len(self.names) + 1)
        hits = np.bincount(self.codes[search.inside & search.members], minlength=len(self.names) + 1)
        share = np.where(counts > 0, hits / np.maximum(counts, 1), -1.0)
        order = np.argsort(-share, kind="stable")[:MOST_LEVELS]
        order = order[counts[order] > 0]
        if not len(order):
            return Some(frozenset())
        worth = search.worth(np.cumsum(hits[order]), np.cumsum(counts[order]))
        return Some(frozenset(order[: int(np.argmax(worth)) + 1].tolist()))

    def plainer(self, state: Some, _: Search) -> Some:
        """Return the state: levels have no shorter name."""
        return state

    def condition(self, state: Some) -> Condition:
        """Return the state as a condition, its levels in their own order."""
        named = tuple(name for code, name in enumerate(self.names) if code in state.codes)
        missing = len(self.names) in state.codes
        known = self.names if self.field.kind == "category" else ()
        return Condition(
            self.field.name, self.field.kind, levels=named, missing=missing, absent=self.absent, known=known
        )


def searchable(field: Field, values: Host, absent: str | None) -> Column:
    """Return a column of the raw matrix as the search takes it."""
    if field.kind in ("category", "boolean"):
        return Levels(field, values, absent)
    return Numbers(field, values)
