import numpy as np

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
