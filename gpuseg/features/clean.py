"""Transactions cleaned: every row is kept, or dropped for the first reason that applies and counted."""

import datetime as dt
from collections import Counter
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
import polars as pl

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
    census,
    settled,
)
from gpuseg.features._typed import Typed, streamed, typed
from gpuseg.features.cleaning_report import REASONS, CleaningReport, counted
from gpuseg.features.roles import FLAG, Returns, Roles, Wishes
from gpuseg.io.tables import Frame, Lazy, Opened, open_table
from gpuseg.settings import say


class Cleaned(NamedTuple):
    """Rows with their flags, those that are kept, and what is known of them.

    ``scale`` is for exact sums of the amounts; ``loose`` counts kept rows without an order id.
    """

    flagged: Frame | Lazy
    kept: Frame | Lazy
    columns: list[str]
    roles: Roles
    as_of: dt.datetime
    net: bool
    scale: Scale
    loose: int
    report: CleaningReport


def clean_transactions(  # noqa: PLR0913 - a role each
    table: Any,
    *,
    customer: str | None = None,
    time: str | None = None,
    order: str | None = None,
    amount: str | None = None,
    quantity: str | None = None,
    price: str | None = None,
    product: str | None = None,
    time_format: str | None = None,
    as_of: str | dt.date | None = None,
    returns: Returns | None = None,
    cancelled_prefix: str | None = "C",
    drop_duplicates: bool = False,
) -> tuple[Any, CleaningReport]:
    """Return the transactions that count, in the caller's library, and a report of every row dropped.

    A row is dropped for the first reason that applies: no id; bad timestamp; after ``as_of``; no amount
    (missing, not finite, or made of a quantity of 0); cancelled or returned; non-positive price; exact
    duplicate, for which is looked only with ``drop_duplicates``. Kept and dropped rows add up to the rows read.

    ``customer`` ... ``product`` name columns; what is not named is found by common names, and said. The
    amount is quantity times price where no column holds it. ``time_format`` is for times that are text
    (strftime's letters). Times lose their zone: days are counted in that zone.

    ``as_of`` (text, date or datetime; a date is its midnight) is the moment to count to; left out, it is
    the midnight after the newest row with an id. ``returns``: "exclude" drops returned rows (negative
    quantity or amount) and cancelled ones (an order id of ``cancelled_prefix`` and a digit, unless most
    orders begin so; None switches that off; what only its order id cancels is said); "net" keeps them with a
    negative amount and flags them in a column "returned", but drops customers with nothing else. Left out,
    it is "exclude", or "net" for a table with that column. A second cleaning drops nothing; where the first
    dropped every id that was no plain number, it turns the ids that are left from text into numbers.

    The result has the columns of the table, with typed ids, times and amounts, and "amount" where it was
    computed. A lazy Polars frame gives a lazy one; a path gives a Polars frame. Raises InvalidInput where
    a column is missing, ambiguous or of the wrong kind, where a kept amount is beyond 1e15, and where no
    row is left.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"customer_id": [1, 1, None], "date": ["2026-01-05", "2026-01-09", "2026-01-09"],
    ...                      "amount": [10.0, 5.0, 7.0]})
    >>> kept, report = clean_transactions(rows, as_of="2026-02-01")
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    >>> kept.height, report.read, report.dropped["no id"]
    (2, 3, 1)
    """
    wishes = Wishes(
        customer=customer,
        time=time,
        order=order,
        amount=amount,
        quantity=quantity,
        price=price,
        product=product,
        time_format=time_format,
        as_of=as_of,
        returns=returns,
        cancelled_prefix=cancelled_prefix,
        drop_duplicates=drop_duplicates,
    )
    opened = open_table(table, text=True)
    result = clean(opened, wishes, narrow=False)
    rows = result.kept.select(*result.columns)
    customers = streamed(rows.select(nw.col(result.roles.customer).n_unique())).item()
    report = replace(result.report, customers=customers)
    if _is_lazy(table):
        return rows.to_native(), report
    return opened.give_back(streamed(rows)), report


