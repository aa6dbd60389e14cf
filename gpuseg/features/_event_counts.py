"""Events counted by customer: by type, by kind and by channel, in one pass."""

from collections.abc import Sequence

import narwhals as nw

from gpuseg.features._event_census import Census
from gpuseg.features._event_kinds import AWAY, Names
from gpuseg.features._event_rows import CHANNEL, TYPE
from gpuseg.features._rows import CUSTOMER, TIME
from gpuseg.features._typed import streamed
from gpuseg.io.tables import Frame, Lazy

EVENTS, ON_SITE, CODE = "events", "events_on_site", "code"
COUNTED = ("visits", "clicks", "opens", "sent", "conversions")
TYPES, CHANNELS = "count_", "channel_"


def made_columns(census: Census) -> list[str]:
    """Return the names of the counts by type and by channel, as columns of the result."""
    channels = census.channels.counts if census.channels else ()
    return [*(TYPES + name for name in census.types.counts), *(CHANNELS + name for name in channels)]


def counts_of(kept: Frame | Lazy, census: Census) -> Frame:
    """Return one row a customer: its last event, and its events in all, on the site, by kind, type and channel.

    Rows are grouped by customer and type first: the many columns are made of the few groups.
    """
    types, channels = census.types, census.channels
    keys = [TYPE, CHANNEL] if channels else [TYPE]
    groups = kept.group_by(CUSTOMER, *keys).agg(nw.len().alias(EVENTS), nw.col(TIME).max())
    columns = [_among(types.where(kinds=[kind])).alias(kind) for kind in COUNTED]
    columns.append((nw.col(EVENTS) - _among(types.where(kinds=sorted(AWAY)))).alias(ON_SITE))
    columns += [_among(types.where(name=name)).alias(TYPES + name) for name in types.counts]
    coded = groups.with_columns(_code(types, TYPE), nw.col(EVENTS).cast(nw.Int64))
    made = coded.select(CUSTOMER, TIME, EVENTS, *columns, *keys[1:])
    names = [EVENTS, *COUNTED, ON_SITE, *(TYPES + name for name in types.counts)]
    if channels and channels.counts:
        columns = [_among(channels.where(name=name)).alias(CHANNELS + name) for name in channels.counts]
        made = made.with_columns(_code(channels, CHANNEL)).with_columns(*columns)
        names += [CHANNELS + name for name in channels.counts]
    return streamed(made.group_by(CUSTOMER).agg(nw.col(TIME).max(), nw.col(*names).sum()))


def _code(names: Names, column: str) -> nw.Expr:
    """Return the number of the pair of a name and a kind that a value belongs to; -1 for a value that names nothing."""
    value = nw.col(column)
    code = nw.when(value.is_null() | value.is_in(names.blank)).then(nw.lit(-1)).otherwise(nw.lit(len(names.groups) - 1))
    for number, group in enumerate(names.groups[:-1]):
        code = nw.when(value.is_in(group)).then(nw.lit(number)).otherwise(code)
    return code.alias(CODE)


def _among(numbers: Sequence[int]) -> nw.Expr:
    """Return the events of a group where its code is one of those given, else 0."""
    return nw.when(nw.col(CODE).is_in(list(numbers))).then(nw.col(EVENTS)).otherwise(nw.lit(0))
