"""What every algorithm keeps: weights, order, place and scale of rows, blocks, clones, states, and its own labels."""

import subprocess
import sys

import dask.array as da
import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

from gpuseg.cluster import ALGORITHMS
from tests.shapes import SHAPES, made, rows_of

ROWS = 500
EVERY = [*ALGORITHMS]
CENTRES = ["kmeans", "bisectingkmeans", "minibatchkmeans", "kmedoids", "clarans", "kprototypes"]
"""Methods whose rows belong to a centre, a medoid or a prototype."""
ORDERLESS = ["kmedoids", "clarans", "kprototypes", "agglomerative", "diana", "birch", "dbscan", "hdbscan"]
"""Methods to which neither the order of the rows nor how weight is written makes a difference, wherever rows lie."""
DIGESTS = [name for name in EVERY if ALGORITHMS[name].beyond == "digest"]
CLEAR_OR_ANY = [(name, "clear") for name in EVERY] + [(name, "overlapping") for name in ORDERLESS]


@pytest.fixture(scope="module", params=["clear", "overlapping"])
def shape(request):
    return request.param


def fitted(name, shape, x, sample_weight=None, **parameters):
    model = made(name, shape, len(x) if sample_weight is None else int(np.sum(sample_weight)), **parameters)
    return model.fit(x) if sample_weight is None else model.fit(x, sample_weight=sample_weight)


def same(one, other):
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


@pytest.mark.parametrize(("name", "shape"), CLEAR_OR_ANY)
def test_the_order_of_the_rows_changes_no_segment(name, shape):
    x, order = rows_of(shape, ROWS, 1), np.random.default_rng(2).permutation(ROWS)
    found, wanted = fitted(name, shape, x[order]).labels_, fitted(name, shape, x).labels_[order]
    if name == "optics":  # its order begins with the first row, and so its valleys have other rims
        assert np.mean(found == wanted) > 0.95
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("name", "shape"), CLEAR_OR_ANY)
def test_a_row_of_weight_two_is_the_row_twice(name, shape):
    x, times = rows_of(shape, ROWS, 1), 1 + np.random.default_rng(2).integers(0, 2, ROWS)
    weighted, repeated = fitted(name, shape, x, times), fitted(name, shape, np.repeat(x, times, axis=0))
    np.testing.assert_array_equal(np.repeat(weighted.labels_, times), repeated.labels_)
    np.testing.assert_allclose(weighted.segment_weight_, repeated.segment_weight_)
    here, there = weighted.assign(x + 0.1), repeated.assign(x + 0.1)
    np.testing.assert_array_equal(here.segment, there.segment)
    np.testing.assert_allclose(here.distance, there.distance, atol=1e-9)
    np.testing.assert_allclose(here.confidence, there.confidence, atol=1e-9)
    # A rank between two rows depends on how many lie there.
    assert np.mean(np.abs(here.novelty - there.novelty)) < 0.02


@pytest.mark.parametrize(("name", "shape"), CLEAR_OR_ANY)
def test_moved_and_scaled_rows_have_the_same_segments(name, shape):
    x, eps = rows_of(shape, ROWS, 1), SHAPES[shape].eps
    wider = {"eps": 4 * eps} if "eps" in ALGORITHMS[name]().get_params() else {}
    plain = fitted(name, shape, x)
    np.testing.assert_array_equal(fitted(name, shape, 4 * x + 64, **wider).labels_, plain.labels_)


HARD = {
    "clear": lambda x: x,
    "overlapping": lambda x: x,
    "lattice": lambda x: np.round(2 * x),
    "far in float32": lambda x: (x + 1e3).astype(np.float32),
}


@pytest.mark.parametrize("change", HARD)
@pytest.mark.parametrize("name", EVERY)
def test_the_rows_of_a_fit_get_their_own_labels(name, change):
    shape = "clear" if change == "clear" else "overlapping"
    x = HARD[change](rows_of(shape, ROWS, 3))
    model = fitted(name, shape, x)
    if ALGORITHMS[name].places_alike:
        np.testing.assert_array_equal(model.predict(x), model.labels_)
    else:
        assert name not in CENTRES
        assert np.mean(model.predict(x) == model.labels_) > 0.9


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "gower", "precomputed"])
@pytest.mark.parametrize("name", ["kmedoids", "clarans"])
def test_rows_between_two_medoids_get_their_own_labels(name, metric):
    for seed in range(10):
        x = np.random.default_rng(seed).integers(0, 4, size=(60, 2)).astype(float)
        given = np.sum(np.abs(x[:, None] - x[None, :]), axis=2) if metric == "precomputed" else x
        model = ALGORITHMS[name](5, metric=metric, random_state=seed).fit(given)
        np.testing.assert_array_equal(model.predict(given), model.labels_)
        np.testing.assert_array_equal(model.assign(given).segment, model.labels_)


def test_words_between_two_modes_get_their_own_labels():
    for seed in range(10):
        words = np.random.default_rng(seed).choice(["a", "b", "c"], size=(60, 3)).astype(object)
        model = ALGORITHMS["kprototypes"](4, categorical=[0, 1, 2], random_state=seed).fit(words)
        np.testing.assert_array_equal(model.predict(words), model.labels_)


