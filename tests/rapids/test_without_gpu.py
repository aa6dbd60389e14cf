"""RAPIDS is installed and there is no GPU: who asks for one is told, and everybody else gets the CPU and no RAPIDS."""

import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.backends.devices import gpu_missing
from gpuseg.cli import main
from gpuseg.errors import BackendUnavailable
from tests.rapids.values import ROOTS

pytestmark = pytest.mark.skipif(gpu_missing() is None, reason="there is a GPU here")

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(3, 2)) * 9)[RNG.integers(3, size=90)] + RNG.normal(size=(90, 2))
TABLE = pl.DataFrame(X, schema=["spend", "visits"]).with_columns(plan=pl.Series(["basic", "gold"] * 45))
WHY = "backend='cuda' cannot be used here: NVML finds no NVIDIA GPU; check that nvidia-smi lists one; usable here are "
ENTRIES = {
    "KMeans": lambda wish: gpuseg.KMeans(2, **wish).fit(X),
    "DBSCAN": lambda wish: gpuseg.DBSCAN(**wish).fit(X),
    "HDBSCAN": lambda wish: gpuseg.HDBSCAN(**wish).fit(X),
    "Preprocessor": lambda wish: gpuseg.Preprocessor(**wish).fit_transform(TABLE),
    "Preprocessor of an array": lambda wish: gpuseg.Preprocessor(**wish).fit(X),
    "Segmenter": lambda wish: gpuseg.Segmenter(n_clusters=2, **wish).fit(TABLE),
    "Segmenter.choose_k": lambda wish: gpuseg.Segmenter(**wish).choose_k(TABLE),
    "choose_k": lambda wish: gpuseg.choose_k(X, (2, 3), **wish),
    "predict": lambda wish: fitted().set_params(**wish).predict(X),
    "assign": lambda wish: fitted().set_params(**wish).assign(X),
}
WAYS = ("argument", "config", "variable")


def fitted():
    """Return a model that the CPU fitted, whatever is wished for around it."""
    return gpuseg.KMeans(2, random_state=0, backend="cpu").fit(X).set_params(backend="auto")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_who_asks_for_a_gpu_is_told(entry, way, monkeypatch):
    if way == "variable":
        monkeypatch.setenv("GPUSEG_BACKEND", "cuda")
    wish = {"backend": "cuda"} if way == "argument" else {}
    with (
        gpuseg.config(backend="cuda") if way == "config" else nullcontext(),
        pytest.raises(BackendUnavailable, match=WHY) as told,
    ):
        ENTRIES[entry](wish)
    assert "'cpu'" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("entry", ENTRIES)
def test_who_asks_for_nothing_gets_the_cpu(entry):
    found = ENTRIES[entry]({})
    if hasattr(found, "dispatch_"):
        assert found.dispatch_.backend == "cpu"
        assert "NVML finds no NVIDIA GPU" in found.dispatch_.reason


@pytest.mark.parametrize("way", ["--backend", "variable"])
@pytest.mark.parametrize("command", ["segment", "run", "choose-k"])
def test_the_command_line_says_it_in_one_line(command, way, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("customers.csv")
    days = pl.Series(np.datetime64("2026-01-01") + np.arange(90).astype("timedelta64[D]"))
    pl.DataFrame({"customer_id": np.arange(90) % 30, "date": days, "amount": np.abs(X[:, 0])}).write_csv("tx.csv")
    arguments = {
        "segment": ["customers.csv", "-o", "s.csv"], "run": ["tx.csv", "-o", "out"], "choose-k": ["customers.csv"],
    }[command]  # fmt: skip
    if way == "variable":
        monkeypatch.setenv("GPUSEG_BACKEND", "cuda")
    assert main([command, *arguments, "--quiet", *(["--backend", "cuda"] if way == "--backend" else [])]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"gpuseg: {WHY}")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "s.csv").exists()
    assert not (tmp_path / "out").exists()


def test_the_doctor_says_what_is_missing_and_exits_with_0(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "NVML finds no NVIDIA GPU" in out
    assert "cuml" in out.lower()


def loaded_after(code):
    """Run code in a process; give the modules of RAPIDS and the CUDA libraries that are loaded at its end."""
    tell = (
        f"import sys; print(sorted(r for r in {ROOTS} if r in sys.modules), "
        "sorted({l.split('/')[-1].strip() for l in open('/proc/self/maps') if '/libcu' in l}))"
    )
    run = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[-1]


def test_importing_loads_nothing_of_rapids():
    assert loaded_after("import gpuseg; [getattr(gpuseg, name) for name in gpuseg.__all__]") == "[] []"


def test_work_on_the_cpu_loads_nothing_of_rapids():
    code = """
import numpy as np, polars as pl, gpuseg
x = np.random.default_rng(0).normal(size=(60, 2))
gpuseg.Segmenter(n_clusters=2).fit(pl.DataFrame(x, schema=["a", "b"]))
gpuseg.DBSCAN().fit(x)
gpuseg.choose_k(x, (2, 3))
try:
    gpuseg.KMeans(2, backend="cuda").fit(x)
except gpuseg.errors.BackendUnavailable:
    pass
"""
    assert loaded_after(code) == "[] []"
