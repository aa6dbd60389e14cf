"""What events tell of every customer: by one way, whether the rows are all events or those of a shard."""

from typing import NamedTuple

import narwhals as nw

from gpuseg.features._event_census import Census
from gpuseg.features._event_counts import COUNTED, EVENTS, ON_SITE, counts_of, made_columns
from gpuseg.features._rows import CUSTOMER, TIME, whole_days
from gpuseg.features._sessions import CONVERTED, SESSIONS, sessions_of
from gpuseg.io.tables import Frame, Lazy
from gpuseg.settings import say

RECENCY, PER_SESSION, CONVERSION, OPEN_RATE = "event_recency", "events_per_session", "conversion_rate", "open_rate"
MADE = (RECENCY, EVENTS, *COUNTED, SESSIONS, PER_SESSION, CONVERSION, OPEN_RATE)


class Wanted(NamedTuple):
    """What is to be made of the events of a census: columns, and microseconds between two sessions."""

    census: Census
    gap: int
    columns: list[str]


def wanted(census: Census, gap: int, left_out: dict[str, str]) -> Wanted:
    """Return what is to be made, without what is left out."""
    columns = [name for name in MADE if name not in left_out]
    return Wanted(census, gap, [*columns, *made_columns(census)])


def features_of(kept: Frame | Lazy, wish: Wanted) -> Frame:
    """Return the features of the customers of events that count, in order of id."""
    census = wish.census
    counts = counts_of(kept, census).sort(CUSTOMER)
    counts = counts.join(sessions_of(kept, census, counts, wish.gap), on=CUSTOMER, how="left")
    counts = counts.with_columns(nw.col(SESSIONS, CONVERTED).fill_null(0))
    sessions, sent = nw.col(SESSIONS), nw.col("sent")
    rates = [
        whole_days(nw.lit(census.as_of) - nw.col(TIME)).alias(RECENCY),
        nw.when(sessions > 0).then(nw.col(ON_SITE) / sessions).alias(PER_SESSION),
        nw.when(sessions > 0).then(nw.col(CONVERTED) / sessions).alias(CONVERSION),
        nw.when(sent > 0).then(nw.col("opens") / sent).alias(OPEN_RATE),
    ]
    return counts.with_columns(*rates).select(CUSTOMER, *wish.columns).sort(CUSTOMER)


def left_out_of(census: Census) -> dict[str, str]:
    """Return why features are left out, by name, and say it."""
    absent = [kind for kind in COUNTED if not census.types.where(kinds=[kind])]
    needs = {**{kind: {kind} for kind in COUNTED}, CONVERSION: {"conversions"}, OPEN_RATE: {"opens", "sent"}}
    kindless = [name for name, kinds in needs.items() if kinds.intersection(absent)]
    why = f"no type of event is one of {', '.join(absent)}"
    left_out = dict.fromkeys(kindless, why)
    if kindless:
        say(f"{', '.join(kindless)} {'are' if kindless[1:] else 'is'} left out: {why}")
    if not census.on_site:
        without = "no event is on the site: all happen to messages"
        left_out |= dict.fromkeys((SESSIONS, PER_SESSION, CONVERSION), without)
        say(f"{SESSIONS}, {PER_SESSION}, {CONVERSION} are left out: {without}")
    return left_out
