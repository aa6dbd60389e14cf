"""``gpuseg inspect``: what a model file says of itself."""

import argparse
from typing import TYPE_CHECKING

from gpuseg.cli._parser import Command
from gpuseg.cli._types import path

if TYPE_CHECKING:
    from gpuseg.preprocessing import ColumnReport

HELP = "Show what a model is made of: segments, parameters, data, versions."
USAGE = "MODEL [options]"
EXAMPLE = "out/model.gpuseg"


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("model", metavar="MODEL", type=path, help="a .gpuseg file")


def run(options: argparse.Namespace) -> None:
    """Print the model card."""
    from gpuseg.cli._output import check_model, give
    from gpuseg.cli.segment import lines_of, result_of
    from gpuseg.preprocessing import Report
    from gpuseg.segmenter import load

    check_model(options.model)
    segmenter = load(options.model)
    card = segmenter.card_
    lines = [
        *lines_of(segmenter, []),
        f"algorithm {card['algorithm']}: {_settings(card['parameters'])}",
        f"id column: {card['id_column'] or 'none, rows are numbered'}",
        f"rows: {card['rows']['read']:,} read, {card['rows']['kept']:,} kept, {card['rows']['noise']:,} noise",
        *(f"column {c.name!r}: {_column(c)}" for c in Report.from_dict(card["preprocessing"]).columns),
        f"created {card['created']} with {_settings(card['versions'])}",
        f"training data SHA-256 {card['training_data_sha256']}",
    ]
    give(options, {**card, **result_of(segmenter)}, lines)


def _settings(values: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _column(column: "ColumnReport") -> str:
    gaps = f"{column.missing:,} missing" if column.missing else ""
    return ", ".join(part for part in (column.kind, gaps, column.steps()) if part)
