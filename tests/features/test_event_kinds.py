"""What types of events mean, and under which names they are counted."""

import polars as pl
import pytest

from gpuseg.features import events
from gpuseg.features._event_kinds import KINDS, MOST, clean_name, names_of, types_of

pytestmark = pytest.mark.usefixtures("quiet")


def test_no_word_is_of_two_kinds():
    words = [word for kind in KINDS.values() for word in kind]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("kind", "words"),
    {
        "visits": ["page_view", "pageview", "Visit", "screen view"],
        "clicks": ["click", "Email Link Clicked", "email-click"],
        "opens": ["open", "opened", "email_open", "Email Opened"],
        "sent": ["email_sent", "sent", "Newsletter Sent"],
        "conversions": ["purchase", "Order Completed", "transaction", "checkout_completed"],
        "deliveries": ["delivered", "email_bounced", "Spam Report"],
        None: ["add_to_cart", "search", "unsubscribe", "session_start"],
    }.items(),
)
def test_words(kind, words):
    found = types_of(dict.fromkeys(words, 1), {})
    assert {found.pairs[at][1] for at, group in enumerate(found.groups) if group} == {kind}


def test_spellings_of_one_name_are_counted_together():
    assert names_of({"Page View": 2, "page_view": 3, " PAGE-VIEW ": 4, "": 1, None: 1}).counts == {"page_view": 9}


def test_an_accent_is_one_letter_however_it_is_written():
    assert names_of({"visit\u00e9": 1, "visite\u0301": 2}).counts == {"visit\u00e9": 3}


def test_names_in_other_letters_stay():
    assert clean_name("Käufe 购买") == "käufe_购买"
    assert names_of({"!!!": 2, "a": 1}).counts == {"a": 1, "other": 2}


def test_rare_types_share_a_column_and_keep_their_kind():
    common = [f"t{number:02}" for number in range(MOST) for _ in range(3)]
    types = [*common, "purchase", "rare", "visit", "visit"]
    rows = pl.DataFrame({"customer": 1, "time": ["2026-01-01"] * len(types), "type": types, "channel": types})
    found = events(rows)
    assert found["count_other"].to_list() == [4]
    assert found["channel_other"].to_list() == [4]
    assert found.select("conversions", "visits", "events").rows() == [(1, 2, len(types))]
    assert [name for name in found.columns if name.startswith("count_")] == [
        *(f"count_t{number:02}" for number in range(MOST)),
        "count_other",
    ]


def test_a_type_called_other_takes_the_rest_in():
    types = [f"t{number}" for number in range(MOST + 5)]
    assert names_of(dict.fromkeys([*types, "Other"], 1)).counts["other"] == 6
