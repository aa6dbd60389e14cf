"""HDBSCAN's tree on the CPU: the compiled loops against NumPy's, these against SciPy and scikit-learn."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn.cluster
from scipy.spatial.distance import cdist

from gpuseg.backends import _cpu_hdbscan, _cpu_hdbscan_pairs
from gpuseg.summary import core_distances, reaches, rows_as_points

SAME = ("heights", "gaps", "core_distances")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(5, 3))[rng.integers(0, 5, 2600)] * 3 + rng.normal(size=(2600, 3))


def by_pairs(monkeypatch, x, **given):
    with monkeypatch.context() as patched:
        patched.setattr(_cpu_hdbscan, "FEW", len(x))
        return _cpu_hdbscan.fit_hdbscan(x, **given)


@pytest.mark.parametrize(
    "made", ["rows", "one", "two", "lattice", "pairs", "equal", "line", "weights", "fractions", "wide", "float32"]
)
def test_the_tree_is_that_of_all_pairs_to_the_bit(monkeypatch, rows, made):
    rng, given = np.random.default_rng(1), {"min_samples": {"one": 1, "two": 2}.get(made, 9)}
    x = {
        "lattice": np.round(rows),
        "pairs": np.repeat(rows[:1200], 2, axis=0),
        "equal": np.zeros((2100, 2)),
        "line": rows[:, :1],
        "wide": rng.normal(size=(2100, 30)),
        "float32": rows.astype(np.float32),
    }.get(made, rows)
    if made in ("weights", "fractions"):
        given["sample_weight"] = rng.integers(1, 30, len(x)) / (1.0 if made == "weights" else 16.0)
    tree, pairs = _cpu_hdbscan.fit_hdbscan(x, **given), by_pairs(monkeypatch, x, **given)
    for name in SAME:
        np.testing.assert_array_equal(tree[name], pairs[name])
    known, rest = (found["near"] for found in (tree, pairs))
    assert known.shape == rest.shape
    lengths = [np.where(near >= 0, np.sqrt(((x[near] - x[:, None]) ** 2).sum(axis=2)), -1) for near in (known, rest)]
    np.testing.assert_allclose(*lengths, rtol=1e-6)
    core = tree["core_distances"]
    prim = _cpu_hdbscan.fit_hdbscan(x, **given, core=core)
    for name in SAME:
        np.testing.assert_array_equal(prim[name], tree[name])


@pytest.mark.parametrize("count", [2, 3, 40, 300])
def test_heights_are_sklearns(rows, count):
    reach = min(5, count)
    theirs = sklearn.cluster.HDBSCAN(min_cluster_size=count, min_samples=reach, copy=True).fit(rows[:count])
    found = _cpu_hdbscan.fit_hdbscan(rows[:count], min_samples=reach)
    np.testing.assert_allclose(found["heights"], theirs._single_linkage_tree_["value"], rtol=1e-12)
    assert found["sizes"][-1] == count


def test_the_number_of_threads_changes_no_bit(rows):
    alone = _cpu_hdbscan.fit_hdbscan(rows, min_samples=5)
    with ThreadPoolExecutor(4) as pool:
        many = _cpu_hdbscan.fit_hdbscan(rows, min_samples=5, each=pool.map)
    for name, values in alone.items():
        np.testing.assert_array_equal(many[name], values)


@pytest.mark.parametrize("weighted", [False, True])
def test_core_distances_are_those_of_the_points(rows, weighted):
    weight = np.random.default_rng(2).integers(1, 5, len(rows)).astype(float) if weighted else None
    expected = core_distances(rows_as_points(rows, weight), 7)
    for some in (slice(None), slice(300)):
        given = None if weight is None else weight[some]
        found = _cpu_hdbscan.fit_hdbscan(rows[some], min_samples=7, sample_weight=given)["core_distances"]
        expected = core_distances(rows_as_points(rows[some], given), 7)
        np.testing.assert_array_equal(found, expected)


def test_points_that_stand_for_rows_are_nearer_by_what_these_reach(monkeypatch, rows):
    rng = np.random.default_rng(3)
    points = rows_as_points(rows[:2100], rng.integers(1, 200, 2100).astype(float))
    points = points._replace(spread=np.where(points.weight > 1, rng.random(2100) * 0.3, 0.0))
    core, reach = core_distances(points, 50), reaches(points)
    given = {"min_samples": 50, "sample_weight": points.weight, "core": core, "reach": reach}
    found, plain = _cpu_hdbscan.fit_hdbscan(points.rows, **given), by_pairs(monkeypatch, points.rows, **given)
    for name in SAME:
        np.testing.assert_array_equal(found[name], plain[name])
    long = np.maximum(np.maximum(cdist(points.rows, points.rows) - reach[:, None] - reach, core[:, None]), core)
    np.fill_diagonal(long, np.inf)
    assert found["heights"].sum() == pytest.approx(heaviest_last(long), rel=1e-9)
    assert found["sizes"][-1] == points.weight.sum()


def heaviest_last(long):
    """Return the length of a minimum spanning tree, a row after another."""
    best, total = long[0].copy(), 0.0
    best[0] = np.inf
    left = np.ones(len(long), dtype=bool)
    left[0] = False
    while left.any():
        here = int(np.argmin(np.where(left, best, np.inf)))
        total, left[here] = total + best[here], False
        best = np.minimum(best, long[here])
    return total


def test_rows_that_surely_weigh_enough():
    weight = np.array([0.5, 4.0, 1.0, 1.0])
    assert [_cpu_hdbscan_pairs.enough(weight, wanted) for wanted in (0.5, 1.0, 2.5, 3.0, 99.0)] == [1, 2, 3, 4, 4]
