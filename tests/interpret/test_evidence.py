"""The sample of a fit's customers: all of few, a share of many, whatever the order of the rows and whoever works."""

import pickle

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.interpret import evidence
from gpuseg.interpret.evidence import draws


def table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    centre = rng.integers(0, 3, n) * 20.0
    plan = np.where(rng.random(n) < 0.5, "a", "b")
    return pl.DataFrame(
        {"id": np.arange(n), "spend": centre + rng.normal(size=n), "visits": rng.normal(size=n), "plan": plan}
    )


def test_few_customers_are_all_in_the_sample():
    customers = table()
    fitted = gpuseg.Segmenter("id", n_clusters=3, value_column="spend").fit(customers)
    found = fitted.evidence_
    assert found.customers == len(found.raw) == len(found.matrix) == 400
    assert [field.name for field in found.fields] == ["spend", "visits", "plan"]
    told = pl.DataFrame(
        {"id": found.ids, "segment": found.segments, "distance": found.distance, "spend": found.raw[:, 0]}
    )
    assert told.sort("id").equals(
        fitted.segments_.join(customers, on="id").select("id", "segment", "distance", "spend").sort("id")
    )
    np.testing.assert_array_equal(found.value, found.raw[:, 0])


def test_the_sample_of_many_is_of_about_the_size_and_hangs_on_values_alone(monkeypatch):
    monkeypatch.setattr("gpuseg.explaining.MOST", 100)
    customers = table(4000)
    one = gpuseg.Segmenter("id", n_clusters=3).fit(customers).evidence_
    other = gpuseg.Segmenter("id", n_clusters=3).fit(customers.sample(fraction=1, shuffle=True, seed=1)).evidence_
    assert one.customers == 4000
    assert 60 < len(one.raw) < 140
    assert one.ids.to_list() == other.ids.to_list()
    np.testing.assert_array_equal(one.segments, other.segments)
    share = np.mean(one.segments == 0)
    assert abs(share - 1 / 3) < 0.15


def test_draws_of_equal_rows_are_spread():
    rows = np.ones((5000, 2))
    found = draws(rows)
    assert len(np.unique(found)) == 5000
    assert abs(np.mean(found < 0.2) - 0.2) < 0.02
    assert evidence.picked(np.empty((0, 2)), 1.0).tolist() == []


def test_persons_are_in_no_pickle_and_a_copy_says_so(tmp_path):
    fitted = gpuseg.Segmenter("id", n_clusters=3).fit(table())
    copied = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own
    assert not hasattr(copied, "evidence_")
    with pytest.raises(InvalidInput, match="has no customers to look at; fit one"):
        copied._evidence()
    loaded = gpuseg.load(fitted.save(tmp_path / "m.gpuseg"))
    assert loaded.insight() == fitted.insight()


def test_a_split_tells_of_the_parts():
    fitted = gpuseg.Segmenter("id", n_clusters=2).fit(table())
    fitted.split(0, n_clusters=2)
    assert set(np.unique(fitted.evidence_.segments)) == {1, 2, 3}
