"""What became of every event read, and what its types were taken for."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from gpuseg.features._shown import Shown
from gpuseg.features.cleaning_report import counted

EVENT_REASONS = ("no id", "bad timestamp", "after as_of", "no type")


@dataclass(frozen=True)
class EventReport(Shown):
    """What became of every event read: ``kept`` and the values of ``dropped`` add up to ``read``.

    ``dropped`` has every reason, in the order in which they are tried. ``first`` and ``last`` are the oldest and
    newest kept times, ``kinds`` the types that were taken for visits, clicks and so on, ``types`` and ``channels``
    the events by the name they are counted under, ``without_channel`` those that name none, where a column does.
    ``left_out`` names features that the events do not allow, and why.

    >>> moment = dt.datetime(2026, 1, 5)
    >>> print(EventReport(5, 4, {"no id": 1}, 2, moment, moment, moment, {}, {"visits": ["view"]}, {"view": 4}, {}))
    events read           5
    no id                 1
    events kept           4
    customers             2
    from         2026-01-05
    to           2026-01-05
    as of        2026-01-05
    visits are view
    """

    read: int
    kept: int
    dropped: dict[str, int]
    customers: int
    as_of: dt.datetime
    first: dt.datetime
    last: dt.datetime
    roles: dict[str, str]
    kinds: dict[str, list[str]]
    types: dict[str, int]
    channels: dict[str, int]
    without_channel: int = 0
    left_out: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold; times in ISO format."""
        return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in vars(self).items()}

    def summary(self) -> str:
        """Return one line: how many events were kept, and how many dropped for which reason.

        >>> moment = dt.datetime(2026, 1, 5)
        >>> EventReport(5, 4, {"no id": 1}, 2, moment, moment, moment, {}, {}, {}, {}).summary()
        '4 of 5 events kept; dropped: 1 no id'
        """
        return f"{self.kept:,} of {self.read:,} events kept; dropped: {counted(self.dropped)}"

    def _rows(self) -> list[tuple[str, str]]:
        counts = {"events read": self.read, **{k: v for k, v in self.dropped.items() if v}}
        counts |= {"events kept": self.kept, "customers": self.customers}
        if self.without_channel:
            counts["without a channel"] = self.without_channel
        times = {"from": self.first, "to": self.last, "as of": self.as_of}
        rows = [(name, f"{count:,}") for name, count in counts.items()]
        rows += [(name, str(moment).removesuffix(" 00:00:00")) for name, moment in times.items()]
        return rows

    def _notes(self) -> list[str]:
        known = [f"{kind} are {', '.join(types)}" for kind, types in self.kinds.items()]
        return known + [f"without {name}: {why}" for name, why in self.left_out.items()]
