import numpy as np
import pytest

from gpuseg.cluster import KMeans
from gpuseg.errors import InvalidInput
from gpuseg.metrics import Score
from gpuseg.selection import _taken, choose_k


def test_finds_the_blobs_and_says_why(blobs, backend):
    x, _ = blobs
    found, model, score = choose_k(backend.to_device(x), range(2, 8), n_init=3, backend=backend.name)
    assert found.k == model.n_clusters == 4
    assert score.mean == max(c.silhouette for c in found.candidates)
    assert found.reason.startswith("4 segments have the highest silhouette 0.")
    assert [c.k for c in found.candidates] == [2, 3, 4, 5, 6, 7]
    assert np.all(np.diff([c.inertia for c in found.candidates]) < 0)


def test_prefers_the_fewest_within_one_standard_error():
    x = np.random.default_rng(0).normal(size=(400, 8))  # no clusters: scores differ by chance
    found, *_ = choose_k(x, range(2, 12), n_init=2)
    best = max(found.candidates, key=lambda c: c.silhouette)
    taken = next(c for c in found.candidates if c.k == found.k)
    assert taken.silhouette >= best.silhouette - best.standard_error
    assert all(c.silhouette < best.silhouette - best.standard_error for c in found.candidates if c.k < found.k)


def test_fewer_than_the_best_is_said():
    scored = [
        (KMeans(2), Score(0.50, 0.02, 100)),
        (KMeans(5), Score(0.51, 0.02, 100)),
        (KMeans(6), Score(0.4, 0.02, 100)),
    ]
    model, score, reason = _taken(scored, last=6)
    assert (model, score) == scored[0]
    assert reason == (
        "2 segments are the fewest within a standard error (0.020) of the best, 5 with 0.510: "
        "silhouette 0.500 +- 0.020 on 100 rows"
    )


def test_the_best_at_the_end_of_the_range_is_said(blobs):
    x, _ = blobs
    found, *_ = choose_k(x, range(2, 5), n_init=3)
    assert found.reason.endswith("the last of those tried: a wider k range may do better")


@pytest.mark.parametrize("tried", [[1], [2]])
def test_what_cannot_be_scored_is_said(tried):
    x = np.zeros((20_001, 2))
    x[-1] = 1e3  # of two segments the sample shows one
    with pytest.raises(InvalidInput, match="has two segments among the rows scored"):
        choose_k(x, tried, sample_size=50)
