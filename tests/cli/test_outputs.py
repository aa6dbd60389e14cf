"""What can go wrong where a command writes: whole files or none, and nothing of the user's is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest


@pytest.mark.parametrize("output", ["out.xlsx", "none/out.csv", "folder.csv", "/sys/out.csv", "/dev/null.csv/x.csv"])
def test_an_output_that_cannot_be_written(refused, customers, output):
    customers.write_csv("c.csv")
    Path("folder.csv").mkdir()
    assert output.rsplit("/", 1)[0] in refused("segment", "c.csv", "-o", output, "--id", "customer_id")


def test_a_folder_in_the_way_of_one_output_leaves_all_as_they_were(refused, transactions):
    transactions.write_csv("tx.csv")
    Path("out/segments.parquet").mkdir(parents=True)
    Path("out/customers.parquet").write_text("old")
    assert "segments.parquet is a folder that gpuseg did not write" in refused("run", "tx.csv", "-o", "out")
    assert Path("out/customers.parquet").read_text() == "old"
    assert sorted(p.name for p in Path("out").iterdir()) == ["customers.parquet", "segments.parquet"]


def test_a_file_in_the_way_keeps_its_permissions(gpuseg, customers):
    customers.write_csv("c.csv")
    Path("s.csv").touch(mode=0o600)
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--id", "customer_id")[0] == 0
    assert Path("s.csv").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written(refused, transactions):
    transactions.write_csv("tx.csv")
    assert "/sys" in refused("run", "tx.csv", "-o", "/sys/out")
    assert "tx.csv is not a folder" in refused("run", "tx.csv", "-o", "tx.csv")


@pytest.mark.parametrize("command", ["features", "segment"])
def test_an_output_that_is_the_input(refused, customers, command, tmp_path):
    customers.write_csv("c.csv")
    before = Path("c.csv").read_bytes()
    assert "is also the input, which would be lost" in refused(command, "c.csv", "-o", tmp_path / "c.csv")
    assert Path("c.csv").read_bytes() == before


def test_a_prediction_that_would_replace_its_input(refused, model):
    assert "is also the input" in refused("predict", model, "c.csv", "-o", "./c.csv")


def test_the_users_folder(gpuseg, customers, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    customers.write_csv("c.csv")
    assert gpuseg("segment", "~/c.csv", "-o", "~/s.csv", "--id", "customer_id", "--model", "~/m.gpuseg")[0] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv", "m.gpuseg", "s.csv"]
    assert gpuseg("inspect", "~/m.gpuseg")[0] == 0


@pytest.mark.parametrize(("end", "code"), [(">&-", 0), ("> /dev/full", 2), ("| head -1", 0)])
def test_an_output_stream_that_is_closed_or_full(model, end, code, tmp_path):
    command = f"set -o pipefail; {sys.executable} -m gpuseg inspect {model} {end}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (code == 2)


LIMITED = """
import resource, signal, sys
from gpuseg.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_leaves_nothing_and_harms_nothing(customers, tmp_path):
    customers.write_csv(tmp_path / "c.csv")
    (tmp_path / "s.csv").write_text("old")
    # A limit on the size of files stands for the full disk: the write fails in the middle in the same way.
    command = [sys.executable, "-c", LIMITED, "segment", "c.csv", "-o", "s.csv", "--id", "customer_id"]
    done = subprocess.run(
        [*command, "--model", "m.gpuseg"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (tmp_path / "s.csv").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv", "s.csv"]


def test_an_interrupt_in_the_middle(tmp_path, tmp_path_factory):
    # With an empty cache Numba compiles for seconds, in which it would lose an interrupt of its own thread.
    empty = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("numba"))}
    rng = np.random.default_rng(0)
    pl.DataFrame(rng.normal(size=(60_000, 12))).write_parquet(tmp_path / "c.parquet")
    command = [sys.executable, "-m", "gpuseg", "segment", "c.parquet", "-o", "s.csv", "--k-range", "20:60"]
    options = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True, "env": empty}
    with subprocess.Popen(command, cwd=tmp_path, **options) as process:
        time.sleep(6)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "gpuseg: interrupted; no output was written"
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["c.parquet"]
