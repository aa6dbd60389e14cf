"""``gpuseg split``: a model and its customers in; one segment of it segmented further, and the finer model out."""

import argparse

from gpuseg.cli._arguments import ALGORITHMS, add_report, add_settings, add_word, settings_of
from gpuseg.cli._engine import add_workers, engine_of
from gpuseg.cli._parser import Command
from gpuseg.cli._types import names, path, segment, segments, source, span
from gpuseg.cli.segment import table_of

HELP = "Segment one segment of a model further."
USAGE = "MODEL CUSTOMERS --segment N -o SEGMENTS [options]"
EXAMPLE = "out/model.gpuseg out/customers.parquet --segment 0 -o finer.parquet --new-model finer.gpuseg"

OUTPUTS = ("output", "new_model", "report")


def add(command: Command) -> None:
    """Add the command's arguments; what is left out is as it was for the whole."""
    command.add_argument("model", metavar="MODEL", type=path, help="a .gpuseg file; it stays as it is")
    command.add_argument("customers", metavar="CUSTOMERS", type=source, help="the table that the model was fitted to")
    command.add_argument("--segment", metavar="N", type=segment, required=True, help="the segment to split")
    command.add_argument(
        "-o", "--output", metavar="SEGMENTS", required=True, type=path, help=".parquet, .csv or .arrow; all customers"
    )
    command.add_argument("--new-model", metavar="M", type=path, help="write the finer model to this .gpuseg file")
    add_report(command)
    add_word(command, "--algorithm", *ALGORITHMS, help="how to find the parts (default: as the segments were found)")
    command.add_argument("--k", type=segments, default="auto", metavar="auto|N", help="how many parts (default: auto)")
    command.add_argument("--k-range", type=span, metavar="2:12", help="numbers to try (default: as for the whole)")
    command.add_argument(
        "--columns", type=names, metavar="a,b", help="columns to find the parts by (default: as for the whole)"
    )
    add_settings(command)
    add_workers(command)


def run(options: argparse.Namespace) -> None:
    """Split the segment, and write segments, model and report: all or none."""
    from gpuseg.card import hierarchy_of
    from gpuseg.cli._output import REPORTS, check_model, check_output, check_table_output, give
    from gpuseg.cli.segment import lines_of, result_of, write_all
    from gpuseg.io.model import ENDINGS
    from gpuseg.segmenter import load
    from gpuseg.splitting import preparing

    check_table_output(options, options.output, options.customers, options.model)
    for file, endings in ((options.new_model, ENDINGS), (options.report, REPORTS)):
        if file:
            check_output(file, options.customers, options.model, endings=endings)
    check_model(options.model)
    segmenter = load(options.model)
    own, steps = settings_of(options, options.algorithm or segmenter.algorithm)
    with engine_of(options) as engine:
        segmenter.set_params(engine=engine).split(
            options.segment,
            table_of(options.customers, engine),
            algorithm=options.algorithm,
            n_clusters=options.k,
            columns=options.columns,
            preprocessor=preparing(segmenter, options.columns, steps) if steps else None,
            k_range=options.k_range,
            algorithm_params=own or None,
        )
        beside = {"model": options.new_model, "report": options.report}
        write_all(segmenter, options.output, **beside, min_report_size=options.min_report_size)
    files = [options.output, options.new_model, options.report]
    outputs = {name: str(file) if (file := getattr(options, name)) else None for name in OUTPUTS}
    result = {**outputs, **result_of(segmenter), "hierarchy": hierarchy_of(segmenter.card_).to_dicts()}
    give(options, result, lines_of(segmenter, files, options.workers))
