"""``gpuseg compare``: segments and personas of the same customers in; who goes where, and what stands out."""

import argparse
from typing import TYPE_CHECKING

from gpuseg.cli._parser import Command
from gpuseg.cli._types import names, path, source

if TYPE_CHECKING:
    from gpuseg.interpret.personas import PersonaComparison

HELP = "Compare segments with personas that customers have already."
USAGE = "SEGMENTS PERSONAS [options]"
EXAMPLE = "out/segments.parquet personas.csv --customers out/customers.parquet --value monetary"


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "segments", metavar="SEGMENTS", type=source, help="a table with a row a customer, as gpuseg segment writes it"
    )
    command.add_argument(
        "personas", metavar="PERSONAS", type=source, help="a table of ids and personas, or a column of the other tables"
    )
    command.add_argument(
        "--id", metavar="COLUMN", help="the column of ids (default: found by usual names, such as customer_id)"
    )
    command.add_argument(
        "--segment", metavar="COLUMN", default="segment", help="the column of segments (default: segment)"
    )
    command.add_argument(
        "--customers", metavar="FILE", type=source, help="a customer table: along its columns parts of personas differ"
    )
    command.add_argument(
        "--features", metavar="a,b", type=names, help="columns in which parts are compared (default: all)"
    )
    command.add_argument(
        "--value", metavar="COLUMN", help="what a customer is worth (default: each counts as one), with --contacts"
    )
    add_columns(command)
    command.add_argument(
        "-o", "--output", metavar="TABLE", type=path, help="write the flows too: .parquet, .csv or .arrow"
    )


def add_columns(command: Command) -> None:
    """Add the options that say which columns are the personas and the contacts."""
    command.add_argument(
        "--persona", metavar="COLUMN", help="the column of personas (default: persona, rule_segment, or the only one)"
    )
    command.add_argument(
        "--contacts", metavar="COLUMN", help="contacts or budget of a customer: who gets less than their share of value"
    )


def run(options: argparse.Namespace) -> None:
    """Compare, print and, where asked for, write the flows."""
    from gpuseg.cli._output import check_output, give
    from gpuseg.interpret.personas import compare_personas
    from gpuseg.io import write_table

    if options.output:
        inputs = (options.segments, options.personas, options.customers)
        check_output(options.output, *(file for file in inputs if file))
    found = compare_personas(
        options.segments,
        options.personas,
        customers=options.customers,
        id_column=options.id,
        segment_column=options.segment,
        persona_column=options.persona,
        features=options.features,
        value=options.value,
        contacts=options.contacts,
    )
    if options.output:
        write_table(found.flows, options.output)
    written = [f"written: {options.output}"] if options.output else []
    output = str(options.output) if options.output else None
    give(options, {"output": output, **found.to_dict()}, [*lines_of(found), *written])


def lines_of(found: "PersonaComparison") -> list[str]:
    """Return where each persona goes, a line each, and the findings."""
    from gpuseg.notebook import counted, shown

    known = f"{shown('share', found.overlap)} of {counted(found.customers, 'customer')} are among the personas"
    others = f", which have {found.unknown:,} more" if found.unknown else ""
    return [*_flow_lines(found), f"{known}{others}", *found.sentences()]


def _flow_lines(found: "PersonaComparison") -> list[str]:
    """Return the shares of each persona that go to each segment, a line a persona."""
    from gpuseg.cli._output import aligned
    from gpuseg.notebook import shown

    segments = found.flows["segment"].unique(maintain_order=True).to_list()
    rows = [[found.column, "customers", *(shown("segment", at) if isinstance(at, int) else at for at in segments)]]
    for persona, size in found.personas.select("persona", "customers").iter_rows():
        own = found.flows.filter(found.flows["persona"].eq_missing(persona))["of_persona"]
        rows.append([persona or "no persona", f"{size:,}", *(shown("share", share) for share in own)])
    return aligned(rows)
