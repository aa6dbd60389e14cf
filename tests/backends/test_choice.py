"""What "auto" takes for a fit, and where it goes on when memory runs out: the real dispatch, on a small device."""

import logging
from dataclasses import replace

import array_api_strict as xp
import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.backends import KNOWN, Need, Task, choose, cpu, get_backend
from gpuseg.cluster import DBSCAN, HDBSCAN, KMeans
from gpuseg.engines import site_of
from gpuseg.errors import InvalidInput, OutOfMemory, UnsupportedOnBackend
from gpuseg.settings import gpu_threshold
from tests import small_backend

TASK = Task("kmeans", 1000, 4)


@pytest.fixture
def small(monkeypatch):
    """Put the small device before the CPU, until the test ends; give what sets its room."""
    saved = small_backend.put_first({})

    def room(fits=0, thrifty=0, held=0, error=None):
        monkeypatch.setattr(small_backend, "ROOM", {"fits": fits, "thrifty": thrifty, "held": held})
        if error is not None:
            monkeypatch.setattr(small_backend, "ERROR", error)

    room(10**9, 10**9, 10**9)
    yield room
    small_backend.take_away(saved)


@pytest.fixture
def cramped(monkeypatch):
    """Leave the CPU a megabyte."""
    get_backend.cache_clear()
    monkeypatch.setattr(cpu, "BACKEND", replace(cpu.BACKEND, free_memory=lambda: 10**6))
    yield
    get_backend.cache_clear()


def test_where_there_is_room_nothing_is_tried_twice(small, blobs):
    model = KMeans(4, random_state=0).fit(blobs[0])
    assert (model.backend_, model.dispatch_.steps) == ("small", ())
    assert model.dispatch_.reason.startswith("auto took 'small', the first that can be used; ")
    assert type(model.labels_) is np.ndarray


def test_smaller_batches_come_first(small, blobs, caplog):
    small(fits=10, thrifty=10**6, held=10**6)
    with caplog.at_level(logging.INFO, "gpuseg"):
        model = DBSCAN(1.0).fit(blobs[0])
    steps = ("'small' ran out of memory, tried again in smaller batches",)
    assert (model.backend_, model.dispatch_.steps) == ("small", steps)
    assert steps[0] in caplog.text
    np.testing.assert_array_equal(model.labels_, DBSCAN(1.0, backend="cpu").fit(blobs[0]).labels_)


@pytest.mark.parametrize(
    ("model", "steps"),
    [
        (KMeans(4, random_state=0, solver="vendor"), ["'small' ran out of memory, went on on 'cpu'"]),
        (HDBSCAN(20), ["'small' ran out of memory, went on on 'cpu'"]),
        (
            DBSCAN(1.0),
            [
                "'small' ran out of memory, tried again in smaller batches",
                "'small' ran out of memory, went on on 'cpu'",
            ],
        ),
    ],
    ids=["kmeans", "hdbscan", "dbscan"],
)
@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA error: out of memory (cudaErrorMemoryAllocation)")]
)
@pytest.mark.parametrize("held", [False, True])
def test_then_the_next_backend(small, blobs, caplog, model, steps, error, held):
    small(error=error)
    with caplog.at_level(logging.INFO, "gpuseg"):
        model.set_params(backend="auto").fit(xp.asarray(blobs[0]) if held else blobs[0])
    assert (model.backend_, list(model.dispatch_.steps)) == ("cpu", steps)
    assert "'small' ran out of memory" in model.dispatch_.reason
    assert all(step in caplog.text for step in steps)
    assert type(model.labels_) is np.ndarray
    expected = model.labels_
    np.testing.assert_array_equal(expected, model.set_params(backend="cpu").fit(blobs[0]).labels_)


SMALLER = "'small' ran out of memory, tried again in smaller batches"


@pytest.fixture
def blocks_of_100(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 100)


@pytest.mark.parametrize("kind", ["array", "files", "held"])
@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA error: out of memory")])
def test_kmeans_goes_on_block_by_block(small, blobs, blocks_of_100, caplog, tmp_path, kind, error):
    """Two blocks, one at work and the one before it, have room; that all of them never stand there is counted."""
    small(held=0 if kind == "held" else 200, error=error)
    pl.DataFrame(blobs[0]).write_parquet(tmp_path / "x.parquet", row_group_size=100)
    given = {"array": blobs[0], "files": tmp_path / "x.parquet", "held": xp.asarray(blobs[0])}[kind]
    with caplog.at_level(logging.INFO, "gpuseg"):
        model = KMeans(4, random_state=0).fit(given)
    assert (model.backend_, model.dispatch_.solver, model.dispatch_.steps) == ("small", "lloyd", (SMALLER,))
    assert SMALLER in caplog.text
    expected = KMeans(4, random_state=0, backend="cpu", solver="lloyd").fit(blobs[0])
    np.testing.assert_array_equal(np.asarray(model.labels_), expected.labels_)
    np.testing.assert_allclose(model.cluster_centers_, expected.cluster_centers_, rtol=1e-9)


def test_kmeans_without_room_for_a_block_goes_on_elsewhere(small, blobs, blocks_of_100):
    small(held=99)
    model = KMeans(4, random_state=0).fit(blobs[0])
    assert model.dispatch_.steps == (SMALLER, "'small' ran out of memory, went on on 'cpu'")
    assert model.backend_ == "cpu"


