"""``gpuseg predict``: a model and new customers in, their segments out."""

import argparse
from collections.abc import Mapping
from typing import Any

from gpuseg.cli._engine import add_workers, engine_of
from gpuseg.cli._parser import Command
from gpuseg.cli._types import path, source
from gpuseg.cli.segment import names_of, table_of

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
    add_workers(command)


def run(options: argparse.Namespace) -> None:
    """Assign the customers and write where each one is."""
    import polars as pl

    from gpuseg.cli._output import aligned, check_model, check_table_output, give, with_names
    from gpuseg.cluster import NOVEL
    from gpuseg.engines.parts import LocalParts
    from gpuseg.io import write_table
    from gpuseg.io.parted import PartedTable
    from gpuseg.notebook import counted, shown
    from gpuseg.segmenter import load

    check_table_output(options, options.output, options.customers, options.model)
    check_model(options.model)
    with engine_of(options) as engine:
        segmenter = load(options.model).set_params(engine=engine)
        assigned = segmenter.assign(table_of(options.customers, engine))
        write_table(assigned, options.output)
        parts = assigned.parts if isinstance(assigned, PartedTable) else LocalParts.of([assigned])
        counts = pl.concat(parts.collect(counted_segments, NOVEL))
    sizes = counts.group_by("segment").agg(pl.col("size").sum()).sort(pl.col("segment") < 0, "segment")
    novel, rows = int(counts["novel"].sum()), int(counts["size"].sum())
    result = {"output": str(options.output), "customers": rows, "novel": novel, "segments": sizes.to_dicts()}
    result["names"] = names_of(segmenter)
    sized = [[shown("segment", at), f"{size:,}"] for at, size in sizes.rows()]
    table = aligned(with_names([["segment", "size"], *sized], sizes["segment"].to_list(), segmenter.names_))
    unlike = (
        f"{novel:,} of {counted(rows, 'customer')} ({novel / max(rows, 1):.1%}; {usual_of(segmenter.card_['rows'])}) "
        f"are unlike those that made the segments (novelty > {NOVEL})"
    )
    give(options, result, [*table, unlike, f"written: {options.output}"])


def usual_of(rows: Mapping[str, int]) -> str:
    """Return what share of novel customers is usual: noise is novel, and a model may have much of it.

    >>> usual_of({"kept": 200, "noise": 85}), usual_of({"kept": 200, "noise": 0})
    ('about 1% is usual beside noise, which was 42.5% in the fit', 'about 1% is usual')
    """
    noise = f" beside noise, which was {rows['noise'] / rows['kept']:.1%} in the fit" if rows["noise"] else ""
    return f"about 1% is usual{noise}"


def counted_segments(part: Any, novel: float) -> Any:
    """Return how many rows of a part each segment has, and how many of them are novel."""
    import polars as pl

    size, unlike = pl.len().cast(pl.UInt32).alias("size"), (pl.col("novelty") > novel).sum().alias("novel")
    return part.to_polars().group_by("segment").agg(size, unlike)
