"""Where a command works: in its own process, on new worker processes, or on a cluster that stands."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpuseg.cli import _types
from gpuseg.cli._parser import Command, UsageError


def add_workers(command: Command) -> None:
    """Add the options that say which workers do the work."""
    where = command.add_argument_group("workers (default: this process alone)")
    where.add_argument(
        "--workers", type=_types.count, metavar="N", help="start N worker processes on this machine, one a GPU on GPUs"
    )
    where.add_argument(
        "--scheduler", type=_types.scheduler, metavar="ADDRESS", help="use a Dask cluster, as tcp://host:8786"
    )


@contextmanager
def engine_of(options: argparse.Namespace) -> Iterator[Any]:
    """Give what ``engine`` is for a command; workers end and connections close with the block, whatever happens."""
    _refuse_both(options)
    if options.workers:
        from gpuseg.engines.cluster import workers

        with workers(options.workers, backend=getattr(options, "backend", "auto")) as client:
            yield client
    elif options.scheduler:
        from gpuseg.engines.cluster import connected

        with connected(options.scheduler) as client:
            yield client
    else:
        _refuse_missing(options)
        yield "auto"


def where(options: argparse.Namespace) -> str:
    """Return in words where a command is going to work."""
    from gpuseg.notebook import counted

    _refuse_both(options)
    if options.workers:
        return f"{counted(options.workers, 'new worker')} on this machine"
    return f"the workers at {options.scheduler}" if options.scheduler else "this process"


def _refuse_missing(options: argparse.Namespace) -> None:
    """Raise BackendUnavailable before any work where a command's backend cannot be used in this process."""
    from gpuseg.backends import get_backend
    from gpuseg.settings import wished_backend

    if hasattr(options, "backend") and (name := wished_backend(options.backend).name) != "auto":
        get_backend(name)


def _refuse_both(options: argparse.Namespace) -> None:
    if options.workers and options.scheduler:
        raise UsageError("--workers and --scheduler are two ways to have workers; give one of them")
