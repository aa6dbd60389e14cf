"""Rules for segments, learnt on one half of a sample of the customers and replayed on the other."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.html import Bar, Cell, Text, table_html
from gpuseg.interpret._rule_columns import Column, searchable
from gpuseg.interpret._rule_search import Limits, Rows, above_chance, boxes_of
from gpuseg.interpret._screening import informative
from gpuseg.interpret.conditions import Alternative, Condition, fulfilled, in_words
from gpuseg.interpret.evidence import Evidence, draws
from gpuseg.interpret.sql import where
from gpuseg.notebook import with_name
from gpuseg.settings import MIN_REPORT_SIZE

FEWEST = MIN_REPORT_SIZE
"""Customers of a segment in the sample, below which a rule would be of persons."""
COLUMNS = 12
"""Columns that a rule is sought in: of more, those that tell most of the segment."""

CONDITIONS, ALTERNATIVES = 5, 3
"""In an alternative, and in a rule: with 4 conditions, not 5, rules of simulated shops of medium difficulty miss a
precision and a recall of 0.9 more often."""
ENOUGH = 0.94
"""Precision and recall of a rule that is long enough: on customers that it was not learnt of a little is lost."""


class Written(NamedTuple):
    """How columns are written in the user's table, for SQL.

    ``absent``: by category, the level that stands for a missing value; ``texts``: by column of text that is read as
    numbers or dates, "number" or the format of its dates.
    """

    absent: Mapping[str, str]
    texts: Mapping[str, str]


class Rule(NamedTuple):
    """What the customers of a segment fulfil, nearly all of them and few others.

    ``alternatives``: one of them is to be fulfilled, each by all of its conditions. ``precision``: the share of the
    segment among those who fulfil the rule; ``recall``: the share of the segment that does; ``coverage``: the share of
    all who do. They are of ``rows`` customers that the rule was not learnt of: ``members`` of them are in the segment,
    ``chosen`` fulfil the rule, and ``hits`` do both.
    """

    segment: int
    alternatives: tuple[Alternative, ...]
    precision: float
    recall: float
    coverage: float
    hits: int
    chosen: int
    members: int
    rows: int

    def __str__(self) -> str:
        """Return the rule as people read it."""
        return in_words(self.alternatives)

    def to_dict(self) -> dict[str, Any]:
        """Return the rule, its figures and its SQL as plain values."""
        figures = ("precision", "recall", "coverage", "hits", "chosen", "members", "rows")
        return {
            "segment": self.segment,
            "text": str(self),
            "sql": where(self.alternatives),
            **{name: getattr(self, name) for name in figures},
            "alternatives": [[condition.to_dict() for condition in one] for one in self.alternatives],
        }


class Rules(NamedTuple):
    """The rules of all segments that have one, and why others have none.

    ``learnt`` and ``replayed``: the customers on whom they were learnt, and others on whom their figures were counted.
    ``names``: of segments, for the notebook.
    """

    rules: tuple[Rule, ...]
    left_out: Mapping[int, str]
    learnt: int
    replayed: int
    names: Mapping[int, str] | None = None

    @property
    def table(self) -> pl.DataFrame:
        """Return a row a rule: segment, rule, precision, recall, coverage, and the counts that they are of."""
        counts = ("segment", "hits", "chosen", "members", "rows")
        shares = ("precision", "recall", "coverage")
        schema: dict[str, Any] = {"segment": pl.Int32, "rule": pl.String, **dict.fromkeys(shares, pl.Float64)}
        schema |= dict.fromkeys(counts[1:], pl.Int64)
        rows = [{**{name: getattr(one, name) for name in (*counts, *shares)}, "rule": str(one)} for one in self.rules]
        return pl.DataFrame(rows, schema=schema)

    def of(self, segment: int) -> Rule:
        """Return the rule of a segment; raise InvalidInput where it has none."""
        for one in self.rules:
            if one.segment == segment:
                return one
        if segment in self.left_out:
            raise InvalidInput(f"segment {segment} has no rule: {self.left_out[segment]}; choose another segment")
        known = ", ".join(str(one.segment) for one in self.rules) or "none"
        raise InvalidInput(f"segment={segment!r} is no segment; those with a rule: {known}")

    def to_sql(self, segment: int) -> str:
        """Return the rule of a segment as what stands after WHERE, for DuckDB.

        It is fulfilled by the same rows of a table with the columns of the fit. Times with a zone are compared in that
        of the session: set it to UTC first.
        """
        return where(self.of(segment).alternatives)

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as plain values, which JSON holds."""
        out = [{"segment": segment, "reason": reason} for segment, reason in self.left_out.items()]
        rules = [one.to_dict() for one in self.rules]
        return {"rules": rules, "left_out": out, "learnt": self.learnt, "replayed": self.replayed}

    def _repr_html_(self) -> str:
        head: list[Cell] = [Text("segment"), Text("rule"), Text("precision"), Text("recall"), "coverage"]
        bars = [[Bar(share, f"{share:.0%}") for share in (one.precision, one.recall)] for one in self.rules]
        rows: list[list[Cell]] = [
            [Text(with_name(one.segment, self.names)), Text(str(one)), *bar, f"{one.coverage:.0%}"]
            for one, bar in zip(self.rules, bars, strict=True)
        ]
        remarks = [f"learnt of {self.learnt:,} customers; the figures are of {self.replayed:,} others"]
        remarks += [
            f"{'noise' if segment < 0 else f'segment {segment}'}: {why}" for segment, why in self.left_out.items()
        ]
        return table_html("Rules", head, rows, remarks)


