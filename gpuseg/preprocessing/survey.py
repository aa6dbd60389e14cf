"""What a fit makes of its table before any number is learnt: kinds, duplicates, levels, and what is dropped."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, missing_column
from gpuseg.preprocessing._intake import Intake, duplicates_of
from gpuseg.preprocessing.levels import learn_levels
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.schema import Column, first_of_each, kind_of
from gpuseg.preprocessing.tally import Places, Tally, constant_values
from gpuseg.preprocessing.text import values_of


def used_names(intake: Intake, id_column: str | None, columns: Sequence[str] | None) -> list[str]:
    """Return the names of the columns to work on, in the table's order; raise InvalidInput for an unknown id."""
    if id_column is not None and id_column not in intake.names:
        raise missing_column("id_column", id_column, intake.names)
    wanted = set(intake.names if columns is None else columns) - {id_column}
    return [name for name in intake.names if name in wanted]


def kinds_of(intake: Intake, names: Sequence[str], parameters: Mapping[str, Any]) -> list[Column]:
    """Return the kind of every column; those of an array are numbers."""
    if intake.frame is None:
        if parameters["categorical"]:
            raise InvalidInput("categorical names columns of an array, which holds numbers; pass a table")
        return [Column(name, "number") for name in names]
    asked = dict.fromkeys(parameters["categorical"] or (), "category")
    asked |= dict.fromkeys(parameters["numeric"] or (), "number")
    return [kind_of(values_of(intake.frame, name), name, asked.get(name)) for name in names]


def first_rows(intake: Intake, columns: Sequence[Column]) -> Host | None:
    """Return which rows are the first of their kind apart from ids; None where rows are not compared."""
    if intake.frame is None:
        return duplicates_of(intake.array)
    names = [c.name for c in columns if c.dropped is None or "like an id" not in c.dropped]
    return first_of_each(intake.frame, names)


def with_levels(
    intake: Intake, columns: Sequence[Column], choices: Mapping[str, Choice], parameters: Mapping[str, Any]
) -> list[Column]:
    """Return the columns, the categories among them with their levels."""
    frame, bounds = intake.frame, {name: parameters[name] for name in ("min_share", "max_levels")}
    if frame is None:
        return list(columns)
    return [
        learn_levels(values_of(frame, c.name), c, choices[c.name], **bounds)
        if c.kind == "category" and c.dropped is None
        else c
        for c in columns
    ]


def places_of(columns: Sequence[Column]) -> Places:
    """Return where in the raw matrix of these columns each kind is."""
    measured = np.array([i for i, c in enumerate(columns) if c.kind != "category"], dtype=np.int64)
    ranked = [j for j, i in enumerate(measured) if columns[i].kind != "boolean"]
    coded = np.array([i for i, c in enumerate(columns) if c.kind == "category"], dtype=np.int64)
    return Places(measured, np.array(ranked, dtype=np.int64), coded, tuple(len(columns[i].levels) for i in coded))


def without_constants(
    columns: Sequence[Column], places: Places, tally: Tally, choices: Mapping[str, Choice]
) -> list[Column]:
    """Return the columns, marked as dropped where only one value, or none, is in the rows that stay.

    One with gaps and an indicator stays for that: whether there is a value varies.
    """
    marked = list(columns)
    gaps = tally.missing + tally.infinite > 0
    for at, value, count, gap in zip(places.measured, constant_values(tally), tally.moments.rows, gaps, strict=True):
        if not count:
            marked[at] = columns[at]._replace(dropped="it has no finite value")
        elif not np.isnan(value) and gap and choices[columns[at].name].missing == "indicator":
            marked[at] = columns[at].noted(f"every value is {columns[at].shown(float(value))}: only gaps tell")
        elif not np.isnan(value):
            marked[at] = _constant(columns[at], float(value))
    for at, counts in zip(places.coded, tally.codes, strict=True):
        if np.sum(counts > 0) <= 1:
            marked[at] = _constant(columns[at], float(np.argmax(counts)))
    return marked


def without_flat(columns: Sequence[Column], plan: Plan) -> list[Column]:
    """Return the columns, marked as dropped where winsorising or rounding left a single value."""
    marked = list(columns)
    for at in plan.measured[plan.scale == 0]:
        marked[at] = columns[at]._replace(dropped="it is constant once it is winsorised and bent")
    return marked


def refuse_nothing_left(columns: Sequence[Column], rows: int) -> None:
    """Raise InvalidInput where every column is dropped, with the reason of each."""
    if not columns:
        raise InvalidInput("X has no column beside the id; name columns to work with, and not the id alone")
    if all(c.dropped is not None for c in columns):
        why = "; ".join(f"{c.name!r}: {c.dropped}" for c in columns[:12])
        raise InvalidInput(
            f"no column of X is left in n_samples={rows} rows ({why}); give columns that differ between rows"
        )


def refuse_infinite(columns: Sequence[Column], places: Places, tally: Tally) -> None:
    """Raise InvalidInput for the first column with infinite values."""
    for at, count in zip(places.measured, tally.infinite, strict=True):
        if count:
            raise InvalidInput(
                f"column {columns[at].name!r} holds {int(count)} infinite values in {tally.rows} rows;"
                " mend these, or use infinite='missing'"
            )


def _constant(column: Column, value: float) -> Column:
    constant = str(column.levels[int(value)]) if column.kind == "category" else value
    return column._replace(dropped=f"it is constant, {column.shown(constant)}", constant=constant)
