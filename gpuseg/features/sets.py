"""Several sets of customer features from one cleaning."""

import datetime as dt
from typing import Any, Literal

from gpuseg.errors import unknown
from gpuseg.features import _behaviour, _rfm
from gpuseg.features._behaviour import behaviour_of, reported
from gpuseg.features._cleaning import clean
from gpuseg.features._rfm import rfm_of, tell
from gpuseg.features._rows import CUSTOMER, named
from gpuseg.features.cleaning_report import CleaningReport
from gpuseg.features.roles import Returns, Wishes
from gpuseg.io.tables import Frame, open_table

SETS = {"rfm": _rfm.MADE, "behaviour": _behaviour.MADE, "all": _rfm.MADE + _behaviour.MADE}


def customer_features(  # noqa: PLR0913 - a role each
    table: Any,
    *,
    set: Literal["rfm", "behaviour", "all"] = "rfm",  # noqa: A002 - the command line's word
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
    """Return one row a customer in order of id, and the report of the cleaning.

    ``set``: "rfm" for recency, frequency and monetary, "behaviour" for the columns of ``behaviour``, "all"
    for both. What the columns do not allow is in the report's ``left_out``. The other arguments and the
    errors are those of ``clean_transactions``.

    >>> import polars as pl
    >>> rows = pl.DataFrame({"customer_id": [1, 1], "date": ["2026-01-01", "2026-01-05"], "amount": [10.0, 5.0]})
    >>> customers, report = customer_features(rows, as_of="2026-01-11")
    columns taken by their names: customer='customer_id', time='date', amount='amount'
    >>> customers.columns, report.kept
    (['customer_id', 'recency', 'frequency', 'monetary'], 2)
    """
    if set not in SETS:
        raise unknown("set", set, SETS)
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
    cleaned = clean(opened, wishes, made=SETS[set])
    tell(cleaned)
    tables: list[Frame] = [rfm_of(cleaned)] if set in ("rfm", "all") else []
    left_out: dict[str, str] = {}
    if set in ("behaviour", "all"):
        found, left_out = behaviour_of(cleaned)
        tables.append(found)
    features = tables[0] if len(tables) == 1 else tables[0].join(tables[1], on=CUSTOMER, how="left")
    return opened.give_back(named(features, cleaned)), reported(cleaned, left_out, len(features)).report
