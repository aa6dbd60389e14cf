"""Several sets of customer features, or features by name, from one cleaning."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from gpuseg.features._by_customer import customers_of
from gpuseg.features._by_name import features_of, names_of
from gpuseg.features.cleaning_report import CleaningReport
from gpuseg.features.roles import Returns, Wishes


def customer_features(  # noqa: PLR0913 - a role each
    table: Any,
    *,
    set: str | Sequence[str] = "rfm",  # noqa: A002 - the command line's word
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
    """Return one row a customer in order of id, and the report of the cleaning.

    ``set``: "rfm" for recency, frequency and monetary, "behaviour" for the columns of ``behaviour``, "all"
    for both; or a list of such sets and of single features, which come in its order. A feature by name is any
    column of ``rfm`` and ``behaviour``, and two of the rows, transaction lines, that a customer bought:

    - ``amount_mean``: mean amount of a row
    - ``amount_std``: sample standard deviation (ddof=1) of the amounts; exactly 0 where they are equal, missing
      for one row

    Amounts of returned rows are in neither, also with returns="net". Only what the features need is worked out:
    "tenure_days" costs no pass of its own beside "recency", any basket, gap, trend or share a table of orders.
    Every value has the same bits whatever the order of rows.

    ``engine``: where to work, "auto", "local", "dask", a distributed Client or the address of a scheduler. With Dask,
    which "auto" takes for a Dask DataFrame and a ``PartedTable``, workers read and clean parts of the table, and all
    rows of a customer meet in one of the shards, of about a million rows each, that their number alone decides. The
    values have the same bits as those of one process. Customers are in order of id within a shard, not over shards;
    a path gives a ``PartedTable``, a Dask DataFrame one of pandas frames, any other frame its own kind, brought here.

    What the columns do not allow is in the report's ``left_out``. The other arguments and the errors are those
    of ``clean_transactions``; InvalidInput also for a set or feature that is not known, and where nothing of what
    was asked for is left.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"customer_id": [1, 1], "date": ["2026-01-01", "2026-01-05"], "amount": [10.0, 5.0]})
    >>> customers, report = customer_features(rows, as_of="2026-01-11")
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    >>> customers.columns, report.kept
    (['customer_id', 'recency', 'frequency', 'monetary'], 2)
    >>> customer_features(rows, set=["tenure_days", "amount_std"], as_of="2026-01-11")[0].rows()
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    [(1, 10, 3.53...)]
    """
    names = names_of(set)
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
    return customers_of(table, wishes, names, features_of, engine=engine)
