"""Customer features by name: which there are, and only the passes over the rows that those asked for need."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import narwhals as nw

from gpuseg.errors import InvalidInput, listed, unknown
from gpuseg.features import _shares
from gpuseg.features._baskets import BY_ORDER, SPREAD, order_features
from gpuseg.features._cleaning import Cleaned
from gpuseg.features._deviation import amount_std
from gpuseg.features._flags import RETURNED
from gpuseg.features._orders import order_counts
from gpuseg.features._rows import CUSTOMER, PRODUCT, distinct, gap, present_kinds, short_rows
from gpuseg.features._totals import NEEDS, columns_of, totals_of
from gpuseg.features._typed import streamed
from gpuseg.io.tables import Frame
from gpuseg.settings import say

RFM = ("recency", "frequency", "monetary")
BEHAVIOUR = (
    "tenure_days",
    *SPREAD,
    *("products", "return_rate", "spend_trend"),
    *_shares.weekdays(),
    *_shares.parts_of_day(),
)
AMOUNTS = ("amount_mean", "amount_std")
SETS = {"rfm": RFM, "behaviour": BEHAVIOUR, "all": RFM + BEHAVIOUR}
FEATURES = (*RFM, *AMOUNTS, *BEHAVIOUR)


class LeftOut(NamedTuple):
    """Features that the rows say nothing about, and why."""

    names: tuple[str, ...]
    why: str

    @property
    def title(self) -> str:
        """Return the names in short.

        >>> LeftOut(("share_night", "share_morning", "share_evening"), "").title
        'share_night ... share_evening'
        """
        return f"{self.names[0]} ... {self.names[-1]}" if len(self.names) > 1 else self.names[0]


class Made(NamedTuple):
    """The features of so many customers that the columns allow, and those that the rows say nothing about."""

    table: Frame
    customers: int
    left_out: tuple[LeftOut, ...] = ()


def names_of(wish: str | Sequence[str]) -> tuple[str, ...]:
    """Return the features that a set, a feature, or several of both stand for, each once.

    >>> names_of(["rfm", "tenure_days", "recency"])
    ('recency', 'frequency', 'monetary', 'tenure_days')
    """
    asked = [wish] if isinstance(wish, str) else wish
    if not isinstance(asked, Sequence) or not asked or not all(isinstance(name, str) for name in asked):
        raise InvalidInput(f"set={wish!r} names no features; give {listed(SETS)}, or names, as in set=('recency',)")
    for name in asked:
        if "," in name:
            several = [part.strip() for part in name.split(",")]
            raise InvalidInput(f"set={name!r} is several names in one text; give a list, as in set={several}")
        if name not in SETS and name not in FEATURES:
            raise unknown("set", name, (*SETS, *FEATURES), most=len(SETS) + len(FEATURES))
    return tuple(dict.fromkeys(feature for name in asked for feature in SETS.get(name, (name,))))


def features_of(cleaned: Cleaned, names: Sequence[str]) -> Made:
    """Return what rows tell of their customers; what nothing is said about is there, where the columns allow it."""
    left_out: list[LeftOut] = []
    tables: list[Frame] = []
    for name, make in {"products": _products, "return_rate": _return_rate}.items():
        if name in names:
            found, why = make(cleaned)
            tables += [] if found is None else [found]
            left_out += [LeftOut((name,), why)] if why else []
    by_order: list[Frame] = []
    if set(names) & set(BY_ORDER):
        by_order, without = order_features(cleaned, names)
        left_out += [LeftOut(group, why) for group, why in without.items()]
    # The first table has every customer; a customer without two orders has no gap.
    tables = [*_first_tables(cleaned, names, by_order), *tables]
    table = reduce(lambda left, right: left.join(right, on=CUSTOMER, how="left"), tables)
    table = table.select(CUSTOMER, *(name for name in names if name in table.columns))
    return Made(table, len(table), tuple(left_out))


def there_of(names: Sequence[str], left_out: Sequence[LeftOut]) -> list[str]:
    """Return the names that are not left out, and say those that are; raise InvalidInput where none is there."""
    for one in left_out:
        say(f"{one.title} is left out: {one.why}")
    gone = {name for one in left_out for name in one.names}
    if there := [name for name in names if name not in gone]:
        return there
    why = "; ".join(one.why for one in left_out)
    raise InvalidInput(f"nothing is left of set={listed(names)}: {why}; ask for others")


def _first_tables(cleaned: Cleaned, names: Sequence[str], by_order: list[Frame]) -> list[Frame]:
    """Return the tables that passes over all rows give, and those made of orders."""
    # Of all that the totals hold, the table of orders knows only the first purchase.
    needed = {name for name in names if name in NEEDS}
    if by_order and needed <= {"tenure_days"}:
        spans = by_order[0].select(CUSTOMER, *columns_of(cleaned, needed))
        return [spans, *by_order[1:]]
    # What was returned is in the totals with returns="net", and is no line of a purchase.
    apart = needed.intersection(AMOUNTS) if cleaned.net else set()
    totals = totals_of(cleaned, needed - apart)
    tables = [totals.select(CUSTOMER, *columns_of(cleaned, needed - apart))]
    if "frequency" in needed:
        tables.append(order_counts(cleaned))
    if apart:
        totals = totals_of(cleaned, apart, purchases=True)
        tables.append(totals.select(CUSTOMER, *columns_of(cleaned, apart)))
    if "amount_std" in needed:
        tables.append(amount_std(cleaned, totals))
    return [*tables, *by_order[1:]]


def _products(cleaned: Cleaned) -> tuple[Frame | None, str]:
    """Return the number of distinct products bought, or a reason where no column has them."""
    if cleaned.roles.product is None:
        return None, "no column names the product"
    rows = short_rows(cleaned, purchases=True, product=True).select(CUSTOMER, PRODUCT).with_columns(gap(PRODUCT))
    found = streamed(rows.group_by(CUSTOMER).agg(*distinct(PRODUCT)))
    return found.select(CUSTOMER, present_kinds(PRODUCT).alias("products")), ""


def _return_rate(cleaned: Cleaned) -> tuple[Frame, str]:
    """Return the share of returned rows, and a reason to leave it out where no row is one."""
    rows = cleaned.rows.select(nw.col(cleaned.roles.customer).alias(CUSTOMER), returned=nw.col(RETURNED).cast(nw.Int64))
    found = streamed(rows.group_by(CUSTOMER).agg(nw.col("returned").sum(), nw.len().alias("rows")))
    why = "" if found["returned"].sum() else "no row is a return"
    return found.select(CUSTOMER, (nw.col("returned") / nw.col("rows")).alias("return_rate")), why
