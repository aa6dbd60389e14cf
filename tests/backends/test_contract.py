"""Laws that every backend keeps. A new backend is tested by being in KNOWN."""

import ast
import inspect
from pathlib import Path

import narwhals as nw
import numpy as np
import pytest

from gpuseg import backends
from gpuseg.backends import KNOWN, available, choose, get_backend, holder, like, to_host
from gpuseg.backends.devices import Driver, Gpu, gpu_missing
from gpuseg.cluster import KMeans, _assignment, _labelled, _prototypes, _quantiles
from gpuseg.errors import BackendUnavailable, UnsupportedOnBackend
from gpuseg.neighbors import centers, groups, rows

BODIES = (centers, groups, rows, _assignment, _labelled, _prototypes, _quantiles)
"""The files of array functions that kernels may replace."""
HAS_GPU = gpu_missing() is None


def test_there_and_back_is_the_same(backend):
    x = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(backend.to_host(backend.to_device(x)), x)
    assert to_host(backend.to_device(x)).tolist() == x.tolist()


def test_holds_what_it_makes_and_is_then_chosen(backend):
    x = backend.to_device(np.zeros((2, 2)))
    assert holder(x) is backend
    if backend.name != "cpu":
        assert choose(x) == (backend, f"the data is held by {backend.name!r}", (), False)


def test_matrix_of_a_table_of_numbers_with_a_gap(backend):
    table = nw.from_dict({"a": [1.0, 2.0], "b": [3.0, float("nan")]}, backend="polars")
    if backend.name == "cuda":
        table = nw.from_dict({"a": [1.0, 2.0], "b": [3.0, float("nan")]}, backend="cudf")
    x = backend.matrix(table)
    assert holder(x) is backend
    np.testing.assert_array_equal(backend.to_host(x), [[1, 3], [2, np.nan]])


def test_free_memory_is_in_bytes(backend):
    assert backend.free_memory() > 2**20


def test_every_backend_gives_a_fit_the_same_parameters():
    """The source of the CUDA backend is read: without a GPU it cannot be imported."""
    found = {}
    for path in (Path(backends.__file__).parent).glob("*cuda*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("fit_"):
                arguments = (*node.args.args, *node.args.kwonlyargs)
                found[node.name.removeprefix("fit_")] = [argument.arg for argument in arguments]
    for backend in available():
        for name in found.keys() & backend.fits.keys():
            assert [*inspect.signature(backend.fits[name]).parameters] == found[name]
    assert set(found) == {"kmeans", "dbscan", "hdbscan"} <= set(get_backend("cpu").fits)


def test_auto_knows_the_needs_of_every_fit_before_it_loads_one():
    ours = {"bisectingkmeans", "minibatchkmeans", "digest"}  # no library's: in array code, and so on every backend
    for name, known in KNOWN.items():
        assert set(known.needs) - ours == {"cuda": {"kmeans", "dbscan", "hdbscan"}}.get(name, set(known.needs) - ours)
        if known.missing() is None:
            assert set(known.needs) - ours == set(get_backend(name).fits)


def test_host_data_stays_where_no_fit_is_asked_for(backend):
    assert choose(np.zeros((2, 2))).backend.name == "cpu"
    assert choose(backend.to_device(np.zeros((2, 2)))).backend is backend


def test_every_kernel_has_an_array_body_with_the_same_parameters(backend):
    for name, kernel in backend.kernels.items():
        (body,) = {vars(module)[name] for module in BODIES if name in vars(module)}
        assert [*inspect.signature(kernel).parameters] == [*inspect.signature(body).parameters]


def test_results_are_in_the_callers_library(backend):
    x = backend.to_device(np.zeros(3))
    assert holder(like(x, x)) is backend
    assert type(like(x, None)) is np.ndarray


def test_auto_says_why(monkeypatch):
    if HAS_GPU:
        assert choose(np.zeros((2, 2)), fit="kmeans").backend.name == "cuda"
        return
    choice = choose(np.zeros((2, 2)), fit="kmeans")
    assert choice.backend.name == "cpu"
    assert choice.reason.startswith("auto took 'cpu', the first that can be used ('cuda' cannot: ")


def test_an_unknown_backend_is_said():
    with pytest.raises(BackendUnavailable, match=r"backend='cdua' is not known; known are 'cuda', 'cpu'"):
        get_backend("cdua")


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(BackendUnavailable, match=r"backend='cuda' cannot be used here: .*; usable here are 'cpu'"):
        KMeans(backend="cuda").fit(np.zeros((9, 2)))


def test_an_algorithm_that_a_backend_lacks_is_said():
    with pytest.raises(UnsupportedOnBackend, match="backend='strict' does not offer 'hdbscan'; use 'cpu'"):
        choose(np.zeros((2, 2)), "strict", fit="hdbscan")


def test_the_search_for_a_gpu_names_what_is_missing(monkeypatch):
    monkeypatch.setattr("gpuseg.backends.devices.find_spec", lambda name: None if name == "cuml" else object())
    assert gpu_missing().startswith("cuML is not installed; install gpuseg[cuda12]")
    monkeypatch.setattr("gpuseg.backends.devices.find_spec", lambda _: object())
    monkeypatch.setattr("gpuseg.backends.devices.driver", lambda: Driver("580", (13, 0), (Gpu("L4", None, None),)))
    assert gpu_missing() is None
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert gpu_missing() == "CUDA_VISIBLE_DEVICES hides every GPU; unset it"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-5f2c")
    monkeypatch.setattr("gpuseg.backends.devices.driver", lambda: None)
    assert "NVML finds no NVIDIA GPU" in gpu_missing()
