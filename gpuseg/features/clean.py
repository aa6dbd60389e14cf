"""Transactions in, those that count out, with a report of what was dropped."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import polars as pl

from gpuseg.errors import InvalidInput
from gpuseg.features._by_name import Made
from gpuseg.features._cleaning import Cleaned, clean
from gpuseg.features._flags import RETURNED
from gpuseg.features._over_parts import Shard, in_shards
from gpuseg.features._typed import streamed
from gpuseg.features.cleaning_report import CleaningReport
from gpuseg.features.roles import FLAG, Returns, Wishes
from gpuseg.io.parts import in_parts, open_parts
from gpuseg.io.tables import Frame, Lazy, open_table


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
    engine: Any = "auto",
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
    it is "exclude", or "net" for a table with that column, of true and false or, as in a CSV, of text that
    says so. A second cleaning drops nothing; where the first
    dropped every id that was no plain number, it turns the ids that are left from text into numbers.

    ``engine`` is that of ``customer_features``: with Dask rows that are kept come in shards of customers, in each in
    the order in which they stood, and exact duplicates are found wherever they stood.

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
    if in_parts(table, engine):
        parts = open_parts(table, engine, text=True)
        found = in_shards(parts, wishes, (), _made, narrow=False)
        return parts.give_back(found.shards.map(_table_of)), found.report
    opened = open_table(table, text=True)
    result = clean(opened, wishes, narrow=False)
    rows = _rows(result)
    report = replace(result.report, customers=_customers(result))
    if _is_lazy(table):
        return rows.to_native(), report
    return opened.give_back(streamed(rows)), report


def _made(cleaned: Cleaned, _: Sequence[str]) -> Made:
    return Made(streamed(_rows(cleaned)), _customers(cleaned))


def _table_of(shard: Shard) -> Any:
    return shard.table


def _customers(cleaned: Cleaned) -> int:
    return int(streamed(cleaned.kept.select(nw.col(cleaned.roles.customer).n_unique())).item())


def _rows(cleaned: Cleaned) -> Frame | Lazy:
    """Return the kept rows with the columns of the table under their own names, and the flag of what was returned."""
    if not cleaned.net:
        return cleaned.kept.select(*cleaned.columns).rename(cleaned.own_names)
    if FLAG in cleaned.columns and not cleaned.has_flag:
        raise InvalidInput(
            f"the table has a column {FLAG!r} that is not of true and false alone, and returns='net' makes one that "
            f"is; rename it, or give returns='exclude'"
        )
    rows = cleaned.kept.with_columns(nw.col(RETURNED).alias(FLAG))
    return rows.select(*dict.fromkeys([*cleaned.columns, FLAG])).rename(cleaned.own_names)


def _is_lazy(table: Any) -> bool:
    return isinstance(nw.to_native(table, pass_through=True), pl.LazyFrame)
