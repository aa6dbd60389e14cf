"""Web, app and e-mail events."""

import datetime as dt
import json
import re

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuseg
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.features import event_features, events
from gpuseg.features._event_census import census_of, groups_of, kept_of
from gpuseg.features._event_features import features_of, left_out_of, wanted
from gpuseg.features._event_rows import event_rows, event_types
from gpuseg.features._sessions import gap_of
from gpuseg.features._typed import Source
from gpuseg.features.roles import EVENT_NAMES, EventRoles
from tests.features.conftest import LIBRARIES, columns

pytestmark = pytest.mark.usefixtures("quiet")
START = dt.datetime(2026, 1, 5, 10)
MINUTES = [0, 30, 61, 62, 0, 1, 5]
ROWS = pl.DataFrame(
    {
        "customer_id": [1, 1, 1, 1, 2, 2, 2],
        "time": [START + dt.timedelta(minutes=minutes) for minutes in MINUTES],
        "type": ["visit", "click", "Page View", "purchase", "email_sent", "open", "open"],
        "channel": ["web", "web", "App", "app ", "email", "email", None],
    }
)
EXPECTED = {
    "customer_id": [1, 2],
    "event_recency": [4, 4],
    "events": [4, 3],
    "visits": [2, 0],
    "clicks": [1, 0],
    "opens": [0, 2],
    "sent": [0, 1],
    "conversions": [1, 0],
    "sessions": [2, 0],
    "events_per_session": [2.0, None],
    "conversion_rate": [0.5, None],
    "open_rate": [None, 2.0],
    "count_click": [1, 0],
    "count_email_sent": [0, 1],
    "count_open": [0, 2],
    "count_page_view": [1, 0],
    "count_purchase": [1, 0],
    "count_visit": [1, 0],
    "channel_app": [2, 0],
    "channel_email": [0, 2],
    "channel_web": [2, 0],
}


def plain(table):
    return {name: [None if v != v else v for v in values] for name, values in columns(table).items()}  # noqa: PLR0124


def test_by_hand(to_library):
    found, report = event_features(to_library(ROWS), as_of="2026-01-10")
    assert plain(found) == EXPECTED
    assert list(columns(found)) == list(EXPECTED)
    assert (report.read, report.kept, report.customers, report.without_channel) == (7, 7, 2, 1)
    assert report.kinds["visits"] == ["Page View", "visit"]
    assert report.channels == {"app": 2, "email": 2, "web": 2}
    assert report.left_out == {}


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_path(tmp_path, form):
    path = tmp_path / f"events.{form}"
    getattr(ROWS, f"write_{form}")(path)
    assert events(path).equals(events(ROWS))


def test_rows_that_do_not_count(capsys):
    rows = pl.DataFrame(
        {
            "user": ["a", None, "a", "a", "a", "b"],
            "date": ["2026-01-05", "2026-01-05", "so", "2026-02-01", "2026-01-06", "2026-01-07"],
            "event": ["visit", "visit", "visit", "visit", " ", "visit"],
        }
    )
    with gpuseg.config(notices="stdout"):
        found, report = event_features(rows, as_of="2026-01-31")
    assert report.dropped == {"no id": 1, "bad timestamp": 1, "after as_of": 1, "no type": 1}
    assert (report.read, report.kept, report.customers) == (6, 2, 2)
    assert found["user"].to_list() == ["a", "b"]
    assert found["events"].to_list() == [1, 1]
    said = capsys.readouterr().out
    assert "customer='user', time='date', type='event'" in said
    assert "2 of 6 events kept; dropped: 1 no id, 1 bad timestamp, 1 after as_of, 1 no type" in said
    assert "clicks, opens, sent, conversions, conversion_rate, open_rate are left out" in said
    assert set(report.left_out) == {"clicks", "opens", "sent", "conversions", "conversion_rate", "open_rate"}
    assert not set(report.left_out) & set(found.columns)


def test_the_report_shows_itself():
    _, report = event_features(ROWS, as_of="2026-01-10")
    assert json.loads(json.dumps(report.to_dict()))["first"] == "2026-01-05T10:00:00"
    assert "visits are" in str(report)
    assert "<table>" in report._repr_html_()


def test_events_that_all_happen_to_messages():
    found, report = event_features(ROWS.filter(pl.col("channel") == "email"))
    assert {"sessions", "events_per_session", "conversion_rate"} <= set(report.left_out)
    assert "sessions" not in found.columns
    assert found["open_rate"].to_list() == [1.0]


@pytest.mark.parametrize("gap", ["31m", 31, dt.timedelta(minutes=31), "1860s", "0.6h", np.int64(31)])
def test_a_longer_gap(gap):
    assert events(ROWS, session_gap=gap)["sessions"].to_list() == [1, 0]


@pytest.mark.parametrize("gap", [0, -1, "0m", "soon", "30", True, None, float("nan"), float("inf"), 1e300, [30]])
def test_no_gap(gap):
    sentence = rf"session_gap={re.escape(repr(gap))} is no time above 0; give minutes, a timedelta, or text"
    with pytest.raises(InvalidInput, match=sentence):
        events(ROWS, session_gap=gap)


