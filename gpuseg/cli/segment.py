"""``gpuseg segment``: a customer table in; segments out, and a model and a report where asked for."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuseg.cli._arguments import add_dry_run, add_fitting, add_segmenting, segmenter_of
from gpuseg.cli._dry_run import give_plan_of_table
from gpuseg.cli._engine import add_workers, engine_of
from gpuseg.cli._parser import Command
from gpuseg.cli._personas import add_personas, check_personas, compared
from gpuseg.cli._types import path, source
from gpuseg.cli.compare import lines_of as persona_lines

if TYPE_CHECKING:
    from gpuseg.segmenter import Segmenter

HELP = "Segment the customers of a table, and keep the model."
USAGE = "CUSTOMERS -o SEGMENTS [options]"
EXAMPLE = "customers.csv -o segments.csv --id customer_id --model model.gpuseg"
DENSITY = ("cluster_method", "eps", "min_samples", "min_cluster_size")
"""Parameters that say how dense a segment is; those that are None say nothing."""
CUSTOMERS = "CSV, Parquet or Arrow file of one row a customer"


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("customers", metavar="CUSTOMERS", type=source, help=CUSTOMERS)
    command.add_argument(
        "-o",
        "--output",
        metavar="SEGMENTS",
        required=True,
        type=path,
        help=".parquet, .csv or .arrow; replaces an old one",
    )
    add_id(command)
    command.add_argument("--value", metavar="COLUMN", help="what a customer is worth: segments' shares of it are told")
    add_segmenting(command)
    add_fitting(command)
    add_personas(command)
    add_workers(command)
    command.add_argument("--model", metavar="M", type=path, help="write the model to this .gpuseg file")
    add_dry_run(command)


def add_id(command: Command) -> None:
    """Add the option that names the column of ids."""
    command.add_argument("--id", metavar="COLUMN", help="the column of ids (default: rows are numbered)")


def run(options: argparse.Namespace) -> None:
    """Fit, and write segments, model and report: all or none."""
    from gpuseg.cli._output import REPORTS, check_output, check_table_output, give
    from gpuseg.io.model import ENDINGS

    check_table_output(options, options.output, options.customers)
    for file, endings in ((options.model, ENDINGS), (options.report, REPORTS)):
        if file:
            check_output(file, options.customers, endings=endings)
    if options.dry_run:
        give_plan_of_table(options)
        return
    with engine_of(options) as engine:
        customers = customers_of(options, engine)
        check_personas(options, customers)
        segmenter = segmenter_of(options, id_column=options.id, value_column=options.value, engine=engine)
        segmenter.fit(customers)
        found = compared(options, segmenter)
        beside = {"model": options.model, "report": options.report}
        write_all(segmenter, options.output, **beside, min_report_size=options.min_report_size)
    outputs = {name: str(file) if (file := getattr(options, name)) else None for name in ("output", "model", "report")}
    files = [options.output, options.model, options.report]
    result = {**outputs, **result_of(segmenter), **({"personas": found.to_dict()} if found else {})}
    give(options, result, lines_of(segmenter, files, options.workers) + (persona_lines(found) if found else []))


def write_all(
    segmenter: "Segmenter", output: Path, *, model: Path | None, report: Path | None, min_report_size: int
) -> None:
    """Write the segments, and the model and the report where asked for: all or none."""
    from gpuseg.io import write_table
    from gpuseg.io.outputs import together

    with together() as place:
        write_table(segmenter.segments_, place(output))
        if model:
            segmenter.save(place(model))
        if report:
            segmenter.report(place(report), min_report_size=min_report_size)


def customers_of(options: argparse.Namespace, engine: Any) -> Any:
    """Return the customer table, and say which column looks like the id where none is named."""
    from gpuseg.errors import listed
    from gpuseg.preprocessing import is_id_name
    from gpuseg.settings import say

    frame = table_of(options.customers, engine)
    if options.id is None and (likely := [name for name in frame.columns if is_id_name(name)]):
        say(f"{listed(likely)} may be the id; give --id {likely[0]} to keep it out of the segments and in the result")
    return frame


def table_of(path: str, engine: Any) -> Any:
    """Return the table of a path: in memory, or in parts on workers."""
    from gpuseg.io import read_table
    from gpuseg.io.parted import PartedTable
    from gpuseg.io.parts import in_parts, open_parts

    if not in_parts(path, engine):
        return read_table(path)
    opened = open_parts(path, engine)
    return PartedTable(opened.parts, opened.schema, opened.sizes)


def result_of(segmenter: "Segmenter") -> dict[str, Any]:
    """Return what ``--json`` prints of a fitted or loaded segmenter; ``summary``: what a report of it would say.

    What takes time is in it where a model or a report was written, which need it.
    """
    from gpuseg.card import profile_of
    from gpuseg.cli._output import rows_of
    from gpuseg.report import summary

    names = ("algorithm", "rows", "segments", "choice", "backend", "metrics")
    card = segmenter.card_
    told = {"names": names_of(segmenter), "profile": rows_of(profile_of(card["profile"])), "summary": summary(card)}
    return {**{name: card[name] for name in names}, **told}


def names_of(segmenter: "Segmenter") -> dict[str, str]:
    """Return what segments are called, by their numbers, as JSON can hold it."""
    return {str(segment): name for segment, name in segmenter.names_.items()}


def lines_of(segmenter: "Segmenter", paths: Sequence[Path | None], workers: int | None = None) -> list[str]:
    """Return what a person reads: what each segment is like, and ``remarks_of`` it."""
    from gpuseg.card import profile_of
    from gpuseg.cli._output import profile_lines

    told = profile_lines(profile_of(segmenter.card_["profile"]), segmenter.names_)
    return [*told, *remarks_of(segmenter, paths, workers)]


def remarks_of(segmenter: "Segmenter", paths: Sequence[Path | None], workers: int | None = None) -> list[str]:
    """Return how many segments there are and why, who worked, and where the output is."""
    from gpuseg.card import splits_said
    from gpuseg.notebook import counted

    card = segmenter.card_
    dispatch = card["backend"]
    who = f"{dispatch['engine']}, {counted(workers, 'worker')}" if workers else dispatch["engine"]
    found = f"{counted(card['segments'], 'segment')} of {counted(card['rows']['kept'], 'customer')}"
    found += f", {card['choice']['k']} before any was split" if card.get("splits") else ""
    # Why one loop of k-means or the other was taken is for `inspect --json`; what else was chosen, everyone is told.
    why, *how = dispatch["reason"].split("; ")
    how = [] if dispatch["solver"] in ("lloyd", "vendor") else how
    how += [dispatch["solver"]] * (": " in dispatch["solver"])  # as samples say how many they are
    if "digest_error" in card["metrics"]:
        how.append(f"its error is {card['metrics']['digest_error']:.2f}, 1 - ARI to an exact fit of a sample")
    return [
        f"{found}: {card['choice']['reason']}{_quality(card)}",
        *_noise(card),
        *splits_said(card),
        f"backend {dispatch['backend']}, engine {who}: {'; '.join([why, *how])}",
        *(f"written: {path}" for path in paths if path),
    ]


def _quality(card: Mapping[str, Any]) -> str:
    """Return the silhouette of the segments, where the reason of the choice tells none or that of k-means."""
    if (score := card["metrics"].get("silhouette")) is None:
        return ""
    words = f"{score['mean']:.3f} ± {score['standard_error']:.3f}"
    if words in card["choice"]["reason"]:
        return ""
    by_others = " of these segments" if card["choice"]["candidates"] else ""
    return f"; silhouette{by_others} {words}"


def _noise(card: Mapping[str, Any]) -> list[str]:
    """Return what to do where most customers are in no segment."""
    noise, rows = card["rows"]["noise"], card["rows"]["kept"]
    if 2 * noise <= rows:
        return []
    given = {name: card["parameters"].get(name) for name in DENSITY}
    values = ", ".join(f"{name}={value}" for name, value in given.items() if value is not None)
    sentence = f"{noise:,} of {rows:,} customers ({noise / rows:.1%}) are in no segment (noise)"
    return [f"{sentence}: other values than {values}, by --set-param, join more, and most other algorithms join all"]
