"""Shares of value and of contacts: the interval holds what it says, and small gaps are no finding."""

import numpy as np
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.interpret.served import served


def test_shares_and_their_ratio():
    column = np.repeat([0, 1, 2], [50, 30, 20])
    value, contacts = np.array([1.0, 2, 5])[column], np.array([2.0, 2, 1])[column]
    found = served([0, 1, -1], column, value, contacts)
    assert [one.value_share for one in found] == pytest.approx([50 / 210, 60 / 210, 100 / 210])
    assert [one.contacts_share for one in found] == pytest.approx([100 / 180, 60 / 180, 20 / 180])
    assert [one.kind for one in found] == ["over-served", None, None]  # noise is no segment
    assert all(one.low < one.ratio < one.high for one in found)


def test_the_interval_is_that_of_a_bootstrap():
    rng = np.random.default_rng(0)
    column = rng.integers(0, 3, 3000)
    value = rng.lognormal(column / 2, 1.0)
    contacts = rng.poisson(1 + column) * 1.0
    (low, high), size = (served([0, 1, 2], column, value, contacts)[2][-2:]), len(column)
    ratios = []
    for _ in range(2000):
        drawn = rng.integers(size, size=size)
        inside = column[drawn] == 2
        shares = [of[drawn][inside].sum() / of[drawn].sum() for of in (value, contacts)]
        ratios.append(shares[1] / shares[0])
    # 5 % over three segments: five sixths of a percent beyond each end.
    assert [low, high] == pytest.approx(np.percentile(ratios, [100 * 0.05 / 6, 100 - 100 * 0.05 / 6]), rel=0.02)


@pytest.mark.parametrize(("rows", "tail"), [(500, 1.0), (2000, 1.5)])
def test_fair_service_is_rarely_a_finding(rows, tail):
    rng, told = np.random.default_rng(1), 0
    for _ in range(300):
        column = rng.integers(0, 4, rows)
        value = rng.lognormal(column / 3, tail, rows)
        found = served([0, 1, 2, 3], column, value, value * rng.lognormal(0, 1.0, rows))
        told += any(one.kind for one in found)
    assert told <= 0.06 * 300


def test_one_whale_makes_the_interval_wide():
    column = np.repeat([0, 1], 200)
    value = np.ones(400)
    value[0] = 2000  # most of the value of segment 0, for which nobody is contacted more
    (whale, _) = served([0, 1], column, value, np.ones(400))
    assert whale.ratio < 0.6
    assert (whale.kind, whale.high > 1) == (None, True)


def test_a_segment_that_nobody_contacts():
    column = np.repeat([0, 1], 100)
    (none, _) = served([0, 1], column, np.ones(200), np.where(column, 1.0, 0.0))
    assert (none.kind, none.ratio, none.high) == ("under-served", 0, 0)
    (few, _) = served([0, 1], np.repeat([0, 1], [10, 190]), np.ones(200), np.eye(1, 200, 199)[0])
    assert few.kind is None  # one contact in all: chance leaves out ten customers


def test_a_segment_without_value_has_no_ratio():
    column = np.repeat([0, 1], 20)
    (none, other) = served([0, 1], column, np.where(column, 1.0, 0.0), np.ones(40))
    assert (none.ratio, none.kind) == (None, None)
    assert other.ratio == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("value", "contacts", "said"),
    [
        ([0.0, 0], [1.0, 1], "value adds up to 0"),
        ([1.0, 1], [0.0, 0], "contacts adds up to 0"),
        ([1.0, 1], [-1.0, 3], "contacts are below 0 for 1 customers"),
    ],
)
def test_sums_that_have_no_shares(value, contacts, said):
    with pytest.raises(InvalidInput, match=said):
        served([0, 1], np.array([0, 1]), np.array(value), np.array(contacts))