def test_the_caller_names_the_kinds():
    found, report = event_features(ROWS, kinds={"conversions": "Click", "visits": ["page view"]})
    assert found["conversions"].to_list() == [1, 0]
    assert found["visits"].to_list() == [1, 0]
    assert found["conversion_rate"].to_list() == [0.5, None]
    assert "clicks" in report.left_out
    assert report.kinds["conversions"] == ["click"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kinds": {"vists": "visit"}}, "kinds='vists' is not known; .*did you mean 'visits'"),
        ({"kinds": {"visits": "vist"}}, "kinds names 'vist' for visits, and no event is of that type; .* mean 'visit'"),
        ({"kinds": {"visits": "open", "clicks": ["Open"]}}, "kinds has 'open' more than once"),
        ({"kinds": ["visit"]}, "is no mapping; give types by kind"),
        ({"kinds": {"visits": 7}}, "kinds gives 7 for 'visits'; give a type of events, or a list of types"),
        ({"type": "typ"}, "type='typ' is not a column of the table, .* did you mean 'type'"),
        ({"time": "channel"}, "column 'channel' holds text that any format tried reads as times in only 0 of"),
        ({"as_of": "2020-01-01"}, "none of 7 events is left: 7 are dropped for 'after as_of'; check the columns"),
        ({"customer": "type", "type": "type"}, "'type' is named as customer and as type"),
    ],
)
def test_mistakes(options, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        events(ROWS, **options)


def test_a_table_without_types():
    with pytest.raises(InvalidInput, match=r"no column is the type by its name among .*; name it, as in type='...'"):
        events(ROWS.drop("type"))
    with pytest.raises(InvalidInput, match="column 'type' holds List"):
        events(ROWS.with_columns(type=pl.lit([1, 2])))
    with pytest.raises(InvalidInput, match="column 'type' holds Binary, not names"):
        events(ROWS.with_columns(type=pl.lit(b"\xff")))
    with pytest.raises(InvalidInput, match="the table has no columns; give one with events"):
        events(pl.DataFrame())
    with pytest.raises(InvalidInput, match="the table has no rows; give one with events"):
        events(ROWS.clear())


@pytest.mark.parametrize("name", ["visits", "event_recency", "count_open", "channel_web"])
def test_a_customer_column_named_like_a_feature_is_refused(name):
    with pytest.raises(InvalidInput, match="is also the name of a column of the result"):
        events(ROWS.rename({"customer_id": name}), customer=name)


@pytest.mark.parametrize("name", ["*", "^a$", "gpuseg_base", "reason", "code", "key", "events_on_site", "type_"])
def test_odd_names_change_nothing(name, to_library):
    roles = {"customer": "customer_id", "time": "time", "type": "type", "channel": "channel"}
    for role, column in roles.items():
        table = to_library(ROWS.rename({column: name}))
        found = plain(events(table, **roles | {role: name}, as_of="2026-01-10"))
        assert list(found.values()) == list(EXPECTED.values())
        assert next(iter(found)) == (name if role == "customer" else "customer_id")


def test_types_that_are_numbers_or_categories():
    rows = ROWS.with_columns(type=pl.Series([7, 7, 8, 9, 7, 7, 7]), channel=pl.col("channel").cast(pl.Categorical))
    found = events(rows, kinds={"conversions": "9"})
    assert found["count_7"].to_list() == [2, 3]
    assert found["conversions"].to_list() == [1, 0]
    assert found["channel_web"].to_list() == [2, 0]


def test_whole_numbers_that_pandas_made_floats_have_no_point():
    rows = ROWS.with_columns(type=pl.Series([7.0, 7.0, 8.0, 9.5, float("nan"), None, 1e15]))
    found, report = event_features(rows, kinds={"conversions": "8"})
    assert report.types == {"1000000000000000": 1, "7": 2, "8": 1, "9_5": 1}
    assert report.dropped["no type"] == 2
    assert found["conversions"].to_list() == [1, 0]


@pytest.mark.parametrize("channel", [None, "", " nan "])
def test_a_channel_that_no_row_names(channel):
    found, report = event_features(ROWS.with_columns(channel=pl.lit(channel)), as_of="2026-01-10")
    assert plain(found) == {name: values for name, values in EXPECTED.items() if not name.startswith("channel_")}
    assert (report.channels, report.without_channel) == ({}, 7)


def test_times_with_a_zone_are_as_their_wall_times():
    zoned = ROWS.with_columns(pl.col("time").dt.replace_time_zone("Europe/Berlin"))
    assert events(zoned).equals(events(ROWS))


def test_no_name_of_a_column_is_of_two_roles():
    names = [name for fitting in EVENT_NAMES.values() for name in fitting]
    assert len(names) == len(set(names))


def test_every_argument_means_what_its_name_says():
    odd = {"customer_id": "a", "time": "b", "type": "c", "channel": "d"}
    text = pl.col("b").dt.strftime("%H:%M, %d/%m/%Y")
    found, report = event_features(
        ROWS.rename(odd).with_columns(text),
        customer="a",
        time="b",
        type="c",
        channel="d",
        time_format="%H:%M, %d/%m/%Y",
        as_of="2026-01-10",
    )
    assert report.roles == {"customer": "a", "time": "b", "type": "c", "channel": "d"}
    assert list(columns(found).values()) == list(EXPECTED.values())


def test_the_body_is_the_same_for_a_table_like_cudf():
    # cuDF goes through the same part of Narwhals as pandas, which stands in for it here with nullable columns.
    eager = nw.from_native(ROWS.to_pandas(use_pyarrow_extension_array=True))
    roles = EventRoles("customer_id", "time", "type", "channel")
    rows = event_rows(eager, event_types(Source.of(eager), roles, None))
    moment = dt.datetime(2026, 1, 10)
    census = census_of(groups_of(rows, moment), roles, moment, {})
    table = features_of(kept_of(rows, census), wanted(census, gap_of("30m"), left_out_of(census)))
    found = table.to_polars().with_columns(pl.selectors.float().fill_nan(None))
    assert list(found.to_dict(as_series=False).values()) == list(EXPECTED.values())
    text = nw.from_native(ROWS.with_columns(pl.col("time").cast(pl.String)).to_pandas(use_pyarrow_extension_array=True))
    with pytest.raises(UnsupportedOnBackend, match="column 'time' of a table on a GPU holds String"):
        event_rows(text, event_types(Source.of(text), roles, None))


TYPES = ("visit", "page_view", "click", "search", "open", "email_sent", "purchase", "bounce")
moments = st.integers(0, 200).map(lambda minutes: dt.timedelta(minutes=minutes))
moments |= st.integers(0, 10**10).map(lambda micro: dt.timedelta(microseconds=micro))
happened = st.lists(st.tuples(st.sampled_from("aBc"), moments, st.sampled_from(TYPES)), min_size=1, max_size=40)


def sessions_by_hand(own, gap):
    """Return the sessions of a customer's events, each a list of types, in plain Python."""
    runs, before = [], None
    for time, kind in sorted(own):
        if kind in ("open", "email_sent", "bounce"):
            continue
        if before is None or time - before > gap:
            runs.append([])
        runs[-1].append(kind)
        before = time
    return runs


@settings(derandomize=True, deadline=None, max_examples=60)
@given(happened, st.randoms(use_true_random=False), st.sampled_from(sorted(LIBRARIES)), st.sampled_from([1, 30, 90.5]))
def test_laws(rows, random, library, minutes):
    rows = [(customer, START + moment, kind) for customer, moment, kind in rows]
    names = ["customer", "time", "type"]
    with gpuseg.config(notices="off"):
        found = events(pl.DataFrame(rows, schema=names, orient="row"), session_gap=minutes)
        shuffled = pl.DataFrame(random.sample(rows, len(rows)), schema=names, orient="row")
        assert plain(events(LIBRARIES[library](shuffled), session_gap=minutes)) == plain(found)
    assert found["customer"].to_list() == sorted({row[0] for row in rows})
    for row in found.rows(named=True):
        own = [(time, kind) for customer, time, kind in rows if customer == row["customer"]]
        kinds = [kind for _, kind in own]
        runs = sessions_by_hand(own, dt.timedelta(minutes=minutes))
        converted = sum("purchase" in run for run in runs)
        assert row["events"] == len(own)
        assert row.get("visits", 0) == kinds.count("visit") + kinds.count("page_view")
        assert row.get("sent", 0) == kinds.count("email_sent")
        assert all(row.get(f"count_{kind}", 0) == kinds.count(kind) for kind in TYPES)
        assert row.get("sessions", 0) == len(runs)
        assert row.get("events_per_session") == (sum(map(len, runs)) / len(runs) if runs else None)
        if "conversion_rate" in row:
            assert row["conversion_rate"] == (converted / len(runs) if runs else None)


def test_customers_in_several_passes(monkeypatch):
    days = pl.Series([START + dt.timedelta(microseconds=7**i) for i in range(16)])
    rows = pl.DataFrame({"customer": list(range(8)) * 2, "time": days, "type": ["visit", "order"] * 8})
    at_once = events(rows)
    monkeypatch.setattr("gpuseg.features._sessions.FITS", 2**45)  # of two customers at most
    assert events(rows).equals(at_once)
    assert at_once["sessions"].sum() > 8


def test_years_in_microseconds_and_a_gap_longer_than_all():
    times = [dt.datetime(1000, 1, 1, microsecond=1), dt.datetime(9999, 1, 1)]
    rows = pl.DataFrame({"customer": [1, 1, 2, 2], "time": times * 2, "type": ["visit"] * 4})
    assert events(rows)["sessions"].to_list() == [2, 2]
    assert events(rows, session_gap=dt.timedelta.max)["sessions"].to_list() == [1, 1]
