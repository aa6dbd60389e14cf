"""The options that say which workers do the work, and what they give."""

import pytest
from distributed import Client, LocalCluster

from gpuseg.cli._engine import add_workers, engine_of
from gpuseg.cli._parser import Command, UsageError


@pytest.fixture
def command():
    made = Command(prog="gpuseg some", example="gpuseg some")
    add_workers(made)
    return made


def test_no_workers_are_the_default(command):
    with engine_of(command.parse_args([])) as engine:
        assert engine == "auto"


def test_workers_are_started_and_end(command):
    with engine_of(command.parse_args(["--workers", "1"])) as engine:
        assert len(engine.scheduler_info()["workers"]) == 1
    assert engine.status == "closed"
    assert engine.cluster.status.name == "closed"


def test_a_cluster_that_stands_is_joined_and_left_standing(command):
    with LocalCluster(1, processes=False, protocol="tcp://", dashboard_address=":0") as cluster:
        with engine_of(command.parse_args(["--scheduler", cluster.scheduler_address])) as engine:
            assert isinstance(engine, Client)
        assert engine.status == "closed"
        assert cluster.status.name == "running"


def test_both_at_once_are_refused(command):
    options = command.parse_args(["--workers", "2", "--scheduler", "tcp://a:1"])
    with pytest.raises(UsageError, match="--workers and --scheduler are two ways"), engine_of(options):
        pass


@pytest.mark.parametrize(
    ("given", "said"),
    [(["--workers", "0"], "'0' is no count; give a whole"), (["--scheduler", "a:1"], "'a:1' is no address of a sch")],
)
def test_what_is_no_number_and_no_address_is_refused(command, given, said):
    with pytest.raises(UsageError, match=said):
        command.parse_args(given)
