"""What if: who moves where when customers change."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from gpuseg.errors import InvalidInput, unknown
from gpuseg.html import Cell, Text, table_html
from gpuseg.interpret.profile import DAY, Field
from gpuseg.notebook import counted, shown

RELATIVE = re.compile(r"([+*/-])\s*(\d+(?:\.\d+)?)\s*(%?)")
"""How a change of what is there is written, as "+1", "*1.1", "-10%"."""
TOLD = 3
"""The moves that a sentence tells."""
Assign = Callable[[pl.DataFrame], pl.DataFrame]
"""What gives a customer table its ids and, a row each, segment and confidence, in the table's order."""


class WhatIf(NamedTuple):
    """Who moves where: ``flows`` (segment, new_segment, customers, share of those of the segment) and a sentence.

    ``customers``: id, segment, new_segment, confidence and new_confidence of each; for Python alone.
    """

    flows: pl.DataFrame
    customers: pl.DataFrame
    sentence: str

    def _repr_html_(self) -> str:
        head: list[Cell] = [Text("from"), Text("to"), "customers", "share of the segment"]
        rows: list[list[Cell]] = [
            [Text(shown("segment", one)), Text(shown("segment", other)), f"{count:,}", shown("share", share)]
            for one, other, count, share in self.flows.rows()
        ]
        return table_html(self.sentence, head, rows)


def what_if(
    table: pl.DataFrame,
    changes: Mapping[str, Any],
    fields: Sequence[Field],
    assign: Assign,
    *,
    segment: int | None = None,
) -> WhatIf:
    """Return who moves where when customers change; ``segment``: those of one segment alone change and are told of.

    ``changes``: for each column a value for all, or of numbers "+1", "-1", "*1.1", "/2", "+10%", of dates "+30" or
    "-30" days. What is missing stays so where it is changed by as much.
    """
    before = assign(table)
    after = assign(changed(table, changes, fields))
    key = before.columns[0]
    new = after.select(key, new_segment="segment", new_confidence="confidence")
    told = before.join(new, on=key, how="inner", maintain_order="left")
    if segment is not None:
        told = told.filter(pl.col("segment") == segment)
    told = told.select(key, "segment", "new_segment", "confidence", "new_confidence")
    flows = (
        told.group_by("segment", "new_segment")
        .agg(customers=pl.len().cast(pl.Int64))
        .with_columns(share=pl.col("customers") / pl.col("customers").sum().over("segment"))
        .sort("segment", "customers", "new_segment", descending=[False, True, False])
    )
    return WhatIf(flows, told, _sentence(flows))


def changed(table: pl.DataFrame, changes: Mapping[str, Any], fields: Sequence[Field]) -> pl.DataFrame:
    """Return a customer table with the changes made; raise InvalidInput for one that cannot be.

    >>> table = pl.DataFrame({"orders": [1.0, None], "plan": ["a", "b"]})
    >>> fields = [Field("orders", "number", []), Field("plan", "category", ["a", "b"])]
    >>> changed(table, {"orders": "+10%", "plan": "b"}, fields).rows()
    [(1.1, 'b'), (None, 'b')]
    """
    if not isinstance(changes, Mapping) or not changes:
        raise InvalidInput(f"changes={changes!r} changes nothing; give a dict such as {{'frequency': '+1'}}")
    known = {field.name: field for field in fields}
    for name in changes:
        if name not in known:
            raise unknown("the column of changes", name, known)
    return table.with_columns(
        MAKERS[known[name].kind](known[name], value).alias(name) for name, value in changes.items()
    )


def _number(field: Field, value: Any) -> pl.Expr:
    """Return a column of numbers as it is changed."""
    now = pl.col(field.name).cast(pl.Float64, strict=False)
    if isinstance(value, str) and (how := RELATIVE.fullmatch(value.strip())):
        sign, size, percent = how[1], float(how[2]), bool(how[3])
        if sign in "+-":
            by = now.abs() * (size / 100) if percent else pl.lit(size)
            return now + by if sign == "+" else now - by
        if not percent and (size or sign == "*"):
            return now * size if sign == "*" else now / size
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        raise _refused(field, value, "a number, or a change such as '+1', '*1.1' or '+10%'")
    return pl.lit(float(value))


def _date(field: Field, value: Any) -> pl.Expr:
    """Return a column of dates as it is changed; what is added are days."""
    if isinstance(value, dt.date):
        return pl.lit(value).cast(pl.Datetime("us"))
    text = value.strip() if isinstance(value, str) else ""
    if (how := RELATIVE.fullmatch(text)) and how[1] in "+-" and not how[3]:
        days = float(how[2]) * (1 if how[1] == "+" else -1)
        return pl.col(field.name).cast(pl.Datetime("us")) + pl.duration(microseconds=round(days * DAY))
    try:
        return pl.lit(dt.datetime.fromisoformat(text))
    except ValueError as error:
        raise _refused(field, value, "a date, or days such as '+30' or '-30'") from error


def _boolean(field: Field, value: Any) -> pl.Expr:
    if not isinstance(value, bool):
        raise _refused(field, value, "True or False")
    return pl.lit(value)


def _category(field: Field, value: Any) -> pl.Expr:
    if str(value) not in field.levels:
        raise unknown(f"changes of {field.name!r}", value, field.levels)
    return pl.lit(str(value))


MAKERS: Mapping[str, Callable[[Field, Any], pl.Expr]] = {
    "number": _number,
    "date": _date,
    "boolean": _boolean,
    "category": _category,
}


def _refused(field: Field, value: Any, allowed: str) -> InvalidInput:
    return InvalidInput(f"changes={{{field.name!r}: {value!r}}} is no change of a {field.kind}; give {allowed}")


def _sentence(flows: pl.DataFrame) -> str:
    """Return how many move, and the largest moves."""
    total, moves = int(flows["customers"].sum()), flows.filter(pl.col("segment") != pl.col("new_segment"))
    count = int(moves["customers"].sum())
    if not count:
        return f"none of {counted(total, 'customer')} moves"
    largest = moves.sort("customers", descending=True, maintain_order=True).head(TOLD)
    told = [f"{n:,} from {shown('segment', one)} to {shown('segment', other)}" for one, other, n, _ in largest.rows()]
    rest = f" and {moves.height - TOLD} more" if moves.height > TOLD else ""
    return f"{count:,} of {counted(total, 'customer')} ({shown('share', count / total)}) move: {', '.join(told)}{rest}"
