"""The benchmarks' table runs, as a command."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import contenders, curve, families, indices, labelled, methods
from benchmarks import data as rows_of

ROOT = Path(__file__).parents[1]


def benchmark(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)


def test_a_row_runs_with_its_peer(tmp_path):
    done = benchmark("kmeans 4000", "features", "--repeats", "2", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    row, features = found["rows"]
    ours, theirs = row["median"]["gpuseg"], row["median"]["scikit-learn"]
    assert ours["seconds"] > 0
    assert ours["inertia"] <= 1.001 * theirs["inertia"]
    assert "gpuseg" in found["machine"]["versions"]
    assert len(row["seconds"]["scikit-learn"]) == len(row["times_faster"]["scikit-learn"]) == 2
    assert "gpuseg is" in done.stdout
    ours, theirs = features["median"]["gpuseg"], features["median"]["pandas"]
    assert (ours["customers"], ours["orders"]) == (theirs["customers"], theirs["orders"])
    assert abs(ours["amount"] / theirs["amount"] - 1) < 1e-12


def test_a_row_without_its_data_is_left_out_and_said():
    done = benchmark("whole job")
    assert done.returncode == 0, done.stderr
    assert "whole job is left out: give --practice and --transactions" in done.stderr


def test_no_row_begins_after_the_time_is_up():
    done = benchmark("kmeans 4000", "--minutes", "0")
    assert done.returncode == 0, done.stderr
    assert "kmeans 4000 x 3, k 6, 10 starts is left out: --minutes 0 are over" in done.stderr
    assert done.stdout == ""


def test_wrong_use_is_one_line():
    for arguments, says in ((["kmans"], "no row begins with 'kmans'"), (["--repeats", "-1"], "give at least 0")):
        done = benchmark(*arguments)
        assert done.returncode == 2
        assert says in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("row", [*methods.ROWS_OF_THE_TABLE, *indices.ROWS_OF_THE_TABLE], ids=lambda row: row.name)
def test_contenders_do_the_same_work(row):
    kind = rows_of.mixed if row.name.startswith("kprototypes") else partial(rows_of.points, features=6)
    given = kind(None, rows=400, clusters=8)
    runs = row.runs(SimpleNamespace(backend=["cpu"]))
    ours, *theirs = (row.score(given, run(given)) for run in runs.values())
    # Whoever has categories or swaps medoids may end elsewhere; BIRCH of others joins subclusters without weights.
    allowed = {"order": 0, "reachability": 1e-12, "heights": 1e-12, "condensed_mb": 0, "subclusters": 0.05}
    for name in runs.keys() - {"gpuseg"}:
        assert name in contenders.LIBRARIES
    for scores in theirs:
        for what, score in scores.items():
            assert ours[what] == pytest.approx(score, rel=allowed.get(what, 0.02), abs=0.1 if what == "ari" else 0)


def test_trees_on_labelled_sets_are_the_published_ones(data):
    sets = [one for one in labelled.known_sets(SimpleNamespace(data=data)) if len(one.x) < 1000]
    for name in ("Ward", "average"):
        scores = labelled.means(sets, labelled.each_seed(sets, name=name), published=labelled.METHODS[name].published)
        # The one set spiral has pairs that are equally near.
        assert scores["fcps"] == pytest.approx(scores["fcps_published"], abs=1e-6)
        assert scores["sipu_there"] == pytest.approx(scores["sipu_published"], abs=0.02)


def test_of_several_fits_the_one_nearest_to_the_number_of_segments_counts():
    two, three, noisy = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]), np.array([0, -1, 1, 1])
    truth = [np.array([1, 1, 2, 0])]
    one = labelled.Known("fcps", "four rows", np.zeros((4, 1)), truth, {})

    def fits(*_):
        return [
            SimpleNamespace(fit=lambda _, labels=labels: SimpleNamespace(labels_=labels))
            for labels in (three, noisy, two)
        ]

    assert labelled.agreement(one, labelled.Method(fits), 0) == 1


def test_a_digest_is_fitted_by_as_many_points_as_its_counts_allow():
    given = families.pinned(None, name="blobs", rows=5000)
    makers = families.methods("blobs", 5000, "digest")
    scores = curve.each_step(given, curve.curve(given, make=lambda: makers["Ward"]().set_params(random_state=0)))
    assert {f"ari_{points}" for points in curve.POINTS} < scores.keys()
    assert scores["ari_512"] > 0.99
    assert scores["digest_error_16384"] == 0
