"""The compiled passes of the CPU give what the array functions give, to rounding; and they need no writable folder."""

import math
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from distributed.protocol import deserialize, serialize
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuseg.backends import _cpu_kernels, get_backend
from gpuseg.backends.cpu import CROSSING, REPAYS, vendor_lloyd_wins
from gpuseg.cluster import KMeans, _assignment
from gpuseg.cluster._quantiles import distance_quantiles
from gpuseg.engines import Block, local
from gpuseg.neighbors import centers as bodies
from tests.clusters import processes

SHAPES = [(1, 1, 1), (1, 3, 2), (127, 4, 3), (128, 5, 4), (129, 1, 2), (300, 7, 1), (40, 2, 60), (1000, 16, 16)]
"""Rows, features and centres: around a tile and around the features that are added up at once."""
DTYPES = [np.float32, np.float64]
STEPS = 12


def data(n, d, k, dtype, *, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(k, d)) * 3
    x = (middle[rng.integers(k, size=n)] + rng.normal(size=(n, d)) + offset).astype(dtype)
    weight = rng.integers(0, 4, size=n).astype(dtype)
    shift = np.full(d, np.float64(np.float32(offset)))
    return Block(0, x, weight), middle + rng.normal(size=(k, d)) * 0.1, shift


def bounds_of(module, block, clusters, offset):
    """Return what steps keep of a block, as a fit asks for it."""
    spread = block.weight.astype(np.float64) @ (block.x.astype(np.float64) - offset) ** 2
    return module.bounds(block, clusters, spread)


def step(module, block, placed, offset):
    """Return what a first step gives."""
    return module.lloyd_step(block, bounds_of(module, block, len(placed), offset), placed, offset)


def close(dtype):
    return {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-4}


