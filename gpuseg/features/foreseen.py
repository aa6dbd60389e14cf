"""What customer features of files will be, told before a row is read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gpuseg.features._by_name import names_of
from gpuseg.features._cleaning import check_wishes
from gpuseg.features._typed import roles_of
from gpuseg.features.roles import Wishes
from gpuseg.io.files import Source
from gpuseg.io.told import Told, ends_of, told_of


class Foreseen(NamedTuple):
    """What the files say of themselves, the features of a customer, and at most how many customers there are.

    ``ids``: the least and the greatest id, where the footers of the files say so.
    """

    told: Told
    customer: str
    features: tuple[str, ...]
    customers: int
    ids: tuple[int, int] | None


def foresee(source: Source, *, set: str | Sequence[str] = "rfm", **wishes: Any) -> Foreseen:  # noqa: A002 - as there
    r"""Return what ``customer_features`` of the same arguments is about to make of files, without reading their rows.

    Columns that it would refuse by their names are refused. Features that the rows turn out to say nothing about are
    among those told.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("id,date,amount\n7,2026-01-05,2.5\n7,2026-01-06,1.5\n")
    >>> found = foresee(path, customer="id", time="date", amount="amount")
    >>> found.features, found.customers
    (('recency', 'frequency', 'monetary'), 2)
    """
    names, wished = names_of(set), Wishes(**wishes)
    check_wishes(wished)
    told = told_of(source)
    roles = roles_of(told.columns, wished, made=names)
    there = tuple(name for name in names if name != "products" or roles.product is not None)
    ids = ends_of(told.files, roles.customer)
    most = told.rows if ids is None else min(told.rows, ids[1] - ids[0] + 1)
    return Foreseen(told, roles.customer, there, most, ids)
