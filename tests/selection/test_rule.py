import numpy as np
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.metrics import Score
from gpuseg.selection import Candidate
from gpuseg.selection.rule import Scored, recommended


def scored(k, values, *, calinski_harabasz=1.0, davies_bouldin=1.0):
    values = np.asarray(values)
    score = Score(values.mean(), values.std() / np.sqrt(len(values)), len(values))
    candidate = Candidate(k, 1.0, score.mean, score.standard_error, calinski_harabasz, davies_bouldin)
    return Scored(candidate, score, values)


def test_a_loss_within_one_standard_error_of_the_differences_is_none():
    best = scored(3, [0.5] * 5)
    told = scored(2, [0.3, 0.5, 0.5, 0.5, 0.5])  # differences of mean 0.04, standard error 0.08 / sqrt(5) = 0.036
    assert recommended([told, best], last=9)[0] is best
    near = scored(2, [0.1, 0.6, 0.5, 0.5, 0.5])  # of mean 0.06, standard error 0.174 / sqrt(5) = 0.078
    taken, reason = recommended([near, best], last=9)
    assert taken is near
    assert reason.startswith("2 segments are the fewest that the rows do not tell from the best, 3 with 0.500: ")


def jaccards(**of):
    """Return what gives the stability of each segment of 2, 3, ..., by "k2", "k3", ..."""
    return lambda k: np.array(of[f"k{k}"], dtype=float)


def test_the_most_segments_that_are_all_stable_and_near_the_best_are_taken():
    three, four, five = (scored(k, [mean] * 4) for k, mean in ((3, 0.50), (4, 0.46), (5, 0.47)))
    known = jaccards(k3=[0.9] * 3, k4=[0.75] * 4, k5=[0.99, 0.99, 0.99, 0.99, 0.74])
    taken, reason = recommended([three, four, five], known, last=9)
    assert taken is four
    assert reason.startswith(
        "4 segments are the most that are all stable (Jaccard 0.75 up) with a silhouette near to the highest, 0.500 of "
        "3: silhouette 0.460 ± 0.000 on 4 rows"
    )
    far = scored(5, [0.44] * 4)
    assert recommended([three, far], jaccards(k3=[0.9] * 3, k5=[0.99] * 5), last=9)[0] is three
    assert "and all are stable (Jaccard 0.90 up)" in recommended([three], known, last=9)[1]


def test_a_segment_whose_stability_is_not_known_is_not_called_stable():
    two, three = scored(2, [0.46] * 4), scored(3, [0.5] * 4)
    assert recommended([two, three], jaccards(k2=[0.8, 0.8], k3=[0.9, np.nan, 0.8]), last=9)[0] is two
    assert "none near" in recommended([three], jaccards(k3=[0.9, np.nan, 0.8]), last=9)[1]


def test_where_none_is_stable_silhouette_and_stability_count_alike_and_it_is_said():
    two, three = scored(2, [0.4] * 4), scored(3, [0.5] * 4)
    taken, reason = recommended([two, three], jaccards(k2=[0.7, 0.7], k3=[0.5, 0.5, 0.5]), last=3)
    assert taken is two
    assert "but none near the highest silhouette is stable: resampled rows give others (mean Jaccard 0.70)" in reason
    assert "wider" not in reason


def test_the_stability_of_those_that_cannot_win_is_not_asked_for():
    asked = []

    def known(k):
        asked.append(k)
        return np.full(k, 0.6)

    recommended([scored(k, [mean] * 4) for k, mean in ((2, 0.2), (3, 0.9), (4, 0.3))], known, last=9)
    assert set(asked) == {3}


def test_a_silhouette_below_zero_is_not_made_better_by_being_unstable():
    two, three = scored(2, [-0.1] * 4), scored(3, [-0.2] * 4)
    assert recommended([two, three], jaccards(k2=[0.7] * 2, k3=[0.1] * 3), last=9)[0] is two


def test_what_lacks_is_not_taken_and_the_reason_names_it():
    two, three = scored(2, [0.4] * 4), scored(3, [0.5] * 4)._replace(lacks="a segment of 1.0% of the customers")
    taken, reason = recommended([two, three], last=9)
    assert taken is two
    assert reason.endswith("; 3 would have a higher silhouette, 0.500, and has a segment of 1.0% of the customers")
    with pytest.raises(InvalidInput, match="no number of segments meets the limits: the best, 3, has a segment of 1"):
        recommended([three], last=9)


def test_indices_that_agree_are_said_together():
    two = scored(2, [0.5, 0.6], calinski_harabasz=10.0, davies_bouldin=0.9)
    three = scored(3, [0.1, 0.2], calinski_harabasz=20.0, davies_bouldin=0.4)
    assert recommended([two, three], last=9)[1].endswith("; Calinski-Harabasz and Davies-Bouldin say 3")


def test_the_gap_takes_the_fewest_within_the_next_ones_error():
    candidates = [
        scored(k, [0.9 - k / 10] * 3)._replace(
            candidate=scored(k, [0.1] * 3).candidate._replace(gap=gap, gap_error=0.1)
        )
        for k, gap in ((2, 0.1), (3, 0.5), (4, 0.55))
    ]
    assert "the gap says 3" in recommended(candidates, last=9)[1]


def test_the_spread_of_the_scores_themselves_does_not_count():
    noisy = np.linspace(-1, 1, 50)  # each score's own error is 0.08, that of the difference 0
    assert recommended([scored(2, noisy), scored(3, noisy + 0.001)], last=9)[0].candidate.k == 3


def test_the_other_indices_are_told_by_their_own_best():
    two = scored(2, [0.5, 0.6], calinski_harabasz=10.0, davies_bouldin=0.3)
    three = scored(3, [0.1, 0.2], calinski_harabasz=20.0, davies_bouldin=0.4)
    assert recommended([two, three], last=9)[1].endswith("; Davies-Bouldin agrees, Calinski-Harabasz says 3")
    assert recommended([two], last=9)[1].endswith("on 2 rows")


def test_an_index_that_may_be_infinite_elsewhere_says_nothing():
    two = scored(2, [0.5, 0.6], calinski_harabasz=10.0)
    three = scored(3, [0.9, 1.0], calinski_harabasz=None, davies_bouldin=0.0)
    reason = recommended([two, three], last=9)[1]
    assert "Calinski" not in reason
    assert reason.endswith("Davies-Bouldin agrees")


def test_the_end_of_the_range_is_said_where_more_could_be_better():
    both = [scored(2, [0.5, 0.6]), scored(3, [0.8, 0.9])]
    assert "wider" in recommended(both, last=3)[1]
    assert "wider" not in recommended(both, last=None)[1]
    assert "wider" not in recommended(both, last=4)[1]