def rules(
    evidence: Evidence,
    *,
    max_conditions: int = CONDITIONS,
    max_alternatives: int = ALTERNATIVES,
    enough: float = ENOUGH,
    written: Written | None = None,
) -> Rules:
    """Return a rule a segment, in the user's units: learnt on one half of the sample, replayed on the other.

    ``max_conditions``: in each alternative, on different columns. ``max_alternatives``: in a rule. ``enough``: the
    precision and recall, on the half that is learnt of, beyond which a rule gets no longer. Thresholds are rounded as
    far as that costs next to nothing, and the figures are those of the rounded rule. A missing value fulfils no
    condition that does not say so. Segments of fewer than 10 customers in the sample, and noise, get none.

    The search is greedy: ``_rule_search`` says how. Raises InvalidInput for limits that allow no rule.

    >>> from gpuseg.interpret.profile import Field
    >>> spend = np.repeat([[1.0], [9.0]], 30, axis=0) + np.linspace(0, 1, 60)[:, None]
    >>> none = np.zeros(60)
    >>> sample = Evidence(
    ...     fields=[Field("spend", "number", [])], features=["spend"], raw=spend, matrix=spend,
    ...     segments=np.repeat([0, 1], 30), distance=none, confidence=none, novelty=none, value=None,
    ...     ids=pl.Series(range(60)), customers=60,
    ... )
    >>> [(one.segment, str(one), one.precision, one.recall) for one in rules(sample).rules]
    [(0, 'spend <= 5', 1.0, 1.0), (1, 'spend > 5', 1.0, 1.0)]
    """
    _check(max_conditions, max_alternatives, enough)
    limits = Limits(max_conditions, max_alternatives, enough)
    learning = halved(evidence.raw, evidence.segments)
    sizes = dict(zip(*map(list, np.unique(evidence.segments, return_counts=True)), strict=True))
    numbers = sorted((int(segment) for segment in sizes), key=lambda segment: (segment < 0, segment))
    left_out = {segment: why for segment in numbers if (why := _refused(segment, sizes))}
    found = []
    asked = [segment for segment in numbers if segment not in left_out]
    chosen = informative(evidence.raw[learning], evidence.fields, evidence.segments[learning], asked, COLUMNS)
    told = written or Written({}, {})
    columns = {at: _column(evidence, learning, at, told) for at in sorted({at for places in chosen for at in places})}
    for segment, places in zip(asked, chosen, strict=True):
        rows = Rows([columns[at] for at in places], evidence.segments[learning] == segment, len(evidence.fields))
        rule = replayed(evidence, ~learning, segment, learnt(rows, limits, told))
        if rule is None:
            left_out[segment] = "no column tells it from the others"
        else:
            found.append(rule)
    return Rules(tuple(found), left_out, int(learning.sum()), int((~learning).sum()))


def halved(raw: Host, segments: Host) -> Host:
    """Return which half of each segment's customers is learnt of: it hangs on their values, not on their order."""
    order = np.lexsort((draws(raw), segments))
    ranked = segments[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    mask = np.empty(len(order), dtype=bool)
    mask[order] = rank % 2 == 0
    return mask


def learnt(rows: Rows, limits: Limits, written: Written) -> tuple[Alternative, ...]:
    """Return the alternatives of a segment's rule, none where nothing tells it from the others."""
    boxes = boxes_of(rows, limits)
    told = [tuple(rows.columns[at].condition(state) for at, state in box.items()) for box in boxes]
    return tuple(tuple(_as_written(condition, written) for condition in one) for one in told)


def replayed(evidence: Evidence, held: Host, segment: int, alternatives: Sequence[Alternative]) -> Rule | None:
    """Return the rule with its figures on customers held out; None where it tells no more of them than chance."""
    taken = fulfilled(alternatives, evidence.raw[held], evidence.fields)
    members = evidence.segments[held] == segment
    hits, chosen, those = (int(np.count_nonzero(mask)) for mask in (taken & members, taken, members))
    if not above_chance(members, taken, ~taken, tries=1):
        return None
    rows = int(held.sum())
    return Rule(segment, tuple(alternatives), hits / chosen, hits / those, chosen / rows, hits, chosen, those, rows)


def _column(evidence: Evidence, learning: Host, at: int, written: Written) -> Column:
    """Return a column of the half that is learnt of."""
    field = evidence.fields[at]
    return searchable(field, evidence.raw[learning, at], written.absent.get(field.name))


def _as_written(condition: Condition, written: Written) -> Condition:
    return condition._replace(written=written.texts.get(condition.column))


def _refused(segment: int, sizes: Mapping[int, int]) -> str | None:
    """Return why a segment gets no rule."""
    if segment < 0:
        return "noise is who is in no segment, which no rule describes"
    if len(sizes) == 1:
        return "it holds all customers, so that no rule is needed"
    if sizes[segment] < FEWEST:
        return f"it has {sizes[segment]} customers in the sample, and a rule is of {FEWEST} or more"
    return None


def _check(max_conditions: int, max_alternatives: int, enough: float) -> None:
    for name, value in (("max_conditions", max_conditions), ("max_alternatives", max_alternatives)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidInput(f"{name}={value!r} allows no rule; give a whole number from 1 up")
    if isinstance(enough, bool) or not isinstance(enough, int | float) or not 0 < enough <= 1:
        raise InvalidInput(f"enough={enough!r} is no share; give a number above 0 and up to 1")
