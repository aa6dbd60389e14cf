"""``--dry-run``: what a command is about to do and need, told by looks at its input."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpuseg.features.foreseen import Foreseen
    from gpuseg.planning import Plan


def give_plan_of_table(options: argparse.Namespace) -> None:
    """Print the plan of the fit of a customer table, of which only columns and the number of rows are read.

    A category is counted as one column; it gets one a level.
    """
    import narwhals as nw

    from gpuseg.cli._output import give
    from gpuseg.io import open_table
    from gpuseg.io.tables import collected

    frame = open_table(options.customers).frame.lazy()
    names = frame.collect_schema().names()
    _check_named(names, {"columns": options.columns or (), "id_column": (options.id,)})
    rows = collected(frame.select(nw.len()), str(options.customers)).item()
    columns = options.columns or [name for name in names if name != options.id]
    planned = _plan(options, int(rows), len(columns))
    give(options, {"plan": planned.to_dict()}, [str(planned)])


def give_plan_of_run(options: argparse.Namespace, files: Sequence[Path]) -> None:
    """Print what the whole way from transactions to ``files`` reads, makes and needs.

    The fit is planned for as many customers as there can be at most: only the work itself counts them.
    """
    from gpuseg.cli._arguments import role_options
    from gpuseg.cli._engine import where
    from gpuseg.cli._output import give
    from gpuseg.errors import InvalidInput
    from gpuseg.features.foreseen import foresee

    place, seen = where(options), foresee(options.transactions, **role_options(options))
    _check_named(seen.features, {"columns": options.columns or ()})
    if not seen.told.rows:
        raise InvalidInput(f"{options.transactions} has no rows; give a table with transactions")
    planned = _plan(options, seen.customers, len(options.columns or seen.features))
    result = {
        "transactions": {"rows": seen.told.rows, "exact": seen.told.exact, "bytes": seen.told.bytes},
        "features": seen.features,
        "customers_at_most": seen.customers,
        "plan": planned.to_dict(),
        "work": place,
        "files": [str(path) for path in files],
    }
    lines = [*_told(options, seen), str(planned), f"work: {place}", *(f"to be written: {path}" for path in files)]
    give(options, result, lines)


def _told(options: argparse.Namespace, seen: "Foreseen") -> list[str]:
    """Return what the files say, and what is made of them."""
    from gpuseg.backends import size
    from gpuseg.errors import listed
    from gpuseg.notebook import counted

    told = seen.told
    rows = counted(told.rows, "row") if told.exact else f"about {counted(told.rows, 'row')}, estimated from the size"
    why = "as many as rows" if seen.ids is None else f"column {seen.customer!r} holds {seen.ids[0]} to {seen.ids[1]}"
    return [
        f"{options.transactions}: {counted(len(told.files), 'file')}, {size(told.bytes)}, {rows}",
        f"features: {listed(seen.features, most=len(seen.features))}",
        f"customers: {seen.customers:,} at most ({why}); the fit is planned for so many",
    ]


def _check_named(names: Sequence[str], wanted: dict[str, Sequence[str | None]]) -> None:
    """Raise InvalidInput for a column that is named and not there."""
    from gpuseg.errors import missing_column

    for what, columns in wanted.items():
        if lacking := [name for name in columns if name is not None and name not in names]:
            raise missing_column(what, lacking[0], names)


def _plan(options: argparse.Namespace, rows: int, columns: int) -> "Plan":
    """Return the plan of the fit that the options describe."""
    from gpuseg.planning import plan
    from gpuseg.selection.search import STARTS

    given: dict[str, Any] = dict(options.set_param)
    return plan(
        options.algorithm,
        rows,
        columns,
        n_clusters=options.k_range[1] if options.k == "auto" else options.k,
        n_init=given.get("n_init", STARTS),
        min_samples=_min_samples(given, rows),
        backend=options.backend,
    )


def _min_samples(given: dict[str, Any], rows: int) -> int:
    """Return the rows within a core distance; where "auto" leaves that to be chosen, as many as the choice takes."""
    from gpuseg.selection.density import AUTO
    from gpuseg.selection.distances import MIN_SAMPLES, SAMPLE

    if AUTO in (given.get("eps"), given.get("min_cluster_size")):
        return int(given.get("min_samples") or MIN_SAMPLES * max(1, round(rows / SAMPLE)))
    return int(given.get("min_samples") or given.get("min_cluster_size", MIN_SAMPLES))
