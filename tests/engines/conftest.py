"""Clusters of real processes for the tests of engines."""

import json
import subprocess
import sys
import time

import pytest

from tests.clusters import processes


@pytest.fixture(scope="package")
def cluster():
    """Give the client of two worker processes; it is not the current one."""
    with processes(2, current=False) as client:
        yield client


@pytest.fixture
def scheduler(tmp_path):
    """Give a scheduler in a process of its own, with its address, and a way to start workers of it."""
    started = []

    def start(command, *arguments, folder=None):
        call = [sys.executable, "-m", f"distributed.cli.dask_{command}", *arguments, "--no-dashboard"]
        process = subprocess.Popen(call, stderr=subprocess.DEVNULL, cwd=folder)
        started.append(process)
        return process

    file = tmp_path / "scheduler.json"
    process = start("scheduler", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", str(file))
    while not (file.exists() and file.read_text().endswith("}")):
        time.sleep(0.05)
    yield process, json.loads(file.read_text())["address"], start
    for each in started:
        each.kill()
        each.wait()
