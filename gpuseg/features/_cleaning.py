"""Transactions cleaned: every row is kept, or dropped for the first reason that applies and counted."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput, unknown
from gpuseg.features import _as_of
from gpuseg.features._exact import LARGEST, Scale, scale_for
from gpuseg.features._flags import (
    BAD_TIME,
    DUPLICATE,
    KEPT,
    NO_ID,
    REASON,
    RETURNED,
    RETURNS_ONLY,
    Group,
    Plan,
    distinct_orders,
    doubtful_orders,
    flagged,
    groups_of,
    is_in_doubt,
    settled,
    settled_groups,
)
from gpuseg.features._typed import Source, Types, roles_of, streamed, typed, types_of
from gpuseg.features.cleaning_report import REASONS, CleaningReport, counted
from gpuseg.features.roles import FLAG, Roles, Wishes
from gpuseg.io.tables import Frame, Lazy, Opened
from gpuseg.settings import say


class Cleaned(NamedTuple):
    """Rows that are kept, and what is known of them.

    ``rows`` are those kept and, with a flag, those dropped as returned. ``own_names`` are the caller's names of
    columns that have others here. ``scale`` is for exact sums; ``loose`` counts kept rows without an order id.
    """

    rows: Frame | Lazy
    columns: list[str]
    roles: Roles
    own_names: dict[str, str]
    has_flag: bool
    as_of: dt.datetime
    net: bool
    scale: Scale
    loose: int
    report: CleaningReport

    @property
    def kept(self) -> Frame | Lazy:
        """Return the rows that are kept."""
        return self.rows.filter(nw.col(REASON) == KEPT)


class Decided(NamedTuple):
    """What holds for every row once all were counted: ``prefixed`` says that the prefix means a cancelled order."""

    plan: Plan
    prefixed: bool
    as_of: dt.datetime
    scale: Scale
    largest: float
    loose: int
    report: CleaningReport


def clean(opened: Opened, wishes: Wishes, *, made: Sequence[str] = (), narrow: bool = True) -> Cleaned:
    """Return the rows of an open table, flagged and filtered, still lazy where the table is on the host.

    ``made``: the columns that will stand beside the customer. ``narrow``: only columns that have a role are
    wanted. The report's ``customers`` is left for whoever groups by them.
    """
    check_wishes(wishes)
    roles = roles_of(opened.frame.collect_schema().names(), wishes, made=made)
    plan = plan_of(types_of(Source.of(opened.frame), roles, wishes), wishes)
    rows = typed(opened.frame, plan.types, narrow=narrow and not wishes.drop_duplicates)
    columns = rows.collect_schema().names()
    rows = flagged(rows, plan)
    groups = groups_of(rows, plan)
    begin, others = distinct_orders(doubtful_orders(rows, plan)) if is_in_doubt(groups) else (0, 0)
    decided = decide(groups, plan, prefixed=begin <= others)
    result = cleaned_of(settled(rows, plan, prefixed=decided.prefixed), columns, decided)
    if decided.largest > LARGEST:
        raise too_large(decided, *beyond(result.kept, plan.types.roles))
    result = finished(result, distinct=wishes.drop_duplicates)
    refuse_none_kept(result.report)
    return result


def plan_of(types: Types, wishes: Wishes) -> Plan:
    """Return what is known before rows are counted; raise InvalidInput for a wish that is not allowed."""
    net = wishes.returns == "net"
    if wishes.returns is None and types.flagged:
        say(f"returns='net', as the table has a true/false column {FLAG!r}; give returns to choose otherwise")
        net = True
    as_of = None if wishes.as_of is None else _as_of.given(wishes.as_of, types.zone, types.roles.time)
    return Plan(types, as_of, wishes.cancelled_prefix, net)


def decide(groups: Sequence[Group], plan: Plan, *, prefixed: bool) -> Decided:
    """Return what the counts of all rows decide; raise InvalidInput where none is kept.

    ``prefixed``: no more than half of the orders begin with the prefix, so that it means a cancelled one.
    """
    roles = plan.types.roles
    groups = settled_groups(groups, plan, prefixed=prefixed)
    _refuse_nothing(groups, roles)
    newest = (g.newest for g in groups if g.base not in (NO_ID, BAD_TIME) and g.newest)
    as_of = plan.as_of or _as_of.after(max(newest))
    stay = [g for g in groups if g.base == KEPT]
    largest = max(g.largest or 0.0 for g in stay)
    return Decided(
        plan=plan,
        prefixed=prefixed,
        as_of=as_of,
        scale=scale_for(largest, sum(g.rows for g in stay)),
        largest=largest,
        loose=sum(g.loose for g in stay) if roles.order else 0,
        report=_report(groups, as_of, plan.types.own_roles()),
    )


def cleaned_of(rows: Frame | Lazy, columns: list[str], decided: Decided) -> Cleaned:
    """Return settled rows with what is known of all of them."""
    types = decided.plan.types
    return Cleaned(
        rows=rows,
        columns=columns,
        roles=types.roles,
        own_names=types.own_names,
        has_flag=types.flagged,
        as_of=decided.as_of,
        net=decided.plan.net,
        scale=decided.scale,
        loose=decided.loose,
        report=decided.report,
    )


def finished(result: Cleaned, *, distinct: bool) -> Cleaned:
    """Return rows without what only all rows of a customer tell: exact duplicates, and returns without a purchase."""
    result = _without_duplicates(result) if distinct else result
    return _without_returns_only(result) if result.net else result


def check_wishes(wishes: Wishes) -> None:
    """Raise InvalidInput for a wish that is not one of those allowed."""
    if wishes.returns not in (None, "exclude", "net"):
        raise unknown("returns", wishes.returns, ("exclude", "net"))
    for name, example in {"time_format": "%d/%m/%Y %H:%M", "cancelled_prefix": "C"}.items():
        if not isinstance(value := getattr(wishes, name), str | None):
            raise InvalidInput(f"{name}={value!r} is no text; give text, as in {name}={example!r}, or None")


def _report(groups: list[Group], as_of: dt.datetime, roles: dict[str, str]) -> CleaningReport:
    counts: Counter[int] = Counter()
    for group in groups:
        counts[group.base] += group.rows
    stay = [g for g in groups if g.base == KEPT]
    return CleaningReport(
        read=counts.total(),
        kept=counts[KEPT],
        dropped={reason: counts[number] for number, reason in enumerate(REASONS)},
        customers=0,
        customers_with_returns_only=None,
        as_of=as_of,
        first=min(g.oldest for g in stay if g.oldest),
        last=max(g.newest for g in stay if g.newest),
        roles=roles,
    )


def _refuse_nothing(groups: list[Group], roles: Roles) -> None:
    read = sum(g.rows for g in groups)
    if not read:
        raise InvalidInput("the table has no rows; give one with transactions")
    if any(g.base == KEPT for g in groups):
        return
    if all(g.base == NO_ID for g in groups):
        raise InvalidInput(f"column {roles.customer!r} holds no id in any of {read:,} rows; name the column that does")
    dropped = {name: sum(g.rows for g in groups if g.base == number) for number, name in enumerate(REASONS)}
    raise _nothing_left(read, dropped)


def refuse_none_kept(report: CleaningReport) -> None:
    """Raise InvalidInput where a report keeps no row."""
    if not report.kept:
        raise _nothing_left(report.read, report.dropped)


def _nothing_left(read: int, dropped: dict[str, int]) -> InvalidInput:
    return InvalidInput(
        f"none of {read:,} rows is left after cleaning (dropped: {counted(dropped)}); "
        "check the columns, as_of and returns"
    )


def beyond(kept: Frame | Lazy, roles: Roles) -> tuple[int, float | None]:
    """Return how many amounts of kept rows are too large for exact sums, and the first of them."""
    amount = nw.col(str(roles.amount))
    found = streamed(kept.filter(amount.abs() > LARGEST).select(amount))
    return len(found), found.item(0, 0) if len(found) else None


def too_large(decided: Decided, count: int, example: float | None) -> InvalidInput:
    """Return the error for amounts that are too large for exact sums."""
    types = decided.plan.types
    roles = types.roles
    what = f"column {roles.quantity!r} times {roles.price!r}" if types.computed else f"column {roles.amount!r}"
    return InvalidInput(
        f"{what} gives an amount beyond {LARGEST:g} in {count:,} of {decided.report.kept:,} rows, for example "
        f"{example:g}; those from -{LARGEST:g} to {LARGEST:g} are allowed: mend these rows or leave them out"
    )


def _without_duplicates(result: Cleaned) -> Cleaned:
    fewer = result._replace(rows=_distinct(result.rows, result.columns))
    dropped = result.report.kept - streamed(fewer.kept.select(nw.len())).item()
    return fewer._replace(report=_dropping(result.report, DUPLICATE, dropped))


def _without_returns_only(result: Cleaned) -> Cleaned:
    """Return rows without those of customers who bought nothing."""
    name = result.roles.customer
    bought = result.kept.select(nw.col(name).alias("customer"), bought=(~nw.col(RETURNED)).cast(nw.Int8))
    customers = streamed(bought.group_by("customer").agg(nw.col("bought").max(), nw.len().alias("rows")))
    only = customers.filter(nw.col("bought") == 0)
    report = _dropping(result.report, RETURNS_ONLY, int(only["rows"].sum()))
    report = replace(report, customers_with_returns_only=len(only))
    if len(only) == 0 or not report.kept:
        return result._replace(report=report)
    left = result._replace(rows=result.rows.filter(~nw.col(name).is_in(only["customer"].to_list())))
    first, last = ends(left)
    return left._replace(report=replace(report, first=first, last=last))


def ends(result: Cleaned) -> tuple[dt.datetime, dt.datetime]:
    """Return the oldest and the newest kept time."""
    time = nw.col(result.roles.time)
    first, last = streamed(result.kept.select(time.min().alias("first"), time.max().alias("last"))).row(0)
    return first, last


def _dropping(report: CleaningReport, reason: int, rows: int) -> CleaningReport:
    return replace(report, kept=report.kept - rows, dropped=report.dropped | {REASONS[reason]: rows})


def _distinct(frame: Frame | Lazy, columns: list[str]) -> Frame | Lazy:
    """Return the first of each kind of row, in their order."""
    if isinstance(frame, nw.DataFrame):
        return frame.unique(columns, keep="first", maintain_order=True)
    native = frame.to_native()
    return nw.from_native(native.unique(columns, keep="first", maintain_order=True))
