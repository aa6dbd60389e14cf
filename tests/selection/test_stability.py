import numpy as np
import pytest
from sklearn.cluster import KMeans as Theirs

from gpuseg import KMeans
from gpuseg.selection.resampled import ends_of_runs
from gpuseg.selection.stability import (
    LOOK,
    LOST,
    RUNS,
    jaccards,
    resamples,
    sampled_runs,
    stability_of,
    stability_of_k_means,
)


def crowds(n=300, at=((0, 0), (9, 0), (0, 9))):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % len(at)
    return np.array(at, dtype=float)[labels] + rng.normal(size=(n, 2)), labels


def by_sets(labels, other, there, segment):
    """Return the Jaccard similarity as the paper writes it: of sets of rows."""
    own = {row for row in there if labels[row] == segment}
    found = [{row for row in there if other[row] == number} for number in set(other[there].tolist()) - {-1}]
    return max((len(own & of) / len(own | of) for of in found), default=0.0) if own else None


def test_similarities_are_those_of_sets_of_rows():
    rng = np.random.default_rng(1)
    labels, others = rng.integers(-1, 4, 60), rng.integers(-1, 5, (6, 60))
    weights = resamples(60, 6, 3)
    found = jaccards(labels, others, weights, 4)
    for segment in range(4):
        each = [
            by_sets(labels, o, np.flatnonzero(w > 0).tolist(), segment) for o, w in zip(others, weights, strict=True)
        ]
        assert found[segment] == pytest.approx(np.mean([value for value in each if value is not None]))


def test_a_segment_without_rows_is_not_known_and_all_noise_finds_nothing():
    labels, ones = np.array([0, 0, 2, 2]), np.ones((2, 4))
    found = jaccards(labels, np.full((2, 4), -1), ones, 3)
    assert found[[0, 2]].tolist() == [0.0, 0.0]
    assert np.isnan(found[1])


def test_runs_end_as_well_as_scikit_learn_on_the_rows_that_they_have(backend):
    x, _ = crowds(120, at=((0, 0), (7, 0), (0, 7), (7, 7)))
    x = x - x.mean(axis=0)
    weights = resamples(len(x), 4, 0)
    ends = ends_of_runs(backend.to_device(x), weights, 4, np.random.default_rng(0))
    for run, weight in enumerate(weights):
        theirs = Theirs(4, n_init=5, random_state=0).fit(x, sample_weight=weight)
        assert ends.inertia[run] == pytest.approx(theirs.inertia_, rel=1e-3)
        centers = np.stack([weight[of] @ x[of] / weight[of].sum() for of in (ends.labels[run] == k for k in range(4))])
        apart = ((x[:, None] - centers) ** 2).sum(axis=2)
        assert np.mean(np.argmin(apart, axis=1) == ends.labels[run]) > 0.97


def test_runs_of_few_distinct_rows_end(backend):
    x = np.repeat([[-1.0, 0.0], [1.0, 0.0]], 5, axis=0)
    ends = ends_of_runs(backend.to_device(x), np.ones((2, 10)), 4, np.random.default_rng(0))
    assert ends.inertia == pytest.approx(0)


def test_true_crowds_come_again_and_pieces_of_them_do_not(backend):
    x, true = crowds()
    sampled = sampled_runs(backend.to_device(x), 0)
    assert stability_of_k_means(sampled, true, 3).min() > 0.95
    pieces = KMeans(6, n_init=5, random_state=0).fit(x).labels_
    assert stability_of_k_means(sampled, pieces, 6).min() < 0.75
    joined = stability_of_k_means(sampled, np.minimum(true, 1), 2)
    assert joined[0] < 0.8


def test_what_dissolves_is_not_looked_at_further(monkeypatch):
    seen = []

    def watched(x, weights, *rest):
        seen.append(len(weights))
        return ends_of_runs(x, weights, *rest)

    monkeypatch.setattr("gpuseg.selection.stability.ends_of_runs", watched)
    x = np.random.default_rng(0).normal(size=(300, 3))
    sampled = sampled_runs(x, 0)
    found = stability_of_k_means(sampled, np.random.default_rng(1).integers(0, 5, 300), 5)
    assert found.min() < LOST
    assert seen == [LOOK]
    stability_of_k_means(sampled_runs(crowds()[0], 0), crowds()[1], 3)
    assert seen[1:] == [LOOK, RUNS - LOOK]


def test_the_stability_of_a_few_rows_is_not_known():
    x = np.concatenate([crowds()[0], [[50.0, 50.0], [90.0, 0.0], [90.5, 0.0]]])
    labels = np.append(crowds()[1], [3, 4, 4])
    found = stability_of_k_means(sampled_runs(x, 0), labels, 5)
    assert np.isnan(found).tolist() == [False, False, False, True, True]


def test_fits_of_any_algorithm_see_the_distinct_rows_of_a_resample():
    x, true = crowds(90)
    widths = []

    def fit(_, rows):
        widths.append((len(rows), len(np.unique(rows, axis=0))))
        return np.argmin(((rows[:, None] - np.array([[0, 0], [9, 0], [0, 9]])) ** 2).sum(axis=2), axis=1) + 5

    found = stability_of(fit, x, true, [0, 2], runs=4, seed=0)
    assert found.tolist() == [1.0, 1.0]
    assert len(widths) == 4
    assert all(rows == distinct < 90 for rows, distinct in widths)
