"""The options that put the work on several processes or machines, and the engine that they give."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpuseg.cli import _types
from gpuseg.cli._parser import Command, UsageError


def add_workers(command: Command) -> None:
    """Add the options that say who works."""
    command.add_argument(
        "--workers", type=_types.count, metavar="N",
        help="work in N processes of this machine, one a GPU where there are some; tables are then written as folders",
    )  # fmt: skip
    command.add_argument(
        "--scheduler", type=_types.scheduler, metavar="tcp://HOST:8786", help="work on the Dask cluster at this address"
    )


def on_workers(options: argparse.Namespace) -> bool:
    """Return whether the work is put on workers."""
    return options.workers is not None or options.scheduler is not None


@contextmanager
def engine_of(options: argparse.Namespace) -> Iterator[Any]:
    """Give what to pass on as ``engine``; workers that were started end with the block, whatever happens."""
    if options.workers is not None and options.scheduler is not None:
        raise UsageError("--workers starts processes here and --scheduler names a cluster; give one of the two")
    if not on_workers(options):
        yield "auto"
        return
    from gpuseg.engines.cluster import connected, workers

    backend = getattr(options, "backend", "auto")
    with connected(options.scheduler) if options.scheduler else workers(options.workers, backend=backend) as client:
        yield client


def check_table_output(options: argparse.Namespace, path: Path, *sources: str | Path) -> None:
    """Raise InvalidFile where a table cannot come to stand, before the work: a file, or the folder of the workers."""
    from gpuseg.cli._output import check_output
    from gpuseg.io.outputs import check_apart
    from gpuseg.io.write_parts import check_parts_writable

    if not on_workers(options):
        check_output(path, *sources)
        return
    check_parts_writable(path)
    check_apart(path, *sources)
