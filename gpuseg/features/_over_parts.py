"""Transactions in parts: looked at and counted part by part, decided once, then worked on in shards of customers."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.engines.parts import Parts
from gpuseg.engines.shards import count_for, cut_by, stacked
from gpuseg.features._by_name import LeftOut, Made
from gpuseg.features._cleaning import (
    Cleaned,
    Decided,
    beyond,
    check_wishes,
    cleaned_of,
    decide,
    ends,
    finished,
    plan_of,
    refuse_none_kept,
    too_large,
)
from gpuseg.features._exact import LARGEST
from gpuseg.features._flags import (
    DUPLICATE,
    KEPT,
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
    merged,
    settled,
)
from gpuseg.features._typed import Source, roles_of, streamed, typed, types_of
from gpuseg.features.cleaning_report import REASONS, CleaningReport
from gpuseg.features.roles import FLAG, Wishes
from gpuseg.io.parts import OpenedParts
from gpuseg.io.tables import Frame, Lazy

Make = Callable[[Cleaned, Sequence[str]], Made]
"""``make(cleaned, names)``: what is made of cleaned rows; the columns ``names`` of every customer, in CUSTOMER."""


class Shard(NamedTuple):
    """What is made of a shard's customers, None where it has none; what cleaning did in it, and what is left out."""

    table: Any
    report: CleaningReport
    left_out: tuple[LeftOut, ...]


class Sharded(NamedTuple):
    """Shards with customers, held on the workers, and what holds for all; ``customer`` is the caller's name of ids."""

    shards: Parts
    report: CleaningReport
    loose: int
    left_out: tuple[LeftOut, ...]
    customer: str


def in_shards(opened: OpenedParts, wishes: Wishes, names: Sequence[str], make: Make, *, narrow: bool = True) -> Sharded:
    """Return what is made of the customers of a table in parts.

    Three walks: what columns hold is looked at, where text has to be read; rows are counted by reason; rows that
    count go to the shard of their customer. What is decided between them is what one table of all rows decides.
    """
    check_wishes(wishes)
    roles = roles_of(opened.names, wishes, made=names)
    narrow = narrow and not wishes.drop_duplicates
    if narrow:
        needed = {*roles.present().values(), FLAG}
        opened = opened.only([name for name in opened.names if name in needed])
    plan = plan_of(types_of(Source.of_parts(opened), roles, wishes), wishes)
    groups = merged(opened.parts.collect(_counted, plan))
    decided = decide(groups, plan, prefixed=_is_prefixed(opened.parts, plan, groups))
    if decided.largest > LARGEST:
        found = opened.parts.collect(_beyond, decided)
        raise too_large(decided, sum(n for n, _ in found), next(amount for n, amount in found if n))
    kept = _columns(plan, names) if narrow else None
    count = count_for(decided.report.kept)
    rows = opened.parts.exchange(_cut, stacked, count, decided, kept)
    shards = rows.map(_made_in_shard, decided, wishes.drop_duplicates, names, make).kept()
    return _together(shards, decided)


def _columns(plan: Plan, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that features are made of, once rows have their final reason."""
    roles = plan.types.roles
    wanted = [roles.customer, roles.time, roles.order, roles.amount, roles.product if "products" in names else None]
    return tuple(dict.fromkeys(column for column in wanted if column is not None))


def _together(shards: Parts, decided: Decided) -> Sharded:
    facts: list[tuple[CleaningReport, tuple[LeftOut, ...]]] = shards.collect(_facts)
    reports = [report for report, _ in facts]
    total = decided.report
    kept = sum(report.kept for report in reports)
    dropped = {REASONS[at]: sum(r.dropped[REASONS[at]] for r in reports) for at in (DUPLICATE, RETURNS_ONLY)}
    total = replace(total, kept=kept, dropped=total.dropped | dropped)
    refuse_none_kept(total)
    filled = [number for number, report in enumerate(reports) if report.kept]
    total = replace(
        total,
        customers=sum(report.customers for report in reports),
        customers_with_returns_only=(
            sum(report.customers_with_returns_only or 0 for report in reports) if decided.plan.net else None
        ),
        first=min(reports[number].first for number in filled),
        last=max(reports[number].last for number in filled),
    )
    first, *others = (facts[number][1] for number in filled)
    types = decided.plan.types
    return Sharded(
        shards=shards.chosen(filled),
        report=total,
        loose=decided.loose,
        left_out=tuple(one for one in first if all(one in other for other in others)),
        customer=types.own_names.get(types.roles.customer, types.roles.customer),
    )


def _is_prefixed(parts: Parts, plan: Plan, groups: Sequence[Group]) -> bool:
    """Return whether the prefix means a cancelled order; the same orders meet in a shard to be counted."""
    if not is_in_doubt(groups):
        return True
    met = parts.exchange(_cut_orders, stacked, count_for(sum(g.rows for g in groups)), plan)
    found = met.collect(distinct_orders)
    return sum(begin for begin, _ in found) <= sum(others for _, others in found)


def _flagged(part: Frame, plan: Plan) -> Frame | Lazy:
    return flagged(typed(part, plan.types), plan)


def _counted(part: Frame, plan: Plan) -> list[Group]:
    return groups_of(_flagged(part, plan), plan)


def _beyond(part: Frame, decided: Decided) -> tuple[int, float | None]:
    rows = settled(_flagged(part, decided.plan), decided.plan, prefixed=decided.prefixed)
    return beyond(rows.filter(nw.col(REASON) == KEPT), decided.plan.types.roles)


def _cut(part: Frame, count: int, decided: Decided, columns: Sequence[str] | None) -> list[Frame]:
    """Return the rows that count as a piece for each shard, with these columns or all, and their reason."""
    rows = typed(part, decided.plan.types)
    columns = columns or rows.collect_schema().names()
    rows = settled(flagged(rows, decided.plan), decided.plan, prefixed=decided.prefixed)
    return cut_by(streamed(rows.select(*columns, REASON, RETURNED)), count, decided.plan.types.roles.customer)


def _cut_orders(part: Frame, count: int, plan: Plan) -> list[Frame]:
    # Rows without an order id are one kind among the others, as they are to one process.
    orders = doubtful_orders(_flagged(part, plan), plan).with_columns(nw.col("order").fill_null(""))
    return cut_by(streamed(orders).unique(), count, "order")


def _made_in_shard(rows: Frame, decided: Decided, distinct: bool, names: Sequence[str], make: Make) -> Shard:  # noqa: FBT001 - parts are mapped by place
    columns = [name for name in rows.columns if name not in (REASON, RETURNED)]
    cleaned = cleaned_of(rows.lazy() if rows.implementation.is_polars() else rows, columns, decided)
    cleaned = finished(cleaned._replace(report=_own_report(cleaned)), distinct=distinct)
    if not cleaned.report.kept:
        return Shard(None, cleaned.report, ())
    made, customers, left_out = make(cleaned, names)
    return Shard(made.to_native(), replace(cleaned.report, customers=customers), left_out)


def _own_report(cleaned: Cleaned) -> CleaningReport:
    """Return the report of a shard before what only all rows of a customer tell."""
    kept = int(streamed(cleaned.kept.select(nw.len())).item())
    first, last = ends(cleaned) if kept else (dt.datetime.min, dt.datetime.min)  # noqa: DTZ901 - nobody asks for it
    none = dict.fromkeys(REASONS, 0)
    return replace(cleaned.report, read=kept, kept=kept, dropped=none, first=first, last=last)


def _facts(shard: Shard) -> tuple[CleaningReport, tuple[LeftOut, ...]]:
    return shard.report, shard.left_out