def test_a_choice_of_k_goes_on_as_a_whole(small, blobs):
    small(error=MemoryError())
    with gpuseg.config(notices="off"):
        found = gpuseg.Segmenter(k_range=(2, 5)).fit(blobs[0])
    assert found.backend_ == "cpu"
    assert found.card_["backend"]["steps"] == [SMALLER, "'small' ran out of memory, went on on 'cpu'"]
    assert found.choice_.k == gpuseg.Segmenter(k_range=(2, 5), backend="cpu").choose_k(blobs[0]).k


def test_the_steps_are_in_the_model_file(small, blobs, tmp_path):
    small(error=MemoryError())
    found = gpuseg.Segmenter(n_clusters=3).fit(blobs[0])
    assert gpuseg.load(found.save(tmp_path / "m.gpuseg")).dispatch_ == found.dispatch_


def test_a_named_backend_raises_with_the_plan_and_the_advice(small, blobs):
    small(error=MemoryError("no more"))
    with pytest.raises(OutOfMemory, match=r"'small' ran out of memory \(no more\): kmeans of 600 rows by 3") as told:
        KMeans(4, backend="small").fit(blobs[0])
    assert "use fewer rows" in str(told.value)
    assert "or use backend='auto'" in str(told.value)
    assert isinstance(told.value, MemoryError)
    assert "\n" not in str(told.value)


def test_other_errors_are_no_lack_of_memory(small, blobs):
    small(error=RuntimeError("an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal"):
        KMeans(4).fit(blobs[0])


def test_the_next_fit_starts_afresh(small, blobs):
    small(error=MemoryError())
    assert KMeans(4).fit(blobs[0]).backend_ == "cpu"
    small(10**9, held=10**9)
    assert KMeans(4).fit(blobs[0]).dispatch_.steps == ()


def test_the_last_backend_has_no_other_after_it(small, blobs, monkeypatch):
    def spent(*_, **__):
        raise MemoryError

    small(error=MemoryError())
    monkeypatch.setattr(cpu, "BACKEND", replace(cpu.BACKEND, fits={**cpu.BACKEND.fits, "hdbscan": spent}))
    get_backend.cache_clear()
    with pytest.raises(OutOfMemory, match=r"'cpu' ran out of memory \(MemoryError\).*before that: 'small' ran out"):
        HDBSCAN(20).fit(blobs[0])


def test_a_backend_without_room_is_passed_over(small):
    choice = choose(np.zeros((2, 2)), fit="kmeans", task=TASK._replace(rows=10**8))
    assert choice.backend.name == "cpu"
    assert "'small' has no room: 13.2 GB are needed and 1.0 GB free" in choice.reason


def test_work_that_does_not_repay_the_start_up_stays(small):
    KNOWN["small"] = small_backend.KNOWN._replace(loads="no_such_library")
    assert choose(None, fit="kmeans", task=TASK).backend.name == "cpu"
    assert "below gpu_threshold=8" in choose(None, fit="kmeans", task=TASK).reason
    assert choose(None, fit="kmeans", task=TASK._replace(rows=9 * 10**6, columns=1, n_init=10)).backend.name == "small"
    with gpuseg.config(gpu_threshold=0):
        assert choose(None, fit="kmeans", task=TASK).backend.name == "small"
    KNOWN["small"] = small_backend.KNOWN._replace(loads="numpy")
    assert choose(None, fit="kmeans", task=TASK).backend.name == "small"


def test_what_a_library_cannot_do_is_passed_over(small):
    needs = {"hdbscan": lambda _: Need(0, 0.0, None, "takes no min_samples of 1")}
    KNOWN["small"] = small_backend.KNOWN._replace(needs=needs)
    choice = choose(None, fit="hdbscan", task=Task("hdbscan", 10, 2))
    assert choice.reason == "auto took 'cpu', the first that can be used ('small' takes no min_samples of 1)"
    with pytest.raises(UnsupportedOnBackend, match="offered by no backend here"):
        choose(None, fit="spectral")


@pytest.mark.parametrize("backend", ["auto", "cpu"])
def test_what_does_not_fit_is_refused_before_the_work(cramped, blobs, backend):
    with pytest.raises(
        OutOfMemory, match=r"dbscan of 600 rows by 3 columns, with about 600 rows within eps of a row"
    ) as told:
        DBSCAN(1e3, backend=backend).fit(blobs[0])
    assert "needs about 5 MB on 'cpu' and 1 MB are free; use fewer rows or a smaller eps" in str(told.value)
    assert DBSCAN(1e-3, backend=backend).fit(blobs[0]).n_clusters_ == 0


def test_the_neighbours_are_counted_on_a_sample():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(20_000, 2)) + 1e6
    task = DBSCAN(0.05)._task(DBSCAN()._blocks(x, None, site_of("local"), reset=True))
    assert task.neighbours == pytest.approx(20_000 * np.pi * 0.05**2, rel=0.2)


def test_the_threshold_is_a_setting(monkeypatch):
    assert gpu_threshold() == 8
    monkeypatch.setenv("GPUSEG_GPU_THRESHOLD", "2.5")
    assert gpu_threshold() == 2.5
    with gpuseg.config(gpu_threshold=0):
        assert gpu_threshold() == 0
        with gpuseg.config(backend="cpu"):
            assert gpu_threshold() == 0
    for wrong in ("soon", "-1", "nan"):
        monkeypatch.setenv("GPUSEG_GPU_THRESHOLD", wrong)
        with pytest.raises(InvalidInput, match=f"GPUSEG_GPU_THRESHOLD='{wrong}' is no number of seconds; give 0"):
            gpu_threshold()
    with pytest.raises(InvalidInput, match="gpu_threshold=-1 is no number"), gpuseg.config(gpu_threshold=-1):
        pass
