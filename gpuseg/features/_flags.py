"""Why a row is dropped, as expressions, and the count of rows by reason in one pass."""

import datetime as dt
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.features._typed import Typed, streamed
from gpuseg.features.cleaning_report import REASONS
from gpuseg.features.roles import FLAG
from gpuseg.io.tables import Frame, Lazy
from gpuseg.settings import say

KEPT = -1
NO_ID, BAD_TIME, LATE, NO_AMOUNT, RETURNED_ROW, FREE, DUPLICATE, RETURNS_ONLY = range(len(REASONS))
REASON, RETURNED = "gpuseg_reason", "gpuseg_returned"
BASE, SIGNED, CANCELLED = "gpuseg_base", "gpuseg_signed", "gpuseg_cancelled"


class Group(NamedTuple):
    """Rows that share a reason and the signs of a return: how many, from when to when, and what they hold."""

    base: int
    signed: bool
    cancelled: bool
    rows: int
    oldest: dt.datetime | None
    newest: dt.datetime | None
    largest: float | None
    loose: int
    orders: int


class Census(NamedTuple):
    """All rows with their flags, and what the one pass over them saw."""

    frame: Frame | Lazy
    groups: list[Group]


def census(table: Typed, as_of: dt.datetime | None, prefix: str | None) -> Census:
    """Return the rows flagged with the first reason against them, returns apart, and their counts."""
    roles, order = table.roles, table.roles.order
    schema = table.frame.collect_schema()
    has_text = order is not None and schema[order] == nw.String
    base = {
        "base": _base(table, as_of),
        "signed": _signed(table),
        "cancelled": _cancelled(order, prefix, text=has_text),
    }
    frame = table.frame.with_columns(
        base["base"].alias(BASE), base["signed"].alias(SIGNED), base["cancelled"].alias(CANCELLED)
    )
    time, amount = nw.col(roles.time), nw.col(str(roles.amount))
    loose = nw.col(order).is_null() if order else nw.col(roles.customer).is_null()
    seen = frame.with_columns(amount.abs().alias("gpuseg_size"), loose.cast(nw.Int64).alias("gpuseg_loose"))
    counts = [nw.len().alias("rows"), time.min().alias("oldest"), time.max().alias("newest")]
    counts += [nw.col("gpuseg_size").max().alias("largest"), nw.col("gpuseg_loose").sum().alias("loose")]
    counts += (
        [nw.col(order).n_unique().alias("orders")] if order and has_text and prefix else [nw.len().alias("orders")]
    )
    rows = streamed(seen.group_by(BASE, SIGNED, CANCELLED).agg(*counts)).rows(named=True)
    return Census(frame, [_group(row) for row in rows])


def settled(table: Census, *, prefix: str | None, net: bool) -> Census:
    """Return the rows with their final reason, once it is known whether the prefix means a cancelled order."""
    free = [g for g in table.groups if g.base == KEPT and not g.signed]
    matching, others = (sum(g.orders for g in free if g.cancelled is is_it) for is_it in (True, False))
    if matching > others:
        say(f"more than half of the orders begin with {prefix!r}; they are not taken as cancelled")
    use = matching <= others
    if alone := sum(g.rows for g in free if g.cancelled and use):
        say(
            f"{alone:,} rows are taken as cancelled only because their order begins with {prefix!r}, not for a "
            "negative quantity or amount; in Python, cancelled_prefix=None takes such orders as purchases"
        )
    returned = nw.col(SIGNED) | nw.col(CANCELLED) if use else nw.col(SIGNED)
    late = returned & nw.col(BASE).is_in([KEPT, FREE])
    reason = nw.col(BASE) if net else nw.when(late).then(nw.lit(RETURNED_ROW, nw.Int8)).otherwise(nw.col(BASE))
    groups = [g._replace(signed=g.signed or (use and g.cancelled)) for g in table.groups]
    final = [g._replace(base=RETURNED_ROW) if not net and g.signed and g.base in (KEPT, FREE) else g for g in groups]
    return Census(table.frame.with_columns(returned.alias(RETURNED), reason.alias(REASON)), final)


def _base(table: Typed, as_of: dt.datetime | None) -> nw.Expr:
    """Return the number of the first reason that applies, -1 for none; returns are left for later."""
    roles = table.roles
    customer, time, amount = nw.col(roles.customer), nw.col(roles.time), nw.col(str(roles.amount))
    tests = {NO_ID: customer.is_null(), BAD_TIME: time.is_null()}
    if as_of is not None:
        tests[LATE] = time > nw.lit(as_of)
    tests[NO_AMOUNT] = amount.is_null() | ~amount.is_finite()
    if table.computed:
        tests[NO_AMOUNT] |= nw.col(str(roles.quantity)) == 0
    if roles.price is not None:
        tests[FREE] = nw.col(roles.price) <= 0
    return first_reason(tests)


def first_reason(tests: Mapping[int, nw.Expr]) -> nw.Expr:
    """Return the least number whose test holds, KEPT where none does."""
    result: Any = nw.lit(KEPT, nw.Int8)
    for number, test in sorted(tests.items(), reverse=True):
        result = nw.when(test).then(nw.lit(number, nw.Int8)).otherwise(result)
    return result


def _signed(table: Typed) -> nw.Expr:
    """Return whether a row is a return by its own signs: a negative quantity or amount, or the flag."""
    roles, tests = table.roles, []
    below = nw.col(str(roles.amount)) < 0
    # A negative price with a positive quantity is no return: it is dropped for its price.
    tests.append(below & ~(nw.col(roles.price) < 0).fill_null(value=False) if roles.price else below)
    if roles.quantity is not None:
        tests.append(nw.col(roles.quantity) < 0)
    if table.flagged:
        tests.append(nw.col(FLAG))
    return reduce(or_, (test.fill_null(value=False) for test in tests))


def _cancelled(order: str | None, prefix: str | None, *, text: bool) -> nw.Expr:
    if order is None or not prefix or not text:
        return nw.lit(value=False)
    column = nw.col(order)
    letters = {prefix, prefix.lower(), prefix.upper()}
    starts = reduce(or_, (column.str.starts_with(p) for p in sorted(letters)))
    digit = column.str.slice(len(prefix), 1).is_in(list("0123456789"))
    return (starts & digit).fill_null(value=False)


def _group(row: dict[str, Any]) -> Group:
    return Group(row[BASE], row[SIGNED], row[CANCELLED], *(row[name] for name in Group._fields[3:]))
