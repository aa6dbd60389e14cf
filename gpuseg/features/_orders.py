"""How many distinct orders every customer has."""

from functools import reduce
from operator import add
from typing import Any

import narwhals as nw

from gpuseg.features._cleaning import Cleaned
from gpuseg.features._rows import CUSTOMER, FITS, distinct, gap, order_keys, present_kinds
from gpuseg.features._totals import bought_rows
from gpuseg.features._typed import streamed
from gpuseg.io.tables import Frame, Lazy

ORDERS = "orders"


def order_counts(cleaned: Cleaned) -> Frame:
    """Return customer and frequency.

    Orders are counted in a pass of their own: with the sums beside them they take twice the memory.
    """
    rows, keys = bought_rows(cleaned), order_keys(cleaned)
    schema = rows.collect_schema()
    if cleaned.net or len(keys) > 1:
        found = _gappy(rows, keys)
    elif schema[CUSTOMER] == nw.Int64 and schema[keys[0]] == nw.Int64:
        found = _plain(rows, keys[0])
    else:
        found = _kinds(rows, keys[0])
    return found.select(CUSTOMER, nw.col(ORDERS).cast(nw.Int64).alias("frequency"))


def _plain(rows: Frame | Lazy, key: str) -> Frame:
    """Return the number of distinct orders by customer, both whole numbers, packed into one where they fit.

    Sorting whole numbers takes half the time of a set for each customer. Pairs are packed batch by batch: the two
    columns in memory are as large again as all that follows.
    """
    both = nw.col(CUSTOMER, key)
    ends = streamed(rows.select(both.min().name.suffix("_low"), both.max().name.suffix("_high"))).row(0)
    first, low, last, high = map(int, ends)
    width = high - low + 1
    if (last - first + 1) * width >= FITS:
        return _kinds(rows, key)
    pair = (nw.col(CUSTOMER) - first) * width + (nw.col(key) - low)
    packed: Any = streamed(rows.select(pair.alias("pair")))["pair"]
    packed = packed.sort()
    packed = packed.filter((packed != packed.shift(1)).fill_null(value=True))
    packed = packed // width
    customers = packed.alias(CUSTOMER).to_frame().group_by(CUSTOMER).agg(nw.len().alias(ORDERS))
    return customers.with_columns(nw.col(CUSTOMER) + first)


def _kinds(rows: Frame | Lazy, key: str) -> Frame:
    return streamed(rows.group_by(CUSTOMER).agg(nw.col(key).n_unique().alias(ORDERS)))


def _gappy(rows: Frame | Lazy, keys: list[str]) -> Frame:
    """Return the number of distinct orders where a key may be missing in some rows."""
    kinds = [aggregate for key in keys for aggregate in distinct(key)]
    found = streamed(rows.with_columns(gap(key) for key in keys).group_by(CUSTOMER).agg(*kinds))
    return found.select(CUSTOMER, reduce(add, (present_kinds(key) for key in keys)).alias(ORDERS))
