"""The doctor: it tells what is here, on every machine, and what to install."""

import json
import os

import numpy as np
import pytest
import sklearn

from gpuseg.backends import KNOWN
from gpuseg.backends.devices import Driver, Gpu
from gpuseg.cli.doctor import advice, lines_of
from gpuseg.planning import plan

L4 = (Gpu("NVIDIA L4", 24_000_000_000, 20_000_000_000),)


def test_it_says_what_is_here_and_exits_with_0(gpuseg):
    code, out, err = gpuseg("doctor", "--rows", "2_000_000", "--columns", "20", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["versions"]["scikit-learn"] == sklearn.__version__
    assert facts["cores"] <= os.cpu_count()
    assert 10**7 < facts["free_memory"] < 10**14
    assert facts["backends"]["cpu"] is None
    assert (facts["plan"]["rows"], facts["plan"]["columns"]) == (2_000_000, 20)


@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
def test_it_tells_the_plan(gpuseg, algorithm):
    facts = json.loads(gpuseg("doctor", "--algorithm", algorithm, "--json")[1])
    expected = plan(algorithm, 1_000_000, 10)
    assert (facts["plan"]["backend"], facts["plan"]["algorithm"]) == (expected.backend, algorithm)
    assert [line["bytes"] for line in facts["plan"]["lines"]] == [line.bytes for line in expected.lines]


def test_it_is_readable(gpuseg):
    code, out, err = gpuseg("doctor")
    assert (code, err) == (0, "")
    for word in ("machine", "versions", "GPU", "backend   cpu: usable", "plan      kmeans of 1,000,000", "install"):
        assert word in out
    assert gpuseg("doctor", "--quiet") == (0, "", "")


@pytest.mark.skipif(KNOWN["cuda"].missing() is None, reason="there is a GPU here")
def test_a_wish_that_cannot_be_met_is_told_and_is_no_error(gpuseg, monkeypatch):
    monkeypatch.setenv("GPUSEG_BACKEND", "cuda")
    code, out, _ = gpuseg("doctor")
    assert code == 0
    assert "backend='cuda' is asked for by GPUSEG_BACKEND, and cannot: " in out


def test_a_matrix_that_does_not_fit_is_told(gpuseg):
    assert "no backend can be taken: " in gpuseg("doctor", "--rows", "1000000000000")[1]


@pytest.mark.parametrize(
    ("driver", "missing", "system", "word"),
    [
        (None, "cuML is not installed; ...", "Linux", "nothing: without an NVIDIA GPU"),
        (Driver("580", (13, 0), ()), "cuML is not installed; ...", "Linux", "nothing: without an NVIDIA GPU"),
        (Driver("580", (13, 1), L4), "cuML is not installed; ...", "Linux", "pip install 'gpuseg[cuda13]'"),
        (Driver("550", (12, 4), L4), "cuML is not installed; ...", "Linux", "pip install 'gpuseg[cuda12]'"),
        (Driver("470", (11, 4), L4), "cuML is not installed; ...", "Linux", "a newer NVIDIA driver"),
        (Driver("580", (13, 0), L4), "cuML is not installed; ...", "Windows", "RAPIDS runs on Linux"),
        (Driver("580", (13, 0), L4), "CUDA_VISIBLE_DEVICES hides every GPU; unset it", "Linux", "unset it"),
        (Driver("580", (13, 0), L4), None, "Linux", "nothing: the GPU is usable"),
    ],
)
def test_what_to_install(driver, missing, system, word):
    assert word in advice(driver, missing, system)


def test_a_gpu_is_shown_with_its_driver_and_memory(gpuseg):
    facts = json.loads(gpuseg("doctor", "--json")[1])
    facts["driver"] = {"version": "580.65", "cuda": [13, 0], "gpus": [L4[0]._asdict()]}
    assert "GPU       NVIDIA L4, 24.0 GB, 20.0 GB free; driver 580.65, for CUDA 13.0" in lines_of(facts)
