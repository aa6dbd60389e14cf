"""``gpuseg demo``: a simulated shop, from its transactions to segments, a model and a report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuseg.cli._arguments import add_seed, add_word
from gpuseg.cli._parser import Command, UsageError
from gpuseg.cli._types import count, folder
from gpuseg.cli.run import NAMES, WORTH

if TYPE_CHECKING:
    import polars as pl

HELP = "Segment the customers of a simulated shop: from transactions to a report, in under a minute."
USAGE = "[options]"
EXAMPLE = "--out gpuseg-demo"
FOLDER = Path("gpuseg-demo")
REPORT = "report.html"
CUSTOMERS = 10_000
BOUGHT = ("recency", "frequency", "monetary")
MEMORY = 20_000
"""Bytes that a customer takes at the peak: 100,000 of them took 2.1 GB, and 10,000 took 0.5 GB."""
TRAITS = (*BOUGHT, "visits", "opens")
"""Columns to segment by: what customers buy, and what they look at and read."""
SHOWN = ("segment", "size", "share", "value_share", *(f"{name}_median" for name in BOUGHT))
HEADINGS = (
    "segment", "size", "share", "share of value", "median recency, days", "median frequency, orders",
    "median monetary, spent",
)  # fmt: skip


def add(command: Command) -> None:
    """Add the command's arguments."""
    about = f"customers of the shop (default: {CUSTOMERS:,})"
    command.add_argument("--customers", type=count, default=CUSTOMERS, metavar="N", help=about)
    command.add_argument(
        "-o", "--out", type=folder, default=FOLDER, metavar="FOLDER",
        help=f"gets {', '.join(NAMES)} and {REPORT}, which replace old ones (default: {FOLDER})",
    )  # fmt: skip
    add_seed(command)
    add_word(command, "--difficulty", "easy", "medium", "hard", default="medium", help="how far the segments overlap")


def run(options: argparse.Namespace) -> None:
    """Simulate, work out features, segment, and write the files: all or none."""
    from gpuseg.cli._output import check_new_folder, give
    from gpuseg.cli.run import write_all
    from gpuseg.cli.segment import remarks_of, result_of
    from gpuseg.datasets import make_shop
    from gpuseg.notebook import counted
    from gpuseg.segmenter import Segmenter
    from gpuseg.settings import say

    paths = [options.out / name for name in NAMES]
    check_new_folder(options.out, paths)
    check_memory(options.customers)
    say(f"1/4 simulating a shop of {counted(options.customers, 'customer')}, with faulty rows as real ones have")
    shop = make_shop(options.customers, random_state=options.random_state, difficulty=options.difficulty)
    say(f"2/4 features from {shop.transactions.height:,} transactions and {shop.events.height:,} events")
    customers, cleaning = features_of(shop)
    say("3/4 choosing the number of segments")
    asked = {"columns": TRAITS, "value_column": WORTH, "random_state": options.random_state}
    segmenter = Segmenter("customer_id", **asked).fit(customers)
    say(f"4/4 writing {options.out}")
    files = write_all(paths, customers, segmenter, report=options.out / REPORT, cleaning=cleaning)
    table, found = segmenter.profile_.select(SHOWN), agreement(segmenter.segments_, shop.truth)
    result = {"output": str(options.out), "files": [str(path) for path in files], "adjusted_rand": found}
    lines = [
        *table_lines(table),
        *remarks_of(segmenter, files),
        f"truth: {shop.centers.height} segments were simulated; adjusted Rand index {found:.2f} (1: same, 0: chance)",
        f"next: open {files[-1]} in a browser",
        "next, with your own data: gpuseg run transactions.csv -o out --report out/report.html",
    ]
    give(options, {**result, "table": table.to_dicts(), **result_of(segmenter)}, lines)


def check_memory(customers: int) -> None:
    """Raise UsageError for more customers than memory holds: the demo keeps their transactions in memory."""
    from gpuseg.backends import get_backend

    most = get_backend("cpu").free_memory() // MEMORY
    if customers > most:
        raise UsageError(f"--customers {customers:,} is more than the free memory holds; give at most {most:,}")


def features_of(shop: Any) -> tuple["pl.DataFrame", Any]:
    """Return one row a customer who bought, with what was bought and what was looked at, and the cleaning's report."""
    from gpuseg.features import customer_features, events, join_features

    bought, cleaning = customer_features(shop.transactions, set="rfm", drop_duplicates=True, as_of=shop.as_of)
    seen = events(shop.events, as_of=shop.as_of)
    joined, _ = join_features({"purchases": bought, "web": seen}, on="customer_id", how="left")
    return joined, cleaning


def agreement(segments: "pl.DataFrame", truth: "pl.DataFrame") -> float:
    """Return how far segments agree with those that the simulator gave to the same customers."""
    from gpuseg.metrics import adjusted_rand

    both = segments.join(truth, on="customer_id", suffix="_true")
    return adjusted_rand(both["segment"].to_numpy(), both["segment_true"].to_numpy())


def table_lines(table: "pl.DataFrame") -> list[str]:
    """Return the table of segments as lines."""
    from gpuseg.cli._output import aligned
    from gpuseg.notebook import shown

    rows = [[shown(name, value) for name, value in row.items()] for row in table.iter_rows(named=True)]
    return aligned([HEADINGS, *rows])
