"""The benchmarks' table runs, as a command."""

import json
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"


def benchmark(*arguments):
    return subprocess.run([sys.executable, RUN, *arguments], capture_output=True, text=True, check=False, timeout=300)


def test_a_row_runs_with_its_peer(tmp_path):
    done = benchmark("kmeans 4000", "--repeats", "1", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    (row,) = found["rows"]
    ours, theirs = row["median"]["gpuseg"], row["median"]["scikit-learn"]
    assert ours["seconds"] > 0
    assert ours["inertia"] <= 1.001 * theirs["inertia"]
    assert "gpuseg" in found["machine"]["versions"]
    assert "times as fast as scikit-learn" in done.stdout


def test_a_row_without_its_data_is_left_out_and_said():
    done = benchmark("whole job")
    assert done.returncode == 0, done.stderr
    assert "whole job is left out: give --practice and --transactions" in done.stderr
