"""The plan of a fit: what it prints, that it is what a fit does, and that its bytes are of the right size."""

import json
import subprocess
import sys

import numpy as np
import pytest

import gpuseg
from gpuseg.backends.devices import gpu_missing
from gpuseg.cluster import ALGORITHMS
from gpuseg.engines import site_of
from gpuseg.errors import InvalidInput
from gpuseg.planning import Plan

GROWTH = """
import json, sys
import numpy as np
from gpuseg.cluster import ALGORITHMS
from gpuseg.engines import site_of

name, rows, columns, parameters = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
x = rng.normal(scale=6, size=(8, columns))[rng.integers(0, 8, rows)] + rng.normal(size=(rows, columns))
model = ALGORITHMS[name](**parameters)
task = model._task(model._blocks(x, None, site_of("local"), reset=True))
model.fit(x[: rows // 4])  # libraries are loaded by then
def held(what):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what))
before = held("VmRSS")
model.fit(x)
print((held("VmHWM") - before) * 1024, task.neighbours)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
@pytest.mark.parametrize(
    ("name", "rows", "columns", "parameters"),
    [
        ("dbscan", 20_000, 2, {"eps": 1.5}),
        ("hdbscan", 40_000, 4, {"min_samples": 20}),
        ("kmeans", 200_000, 8, {"solver": "vendor", "max_iter": 2}),
    ],
)
def test_the_bytes_on_the_cpu_are_of_the_right_size(name, rows, columns, parameters):
    given = json.dumps([name, rows, columns, parameters])
    out = subprocess.check_output([sys.executable, "-c", GROWTH, given], text=True).split()
    grown, neighbours = float(out[0]), float(out[1])
    known = {key: value for key, value in parameters.items() if key == "min_samples"}
    planned = gpuseg.plan(name, rows, columns, neighbours=neighbours, backend="cpu", **known).lines[-1].bytes
    copies = rows * columns * 8 if name == "kmeans" else 0  # the plan of "auto" is of our own loop
    assert 0.5 < (planned + copies) / grown < 2


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_plan_is_what_a_fit_does(name, blobs):
    found = gpuseg.plan(name, *blobs[0].shape)
    model = ALGORITHMS[name]().fit(blobs[0])
    assert found.backend == model.backend_
    assert model.dispatch_.reason.startswith(found.reason)


def test_it_prints_a_line_a_backend_and_the_reason():
    found = gpuseg.plan("kmeans", 2_000_000, 10, backend="cpu")
    lines = str(found).splitlines()
    assert lines[0] == "kmeans of 2,000,000 rows by 10 columns, float64"
    assert lines[1].split() == ["backend", "needs", "free", "work", "about"]
    assert [line.split()[0] for line in lines[2:]] == [*(line.backend for line in found.lines), "backend='cpu'"]
    assert lines[-2].endswith("taken")
    assert "<table>" in found._repr_html_()
    assert Plan.of(json.loads(json.dumps(found.to_dict()))) == found


def test_more_needs_more():
    few, many = (gpuseg.plan("dbscan", 10**6, 8, neighbours=n).lines[-1] for n in (10, 10_000))
    assert many.bytes - few.bytes == 14 * 9_990 * 10**6
    assert many.against.startswith("has no room: ")
    assert gpuseg.plan("dbscan", 10**12, 8).backend is None
    single = gpuseg.plan("kmeans", 10**6, 8, dtype="float32").lines[-1].bytes
    assert gpuseg.plan("kmeans", 10**6, 8).lines[-1].bytes - single == 10**6 * 8 * 4


@pytest.mark.skipif(gpu_missing() is None, reason="there is a GPU here")
def test_a_backend_that_is_not_here_is_planned_and_not_taken():
    found = gpuseg.plan("hdbscan", 10**6, 8, backend="cuda")
    assert found.backend is None
    assert found.reason.startswith("backend='cuda' is asked for by name, and cannot: ")
    assert found.lines[0].bytes > 10**6 * 8 * 8
    assert found.lines[0].seconds is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("kmean", 10, 2), "algorithm='kmean' is not known; allowed are 'kmeans'"),
        (("kmeans", 0, 2), "n=0 is not allowed; give 1 or more"),
        (("kmeans", 10, -1), "d=-1 is not allowed"),
    ],
)
def test_a_wrong_name_or_size_is_said(wrong, words):
    with pytest.raises(InvalidInput, match=words):
        gpuseg.plan(*wrong)
    with pytest.raises(InvalidInput, match="dtype='float16' is not known; allowed are 'float64', 'float32'"):
        gpuseg.plan("kmeans", 10, 2, dtype="float16")
    with pytest.raises(InvalidInput, match="backend='cdua' is not known; allowed are 'cuda', 'cpu', 'auto'"):
        gpuseg.plan("kmeans", 10, 2, backend="cdua")


def test_a_plan_loads_no_library_that_computes():
    code = (
        "import gpuseg, sys; gpuseg.plan('kmeans', 10, 2); print([m for m in ('sklearn', 'cuml') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_device_array_is_planned_where_it_is(backend):
    x, model = backend.to_device(np.zeros((9, 2))), gpuseg.KMeans()
    task = model._task(model._blocks(x, None, site_of("local"), reset=True))
    assert task.held == backend.name
