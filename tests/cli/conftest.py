"""Small files for the command line, and a way to run it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gpuseg.cli import main


@pytest.fixture
def gpuseg(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder; give its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(gpuseg):
    """Run a command that the user has to mend; give its one line of error."""

    def run(*arguments):
        code, out, err = gpuseg(*arguments, "--quiet")
        assert code == 2, err
        assert out == ""
        assert err.startswith("gpuseg: ")
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
        return err

    return run


@pytest.fixture
def process():
    """Run a command in a process of its own."""

    def run(*arguments, **options):
        command = [sys.executable, "-m", "gpuseg", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)

    return run


@pytest.fixture
def customers():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 40)
    return pl.DataFrame(
        {
            "customer_id": np.arange(1000, 1120),
            "spend": np.array([10.0, 200.0, 900.0])[group] + rng.normal(size=120),
            "visits": np.array([1.0, 30.0, 5.0])[group] + rng.normal(size=120) / 4,
            "plan": np.array(["basic", "gold", "trial"])[group],
        }
    )


@pytest.fixture
def transactions():
    rng = np.random.default_rng(1)
    n = 400
    days = rng.integers(0, 300, size=n).astype("timedelta64[D]")
    return pl.DataFrame(
        {
            "customer_id": rng.integers(1, 60, size=n),
            "date": (np.datetime64("2026-01-01T12:00:00") + days).astype("datetime64[us]"),
            "order_id": rng.integers(1, 200, size=n),
            "amount": rng.lognormal(3, 1, size=n).round(2),
        }
    )


@pytest.fixture
def model(gpuseg, customers):
    """Write c.csv, s.csv and m.gpuseg in the folder of the test."""
    customers.write_csv("c.csv")
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--model", "m.gpuseg", "--quiet")[0] == 0
    return Path("m.gpuseg")
