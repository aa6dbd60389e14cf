import numpy as np
import polars as pl
import pytest

from gpuseg import choose_k
from gpuseg.errors import InvalidInput
from gpuseg.selection.limits import levelled


@pytest.fixture(scope="module")
def unequal():
    """Return five crowds, the smallest of 2 %, and the number of each row's."""
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(5), [150, 125, 125, 90, 10])
    return np.array([[0, 0], [9, 0], [0, 9], [9, 9], [20, 20]], dtype=float)[true] + rng.normal(size=(500, 2)), true


def test_without_limits_the_true_number_is_taken(unequal):
    choice = choose_k(unequal[0], (2, 8))
    assert choice.k == 5
    shares = choice.table.filter(pl.col("k") == 5)["smallest_share"]
    assert shares.to_list() == [0.02]


@pytest.mark.parametrize("algorithm", ["kmeans", "agglomerative"])
def test_a_segment_that_is_too_small_is_in_no_choice_and_the_reason_says_so(unequal, algorithm):
    choice = choose_k(unequal[0], (2, 8), min_share=0.05, algorithm=algorithm)
    taken = next(one for one in choice.candidates if one.k == choice.k)
    assert taken.smallest_share >= 0.05
    assert choice.k < 5
    assert "; 5 would have a higher silhouette, 0." in choice.reason
    assert "and has a segment of 2.0% of the customers, less than min_share=0.05" in choice.reason


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "bisectingkmeans"])
def test_no_more_segments_than_allowed_are_tried(unequal, algorithm):
    choice = choose_k(unequal[0], (2, 8), max_segments=3, algorithm=algorithm)
    assert ("max_segments=3 allows no more" in choice.reason) == (choice.k == 3)
    assert [one.k for one in choice.candidates] == [2, 3]
    assert "wider" not in choice.reason
    with pytest.raises(InvalidInput, match="max_segments=3 allows none of k_range, which starts at 4"):
        choose_k(unequal[0], (4, 8), max_segments=3, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["kmeans", "agglomerative"])
def test_rows_that_are_to_be_apart_are(unequal, algorithm, spread):
    x, true = unequal
    # The small crowd is nearest to the one at (9, 9): three segments and fewer join them.
    pair = (int(np.flatnonzero(true == 4)[0]), int(np.flatnonzero(true == 3)[0]))
    data = spread(x) if algorithm == "kmeans" else x
    free = choose_k(data, (2, 3), algorithm=algorithm)
    with pytest.raises(
        InvalidInput,
        match=f"row {pair[0]} and row {pair[1]} in one segment, which must_separate",
    ):
        choose_k(data, (2, 3), must_separate=[pair], algorithm=algorithm)
    assert free.k in (2, 3)
    assert choose_k(data, (2, 8), must_separate=[pair], algorithm=algorithm).k >= 4


def test_levels_that_are_to_be_apart_have_their_most_rows_apart(unequal):
    x, true = unequal
    levels = np.where(true == 0, "a", np.where(true == 1, "b", None))
    levels[:5] = "b"  # a few in the wrong place decide nothing
    choice = choose_k(x, (2, 8), must_separate=levels)
    assert choice.k == 5
    mixed = np.where(np.arange(500) % 2, "a", "b")
    with pytest.raises(
        InvalidInput, match=r"no number of segments meets the limits: .* has 'a' and 'b' in one segment"
    ):
        choose_k(x, (2, 3), must_separate=mixed)


def test_where_nothing_meets_the_limits_the_best_is_named_and_what_it_lacks(unequal):
    with pytest.raises(
        InvalidInput,
        match=r"no number of segments meets the limits: the best, 5, has a segment of 2.0% of the customers, less than "
        r"min_share=0.5; loosen that limit, or give another k_range",
    ):
        choose_k(unequal[0], (3, 8), min_share=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_share": 0}, "min_share=0 is not allowed; give a share above 0 and up to 0.5"),
        ({"min_share": True}, "min_share=True is not allowed"),
        ({"min_share": 0.6}, "min_share=0.6 is not allowed"),
        ({"max_segments": 1}, "max_segments=1 is not allowed; give a whole number from 2 up"),
        ({"max_segments": 2.5}, "max_segments=2.5 is not allowed"),
        ({"criteria": "gap"}, "criteria='gap' is no list; give some of 'stability'"),
        ({"criteria": ["gab"]}, "criteria='gab' is not known; .*did you mean 'gap'"),
        ({"must_separate": [(0, 5000)]}, "must_separate has row 5000, and there are 500 rows"),
        ({"must_separate": [(3, 3)]}, "must_separate has row 3 beside itself"),
        ({"must_separate": ["a", "b"]}, "must_separate has shape .2,.; give pairs of row numbers"),
        ({"must_separate": [(1, 2), (3,)]}, "is neither pairs of row numbers"),
        ({"must_separate": ["a"] * 500}, "must_separate has 1 level"),
        ({"algorithm": "hdbscan"}, "algorithm='hdbscan' finds the number of segments itself"),
        ({"algorithm": "kmeens"}, "algorithm='kmeens' is not known; .*did you mean 'kmeans'"),
        ({"algorithm": "kmedoids", "metrik": "manhattan"}, "parameter='metrik' is not known; .*'metric'"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(unequal, options, message):
    with pytest.raises(InvalidInput, match=message):
        choose_k(unequal[0], (2, 3), **options)


def test_a_level_for_each_row_is_refused():
    with pytest.raises(InvalidInput, match=r"must_separate has 101 different levels in 202 rows; give a column of at"):
        levelled(np.zeros((202, 1)), [f"person {at % 101}" for at in range(202)])
