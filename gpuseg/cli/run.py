"""``gpuseg run``: transactions in; customers, segments and a model out, in one folder."""

import argparse
from typing import Any

from gpuseg.cli._arguments import Parser, add_roles, add_segmenting, path, role_options, segmenter_of

HELP = "Turn transactions into customers, segments and a model, in one folder."
NAMES = ("customers.parquet", "segments.parquet", "model.gpuseg")


def add(command: Parser) -> None:
    """Add the command's arguments."""
    command.add_argument("transactions", metavar="TX", help="CSV, Parquet or Arrow file; a folder or glob of Parquet")
    command.add_argument("-o", "--output", metavar="FOLDER", required=True, type=path, help=f"gets {', '.join(NAMES)}")
    add_roles(command)
    add_segmenting(command)


def run(options: argparse.Namespace) -> None:
    """Work out features and segments, and write the three files: all or none."""
    from gpuseg.cli._output import give
    from gpuseg.cli.features import result_of as features_result
    from gpuseg.cli.features import written
    from gpuseg.cli.segment import lines_of, result_of, write_segments
    from gpuseg.features import customer_features
    from gpuseg.io import write_table
    from gpuseg.io.outputs import check_apart, check_folder, together

    check_folder(options.output)
    for name in NAMES:
        check_apart(options.output / name, options.transactions)
    customers, report = customer_features(options.transactions, **role_options(options))
    segmenter = segmenter_of(options, customers.columns[0]).fit(customers)
    paths = [options.output / name for name in NAMES]
    with together() as place:
        write_table(customers, place(paths[0]))
        write_segments(segmenter, place(paths[1]))
        segmenter.save(place(paths[2]))
    result: dict[str, Any] = {"output": str(options.output), "files": [str(path) for path in paths]}
    result |= {"features": features_result(customers, report, paths[0]), **result_of(segmenter)}
    give(options, result, [str(report), written(customers, paths[0]), "", *lines_of(segmenter, [*paths[1:]])])
