"""One row a customer out of transactions, by one way: cleaned here in one go, or by workers in shards of customers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw

from gpuseg.features._by_name import there_of
from gpuseg.features._cleaning import clean
from gpuseg.features._over_parts import Make, Shard, in_shards
from gpuseg.features._rows import CUSTOMER
from gpuseg.features.cleaning_report import CleaningReport
from gpuseg.features.roles import Wishes
from gpuseg.io.parts import OpenedParts, in_parts, open_parts
from gpuseg.io.tables import Frame, Opened, open_table
from gpuseg.settings import say


def customers_of(
    table: Any, wishes: Wishes, names: Sequence[str], make: Make, *, engine: Any = "auto"
) -> tuple[Any, CleaningReport]:
    """Return what is made of every customer, in the caller's kind of table, and the report of the cleaning."""
    if in_parts(table, engine):
        return _over_parts(open_parts(table, engine, text=True), wishes, names, make)
    return customers_here(open_table(table, text=True), wishes, names, make)


def customers_here(opened: Opened, wishes: Wishes, names: Sequence[str], make: Make) -> tuple[Any, CleaningReport]:
    """Return what is made of every customer of one table, and the report of the cleaning."""
    cleaned = clean(opened, wishes, made=names)
    _tell(cleaned.report, cleaned.loose)
    table, customers, left_out = make(cleaned, names)
    there = there_of(names, left_out)
    name = cleaned.roles.customer
    report = replace(cleaned.report, left_out={one.title: one.why for one in left_out}, customers=customers)
    return opened.give_back(_in_order(table, there, cleaned.own_names.get(name, name))), report


def _over_parts(opened: OpenedParts, wishes: Wishes, names: Sequence[str], make: Make) -> tuple[Any, CleaningReport]:
    found = in_shards(opened, wishes, names, make)
    _tell(found.report, found.loose)
    there = there_of(names, found.left_out)
    report = replace(found.report, left_out={one.title: one.why for one in found.left_out})
    return opened.give_back(found.shards.map(_table_of, there, found.customer)), report


def _table_of(shard: Shard, names: Sequence[str], customer: str) -> Frame:
    return _in_order(nw.from_native(shard.table), names, customer)


def _in_order(table: Frame, names: Sequence[str], customer: str) -> Frame:
    """Return one row a customer in order of id, which has the caller's name."""
    return table.select(CUSTOMER, *names).sort(CUSTOMER).rename({CUSTOMER: customer})


def _tell(report: CleaningReport, loose: int) -> None:
    """Say in one line what was dropped, where something was, and how rows without an order id count."""
    if report.kept < report.read:
        say(report.summary())
    if loose:
        say(f"{loose:,} rows have no order id; those of a customer's day count as one order")
