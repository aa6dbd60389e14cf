import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, homogeneity_completeness_v_measure

from gpuseg.errors import InvalidInput
from gpuseg.metrics import adjusted_mutual_information, adjusted_rand, matched_crosstab, v_measure

AGREEMENTS = [adjusted_rand, adjusted_mutual_information, v_measure]
PAIRS = st.lists(st.tuples(st.integers(-1, 4), st.sampled_from("abc")), min_size=1, max_size=40)


def split(pairs):
    return (np.array(labels) for labels in zip(*pairs, strict=True))


@pytest.fixture
def pair():
    rng = np.random.default_rng(5)
    one = rng.integers(-1, 6, size=2000)
    return one, np.where(rng.random(2000) < 0.4, one, rng.integers(-1, 9, size=2000))


@given(PAIRS)
def test_equals_sklearn(pairs):
    one, other = split(pairs)
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)
    assert adjusted_mutual_information(one, other) == pytest.approx(adjusted_mutual_info_score(one, other), abs=1e-9)
    found = v_measure(one, other)
    theirs = homogeneity_completeness_v_measure(one, other)
    assert [found.homogeneity, found.completeness, found.v_measure] == pytest.approx(theirs, abs=1e-12)


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_a_row_of_weight_two_is_the_row_twice(rows):
    one, other, weight = split(rows)
    if not weight.sum():
        return
    for agreement in AGREEMENTS:
        weighted = agreement(one, other, sample_weight=weight)
        assert weighted == pytest.approx(agreement(np.repeat(one, weight), np.repeat(other, weight)), abs=1e-12)


def test_millions_of_rows_do_not_overflow():
    labels = np.arange(3_000_000) % 7
    assert adjusted_rand(labels, labels[::-1]) == pytest.approx(adjusted_rand_score(labels, labels[::-1]))


def test_counts_by_chance_are_those_of_all_counts():
    rng = np.random.default_rng(0)
    one, other = rng.integers(3, size=50_000), rng.integers(40, size=50_000)
    theirs = adjusted_mutual_info_score(one, other)
    assert adjusted_mutual_information(one, other) == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_noise_is_a_label_unless_it_is_dropped(agreement, pair):
    one, other = pair
    assert agreement(one, other) == agreement(np.where(one < 0, 99, one), other)
    kept = (one >= 0) & (other >= 0)
    assert agreement(one, other, noise="drop") == agreement(one[kept], other[kept])


@pytest.mark.parametrize("agreement", [*AGREEMENTS, matched_crosstab])
def test_dask_gives_the_same_bits_in_any_chunks(agreement, pair):
    weight = np.arange(2000) % 3
    here = agreement(*pair, sample_weight=weight)
    for chunks in (137, 2000, (1500, 500)):
        there = [da.from_array(labels, chunks=chunks) for labels in pair]
        assert agreement(*there, sample_weight=da.from_array(weight, chunks=chunks)) == here


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_labels_on_a_device(agreement, pair, backend):
    assert agreement(backend.to_device(pair[0]), pair[1]) == agreement(*pair)


def test_the_crosstab_matches_labels_so_that_most_rows_agree(pair):
    one = np.repeat([0, 1, 2, -1], [50, 30, 20, 10])
    other = np.concatenate([np.repeat(["x", "y"], [20, 30]), np.repeat("x", 30), np.repeat("z", 30)])
    found = matched_crosstab(one, other)
    assert found.first == [0, 1, 2, -1]
    assert found.matched == [(0, "y"), (1, "x"), (2, "z")]
    assert found.agreement == 80 / 110
    assert found.table.rows() == [("0", 30, 20, 0), ("1", 0, 30, 0), ("2", 0, 0, 20), ("-1", 0, 0, 10)]
    assert "72.7% in matched pairs" in found._repr_html_()
    whole = matched_crosstab(*pair)
    assert np.sum(whole.counts) == 2000
    assert matched_crosstab(pair[0], (pair[0] + 3) % 7).agreement == 1.0


def test_more_columns_than_a_notebook_has_room_for_are_said():
    found = matched_crosstab(np.zeros(40), np.arange(40))
    assert "28 more columns" in found._repr_html_()
    with pytest.raises(InvalidInput, match=r"2,001 labels, and a crosstab takes 2,000; pass segments, not ids"):
        matched_crosstab(np.zeros(2001), np.arange(2001))


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros((4, 1)), np.zeros(0)])
def test_labels_of_other_rows_are_refused(other):
    with pytest.raises(InvalidInput, match="pass one label a row"):
        adjusted_rand(np.zeros(4), other)


@pytest.mark.parametrize(
    ("first", "given", "message"),
    [
        (np.array(["a", None, "b"], dtype=object), {}, "labels hold missing values, or numbers and words"),
        (np.array([0, np.nan, 1]), {}, "labels hold NaN; give every row a label"),
        (np.array([-1, -1, -1]), {"noise": "drop"}, "no row is left to compare"),
        (np.arange(3), {"noise": "keep"}, "noise='keep' is not known; allowed are 'label', 'drop'"),
        (np.arange(3), {"sample_weight": [0.5, 1, 1]}, "sample_weight holds fractions"),
        (np.arange(3), {"sample_weight": [1, 1]}, r"sample_weight has shape \(2,\)"),
        (np.arange(3), {"sample_weight": [1, -1, 1]}, "give weights of 0 or more"),
        (da.arange(3, chunks=2), {}, "labels are on Dask; pass two Dask arrays of numbers"),
    ],
)
def test_what_cannot_be_compared_is_said(first, given, message):
    with pytest.raises(InvalidInput, match=message):
        adjusted_rand(first, np.arange(3), **given)
