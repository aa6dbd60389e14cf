"""``gpuseg features``: transactions in, a customer table out."""

import argparse
from pathlib import Path
from typing import Any

from gpuseg.cli._arguments import add_roles, role_options
from gpuseg.cli._engine import add_workers, engine_of
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
    add_workers(command)


def run(options: argparse.Namespace) -> None:
    """Work out the features and write them."""
    from gpuseg.cli._output import check_table_output, give
    from gpuseg.features import customer_features
    from gpuseg.io import write_table

    check_table_output(options, options.output, options.transactions)
    with engine_of(options) as engine:
        customers, report = customer_features(options.transactions, engine=engine, **role_options(options))
        write_table(customers, options.output)
    give(options, result_of(customers, report, options.output), [str(report), written(customers, options.output)])


def result_of(customers: Any, report: Any, path: Path) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "output": str(path),
        "customers": len(customers),
        "columns": customers.columns,
        "cleaning": report.to_dict(),
    }


def written(customers: Any, path: Path) -> str:
    """Return the line that says what was written."""
    from gpuseg.notebook import counted

    return f"{path}: {counted(len(customers), 'customer')}, {counted(len(customers.columns) - 1, 'feature')}"
