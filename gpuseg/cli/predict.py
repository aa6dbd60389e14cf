"""``gpuseg predict``: a model and new customers in, their segments out."""

import argparse

from gpuseg.cli._parser import Command
from gpuseg.cli._types import path, source

HELP = "Place customers in the segments of a model."
USAGE = "MODEL CUSTOMERS -o OUT [options]"
EXAMPLE = "out/model.gpuseg customers.parquet -o placed.parquet"


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("model", metavar="MODEL", type=path, help="a .gpuseg file")
    command.add_argument(
        "customers", metavar="CUSTOMERS", type=source, help="a table with the columns that the model was fitted to"
    )
    command.add_argument(
        "-o", "--output", metavar="OUT", required=True, type=path, help=".parquet, .csv or .arrow; replaces an old one"
    )


def run(options: argparse.Namespace) -> None:
    """Assign the customers and write where each one is."""
    import polars as pl

    from gpuseg.cli._output import aligned, check_model, check_output, give
    from gpuseg.cluster import NOVEL
    from gpuseg.io import open_table, write_table
    from gpuseg.notebook import counted, shown
    from gpuseg.segmenter import load

    check_output(options.output, options.customers, options.model)
    check_model(options.model)
    segmenter = load(options.model)
    assigned = segmenter.assign(open_table(options.customers).eager().to_polars())
    write_table(assigned, options.output)
    sizes = assigned.group_by("segment").len("size").sort(pl.col("segment") < 0, "segment")
    novel = assigned.filter(pl.col("novelty") > NOVEL).height
    result = {"output": str(options.output), "customers": assigned.height, "novel": novel, "segments": sizes.to_dicts()}
    table = aligned([["segment", "size"], *[[shown("segment", at), f"{size:,}"] for at, size in sizes.rows()]])
    share = f"{novel / max(assigned.height, 1):.1%}"
    unlike = (
        f"{novel:,} of {counted(assigned.height, 'customer')} ({share}; about 1% is usual) are unlike those that made "
        f"the segments (novelty > {NOVEL})"
    )
    give(options, result, [*table, unlike, f"written: {options.output}"])
