"""A name for each segment: of the features that made it, no two alike, whatever the order of anything."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.datasets import make_shop
from gpuseg.datasets._archetypes import ARCHETYPES, TRAITS
from gpuseg.engines.parts import LocalParts
from gpuseg.errors import InvalidInput
from gpuseg.interpret.details import details_of
from gpuseg.interpret.naming import LONGEST, named
from gpuseg.interpret.profile import Field, Rows, counted
from gpuseg.interpret.vocabulary import label, plain, vocabulary
from tests.datasets.conftest import traits

DECOYS = ("age", "region", "favourite_colour", "shoe_size")


def plain_details(raw, fields, segments):
    return details_of(counted(LocalParts.of([Rows(raw, segments, None)]), fields), raw, segments)


def numbers(centres, names, n=60, seed=0):
    """Return the details of segments around these centres, (segments, features)."""
    rng = np.random.default_rng(seed)
    segments = np.repeat(np.arange(len(centres)), n)
    raw = np.asarray(centres, dtype=float)[segments] + rng.normal(size=(len(segments), len(names)))
    return plain_details(raw, [Field(name, "number", []) for name in names], segments)


def names(details, chosen=None):
    return [one.name for one in named(details, chosen)]


def test_words_of_well_known_features():
    found = numbers([[0, 9, 9], [9, 0, 0], [4, 5, 5]], ["recency", "frequency", "monetary"])
    assert names(found) == [
        "Frequent big spenders, recently active",
        "Lapsed occasional small spenders",
        "Average customers",
    ]


def test_names_stay_where_numbers_rows_and_columns_are_in_another_order():
    rng = np.random.default_rng(0)
    fields = [Field(name, "number", []) for name in ("recency", "visits", "income", "shoe size")]
    segments = rng.integers(0, 5, 500)
    raw = rng.normal(size=(5, 4))[segments] * 3 + rng.normal(size=(500, 4))
    before = dict(enumerate(names(plain_details(raw, fields, segments))))
    rows, columns, numbers_ = rng.permutation(500), rng.permutation(4), rng.permutation(5)
    other = plain_details(raw[rows][:, columns], [fields[at] for at in columns], numbers_[segments[rows]])
    after = dict(enumerate(names(other)))
    assert {segment: after[numbers_[segment]] for segment in before} == before
    assert len(set(before.values())) == 5


def test_a_feature_of_a_small_effect_is_in_no_name():
    details = numbers([[0, 0.2], [9, 0], [0, 0.2], [9, 0]], ["monetary", "age"], n=400)
    assert all("age" not in one.features for one in named(details))


def test_names_that_would_be_alike_tell_what_is_different():
    found = names(numbers([[9, 0], [6, 0], [0, 0], [0, 0]], ["income", "pets"]))
    assert found[:2] == ["High-income customers, higher income", "High-income customers, lower income"]
    assert sorted(found[2:]) == ["Low-income customers 1", "Low-income customers 2"]
    three = names(numbers([[9], [7], [5], *[[-at] for at in range(0, 12, 2)]], ["iq"]))
    assert three[:3] == ["High iq, highest iq", "High iq, middling iq", "High iq, lowest iq"]


def test_the_next_feature_is_added_where_names_would_be_alike():
    centres = [[9, 9, 9, 9], [9, 9, 9, 0], [0, 0, 0, 4], [0, 0, 0, 4]]
    found = named(numbers(centres, ["aa", "bb", "cc", "dd"]))
    assert len({one.name for one in found}) == 4
    assert "dd" in found[0].name
    assert len(found[0].features) <= 4


def test_categories_yes_and_dates_in_words():
    rng = np.random.default_rng(0)
    segments = np.repeat([0, 1], 200)
    raw = np.column_stack(
        [
            np.where(rng.random(400) < 0.9, segments, 1 - segments),
            rng.random(400) < np.where(segments == 0, 0.95, 0.05),
            rng.integers(0, 50, 400) + 300 * segments,
        ]
    )
    fields = [Field("plan", "category", ["A", "B"]), Field("is_member", "boolean", []), Field("opened", "date", [])]
    assert names(plain_details(raw, fields, segments)) == [
        "Mostly member, mostly plan A, early opened",
        "Rarely member, mostly plan B, late opened",
    ]


def test_noise_one_segment_few_customers_and_noise_alone():
    field, rng = [Field("spend", "number", [])], np.random.default_rng(0)
    raw = np.concatenate([rng.normal(0, 1, 40), rng.normal(9, 1, 40), [99.0, 98.0, 50.0, 70.0]])[:, None]
    few = np.repeat([0, 1, 2], [40, 40, 4])
    assert names(plain_details(raw, field, few))[2] == "A few customers"
    noise = np.repeat([0, 1, -1], [40, 40, 4])
    assert names(plain_details(raw, field, noise)) == ["Small spenders", "Big spenders", "Atypical customers"]
    assert names(plain_details(raw, field, np.zeros(84, dtype=int))) == ["All customers"]
    assert names(plain_details(raw, field, np.full(84, -1))) == ["Atypical customers"]


@pytest.mark.parametrize(
    "column",
    ["a very long name of a column that nobody would read to its end", "(1)", "x" * 90, "\n\t", "größe", "<b>", "年齢"],
)
def test_odd_names_of_columns_make_sane_names(column):
    for name in names(numbers([[9, 9], [0, 0], [9, 0]], [column, column[:30] + "2"])):
        assert 0 < len(name) <= LONGEST
        assert name.isprintable()
    assert label("größe") == "größe"


def test_every_word_is_known_once_and_as_it_is_looked_up():
    known = [name for role in vocabulary().roles.values() for name in role.names]
    assert len(known) == len(set(known))
    assert all(plain(name) == name for name in known)
    forms = {words.form for role in vocabulary().roles.values() for words in (role.high, role.low)}
    assert forms == {"adjective", "noun", "tail"}


def test_a_chosen_name_goes_before_and_keeps_the_others_apart():
    details = numbers([[0], [9]], ["monetary"])
    assert names(details, {0: "Big Spenders"}) == ["Big Spenders", "Big spenders 2"]


def customers():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [60, 50, 40])
    spend = np.array([0.0, 40.0, 90.0])[group] + rng.normal(size=150)
    return pl.DataFrame({"id": np.arange(150), "spend": spend, "age": rng.normal(size=150)})


@pytest.fixture
def segmenter():
    return gpuseg.Segmenter("id", n_clusters=3, columns=["spend"]).fit(customers())


def test_rename_holds_in_the_file_and_through_splits(segmenter, tmp_path):
    own = segmenter.names_
    assert segmenter.rename({0: " Regulars ", 2: "VIPs"}).names_ == {**own, 0: "Regulars", 2: "VIPs"}
    again = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    assert again.names_ == segmenter.names_
    again.split(0, customers(), n_clusters=2)
    assert again.names_[2] == "VIPs"
    assert set(again.names_) == {1, 2, 3, 4}
    twice = gpuseg.load(again.rename({3: "Bargain hunters"}).save(tmp_path / "n.gpuseg"))
    twice.unsplit(0, customers())
    assert twice.names_ == segmenter.names_
    assert twice.split(0, customers(), n_clusters=2).names_[3] != "Bargain hunters"
    assert segmenter.rename({0: None}).names_ == {**own, 2: "VIPs"}
    assert segmenter.fit(customers()).names_ == own


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({7: "A"}, "segment 7, which is no segment; those that are: 0, 1, 2"),
        ({0: " "}, "the name ' ' of segment 0 is no text"),
        ({0: 5}, "the name 5 of segment 0 is no text"),
        ({0: "x" * 49}, "has 49 characters; give one of at most 48"),
        ({0: "A", 1: "a"}, "the name 'A' is taken by segment 1; give another, or rename that one too"),
        ({}, "names={} is not allowed"),
    ],
)
def test_rename_refuses_in_a_sentence(segmenter, given, words):
    before = segmenter.names_
    with pytest.raises(InvalidInput) as error:
        segmenter.rename(given)
    assert words in str(error.value)
    assert segmenter.names_ == before


def test_rename_refuses_the_own_name_of_another(segmenter):
    own = segmenter.names_
    with pytest.raises(InvalidInput, match="is taken by segment 1"):
        segmenter.rename({0: own[1].upper()})
    assert segmenter.rename({0: own[1], 1: own[0]}).names_[0] == own[1]


def test_names_are_shown(segmenter):
    assert "Regulars &amp; co" in segmenter.rename({1: "Regulars & co"})._repr_html_()


@pytest.mark.parametrize("seed", range(3))
def test_names_of_a_shop_use_what_made_its_segments_and_no_decoy(seed):
    """On the ten seeds from 0 all 60 names do."""
    shop = make_shop(1_500, random_state=seed, lines_per_order=1)
    table = traits(shop)
    given = table.select("customer_id", *TRAITS).join(shop.customers.select("customer_id", *DECOYS), on="customer_id")
    segmenter = gpuseg.Segmenter("customer_id", n_clusters=6, random_state=seed).fit(given)
    both = segmenter.segments_.select("customer_id", found="segment").join(table, on="customer_id")
    assert len(segmenter.names_) == 6
    for kind, group in enumerate(ARCHETYPES):
        segment = both.filter(pl.col("segment") == kind)["found"].mode()[0]
        used = set(segmenter.card_["insight"]["names"][segment]["features"])
        assert used & {trait for trait in TRAITS if getattr(group, trait)}
        assert used.isdisjoint(DECOYS)
