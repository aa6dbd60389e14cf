"""Why a row is dropped, as expressions, and the count of rows by reason in one pass."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.features._typed import Types, streamed
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


class Plan(NamedTuple):
    """What is known before the rows are counted: types, the ``as_of`` that was given, and what returns are."""

    types: Types
    as_of: dt.datetime | None
    prefix: str | None
    net: bool


def flagged(frame: Frame | Lazy, plan: Plan) -> Frame | Lazy:
    """Return typed rows with the first reason against them, and the signs of a return apart."""
    return frame.with_columns(
        _base(plan).alias(BASE), _signed(plan.types).alias(SIGNED), _cancelled(frame, plan).alias(CANCELLED)
    )


def groups_of(frame: Frame | Lazy, plan: Plan) -> list[Group]:
    """Return the counts of flagged rows, from one pass."""
    roles, order = plan.types.roles, plan.types.roles.order
    time, amount = nw.col(roles.time), nw.col(str(roles.amount))
    loose = nw.col(order).is_null() if order else nw.col(roles.customer).is_null()
    seen = frame.with_columns(amount.abs().alias("gpuseg_size"), loose.cast(nw.Int64).alias("gpuseg_loose"))
    counts = [nw.len().alias("rows"), time.min().alias("oldest"), time.max().alias("newest")]
    counts += [nw.col("gpuseg_size").max().alias("largest"), nw.col("gpuseg_loose").sum().alias("loose")]
    rows = streamed(seen.group_by(BASE, SIGNED, CANCELLED).agg(*counts)).rows(named=True)
    return [_group(row) for row in rows]


def merged(counts: Sequence[Sequence[Group]]) -> list[Group]:
    """Return the counts of several parts of the rows as those of all.

    >>> group = Group(KEPT, False, False, 2, None, None, 5.0, 0)
    >>> merged([[group], [group._replace(rows=1, largest=7.0, loose=1)]])
    [Group(base=-1, signed=False, cancelled=False, rows=3, oldest=None, newest=None, largest=7.0, loose=1)]
    """
    kinds: dict[tuple[int, bool, bool], list[Group]] = {}
    for group in (group for groups in counts for group in groups):
        kinds.setdefault((group.base, group.signed, group.cancelled), []).append(group)
    return [_sum(groups) for _, groups in sorted(kinds.items())]


def is_in_doubt(groups: Sequence[Group]) -> bool:
    """Return whether rows without the sign of a return have an order that begins with the prefix."""
    return any(g.base == KEPT and not g.signed and g.cancelled for g in groups)


def doubtful_orders(frame: Frame | Lazy, plan: Plan) -> Frame | Lazy:
    """Return the order, and whether it begins with the prefix, of flagged rows without the sign of a return."""
    rows = frame.filter((nw.col(BASE) == KEPT) & ~nw.col(SIGNED))
    return rows.select(nw.col(str(plan.types.roles.order)).alias("order"), nw.col(CANCELLED))


def distinct_orders(orders: Frame | Lazy) -> tuple[int, int]:
    """Return how many distinct orders begin with the prefix, and how many do not."""
    found = streamed(orders.group_by(CANCELLED).agg(nw.col("order").n_unique())).rows()
    counts = {bool(begin): int(count) for begin, count in found}
    return counts.get(True, 0), counts.get(False, 0)


def settled_groups(groups: Sequence[Group], plan: Plan, *, prefixed: bool) -> list[Group]:
    """Return the counts by final reason, once it is known whether the prefix means a cancelled order, and say it."""
    if not prefixed:
        say(f"more than half of the orders begin with {plan.prefix!r}; they are not taken as cancelled")
    free = [g for g in groups if g.base == KEPT and not g.signed]
    if alone := sum(g.rows for g in free if g.cancelled and prefixed):
        say(
            f"{alone:,} rows are taken as cancelled only because their order begins with {plan.prefix!r}, not for a "
            "negative quantity or amount; in Python, cancelled_prefix=None takes such orders as purchases"
        )
    final = [g._replace(signed=g.signed or (prefixed and g.cancelled)) for g in groups]
    late = [not plan.net and g.signed and g.base in (KEPT, FREE) for g in final]
    return [g._replace(base=RETURNED_ROW) if is_late else g for g, is_late in zip(final, late, strict=True)]


def settled(frame: Frame | Lazy, plan: Plan, *, prefixed: bool) -> Frame | Lazy:
    """Return the flagged rows that are kept or dropped as returned, with their final reason.

    What was returned counts negative where returns are netted.
    """
    returned = nw.col(SIGNED) | nw.col(CANCELLED) if prefixed else nw.col(SIGNED)
    late = returned & nw.col(BASE).is_in([KEPT, FREE])
    reason = nw.when(late).then(nw.lit(RETURNED_ROW, nw.Int8)).otherwise(nw.col(BASE))
    frame = frame.with_columns(returned.alias(RETURNED), (nw.col(BASE) if plan.net else reason).alias(REASON))
    if plan.net:
        amount = nw.col(str(plan.types.roles.amount))
        signed = nw.when(nw.col(RETURNED)).then(-amount.abs()).otherwise(amount)
        frame = frame.with_columns(signed.alias(str(plan.types.roles.amount)))
    return frame.filter(nw.col(REASON).is_in([KEPT, RETURNED_ROW]))


def _base(plan: Plan) -> nw.Expr:
    """Return the number of the first reason that applies, -1 for none; returns are left for later."""
    roles = plan.types.roles
    customer, time, amount = nw.col(roles.customer), nw.col(roles.time), nw.col(str(roles.amount))
    tests = {NO_ID: customer.is_null(), BAD_TIME: time.is_null()}
    if plan.as_of is not None:
        tests[LATE] = time > nw.lit(plan.as_of)
    tests[NO_AMOUNT] = amount.is_null() | ~amount.is_finite()
    if plan.types.computed:
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


def _signed(types: Types) -> nw.Expr:
    """Return whether a row is a return by its own signs: a negative quantity or amount, or the flag."""
    roles, tests = types.roles, []
    below = nw.col(str(roles.amount)) < 0
    # A negative price with a positive quantity is no return: it is dropped for its price.
    tests.append(below & ~(nw.col(roles.price) < 0).fill_null(value=False) if roles.price else below)
    if roles.quantity is not None:
        tests.append(nw.col(roles.quantity) < 0)
    if types.flagged:
        tests.append(nw.col(FLAG))
    return reduce(or_, (test.fill_null(value=False) for test in tests))


def _can_begin(frame: Frame | Lazy, plan: Plan) -> bool:
    """Return whether orders are text, which may begin with the prefix."""
    order = plan.types.roles.order
    return order is not None and bool(plan.prefix) and frame.collect_schema()[order] == nw.String


def _cancelled(frame: Frame | Lazy, plan: Plan) -> nw.Expr:
    if not _can_begin(frame, plan):
        return nw.lit(value=False)
    column, prefix = nw.col(str(plan.types.roles.order)), str(plan.prefix)
    letters = {prefix, prefix.lower(), prefix.upper()}
    starts = reduce(or_, (column.str.starts_with(p) for p in sorted(letters)))
    digit = column.str.slice(len(prefix), 1).is_in(list("0123456789"))
    return (starts & digit).fill_null(value=False)


def _group(row: dict[str, Any]) -> Group:
    return Group(row[BASE], row[SIGNED], row[CANCELLED], *(row[name] for name in Group._fields[3:]))


def _sum(groups: Sequence[Group]) -> Group:
    """Return groups of one kind as one."""
    return groups[0]._replace(
        **{name: sum(getattr(g, name) for g in groups) for name in ("rows", "loose")},
        oldest=min((g.oldest for g in groups if g.oldest is not None), default=None),
        newest=max((g.newest for g in groups if g.newest is not None), default=None),
        largest=max((g.largest for g in groups if g.largest is not None), default=None),
    )
