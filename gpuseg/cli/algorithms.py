"""``gpuseg algorithms``: what each algorithm takes."""

import argparse
from typing import TYPE_CHECKING

from gpuseg.cli._parser import Command

if TYPE_CHECKING:
    from gpuseg.cluster.support import Support

HELP = "List the algorithms and what each of them takes."
USAGE = "[options]"
EXAMPLE = "--json"
HEADINGS = ("algorithm", "number of segments", "exact up to", "with more rows", "GPU", "blocks", "weights", "metrics")
REMARK = (
    "exact up to: rows of ten columns, in 16 GiB and about a minute on a CPU, unless method=exact asks for more; "
    "blocks: Parquet files and Dask"
)


def add(command: Command) -> None:
    """Add no argument: the command has none of its own."""


def run(options: argparse.Namespace) -> None:
    """Print the table."""
    from gpuseg.cli._output import aligned, give
    from gpuseg.cluster.support import support

    rows = support()
    lines = [*aligned([HEADINGS, *map(cells_of, rows)]), REMARK]
    give(options, {"algorithms": [row._asdict() for row in rows]}, lines)


def cells_of(row: "Support") -> list[str]:
    """Return a line of the table."""
    exact = "any number" if row.exact_rows is None else f"{row.exact_rows:,}"
    marks = ["yes" if value else "-" for value in (row.gpu, row.blocks, row.weights)]
    return [row.name, row.number, exact, row.beyond, *marks, ", ".join(row.metrics)]
