"""``gpuseg features``: transactions in, a customer table out."""

import argparse
from pathlib import Path
from typing import Any

from gpuseg.cli._arguments import add_roles, role_options
from gpuseg.cli._parser import Command
from gpuseg.cli._types import path, source

HELP = "Turn transactions into a table of one row a customer."
USAGE = "TX -o CUSTOMERS [options]"
EXAMPLE = "transactions.parquet -o customers.parquet"
TRANSACTIONS = "CSV, Parquet or Arrow file; a folder of Parquet; a glob in quotes"


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("transactions", metavar="TX", type=source, help=TRANSACTIONS)
    command.add_argument(
        "-o",
        "--output",
        metavar="CUSTOMERS",
        required=True,
        type=path,
        help=".parquet, .csv or .arrow; replaces an old one",
    )
    add_roles(command)


def run(options: argparse.Namespace) -> None:
    """Work out the features and write them."""
    from gpuseg.cli._output import check_output, give
    from gpuseg.features import customer_features
    from gpuseg.io import write_table

    check_output(options.output, options.transactions)
    customers, report = customer_features(options.transactions, **role_options(options))
    write_table(customers, options.output)
    give(options, result_of(customers, report, options.output), [str(report), written(customers, options.output)])


def result_of(customers: Any, report: Any, path: Path) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "output": str(path),
        "customers": customers.height,
        "columns": customers.columns,
        "cleaning": report.to_dict(),
    }


def written(customers: Any, path: Path) -> str:
    """Return the line that says what was written."""
    from gpuseg.notebook import counted

    return f"{path}: {counted(customers.height, 'customer')}, {counted(customers.width - 1, 'feature')}"
