"""Scores from 1 to 5 by quintile, and the segments that marketers name by them."""

from itertools import product
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput, listed, missing_column
from gpuseg.io.tables import Frame, open_table
from gpuseg.settings import say

# The recency scores and the frequency scores that make a segment: every pair is in one, as a test holds.
RULE_SEGMENTS: dict[str, tuple[tuple[int, int], ...]] = {
    "Champions": ((5, 5), (5, 4), (4, 5)),
    "Loyal": ((4, 4), (3, 5), (3, 4)),
    "Potential Loyalists": ((5, 3), (4, 3), (5, 2), (4, 2)),
    "New Customers": ((5, 1),),
    "Promising": ((4, 1),),
    "Need Attention": ((3, 3),),
    "About to Sleep": ((3, 2), (3, 1)),
    "At Risk": ((2, 3), (2, 4), (1, 3)),
    "Can't Lose Them": ((2, 5), (1, 5), (1, 4)),
    "Hibernating": ((2, 2), (2, 1), (1, 2)),
    "Lost": ((1, 1),),
}
Column = nw.Series[Any]
STEPS = (0.2, 0.4, 0.6, 0.8)
SCORES = (1, 2, 3, 4, 5)
NAMES = ("r_score", "f_score", "m_score", "rfm_score", "rule_segment")


class ScoreEdges(NamedTuple):
    """The values between which scores change, and the scores that no customer has, by column.

    A recency below an edge scores higher, a frequency or monetary value above an edge does.
    """

    edges: dict[str, list[float]]
    empty: dict[str, list[int]]


def rfm_scores(
    table: Any, *, recency: str = "recency", frequency: str = "frequency", monetary: str = "monetary"
) -> tuple[Any, ScoreEdges]:
    """Return a table with ``r_score``, ``f_score``, ``m_score``, ``rfm_score`` and ``rule_segment``, and the edges.

    ``table`` has one row a customer, as ``rfm`` makes it; the arguments name its columns. A score is 1 plus
    the number of quintile edges (20, 40, 60, 80 % of the customers, interpolated) below the value, for
    recency above it: 5 is best, and equal values have equal scores. Where many values are equal a score may
    have no customer: that is said, and in ``empty``. ``rfm_score`` is the three as text, "555" the best.
    ``rule_segment`` is the entry of RULE_SEGMENTS with the scores of recency and frequency.

    Raises InvalidInput for a missing column, for one that is not all numbers or is named twice, and for a table
    that has a column of those made.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"id": [1, 2], "recency": [3, 90], "frequency": [9, 1], "monetary": [80.0, 5.0]})
    >>> scored, found = rfm_scores(rows)
    no customer has r_score 2, 3, 4: values are equal across the edges of quintiles
    ...
    >>> scored.select("id", "rfm_score", "rule_segment").rows()
    [(1, '555', 'Champions'), (2, '111', 'Lost')]
    """
    opened = open_table(table)
    frame = opened.eager()
    columns = {"recency": recency, "frequency": frequency, "monetary": monetary}
    _check(frame, columns)
    values = {column: _values(frame, column) for column in columns.values()}
    edges = {column: _edges(value) for column, value in values.items()}
    scores = [_score(values[column], edges[column], falling=column == recency) for column in values]
    scored = frame.with_columns(*map(nw.Series.alias, scores, NAMES)).with_columns(*_names())
    found = ScoreEdges(edges, {name: _empty(scored, name) for name in NAMES[: len(scores)]})
    for name, missing in found.empty.items():
        if missing:
            say(
                f"no customer has {name} {', '.join(map(str, missing))}: values are equal across the edges of quintiles"
            )
    return opened.give_back(scored), found


def _check(frame: Frame, columns: dict[str, str]) -> None:
    for role, column in columns.items():
        if column not in frame.columns:
            raise missing_column(role, column, frame.columns)
        if both := [other for other, same in columns.items() if same == column and other != role]:
            raise InvalidInput(f"column {column!r} is named as {role} and as {both[0]}; name one column for each")
    if there := [name for name in NAMES if name in frame.columns]:
        raise InvalidInput(
            f"the table has {listed(there)} already, and scoring makes {listed(NAMES)}; drop or rename its own"
        )
    if not len(frame):
        raise InvalidInput("the table has no rows; give one with a row a customer")


def _values(frame: Frame, column: str) -> Column:
    """Return a column as floats under a harmless name: Polars takes one such as "^a$" or "*" for a pattern."""
    if not frame.schema[column].is_numeric():
        raise InvalidInput(
            f"column {column!r} holds {frame.schema[column]}, not numbers; pass the table that rfm gives"
        )
    values = frame[column].alias("value").cast(nw.Float64)
    if odd := int((values.is_null() | ~values.is_finite()).fill_null(value=True).sum()):
        raise InvalidInput(f"column {column!r} has {odd:,} missing or infinite values; drop or fill those rows first")
    return values


def _edges(values: Column) -> list[float]:
    return [float(values.quantile(step, interpolation="linear")) for step in STEPS]


def _score(values: Column, edges: list[float], *, falling: bool) -> Column:
    passed = [(values < edge if falling else values > edge).cast(nw.Int64) for edge in edges]
    return sum(passed[1:], start=passed[0]) + 1


def _names() -> list[nw.Expr]:
    text = nw.concat_str(*(nw.col(name).cast(nw.String) for name in NAMES[:3]))
    cell = nw.col(NAMES[0]) * 10 + nw.col(NAMES[1])
    cells = {10 * r + f: name for name, pairs in RULE_SEGMENTS.items() for r, f in pairs}
    numbers = [10 * r + f for r, f in product(SCORES, SCORES)]
    segment = cell.replace_strict(numbers, [cells[number] for number in numbers], return_dtype=nw.String)
    return [text.alias(NAMES[3]), segment.alias(NAMES[4])]


def _empty(scored: Frame, name: str) -> list[int]:
    present = scored[name].unique().to_list()
    return [score for score in SCORES if score not in present]
