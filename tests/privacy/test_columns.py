"""Every kind of data about persons is found in a column, and ordinary columns are taken for none."""

import numpy as np
import polars as pl
import pytest

from gpuseg.privacy import both, personal_kind, shown_value, traces_in
from gpuseg.privacy.columns import MOST
from tests.privacy import people

MADE = [(kind, make) for kind, ways in people.KINDS.items() for make in ways]
ROWS = 300
RNG = np.random.default_rng(5)


def kind_of(values, name="x1"):
    return personal_kind(traces_in(pl.Series(values)), name)


@pytest.mark.parametrize(("kind", "make"), MADE)
def test_each_kind_is_found_whatever_the_column_is_called(kind, make):
    assert kind_of(people.many(make, ROWS)) == kind


@pytest.mark.parametrize(("kind", "make"), MADE)
def test_each_kind_is_found_among_as_many_other_values(kind, make):
    assert kind_of([*people.many(make, ROWS // 2), *["unknown"] * (ROWS // 2)]) == kind


@pytest.mark.parametrize("country", list(people.NATIONAL_WAYS))
def test_national_ids_are_told_by_their_check_digits(country):
    ids = people.many(people.national(country), ROWS)
    assert kind_of(ids) == f"national ids ({country})"


@pytest.mark.parametrize("country", ["German tax id", "Polish PESEL", "Dutch BSN"])
def test_few_numbers_that_pass_a_weak_check_are_no_ids_but_under_their_name(country):
    ids = people.many(people.national(country), 4)
    assert kind_of(ids) is None
    assert kind_of(ids, "tax id") == f"national ids ({country})"


def test_cards_are_found_in_groups_and_as_whole_numbers():
    cards = people.many(people.card, ROWS)
    grouped = [" ".join(card[at : at + 4] for at in range(0, 16, 4)) for card in cards]
    assert kind_of(grouped) == "payment card numbers"
    assert kind_of([int(card) for card in cards]) == "payment card numbers"


def test_a_name_of_a_column_is_a_hint_and_no_reason():
    numbers = [int(number) for number in people.many(people.mobile, ROWS)]
    assert kind_of(numbers) is None
    assert kind_of(numbers, "mobile_number") == "phone numbers"
    assert kind_of(numbers, "mobile_revenue") is None
    assert kind_of([1, 2, 3, 40], "phone") is None
    assert kind_of(["yes", "no"], "credit_card") is None


def test_surnames_are_told_by_the_name_of_the_column():
    surnames = [f"{a}{b.lower()}" for a in people.FAMILY.split() for b in people.FAMILY.split()]
    assert kind_of(surnames) is None
    assert kind_of(surnames, "last_name") == "names of persons"
    assert kind_of(surnames, "brand_name") is None


def test_few_persons_in_many_rows_are_still_persons():
    assert kind_of(people.many(people.name, 4) * 100, "sales rep") == "names of persons"


def repeated(*levels):
    return [str(level) for level in RNG.choice(levels, ROWS)]


ORDINARY = {
    "spend in cents": RNG.integers(0, 10**9, ROWS),
    "sixteen digits": RNG.integers(4 * 10**15, 5 * 10**15, ROWS),
    "eleven digits": RNG.integers(10**10, 10**11, ROWS),
    "nine digits": RNG.integers(10**8, 10**9, ROWS),
    "days": [f"2024{month:02}{day:02}" for month in range(1, 13) for day in range(1, 26)],
    "days as numbers": [20240000 + 100 * month + day for month in range(1, 13) for day in range(1, 26)],
    "days with dashes": [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 26)],
    "days in German": [f"{day:02}.{month:02}.2024" for month in range(1, 13) for day in range(1, 26)],
    "times": [f"2024-01-{day:02} {hour:02}:15:00" for day in range(1, 26) for hour in range(12)],
    "seconds": RNG.integers(1_600_000_000, 1_700_000_000, ROWS),
    "milliseconds": RNG.integers(1_600_000_000_000, 1_700_000_000_000, ROWS),
    "minutes": [int(f"2024{m:02}{d:02}{h:02}15") for m in range(1, 13) for d in range(1, 6) for h in range(5)],
    "product ids": [f"SKU-{number:08}" for number in RNG.integers(0, 10**8, ROWS)],
    "codes with zeros": [f"{number:010}" for number in RNG.integers(0, 10**9, ROWS)],
    "codes with dashes": [f"{a:03}-{b:03}-{c:04}" for a, b, c in RNG.integers(0, 200, (ROWS, 3))],
    "bar codes": [f"40{number:011}" for number in RNG.integers(0, 10**11, ROWS)],
    "postal codes": [f"{number:05}" for number in RNG.integers(0, 10**5, ROWS)],
    "long postal codes": [f"{a:05}-{b:04}" for a, b in RNG.integers(0, 9999, (ROWS, 2))],
    "British postal codes": [f"SW{a} {b}AB" for a, b in RNG.integers(1, 9, (ROWS, 2))],
    "addresses of machines": [".".join(map(str, four)) for four in RNG.integers(1, 255, (ROWS, 4))],
    "ranges": repeated("0-1000", "1000-5000", "5000-20000", "20000-100000"),
    "amounts": [f"{number:,.2f}" for number in RNG.uniform(0, 10**7, ROWS)],
    "amounts with blanks": [f"{number:,}".replace(",", " ") for number in RNG.integers(10**6, 10**9, ROWS)],
    "hashes": [f"{number:032x}" for number in RNG.integers(0, 2**62, ROWS)],
    "addresses of pages": [f"https://example.org/{number}" for number in range(ROWS)],
    "countries": repeated("United Kingdom", "New Zealand", "South Africa", "Costa Rica", "Germany"),
    "towns": repeated("San Jose", "New York", "Santa Maria", "Bad Homburg", "Los Angeles", "Sankt Peter Ording"),
    "jobs": repeated("Data Scientist", "Sales Manager", "Chief Executive Officer", "Nurse"),
    "plans": repeated("basic", "gold", "trial"),
    "products": repeated("WHITE HANGING HEART T-LIGHT HOLDER", "RED WOOLLY HOTTIE WHITE HEART", "JAM MAKING SET"),
    "answers": repeated("I agree with all that was said here", "I do not agree with any of it at all"),
    "hotlines": repeated("+49 800 1234567", "+44 800 7654321"),
    "intervals": [f"({a:.3f}, {a + 5:.3f}]" for a in RNG.uniform(0, 100, ROWS)],
}


@pytest.mark.parametrize("what", list(ORDINARY))
def test_ordinary_columns_are_about_no_person(what):
    assert kind_of(list(ORDINARY[what]), what) is None


def test_a_sample_hangs_neither_on_the_order_of_rows_nor_on_parts():
    values = pl.Series([*people.many(people.email, 2000), *map(str, range(3000)), "gold", "gold"])
    whole = traces_in(values)
    assert len(whole) == MOST
    assert traces_in(values.reverse()) == whole
    parts = [traces_in(values[at : at + 700]) for at in range(0, len(values), 700)]
    forward, backward = (), ()
    for part in parts:
        forward, backward = both(forward, part), both(part, backward)
    assert forward == backward == whole


def test_nothing_shows_a_value_about_a_person():
    assert [shown_value(value) for value in ("gold", 3.5, "12.x")] == ["'gold'", "3.5", "'12.x'"]
    for make in (people.email, people.card, people.account, people.phone, people.name, people.sentence):
        value = people.many(make, 1)[0]
        assert value not in shown_value(value)


def test_long_odd_text_is_read_in_time():
    assert kind_of(["a" * 5000, "a.'" * 2000, "1-" * 3000, "@" * 3000, " 0" * 2000]) is None