def test_a_row_between_two_centres_gets_its_own_label():
    """0 is as far from -1.5 as from 1.5, which is the heavier segment's."""
    x = np.array([[-3.0], [0.0], [1.5], [1.5], [1.5]])
    model = ALGORITHMS["kmeans"](2, init=np.array([[-1.5], [1.5]]), solver="lloyd").fit(x)
    np.testing.assert_array_equal(model.cluster_centers_, [[1.5], [-1.5]])
    assert model.labels_.tolist() == model.predict(x).tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("name", DIGESTS)
def test_the_rows_of_a_digest_get_their_own_labels(name, shape):
    x = rows_of(shape, 2 * ROWS, 3)
    model = fitted(name, shape, x, method="digest", n_micro=ROWS)
    assert not model.exact_
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize("name", ["kmedoids", "clarans"])
def test_the_rows_beyond_a_sample_get_their_own_labels(name, shape):
    x = rows_of(shape, 2 * ROWS, 3)
    model = fitted(name, shape, x, method="sample", sample_size=200)
    assert not model.exact_
    np.testing.assert_array_equal(model.predict(x), model.labels_)


@pytest.mark.parametrize("name", EVERY)
def test_what_assign_gives_is_within_its_bounds(name, shape):
    new = np.vstack([rows_of(shape, ROWS, 7), [[1e3, 0.0, 0.0], [0.0, -1e3, 1e3]]])
    model = fitted(name, shape, rows_of(shape, ROWS, 3))
    segment, distance, confidence, novelty = model.assign(new)
    assert segment.dtype == np.int32
    assert np.all((segment >= -1) & (segment < len(model.segment_weight_)))
    assert np.all(distance >= 0)
    for field in (confidence, novelty):
        assert np.all((field >= 0) & (field <= 1))
    assert np.all(confidence[segment == -1] == 0)
    assert np.all(novelty[-2:] == 1)
    assert np.mean(novelty[segment >= 0] > 0.99) < 0.05
    assert np.all(np.diff(model.segment_weight_) <= 0)


@pytest.mark.parametrize("name", [name for name in EVERY if "n_clusters" in ALGORITHMS[name]().get_params()])
def test_one_segment_is_certain(name):
    x = rows_of("clear", 100, 0)
    model = made(name, "clear", 100, n_clusters=1).fit(x)
    assert set(model.labels_) == {0}
    assert np.all(model.assign(x + 1).confidence == 1)


@pytest.mark.parametrize("name", EVERY)
def test_a_clone_and_a_second_fit_find_the_same(name):
    x = rows_of("overlapping", ROWS, 4)
    model = fitted(name, "overlapping", x)
    wanted = model.assign(x)
    again = clone(model)
    assert repr(again.get_params()) == repr(model.get_params())
    assert not hasattr(again, "labels_")
    same(again.fit(x).assign(x), wanted)
    same(model.fit(x[: ROWS // 2]).fit(x).assign(x), wanted)


@pytest.mark.parametrize("name", EVERY)
def test_a_restored_model_assigns_as_the_one_that_was_fitted(name):
    x = rows_of("overlapping", ROWS, 4)
    model = fitted(name, "overlapping", x)
    again = ALGORITHMS[name].from_state(model.state())
    same(again.assign(x + 0.1), model.assign(x + 0.1))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


@pytest.mark.parametrize("name", [name for name in EVERY if name != "kprototypes"])
def test_blocks_files_and_dask_are_assigned_as_rows_in_memory(name, tmp_path, monkeypatch):
    x, new = rows_of("overlapping", ROWS, 4), rows_of("overlapping", ROWS, 5)
    model = fitted(name, "overlapping", x)
    wanted = model.assign(new)
    path = tmp_path / "new.parquet"
    pl.DataFrame(new, schema=list("abc")).write_parquet(path, row_group_size=90)
    same(model.assign(da.from_array(new, chunks=(137, 3))), wanted)
    same(model.assign(str(path)), wanted)
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 70)
    same(model.assign(new), wanted)
    np.testing.assert_array_equal(model.predict(new), wanted.segment)


@pytest.mark.parametrize("name", [name for name in EVERY if ALGORITHMS[name].in_blocks])
def test_rows_in_blocks_are_fitted_to_the_same_segments(name, tmp_path):
    x = rows_of("clear", ROWS, 6)
    wanted = fitted(name, "clear", x).predict(x)
    path = tmp_path / "x.parquet"
    pl.DataFrame(x, schema=list("abc")).write_parquet(path, row_group_size=90)
    for blocks in (da.from_array(x, chunks=(137, 3)), str(path)):
        np.testing.assert_array_equal(np.asarray(made(name, "clear", ROWS).fit(blocks).labels_), wanted)


GROWTH = """
import sys
import numpy as np
from tests.shapes import made, rows_of

def held(what):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what)) // 1024

x = rows_of("overlapping", 2000, 0)
new = rows_of("overlapping", 60_000, 1)
for name in sys.argv[1:]:
    model = made(name, "overlapping", 2000).fit(x)
    model.assign(new[:1000])  # libraries are loaded by then
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    before = held("VmRSS")
    model.assign(new)
    print(name, held("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
def test_many_rows_are_assigned_in_little_memory():
    """60,000 rows by 2,000 kept points are 960 MB of distances."""
    told = subprocess.check_output([sys.executable, "-c", GROWTH, *EVERY], text=True)
    grown = {name: int(megabytes) for name, megabytes in (line.split() for line in told.splitlines())}
    assert grown.keys() == set(EVERY)
    assert max(grown.values()) < 200, grown
