"""``--personas`` of a command that segments: what is wrong is said before the fit, and compared after it."""

import argparse
from typing import TYPE_CHECKING, Any

from gpuseg.cli._parser import Command, UsageError
from gpuseg.cli._types import source
from gpuseg.cli.compare import add_columns

if TYPE_CHECKING:
    from gpuseg.interpret.personas import PersonaComparison
    from gpuseg.segmenter import Segmenter


def add_personas(command: Command) -> None:
    """Add the options that name the personas, with which the segments are compared."""
    command.add_argument(
        "--personas",
        metavar="FILE",
        type=source,
        help="compare with personas: a table of ids and personas, or a column of CUSTOMERS, which is not fitted to",
    )
    add_columns(command)


def check_personas(options: argparse.Namespace, customers: Any) -> None:
    """Raise the error of a comparison with personas before the fit, and leave a column of them out of the fit."""
    import polars as pl

    from gpuseg.interpret.personas import compare_personas
    from gpuseg.io.parted import PartedTable
    from gpuseg.settings import say

    if options.personas is None:
        if odd := next((name for name in ("persona", "contacts") if getattr(options, name)), None):
            raise UsageError(f"--{odd} needs --personas; give the table, or the column, that has the personas")
        return
    if options.personas in customers.columns and options.columns is None:
        options.columns = [name for name in customers.columns if name not in (options.id, options.personas)]
        say(f"{options.personas!r} holds the personas and is left out of the fit; --columns names it to keep it in")
    if isinstance(customers, PartedTable) or len(customers) < 2:  # noqa: PLR2004 - the fit refuses one row
        return
    table = customers if options.id in customers.columns else customers.with_row_index("row")
    on = options.id if options.id in customers.columns else "row"
    # Any two segments will do: what is wrong with the personas is so with all.
    halves = table.select(on, segment=pl.int_range(pl.len()) % 2)
    compare_personas(halves, options.personas, customers=table, id_column=on, features=[], **_columns(options))


def compared(options: argparse.Namespace, segmenter: "Segmenter") -> "PersonaComparison | None":
    """Return the segments of a fit beside the personas, None where none are named."""
    if options.personas is None:
        return None
    return segmenter.compare_personas(options.personas, **_columns(options))


def _columns(options: argparse.Namespace) -> dict[str, Any]:
    return {"persona_column": options.persona, "value": options.value, "contacts": options.contacts}
