"""What cleaning kept and dropped, and why."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from gpuseg.features._shown import Shown

REASONS = (
    "no id",
    "bad timestamp",
    "after as_of",
    "no amount",
    "cancelled or returned",
    "non-positive price",
    "exact duplicate",
    "returns only",
)


@dataclass(frozen=True)
class CleaningReport(Shown):
    """What became of every row read: ``kept`` and the values of ``dropped`` add up to ``read``.

    ``dropped`` has every reason, in the order in which they are tried, with 0 where no row was dropped.
    Exact duplicates are looked for only with ``drop_duplicates``. ``customers_with_returns_only`` is counted
    with returns="net". ``first`` and ``last`` are the oldest and newest kept times. ``left_out`` names
    features that the columns do not allow, and why.

    >>> dropped = dict.fromkeys(REASONS, 0) | {"no id": 2}
    >>> moment = dt.datetime(2011, 12, 10)
    >>> print(CleaningReport(5, 3, dropped, 2, None, moment, moment, moment, {"customer": "id"}))
    rows read          5
    no id              2
    rows kept          3
    customers          2
    from      2011-12-10
    to        2011-12-10
    as of     2011-12-10
    """

    read: int
    kept: int
    dropped: dict[str, int]
    customers: int
    customers_with_returns_only: int | None
    as_of: dt.datetime
    first: dt.datetime
    last: dt.datetime
    roles: dict[str, str]
    left_out: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold; times in ISO format.

        >>> moment = dt.datetime(2011, 12, 10)
        >>> CleaningReport(1, 1, {}, 1, None, moment, moment, moment, {}).to_dict()["as_of"]
        '2011-12-10T00:00:00'
        """
        return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in vars(self).items()}

    def summary(self) -> str:
        """Return one line: how many rows were kept, and how many dropped for which reason.

        >>> moment = dt.datetime(2011, 12, 10)
        >>> CleaningReport(3, 1, {"no id": 2}, 1, None, moment, moment, moment, {}).summary()
        '1 of 3 rows kept; dropped: 2 no id'
        """
        return f"{self.kept:,} of {self.read:,} rows kept; dropped: {counted(self.dropped)}"

    def _rows(self) -> list[tuple[str, str]]:
        counts: dict[str, int | None] = {"rows read": self.read, **{k: v for k, v in self.dropped.items() if v}}
        counts |= {"rows kept": self.kept, "customers": self.customers}
        counts["customers with returns only"] = self.customers_with_returns_only or None
        times = {"from": self.first, "to": self.last, "as of": self.as_of}
        rows = [(name, f"{count:,}") for name, count in counts.items() if count is not None]
        return rows + [(name, str(moment).removesuffix(" 00:00:00")) for name, moment in times.items()]

    def _notes(self) -> list[str]:
        return [f"without {name}: {why}" for name, why in self.left_out.items()]


def counted(dropped: dict[str, int]) -> str:
    """Return the reasons that applied with their counts.

    >>> counted({"no id": 1200, "bad timestamp": 0})
    '1,200 no id'
    """
    return ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count) or "none"
