"""Scores by quintile and rule segments."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.features import RULE_SEGMENTS, rfm, rfm_scores
from tests.features.conftest import columns

pytestmark = pytest.mark.usefixtures("quiet")
TEN = pl.DataFrame({"id": range(10), "recency": range(10), "frequency": range(10, 20), "monetary": [1.0] * 10})


def test_every_pair_of_scores_is_in_one_segment():
    pairs = [pair for segment in RULE_SEGMENTS.values() for pair in segment]
    assert sorted(pairs) == sorted(product(range(1, 6), repeat=2))
    assert next(iter(RULE_SEGMENTS)) == "Champions"
    assert len(RULE_SEGMENTS) == 11


def test_ten_customers(to_library):
    scored, found = rfm_scores(to_library(TEN))
    got = columns(scored)
    assert got["r_score"] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert got["f_score"] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert got["m_score"] == [1] * 10
    assert got["rfm_score"][0] == "511"
    assert got["rule_segment"][0] == "New Customers"
    assert got["rule_segment"][9] == "Can't Lose Them"
    assert found.empty == {"r_score": [], "f_score": [], "m_score": [2, 3, 4, 5]}
    assert found.edges["monetary"] == [1.0] * 4


def test_empty_scores_are_said(capsys):
    with gpuseg.config(notices="stdout"):
        rfm_scores(TEN)
    assert "no customer has m_score 2, 3, 4, 5: values are equal" in capsys.readouterr().out


def test_other_names():
    renamed = TEN.rename({"recency": "R", "frequency": "F", "monetary": "M"})
    assert rfm_scores(renamed, recency="R", frequency="F", monetary="M")[0]["r_score"][0] == 5


@pytest.mark.parametrize("name", ["*", "^.*$", "^recency$", "gpuseg_base"])
def test_odd_names(name, to_library):
    expected = columns(rfm_scores(TEN)[0].rename({"monetary": name}))
    scored, found = rfm_scores(to_library(TEN.rename({"monetary": name})), monetary=name)
    assert columns(scored) == expected
    assert found.edges[name] == [1.0] * 4


def test_one_column_for_two_roles_is_refused():
    with pytest.raises(InvalidInput, match="column 'recency' is named as recency and as frequency; name one"):
        rfm_scores(TEN, frequency="recency")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (TEN.rename({"recency": "recencies"}), "recency='recency' is not a column .* did you mean 'recencies'"),
        (TEN.cast({"monetary": pl.String}), "column 'monetary' holds String, not numbers"),
        (
            TEN.with_columns(monetary=pl.Series([None, float("nan")] + [1.0] * 8)),
            "'monetary' has 2 missing or infinite",
        ),
        (TEN.clear(), "the table has no rows"),
        (
            TEN.with_columns(r_score=1),
            "the table has 'r_score' already, and scoring makes 'r_score', .* drop or rename",
        ),
        (rfm_scores(TEN)[0], "the table has 'r_score', 'f_score', 'm_score', 'rfm_score', 'rule_segment' already"),
    ],
)
def test_bad_tables(table, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        rfm_scores(table)


def test_online_retail(retail):
    scored, found = rfm_scores(rfm(retail, as_of="2011-12-10"))
    assert found.edges["frequency"] == [1.0, 2.0, 3.0, 6.0]  # a third of the customers bought once
    assert found.empty["f_score"] == []
    assert scored.filter(pl.col("frequency") == 1)["f_score"].unique().to_list() == [1]
    assert scored["rule_segment"].null_count() == 0


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_laws(rows):
    table = pl.DataFrame(rows, schema=["recency", "frequency", "monetary"], orient="row")
    with gpuseg.config(notices="off"):
        scored, found = rfm_scores(table)
    for name, score, sign in (("recency", "r_score", -1), ("frequency", "f_score", 1), ("monetary", "m_score", 1)):
        pairs = sorted(zip((sign * v for v in scored[name]), scored[score], strict=True))
        scores = [pair[1] for pair in pairs]
        assert scores == sorted(scores)  # a better value never scores lower
        assert len({value for value, _ in pairs}) == len(set(pairs))  # equal values score alike
        assert set(found.empty[score]) == set(range(1, 6)) - set(scores)
    assert set(scored["rule_segment"]) <= set(RULE_SEGMENTS)