def clean(opened: Opened, wishes: Wishes, *, narrow: bool = True) -> Cleaned:
    """Return the rows of an open table, flagged and filtered, still lazy where the table is on the host.

    ``narrow``: only columns that have a role are wanted. The report's ``customers`` is left for whoever
    groups by them.
    """
    if wishes.returns not in (None, "exclude", "net"):
        raise unknown("returns", wishes.returns, ("exclude", "net"))
    table = typed(opened.frame, wishes, narrow=narrow)
    net = _is_net(table, wishes)
    as_of = None if wishes.as_of is None else _as_of.given(wishes.as_of, table.zone, table.roles.time)
    flagged, groups = settled(census(table, as_of, wishes.cancelled_prefix), prefix=wishes.cancelled_prefix, net=net)
    _refuse_nothing(groups, table.roles)
    moment = as_of or _as_of.after(max(g.newest for g in groups if g.base not in (NO_ID, BAD_TIME) and g.newest))
    flagged = _netted(flagged, table.roles) if net else flagged
    columns = list(dict.fromkeys([*table.frame.collect_schema().names(), *([FLAG] if net else [])]))
    stay = [g for g in groups if g.base == KEPT]
    rows, largest = sum(g.rows for g in stay), max(g.largest or 0.0 for g in stay)
    result = Cleaned(
        flagged=flagged,
        kept=flagged.filter(nw.col(REASON) == KEPT),
        columns=columns,
        roles=table.roles,
        as_of=moment,
        net=net,
        scale=scale_for(largest, rows),
        loose=sum(g.loose for g in stay) if table.roles.order else 0,
        report=_report(groups, moment, table.roles),
    )
    if largest > LARGEST:
        raise _too_large(result, computed=table.computed)
    result = _without_duplicates(result) if wishes.drop_duplicates else result
    return _without_returns_only(result) if net else result


def _is_net(table: Typed, wishes: Wishes) -> bool:
    if wishes.returns is None and table.flagged:
        say(f"returns='net', as the table has a true/false column {FLAG!r}; give returns to choose otherwise")
        return True
    return wishes.returns == "net"


def _netted(flagged: Frame | Lazy, roles: Roles) -> Frame | Lazy:
    """Return rows where what was returned counts negative, with the flag under its public name."""
    amount, returned = nw.col(str(roles.amount)), nw.col(RETURNED)
    signed = nw.when(returned).then(-amount.abs()).otherwise(amount)
    return flagged.with_columns(signed.alias(str(roles.amount)), returned.alias(FLAG))


def _report(groups: list[Group], as_of: dt.datetime, roles: Roles) -> CleaningReport:
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
        roles=roles.present(),
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
    kept = _distinct(result.kept, result.columns)
    report = _dropping(result.report, DUPLICATE, result.report.kept - streamed(kept.select(nw.len())).item())
    return result._replace(kept=kept, report=report)


def _without_returns_only(result: Cleaned) -> Cleaned:
    """Return rows without those of customers who bought nothing."""
    name = result.roles.customer
    bought = result.kept.select(name, bought=(~nw.col(RETURNED)).cast(nw.Int8))
    customers = streamed(bought.group_by(name).agg(nw.col("bought").max(), nw.len().alias("rows")))
    only = customers.filter(nw.col("bought") == 0)
    report = _dropping(result.report, RETURNS_ONLY, int(only["rows"].sum()))
    report = replace(report, customers_with_returns_only=len(only))
    if len(only) == 0:
        return result._replace(report=report)
    if len(only) == len(customers):
        raise _nothing_left(report.read, report.dropped)
    kept = result.kept.filter(~nw.col(name).is_in(only[name].to_list()))
    ends = streamed(kept.select(first=nw.col(result.roles.time).min(), last=nw.col(result.roles.time).max()))
    return result._replace(kept=kept, report=replace(report, first=ends["first"].item(), last=ends["last"].item()))


def _dropping(report: CleaningReport, reason: int, rows: int) -> CleaningReport:
    return replace(report, kept=report.kept - rows, dropped=report.dropped | {REASONS[reason]: rows})


def _distinct(frame: Frame | Lazy, columns: list[str]) -> Frame | Lazy:
    """Return the first of each kind of row, in their order."""
    if isinstance(frame, nw.DataFrame):
        return frame.unique(columns, keep="first", maintain_order=True)
    native: pl.LazyFrame = frame.to_native()
    return nw.from_native(native.unique(columns, keep="first", maintain_order=True))


def _is_lazy(table: Any) -> bool:
    return isinstance(nw.to_native(table, pass_through=True), pl.LazyFrame)
