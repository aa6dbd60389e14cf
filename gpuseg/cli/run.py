"""``gpuseg run``: transactions in; customers, segments and a model out, in one folder; a report where asked for."""

import argparse
from pathlib import Path
from typing import Any

from gpuseg.cli._arguments import add_dry_run, add_fitting, add_roles, add_segmenting, role_options, segmenter_of
from gpuseg.cli._dry_run import give_plan_of_run
from gpuseg.cli._engine import add_workers, engine_of
from gpuseg.cli._parser import Command
from gpuseg.cli._types import folder, source
from gpuseg.cli.features import TRANSACTIONS

HELP = "Turn transactions into customers, segments and a model, in one folder."
USAGE = "TX -o FOLDER [options]"
EXAMPLE = "transactions.parquet -o out"
WORTH = "monetary"
"""The feature of which each segment's share is told, where it is among the features."""
NAMES = ("customers.parquet", "segments.parquet", "model.gpuseg")


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("transactions", metavar="TX", type=source, help=TRANSACTIONS)
    command.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        required=True,
        type=folder,
        help=f"gets {', '.join(NAMES)}, which replace old ones",
    )
    add_roles(command)
    add_segmenting(command)
    add_fitting(command)
    add_workers(command)
    add_dry_run(command)


def run(options: argparse.Namespace) -> None:
    """Work out features and segments, and write the files: all or none."""
    from gpuseg.cli._output import REPORTS, check_new_folder, check_output, give
    from gpuseg.cli.features import result_of as features_result
    from gpuseg.cli.features import written
    from gpuseg.cli.segment import lines_of, result_of
    from gpuseg.features import customer_features

    paths = [options.output / name for name in NAMES]
    check_new_folder(options.output, paths, options.transactions)
    if options.report:
        check_output(options.report, options.transactions, endings=REPORTS, made=options.output)
    if options.dry_run:
        give_plan_of_run(options, [*paths, options.report] if options.report else paths)
        return
    with engine_of(options) as engine:
        customers, report = customer_features(options.transactions, engine=engine, **role_options(options))
        value = WORTH if WORTH in customers.columns else None
        segmenter = segmenter_of(options, id_column=customers.columns[0], value_column=value, engine=engine)
        segmenter.fit(customers)
        telling = {"cleaning": report, "min_report_size": options.min_report_size}
        files = write_all(paths, customers, segmenter, report=options.report, **telling)
    result: dict[str, Any] = {"output": str(options.output), "files": [str(path) for path in files]}
    result |= {"features": features_result(customers, report, paths[0]), **result_of(segmenter)}
    told = lines_of(segmenter, files[1:], options.workers)
    give(options, result, [str(report), written(customers, paths[0]), "", *told])


def write_all(paths: list[Path], customers: Any, segmenter: Any, *, report: Path | None, **telling: Any) -> list[Path]:
    """Write customers, segments and model to ``paths``, and a report where there is a path for one: all or none.

    ``telling``: what else the report is given.
    """
    from gpuseg.io import write_table
    from gpuseg.io.outputs import together

    with together() as place:
        write_table(customers, place(paths[0]))
        write_table(segmenter.segments_, place(paths[1]))
        segmenter.save(place(paths[2]))
        if report:
            segmenter.report(place(report), **telling)
    return [*paths, report] if report else paths
