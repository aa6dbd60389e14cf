import datetime as dt

import numpy as np
import polars as pl
import pytest

from gpuseg.card import fingerprint, profile_of, profile_state
from gpuseg.errors import InvalidInput
from gpuseg.interpret.profile import Field, profile
from gpuseg.notebook import shown

NAN = float("nan")
FIELDS = [
    Field("spend", "number", []),
    Field("plan", "category", ["a", "b"]),
    Field("member", "boolean", []),
    Field("joined", "date", []),
]
RAW = np.array(
    [
        [1.0, 0, 1, 0.0],
        [3.0, 0, 0, 2.0],
        [NAN, 1, NAN, 4.0],
        [np.inf, NAN, 1, NAN],
        [9.0, 1, 0, 365.5],
        [7.0, 1, 1, 365.5],
    ]
)
SEGMENTS = np.array([0, 0, 0, 0, 1, -1])


@pytest.fixture
def table():
    return profile(RAW, FIELDS, SEGMENTS)


def test_each_kind_has_its_summary_and_gaps_are_left_out(table):
    assert table.to_dict(as_series=False) == {
        "segment": [0, 1, -1],
        "size": [4, 1, 1],
        "share": [4 / 6, 1 / 6, 1 / 6],
        "spend_mean": [2.0, 9.0, 7.0],
        "spend_median": [2.0, 9.0, 7.0],
        "plan_top": ["a", "b", "b"],
        "plan_top_share": [0.5, 1.0, 1.0],
        "member_share": [2 / 3, 0.0, 1.0],
        "joined_mean": [dt.datetime(1970, 1, 3), dt.datetime(1971, 1, 1, 12), dt.datetime(1971, 1, 1, 12)],
        "joined_median": [dt.datetime(1970, 1, 3), dt.datetime(1971, 1, 1, 12), dt.datetime(1971, 1, 1, 12)],
    }


def test_a_segment_without_any_value():
    table = profile(np.full((2, 2), NAN), FIELDS[:2], np.array([0, 1]))
    assert table["spend_mean"].to_list() == table["plan_top"].to_list() == [None, None]


def test_there_and_back_as_plain_values(table):
    assert profile_of(profile_state(table)).equals(table)
    empty = profile(np.full((1, 1), NAN), FIELDS[:1], np.array([0]))
    assert profile_of(profile_state(empty)).equals(empty)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("year_mean", 1967.2, "1967"),
        ("spend_mean", 12345.6, "12,346"),
        ("spend_mean", 0.000123456, "0.0001235"),
        ("size", 1234567, "1,234,567"),
        ("joined_mean", dt.datetime(2026, 1, 2, 3), "2026-01-02"),
        ("plan_top", "a", "a"),
    ],
)
def test_values_as_a_person_reads_them(name, value, text):
    assert shown(name, value) == text


def test_the_fingerprint_tells_data_apart_and_not_their_order():
    order = np.random.default_rng(0).permutation(len(RAW))
    changed = RAW.copy()
    changed[0, 0] += 1e-12
    prints = [fingerprint(raw, FIELDS) for raw in (RAW, RAW[order], changed)]
    assert prints[0] == prints[1] != prints[2]
    assert fingerprint(-np.zeros((1, 1)), FIELDS[:1]) == fingerprint(np.zeros((1, 1)), FIELDS[:1])
    renamed = [FIELDS[0], Field("plan", "category", ["a", "c"]), *FIELDS[2:]]
    assert fingerprint(RAW, renamed) != prints[0]


def test_columns_that_would_share_a_name_are_refused():
    fields = [Field("plan", "category", ["a"]), Field("plan_top", "boolean", [])]
    with pytest.raises(InvalidInput, match="share the profile's column 'plan_top_share'; rename one"):
        profile(np.zeros((1, 2)), fields, np.array([0]))


def test_it_is_polars(table):
    assert isinstance(table, pl.DataFrame)
