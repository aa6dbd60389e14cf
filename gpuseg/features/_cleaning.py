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
    RETURNED_ROW,
    RETURNS_ONLY,
    Group,
    census,
    settled,
)
from gpuseg.features._typed import Typed, streamed, typed
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


def clean(opened: Opened, wishes: Wishes, *, made: Sequence[str] = (), narrow: bool = True) -> Cleaned:
    """Return the rows of an open table, flagged and filtered, still lazy where the table is on the host.

    ``made``: the columns that will stand beside the customer. ``narrow``: only columns that have a role are
    wanted. The report's ``customers`` is left for whoever groups by them.
    """
    _check(wishes)
    table = typed(opened.frame, wishes, made=made, narrow=narrow)
    net = _is_net(table, wishes)
    as_of = None if wishes.as_of is None else _as_of.given(wishes.as_of, table.zone, table.roles.time)
    flagged, groups = settled(census(table, as_of, wishes.cancelled_prefix), prefix=wishes.cancelled_prefix, net=net)
    _refuse_nothing(groups, table.roles)
    moment = as_of or _as_of.after(max(g.newest for g in groups if g.base not in (NO_ID, BAD_TIME) and g.newest))
    flagged = _netted(flagged, table.roles) if net else flagged
    stay = [g for g in groups if g.base == KEPT]
    rows, largest = sum(g.rows for g in stay), max(g.largest or 0.0 for g in stay)
    result = Cleaned(
        rows=flagged.filter(nw.col(REASON).is_in([KEPT, RETURNED_ROW])),
        columns=table.frame.collect_schema().names(),
        roles=table.roles,
        own_names=table.own_names,
        has_flag=table.flagged,
        as_of=moment,
        net=net,
        scale=scale_for(largest, rows),
        loose=sum(g.loose for g in stay) if table.roles.order else 0,
        report=_report(groups, moment, table.own_roles()),
    )
    if largest > LARGEST:
        raise _too_large(result, computed=table.computed)
    result = _without_duplicates(result) if wishes.drop_duplicates else result
    return _without_returns_only(result) if net else result


def _check(wishes: Wishes) -> None:
    if wishes.returns not in (None, "exclude", "net"):
        raise unknown("returns", wishes.returns, ("exclude", "net"))
    for name, example in {"time_format": "%d/%m/%Y %H:%M", "cancelled_prefix": "C"}.items():
        if not isinstance(value := getattr(wishes, name), str | None):
            raise InvalidInput(f"{name}={value!r} is no text; give text, as in {name}={example!r}, or None")


def _is_net(table: Typed, wishes: Wishes) -> bool:
    if wishes.returns is None and table.flagged:
        say(f"returns='net', as the table has a true/false column {FLAG!r}; give returns to choose otherwise")
        return True
    return wishes.returns == "net"


def _netted(flagged: Frame | Lazy, roles: Roles) -> Frame | Lazy:
    """Return rows where what was returned counts negative."""
    amount = nw.col(str(roles.amount))
    signed = nw.when(nw.col(RETURNED)).then(-amount.abs()).otherwise(amount)
    return flagged.with_columns(signed.alias(str(roles.amount)))


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


def _nothing_left(read: int, dropped: dict[str, int]) -> InvalidInput:
    return InvalidInput(
        f"none of {read:,} rows is left after cleaning (dropped: {counted(dropped)}); "
        "check the columns, as_of and returns"
    )


def _too_large(result: Cleaned, *, computed: bool) -> InvalidInput:
    roles, amount = result.roles, nw.col(str(result.roles.amount))
    beyond = streamed(result.kept.filter(amount.abs() > LARGEST).select(amount))
    what = f"column {roles.quantity!r} times {roles.price!r}" if computed else f"column {roles.amount!r}"
    return InvalidInput(
        f"{what} gives an amount beyond {LARGEST:g} in {len(beyond):,} of {result.report.kept:,} rows, for example "
        f"{beyond.item(0, 0):g}; those from -{LARGEST:g} to {LARGEST:g} are allowed: mend these rows or leave them out"
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
    if len(only) == 0:
        return result._replace(report=report)
    if len(only) == len(customers):
        raise _nothing_left(report.read, report.dropped)
    left = result._replace(rows=result.rows.filter(~nw.col(name).is_in(only["customer"].to_list())))
    time = nw.col(result.roles.time)
    ends = streamed(left.kept.select(time.min().alias("first"), time.max().alias("last")))
    return left._replace(report=replace(report, first=ends["first"].item(), last=ends["last"].item()))


def _dropping(report: CleaningReport, reason: int, rows: int) -> CleaningReport:
    return replace(report, kept=report.kept - rows, dropped=report.dropped | {REASONS[reason]: rows})


def _distinct(frame: Frame | Lazy, columns: list[str]) -> Frame | Lazy:
    """Return the first of each kind of row, in their order."""
    if isinstance(frame, nw.DataFrame):
        return frame.unique(columns, keep="first", maintain_order=True)
    native = frame.to_native()
    return nw.from_native(native.unique(columns, keep="first", maintain_order=True))
