"""The number of segments and the score of algorithms that take categories, held to plain sums over pairs."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples as theirs

import gpuseg
from gpuseg import CLARANS, KMeans, KMedoids, KPrototypes
from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import InvalidInput
from gpuseg.metrics import silhouettes
from gpuseg.preprocessing import Preprocessor
from gpuseg.selection import Terms, number_of
from gpuseg.selection.mixed import TAKING, prepared_for, scored_model, takes_categories

SHARED = {"backend": "auto", "engine": "auto", "random_state": 0}
GOWER = {"metric": "gower"}
CODES = [1, 3]


def chosen(x, algorithm, ks, own):
    return number_of(x, algorithm, ks, shared=SHARED, own=own, categorical=CODES, terms=Terms())


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


@pytest.fixture
def rows():
    """Return numbers that tell nothing beside two columns of codes that tell three groups, and the groups."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 240)
    codes = np.where(
        rng.random((240, 2)) < 0.95, np.stack([group, (2 * group) % 3], axis=1), rng.integers(3, 30, (240, 2))
    )
    numbers = rng.normal(size=(240, 2)) * 0.2
    return np.stack([numbers[:, 0], codes[:, 0], numbers[:, 1], codes[:, 1]], axis=1), group


def by_pairs(name, model, x):
    """Return the distances of all pairs, a column after the other."""
    total = np.zeros((len(x), len(x)))
    for at, column in enumerate(x.T):
        away, unlike = np.abs(column[:, None] - column), column[:, None] != column
        if name == "gower":
            total += (unlike if at in CODES else away / np.ptp(column)) / x.shape[1]
        else:
            total += model.gamma_ * unlike if at in CODES else away**2
    return total if name == "gower" else np.sqrt(total)


MODELS = {"gower": KMedoids(3, metric="gower", categorical=CODES), "mixed": KPrototypes(3, categorical=CODES)}


@pytest.mark.parametrize("name", MODELS)
def test_distances_are_those_of_the_algorithm(name, rows):
    x, _ = rows
    model = MODELS[name].set_params(random_state=0).fit(x)
    expected = by_pairs(name, model, x)
    found = TAKING[name].distances(model, x, CODES)
    np.testing.assert_allclose(found(slice(10, 60), slice(5, None)), expected[10:60, 5:], atol=1e-7)
    score = scored_model(x, model, categorical=CODES, shared=SHARED)
    assert score.mean == pytest.approx(theirs(expected, model.labels_, metric="precomputed").mean())
    assert score.rows == len(x)


def test_a_silhouette_takes_distances_of_any_kind(rows):
    x, group = rows
    city = np.abs(x[:, None, :] - x).sum(axis=2)
    (found,) = silhouettes(x, [group], distances=lambda rows, columns: city[rows, columns])
    np.testing.assert_allclose(found.values, theirs(x, group, metric="manhattan"))


@pytest.mark.parametrize(("algorithm", "own"), [(KPrototypes, {"gamma": 1.0}), (KMedoids, GOWER), (CLARANS, GOWER)])
def test_the_number_is_that_of_groups_which_categories_alone_tell(algorithm, own, rows, monkeypatch):
    x, _ = rows
    choice = chosen(x, algorithm, range(2, 7), own)
    assert choice.k == 3
    assert choice.reason.endswith(f"(by {algorithm.__name__.lower()} itself, in its own distance)")
    assert [one.k for one in choice.candidates] == [2, 3, 4, 5, 6]
    assert all(one.calinski_harabasz is one.davies_bouldin is None for one in choice.candidates)
    losses = [one.inertia for one in choice.candidates]
    assert losses[1] < losses[0]
    monkeypatch.setattr("gpuseg.selection.others.PILOT", 90)
    few = chosen(x, algorithm, range(2, 7), own)
    assert few.k in (3, 4)  # of so few rows those with a rare word may be a segment
    assert few.candidates[0].inertia < losses[0]


def test_more_segments_than_the_pilot_has_distinct_rows_are_not_tried():
    x = np.repeat([[0.0, 0, 0, 0], [1, 1, 1, 1], [0, 2, 0, 2]], 20, axis=0)
    choice = chosen(x, KPrototypes, range(2, 9), {})
    assert [one.k for one in choice.candidates] == [2, 3]
    assert choice.k == 3
    with pytest.raises(InvalidInput, match="has two segments among the rows scored"):
        chosen(x[:20], KPrototypes, range(2, 9), {})


def test_which_algorithms_take_categories():
    assert [name for name, one in ALGORITHMS.items() if takes_categories(one, {})] == ["kprototypes"]
    takers = [
        name for name, one in ALGORITHMS.items() if "metric" in one().get_params() and takes_categories(one, GOWER)
    ]
    assert {"kmedoids", "clarans"} <= set(takers)


def test_codes_are_refused_by_algorithms_that_would_take_them_for_amounts():
    import polars as pl

    table = pl.DataFrame({"a": [1.0, 2.0, 3.0], "town": ["x", "y", "x"]})
    with pytest.raises(InvalidInput, match=r"'town' are codes .* kmeans would take for amounts; .*'kprototypes'"):
        prepared_for(Preprocessor(categories="codes"), table, KMeans, {})
    assert prepared_for(Preprocessor(), table, KMeans, {})[1] is None
    assert prepared_for(Preprocessor(), table, KPrototypes, {})[1] == [1]
