"""``gpuseg segment``: a customer table in, segments and a model out."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuseg.cli._arguments import Parser, add_segmenting, path, segmenter_of

if TYPE_CHECKING:
    from gpuseg.segmenter import Segmenter

HELP = "Segment the customers of a table, and keep the model."


def add(command: Parser) -> None:
    """Add the command's arguments."""
    command.add_argument("customers", metavar="CUSTOMERS", help="CSV, Parquet or Arrow file of one row a customer")
    command.add_argument(
        "-o", "--output", metavar="SEGMENTS", required=True, type=path, help=".parquet, .csv or .arrow"
    )
    command.add_argument("--id", metavar="COLUMN", help="the column of ids (default: rows are numbered)")
    add_segmenting(command)
    command.add_argument("--model", metavar="M", type=path, help="write the model to this .gpuseg file")


def run(options: argparse.Namespace) -> None:
    """Fit, and write segments and model: both or neither."""
    from gpuseg.cli._output import give
    from gpuseg.errors import listed
    from gpuseg.io import open_table
    from gpuseg.io.model import ENDINGS
    from gpuseg.io.outputs import check_apart, together
    from gpuseg.io.write import check_writable
    from gpuseg.preprocessing import is_id_name
    from gpuseg.settings import say

    check_writable(options.output)
    check_apart(options.output, options.customers)
    if options.model:
        check_writable(options.model, ENDINGS)
    frame = open_table(options.customers).eager()
    if options.id is None and (likely := [name for name in frame.columns if is_id_name(name)]):
        say(f"{listed(likely)} may be the id; give --id {likely[0]} to keep it out of the segments and in the result")
    segmenter = segmenter_of(options, options.id).fit(frame)
    with together() as place:
        write_segments(segmenter, place(options.output))
        if options.model:
            segmenter.save(place(options.model))
    outputs = {"output": str(options.output), "model": str(options.model) if options.model else None}
    give(options, {**outputs, **result_of(segmenter)}, lines_of(segmenter, [options.output, options.model]))


def write_segments(segmenter: "Segmenter", path: Path) -> None:
    """Write the segments of the customers that were fitted."""
    from gpuseg.io import write_table

    write_table(segmenter.segments_, path)


def result_of(segmenter: "Segmenter") -> dict[str, Any]:
    """Return what ``--json`` prints of a fitted or loaded segmenter."""
    from gpuseg.card import profile_of
    from gpuseg.cli._output import rows_of

    names = ("algorithm", "rows", "segments", "choice", "backend", "metrics")
    card = segmenter.card_
    return {**{name: card[name] for name in names}, "profile": rows_of(profile_of(card["profile"]))}


def lines_of(segmenter: "Segmenter", paths: list[Path | None]) -> list[str]:
    """Return what a person reads: the segments, why so many, who worked, and where the output is."""
    from gpuseg.card import profile_of
    from gpuseg.cli._output import profile_lines
    from gpuseg.notebook import counted

    card = segmenter.card_
    score = card["metrics"].get("silhouette")
    # Where k was chosen, the reason tells the silhouette.
    told = card["choice"]["candidates"] or not score
    quality = "" if told else f"; silhouette {score['mean']:.3f} +- {score['standard_error']:.3f}"
    dispatch = card["backend"]
    found = f"{counted(card['segments'], 'segment')} of {counted(card['rows']['kept'], 'customer')}"
    return [
        *profile_lines(profile_of(card["profile"])),
        f"{found}: {card['choice']['reason']}{quality}",
        f"backend {dispatch['backend']}, engine {dispatch['engine']}: {dispatch['reason']}",
        *(f"written: {path}" for path in paths if path),
    ]