def lies_between(block, offset, placed, one, two):
    """Return whether rows that two labellings put apart are as near to both centres, as far as float32 tells."""
    x = block.x.astype(np.float64) - offset
    first, second = (np.sum((x - placed[label]) ** 2, axis=1) for label in (one, two))
    return np.all(np.abs(first - second) <= 1e-5 * (1 + np.sum(x * x, axis=1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_nearest_centres_are_the_oracles(n, d, k, dtype):
    block, placed, offset = data(n, d, k, dtype)
    found, wanted = (module.nearest(block, placed, offset) for module in (_cpu_kernels, bodies))
    assert [field.dtype for field in found] == [field.dtype for field in wanted]
    assert lies_between(block, offset, placed, found[0], wanted[0])
    same = found[0] == wanted[0]
    np.testing.assert_allclose(found[1][same], wanted[1][same], **close(dtype))
    assert dtype == np.float32 or np.all(same)
    for module in (_cpu_kernels, bodies):
        (label,) = module.labels(block, placed, offset)
        assert label.dtype == np.int32
        np.testing.assert_array_equal(label, (found if module is _cpu_kernels else wanted)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_assignments_are_the_oracles(n, d, k, dtype):
    block, placed, offset = data(n, d, k, dtype)
    label, distance = bodies.nearest(block, placed, offset)
    quantiles = distance_quantiles(label, distance, np.ones(n), k, get_backend("cpu"))
    found, wanted = (module.assigned(block, placed, offset, quantiles) for module in (_cpu_kernels, _assignment))
    assert tuple(field.dtype for field in found) == tuple(field.dtype for field in wanted) == _assignment.ASSIGNED
    assert lies_between(block, offset, placed, found[0], wanted[0])
    same = found[0] == wanted[0]
    assert dtype == np.float32 or np.all(same)
    for one, two in zip(found[1:3], wanted[1:3], strict=True):
        np.testing.assert_allclose(one[same], two[same], **close(dtype))
    # The rank of the same distance: knots may lie so close together that rounding in a distance passes several.
    rank = _assignment.novelty(found[0], found[1], quantiles)
    np.testing.assert_allclose(found[3], rank, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(knots=st.integers(2, 9), seed=st.integers(0, 99))
def test_ranks_among_equal_knots_are_the_oracles(knots, seed):
    """Rows on the knots, between them, below and beyond; several knots at one distance; any number of knots."""
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.integers(0, 4, size=(3, knots)), axis=1).astype(np.float64)
    placed, x = np.array([[0.0], [100.0], [200.0]]), (rng.integers(0, 3, 60) * 100 + rng.integers(-20, 21, 60) / 4)
    block = Block(0, x[:, None], np.ones(60))
    segment, distance, _, novelty = _cpu_kernels.assigned(block, placed, np.zeros(1), quantiles)
    for row in range(60):
        xs, ranks = -quantiles[segment[row]][::-1], np.linspace(0, 1, knots)[::-1]
        assert novelty[row] == pytest.approx(np.interp(-distance[row], xs, ranks), abs=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_sums_are_the_oracles(n, d, k, dtype):
    block, placed, offset = data(n, d, k, dtype)
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 1e-5, "atol": 1e-4}
    mean = block.x.mean(axis=0, dtype=np.float64)
    calls = {"sums_of": (), "squared_about": (mean,), "inertia": (placed, offset)}
    for name, arguments in calls.items():
        found, wanted = (getattr(module, name)(block, *arguments) for module in (_cpu_kernels, bodies))
        assert type(found) is type(wanted)
        for one, two in [(found, wanted)] if name == "inertia" else zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, two, **tolerance)
    for one, two in zip(step(_cpu_kernels, block, placed, offset), step(bodies, block, placed, offset), strict=True):
        np.testing.assert_allclose(one, two, **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_seeding_passes_are_the_oracles(n, d, k, dtype):
    block, placed, offset = data(n, d, k, dtype)
    norms = bodies.squared_norms(block, offset)
    np.testing.assert_allclose(_cpu_kernels.squared_norms(block, offset), norms, **close(dtype))
    d2, starts = np.full((2, n), np.inf, dtype), np.stack([placed, placed[::-1] + 0.5])
    for centers in (starts[:, 0], starts[:, -1]):
        found = _cpu_kernels.nearer(block, d2, centers, offset)
        d2 = bodies.nearer(block, d2, centers, offset)
        assert found.dtype == d2.dtype
        np.testing.assert_allclose(found, d2, **close(dtype))
    found, wanted = (module.costs_with(block, norms, d2, starts, offset)[0] for module in (_cpu_kernels, bodies))
    assert found.shape == (2, k)
    np.testing.assert_allclose(found, wanted, rtol=1e-9 if dtype == np.float64 else 1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_that_is_a_centre_has_distance_zero_far_from_zero(dtype):
    block, _, offset = data(500, 3, 4, dtype, offset=1e6)
    row = block.x[17].astype(np.float64) - offset
    assert _cpu_kernels.nearer(block, np.full((1, 500), np.inf, dtype), row[None, :], offset)[0, 17] == 0.0
    assert _cpu_kernels.nearest(block, row[None, :], offset)[1][17] == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_big_offsets_stay_accurate(dtype):
    block, placed, offset = data(3000, 5, 4, dtype, offset=1e6)
    exact = Block(0, block.x.astype(np.float64), block.weight.astype(np.float64))
    label, distance = _cpu_kernels.nearest(block, placed, offset)
    wanted = bodies.nearest(exact, placed, offset)
    assert lies_between(block, offset, placed, label, wanted[0])
    np.testing.assert_allclose(distance[label == wanted[0]], wanted[1][label == wanted[0]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_equal_centres_the_first_is_taken(dtype):
    x = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]], dtype)
    placed = np.array([[5.0, 5.0], [0.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    block, knots = Block(0, x, np.ones(3, dtype)), np.tile(np.linspace(0, 1, 201), (4, 1))
    label, distance, confidence, novelty = _cpu_kernels.assigned(block, placed, np.zeros(2), knots)
    np.testing.assert_array_equal(label, [1, 2, 1])
    np.testing.assert_array_equal(distance, [0, 0, 1])
    np.testing.assert_array_equal(confidence, [0, 1, 0])
    np.testing.assert_array_equal(novelty, [0, 0, 1])


def test_the_only_centre_is_sure():
    block, placed, offset = data(9, 2, 1, np.float64)
    assert np.all(_cpu_kernels.assigned(block, placed, offset, np.zeros((1, 201)))[2] == 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_apart_in_memory_are_the_same_rows(dtype):
    block, placed, offset = data(400, 6, 3, dtype)
    apart = block._replace(x=np.asfortranarray(block.x))
    strided = block._replace(x=np.repeat(block.x, 2, axis=1)[:, ::2])
    for pass_ in (_cpu_kernels.nearest, _cpu_kernels.labels, partial(step, _cpu_kernels)):
        wanted = pass_(block, placed, offset)
        for other in (apart, strided):
            for one, two in zip(pass_(other, placed, offset), wanted, strict=True):
                np.testing.assert_array_equal(one, two)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 400), d=st.integers(1, 9), k=st.integers(1, 9), seed=st.integers(0, 99))
def test_whole_numbers_are_summed_exactly(n, d, k, seed):
    """Of whole numbers no sum is rounded: every label, tie and sum is the oracle's to the bit."""
    rng = np.random.default_rng(seed)
    x, placed = (rng.integers(-3, 4, size=(size, d)).astype(np.float64) for size in (n, k))
    block, offset = Block(0, x, rng.integers(0, 3, size=n).astype(np.float64)), np.zeros(d)
    np.testing.assert_array_equal(
        _cpu_kernels.nearest(block, placed, offset)[0], bodies.nearest(block, placed, offset)[0]
    )
    for one, two in zip(step(_cpu_kernels, block, placed, offset), step(bodies, block, placed, offset), strict=True):
        np.testing.assert_array_equal(one, two)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 2500), d=st.integers(1, 9), k=st.integers(1, 13), seed=st.integers(0, 99),
    dtype=st.sampled_from(DTYPES), whole=st.booleans(), scale=st.sampled_from([1e-30, 1.0, 1e12]),
)  # fmt: skip
def test_rows_passed_over_do_not_change_a_bit(n, d, k, seed, dtype, whole, scale):
    """Bounds kept over many steps give what bounds of no step give: ties, copies, big jumps, weights of zero."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, size=(n, d)) if whole else rng.standard_t(2, size=(n, d))
    x = (x * scale).astype(dtype)
    block = Block(0, x, rng.choice([0.0, 1.0, 0.3, 1e6], size=n).astype(dtype))
    offset = x.mean(axis=0, dtype=np.float64).astype(np.float32).astype(np.float64)
    placed = x[rng.integers(n, size=k)] - offset
    bounds = bounds_of(_cpu_kernels, block, k, offset)
    for turn in range(STEPS):
        kept = _cpu_kernels.lloyd_step(block, bounds, placed, offset)
        anew = _cpu_kernels.lloyd_step(block, bounds.anew(), placed, offset)
        for one, two in zip(kept, anew, strict=True):
            np.testing.assert_array_equal(one, two)
        weights = kept[1][:, None]
        placed = np.where(weights > 0, kept[0] / np.where(weights > 0, weights, 1), placed)
        if turn == STEPS // 2:  # one centre far away, as when an empty cluster is given a row
            placed[0] = x[rng.integers(n)] * 1.5 - offset


def test_most_rows_are_passed_over_at_the_end():
    block, placed, offset = data(20_000, 4, 5, np.float64)
    bounds = bounds_of(_cpu_kernels, block, 5, offset)
    for _ in range(15):
        sums, weights = _cpu_kernels.lloyd_step(block, bounds, placed, offset)
        placed = sums / weights[:, None]
    assert np.mean(bounds.margin > 0) > 0.8


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_numbers_of_all_sizes_are_rounded_once(dtype):
    rng = np.random.default_rng(0)
    x = (rng.choice([-1.0, 1.0], (4000, 1)) * 10.0 ** rng.uniform(-6, 6, (4000, 1))).astype(dtype)
    block = Block(0, x, np.ones(4000, dtype))
    (sums, _), offset = step(_cpu_kernels, block, np.zeros((1, 1)), np.zeros(1)), np.zeros(1)
    assert sums[0, 0] == pytest.approx(math.fsum(x[:, 0].astype(np.float64)), rel=1e-15)
    assert step(_cpu_kernels, block._replace(x=x[::-1].copy()), np.zeros((1, 1)), offset)[0] == sums


def test_bounds_that_another_task_writes_to_are_not_used():
    block, _, offset = data(3000, 4, 5, np.float64)
    bounds = bounds_of(_cpu_kernels, block, 5, offset)
    with _cpu_kernels.alone(bounds) as mine, _cpu_kernels.alone(bounds) as other:
        assert mine is bounds
        assert other is not bounds


def test_a_copy_of_bounds_is_of_no_step_whatever_was_being_written_to():
    """Dask spills and moves values of its own accord, also while a task works on them."""
    block, placed, offset = data(3000, 4, 5, np.float64)
    bounds = bounds_of(_cpu_kernels, block, 5, offset)
    wanted = _cpu_kernels.lloyd_step(block, bounds, placed, offset)
    bounds.label[:1500] = 3  # half of a step
    copy = deserialize(*serialize(bounds))
    assert np.all(copy.label == 5)
    for one, two in zip(_cpu_kernels.lloyd_step(block, copy, placed, offset), wanted, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e-22), (np.float64, 1e-44)])
def test_rows_so_small_that_they_have_few_digits_are_not_passed_over_in_error(dtype, scale):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = (rng.normal(size=(400, 2)) * scale).astype(dtype)
        block, offset = Block(0, x, np.ones(400, dtype)), np.zeros(2)
        bounds, placed = bounds_of(_cpu_kernels, block, 5, offset), x[:5].astype(np.float64)
        for _ in range(STEPS):
            kept = _cpu_kernels.lloyd_step(block, bounds, placed, offset)
            anew = _cpu_kernels.lloyd_step(block, bounds.anew(), placed, offset)
            for one, two in zip(kept, anew, strict=True):
                np.testing.assert_array_equal(one, two)
            weights = kept[1][:, None]
            placed = np.where(weights > 0, kept[0] / np.where(weights > 0, weights, 1), placed)


def test_weights_whose_product_with_the_squares_no_number_holds():
    block, placed, offset = data(300, 4, 5, np.float64)
    wanted = step(_cpu_kernels, block, placed, offset)
    heavy = block._replace(weight=block.weight * 2.0**600)
    for one, two in zip(step(_cpu_kernels, heavy, placed, offset), wanted, strict=True):
        np.testing.assert_array_equal(one, two * 2.0**600)


@pytest.fixture
def always(monkeypatch):
    """Use the compiled passes for tables of any size, and small blocks."""
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 500)

    def use(*, kernels):
        # The backend is frozen, and shared by all.
        object.__setattr__(get_backend("cpu"), "kernels_repay", 0 if kernels else sys.maxsize)

    yield use
    object.__setattr__(get_backend("cpu"), "kernels_repay", REPAYS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_fits_are_those_of_the_array_functions(always, dtype, weighted):
    block, placed, _ = data(3000, 6, 5, dtype)
    weight = block.weight if weighted else None
    models = []
    for kernels in (True, False):
        always(kernels=kernels)
        for init in (placed, "k-means++"):
            model = KMeans(5, init=init, max_iter=20, tol=0, random_state=3, solver="lloyd", backend="cpu")
            models.append(model.fit(block.x, sample_weight=weight))
    for one, two in zip(models[:2], models[2:], strict=True):
        if dtype == np.float64:
            np.testing.assert_allclose(one.cluster_centers_, two.cluster_centers_, rtol=1e-9)
            np.testing.assert_array_equal(one.labels_, two.labels_)
            np.testing.assert_allclose(one.assign(block.x).confidence, two.assign(block.x).confidence, atol=1e-9)
        assert one.inertia_ == pytest.approx(two.inertia_, rel=1e-9 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_do_not_change_a_bit_of_the_compiled_passes(always, monkeypatch, dtype):
    always(kernels=True)
    block, _, _ = data(3300, 6, 5, dtype)
    found = set()
    for number in (1, 2, 5):
        local.threads.cache_clear()
        monkeypatch.setattr(local, "cores", lambda number=number: number)
        model = KMeans(5, random_state=1, n_init=2, solver="lloyd", backend="cpu").fit(block.x, None, block.weight)
        found.add(b"".join(np.asarray(a).tobytes() for a in (model.cluster_centers_, model.labels_, model.inertia_)))
    local.threads.cache_clear()
    assert len(found) == 1


def test_large_tables_go_to_our_loop_and_small_or_wide_ones_to_scikit_learn():
    rows = REPAYS // 32
    assert not vendor_lloyd_wins(rows, 8, 4)
    assert vendor_lloyd_wins(rows - 1, 8, 4)
    assert vendor_lloyd_wins(10**9, CROSSING + 1, 1)


CODE = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from gpuseg.backends import _cpu_kernels
from gpuseg.engines import Block
block = Block(0, np.arange(6.0)[:, None], np.ones(6))
with ThreadPoolExecutor(3) as threads:
    found = threads.map(lambda _: _cpu_kernels.squared_norms(block, np.zeros(1)).sum(), range(3))
    print(_cpu_kernels.__file__, *found)
"""


def test_a_folder_that_nobody_may_write_to_is_no_error(tmp_path):
    """Neither the package's folder nor the user's takes a cache: compiled in this process, by three threads at once."""
    package = tmp_path / "gpuseg"
    shutil.copytree(Path(_cpu_kernels.__file__).parents[1], package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "backends" / "__pycache__").touch()  # a file in the folder's place stops also who may write anywhere
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), "/dev/null/none")
    environment = {**os.environ, **nowhere, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.count("55.0") == 3, done.stderr
    assert str(package) in done.stdout


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
"""
"""From here on nothing larger can be written, as on a disk that is full: it is an OSError in the middle of a file."""


@pytest.mark.parametrize("full", [True, False])
def test_a_disk_that_fills_up_under_the_cache_is_no_error(tmp_path, full):
    package = Path(_cpu_kernels.__file__).parents[2]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(package)}
    code = FULL * full + CODE
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.count("55.0") == 3, done.stderr
    assert bool(list(tmp_path.rglob("*.nbc"))) is not full  # the code itself, of more than the limit


@pytest.mark.parametrize("dtype", DTYPES)
def test_processes_do_not_change_a_bit_of_the_compiled_passes(always, dtype):
    """On workers too, which read what was compiled from the cache; scattered arrays are read-only there."""
    always(kernels=True)
    x = data(1700, 6, 5, dtype)[0].x
    with processes(2, threads=2):
        found = [
            KMeans(5, random_state=1, solver="lloyd", backend="cpu", engine=engine).fit(x)
            for engine in ("local", "dask")
        ]
    for name in ("cluster_centers_", "labels_", "distance_quantiles_", "inertia_"):
        np.testing.assert_array_equal(*(getattr(model, name) for model in found))
