"""``gpuseg choose-k``: a customer table in; how good each number of segments is, and which one is recommended."""

import argparse
from typing import TYPE_CHECKING

from gpuseg.cli import _density
from gpuseg.cli._arguments import CHOOSING, add_choice, add_fitting, add_metric, add_word, segmenter_of
from gpuseg.cli._engine import add_workers, engine_of
from gpuseg.cli._parser import Command
from gpuseg.cli._types import path, source
from gpuseg.cli.segment import CUSTOMERS, add_id, customers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpuseg.selection import Candidate, KChoice

HELP = "Compare numbers of segments, or how dense they are, and recommend one."
USAGE = "CUSTOMERS [options]"
EXAMPLE = "customers.csv --id customer_id --k-range 2:12"


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("customers", metavar="CUSTOMERS", type=source, help=CUSTOMERS)
    command.add_argument(
        "-o",
        "--output",
        metavar="TABLE",
        type=path,
        help="write the comparison too: .parquet, .csv or .arrow; replaces an old one",
    )
    add_id(command)
    add_word(command, "--algorithm", *CHOOSING, default="kmeans", help="how to find segments (default: kmeans)")
    add_choice(command)
    add_metric(command)
    add_fitting(command)
    add_workers(command)


def run(options: argparse.Namespace) -> None:
    """Compare, print and, where asked for, write."""
    from gpuseg.cli._output import check_output, give
    from gpuseg.io import write_table
    from gpuseg.selection import DensityChoice

    if options.output:
        check_output(options.output, options.customers)
    with engine_of(options) as engine:
        choice = segmenter_of(options, id_column=options.id, engine=engine).choose_k(customers_of(options, engine))
    if options.output:
        write_table(choice.table, options.output)
    written = [f"written: {options.output}"] if options.output else []
    if isinstance(choice, DensityChoice):
        give(options, {"output": options.output, **_density.result_of(choice)}, [*_density.lines_of(choice), *written])
        return
    result = {"k": choice.k, "reason": choice.reason, "stability": list(choice.stability)}
    result["candidates"] = choice.table.to_dicts()
    give(options, {"output": options.output, **result}, [*lines_of(choice), *written])


def lines_of(choice: "KChoice") -> list[str]:
    """Return the comparison as lines, and the recommendation."""
    from gpuseg.cli._output import aligned
    from gpuseg.selection.choice import COLUMNS, shown_columns

    names = shown_columns(choice.candidates)
    rows = [["*" if one.k == choice.k else "", *_cells(one, names)] for one in choice.candidates]
    head = ["", "k", "silhouette", *(COLUMNS[name] for name in names)]
    return [*aligned([head, *rows]), f"recommended: k={choice.k} (*): {choice.reason}"]


def _cells(one: "Candidate", names: "Sequence[str]") -> list[str]:
    from gpuseg.notebook import shown

    score = "-" if one.silhouette is None else f"{one.silhouette:.3f} ± {one.standard_error:.3f}"
    return [str(one.k), score, *(shown(name, getattr(one, name)) for name in names)]
