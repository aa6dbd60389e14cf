"""What customers of the simulated shop do on the web and with e-mails, and which campaigns reach them."""

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.datasets._archetypes import ARCHETYPES, Plan
from gpuseg.datasets._calendar import DAYS, OPEN, drawn_days, drawn_seconds, moments
from gpuseg.datasets._orders import Sold

PAGES = 3
"""Page views of one session, on average."""
INTERESTED = 90
"""Days after the last purchase on which a customer still visits."""
APP, ONLINE = 0.35, 0.80
"""Shares of sessions and orders in the app, not on the web, and of orders that are made online."""
CLICKS = {"visit": 0.30, "open": 0.25}
"""Clicks that follow a page view and an opened e-mail."""
UNREAD = 6
"""E-mails that are sent and not opened: so many, and half as many again as are opened."""
CAMPAIGNS = (
    ("spring 2024", 75, "post"),
    ("summer sale 2024", 190, "email"),
    ("autumn 2024", 270, "post"),
    ("christmas 2024", 330, "email"),
    ("spring 2025", 440, "post"),
    ("summer sale 2025", 555, "email"),
    ("autumn 2025", 635, "sms"),
    ("christmas 2025", 695, "email"),
)
"""Name, day of the window, channel."""
CONTACTED = 0.5
"""Share of the customers of a day whom a campaign contacts."""
EMAIL = pl.lit("email")


def events(rng: np.random.Generator, plan: Plan, sales: Sold) -> pl.DataFrame:
    """Return customer_id, time, type and channel of all events by time: as many visits and opens as planned."""
    parts = [_visits(rng, plan), _emails(rng, plan), _purchases(rng, plan, sales)]
    return pl.concat(parts).sort("time", maintain_order=True)


def contacts(rng: np.random.Generator, plan: Plan) -> pl.DataFrame:
    """Return customer_id, time, campaign, channel and responded of the contacts by campaign."""
    names, days, channels = (list(column) for column in zip(*CAMPAIGNS, strict=True))
    there = plan.joined[None, :] <= np.array(days)[:, None]
    campaign, who = np.nonzero(there & (rng.random((len(days), len(plan.ids))) < CONTACTED))
    response = np.array([kind.response for kind in ARCHETYPES])[plan.segment[who]]
    return pl.DataFrame(
        {
            "customer_id": plan.ids[who],
            "time": moments(np.array(days)[campaign], np.full(len(campaign), OPEN)),
            "campaign": pl.Series(names, dtype=pl.String).gather(campaign),
            "channel": pl.Series(channels, dtype=pl.String).gather(campaign),
            "responded": rng.random(len(who)) < response,
        }
    )


def _visits(rng: np.random.Generator, plan: Plan) -> pl.DataFrame:
    """Return page views in sessions, a minute or so apart, and the clicks on these pages."""
    who = np.repeat(np.arange(len(plan.ids)), plan.visits)
    begins = rng.random(len(who)) < 1 / PAGES
    begins[1:] |= who[1:] != who[:-1]
    begins[:1] = True
    session, first = np.cumsum(begins) - 1, np.flatnonzero(begins)
    until = np.minimum(plan.last + INTERESTED, DAYS - 1)
    days = drawn_days(rng, plan.joined[who[first]], until[who[first]])
    page = np.arange(len(who)) - first[session]
    seconds = drawn_seconds(rng, len(first))[session] + 60 * page + rng.integers(60, size=len(who))
    channel = _places(rng, len(first)).gather(session)
    views = _table(plan.ids[who], moments(days[session], seconds), "visit", channel)
    return pl.concat([views, _clicks(rng, views, "visit")])


def _emails(rng: np.random.Generator, plan: Plan) -> pl.DataFrame:
    """Return e-mails sent at the opening hour, those opened, later on the same day, and the clicks in these."""
    sent = plan.opens + rng.poisson(UNREAD + plan.opens / 2)
    who = np.repeat(np.arange(len(plan.ids)), sent)
    number = np.arange(len(who)) - np.repeat(np.cumsum(sent) - sent, sent)
    days = drawn_days(rng, plan.joined[who], np.full(len(who), DAYS - 1))
    opened = np.flatnonzero(number < plan.opens[who])
    mails = _table(plan.ids[who], moments(days, np.full(len(who), OPEN)), "email_sent", EMAIL)
    opens = _table(plan.ids[who[opened]], moments(days[opened], drawn_seconds(rng, len(opened))), "open", EMAIL)
    return pl.concat([mails, opens, _clicks(rng, opens, "open")])


def _purchases(rng: np.random.Generator, plan: Plan, sales: Sold) -> pl.DataFrame:
    made = np.flatnonzero(rng.random(len(sales.buyer)) < ONLINE)
    return _table(plan.ids[sales.buyer[made]], sales.moment[made], "purchase", _places(rng, len(made)))


def _clicks(rng: np.random.Generator, events: pl.DataFrame, after: str) -> pl.DataFrame:
    """Return a click some seconds after some of the events."""
    chosen = events.filter(rng.random(events.height) < CLICKS[after])
    wait = pl.lit(pl.Series(rng.integers(2, 30, size=chosen.height)))
    return chosen.with_columns(pl.col("time") + pl.duration(seconds=wait), pl.lit("click").alias("type"))


def _places(rng: np.random.Generator, count: int) -> pl.Series:
    return pl.Series(["web", "app"]).gather((rng.random(count) < APP).astype(np.int64))


def _table(ids: Host, time: Host, kind: str, channel: pl.Series | pl.Expr) -> pl.DataFrame:
    table = pl.DataFrame({"customer_id": ids, "time": time})
    return table.with_columns(pl.lit(kind).alias("type"), channel.alias("channel"))
