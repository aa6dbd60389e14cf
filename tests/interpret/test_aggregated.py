"""Trees and orders as plain values: the same figures as the model's, of several customers each."""

import json

import numpy as np
import pytest

from gpuseg.cluster import DIANA, OPTICS, Agglomerative, KMeans
from gpuseg.interpret.reachability import reachability_bars
from gpuseg.interpret.upper_tree import upper_tree


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(3)
    return rng.normal(size=(300, 2)) + (np.arange(300) % 3)[:, None] * 15


@pytest.mark.parametrize("make", [Agglomerative, DIANA])
def test_the_upper_merges_are_those_of_the_tree(make, x):
    model = make(3).fit(x)
    found = upper_tree(model, last=12, least=1)
    assert json.loads(json.dumps(found)) == found
    assert [merge[2] for merge in found["merges"]] == model.linkage_[-11:, 2].tolist()
    assert sum(found["customers"][:12]) == found["customers"][-1] == 300
    for at, (one, other, _) in enumerate(found["merges"]):
        assert found["customers"][12 + at] == found["customers"][one] + found["customers"][other]
    sizes = [
        sum(n for n, of in zip(found["customers"][:12], found["segment"], strict=False) if of == s) for s in range(3)
    ]
    assert sizes == np.bincount(model.labels_).tolist()
    assert found["segment"][-1] == -1


def test_branches_of_few_customers_are_not_counted(x):
    model = Agglomerative(3).fit(x)
    whole, told = upper_tree(model, least=1), upper_tree(model, least=10)
    assert told["customers"] == [n if n >= 10 else None for n in whole["customers"]]
    assert None in told["customers"]


def test_a_bar_stands_for_so_many_points_at_least(x):
    model = OPTICS(20).fit(x)
    found, each = reachability_bars(model), reachability_bars(model, least=1)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert np.diff(found["starts"]).min() >= 10
    assert each["starts"] == list(range(301))
    low = np.minimum(model.reachability_[model.ordering_], found["top"])
    np.testing.assert_array_equal(each["height"], low)
    spans = list(zip(found["starts"][:-1], found["starts"][1:], strict=True))
    assert found["height"] == [low[start:end].max() for start, end in spans]
    assert found["median"] == [np.median(low[start:end]) for start, end in spans]


def test_other_models_have_neither(x):
    model = KMeans(2, n_init=1).fit(x)
    assert upper_tree(model) is None
    assert reachability_bars(model) is None
