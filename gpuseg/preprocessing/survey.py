"""What a fit makes of its table before any number is learnt: kinds, duplicates, levels, and what is dropped."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput, missing_column
from gpuseg.preprocessing._intake import Intake
from gpuseg.preprocessing.levels import absent_of, learn_levels
from gpuseg.preprocessing.looks import Look, looks_at, together
from gpuseg.preprocessing.meeting import count_different, count_words
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.schema import PERSONAL, Column, are_numbers, kind_of, personal_of
from gpuseg.preprocessing.tally import Places, Tally, constant_values


def used_names(intake: Intake, id_column: str | None, columns: Sequence[str] | None) -> list[str]:
    """Return the names of the columns to work on, in the table's order; raise InvalidInput for an unknown id."""
    if id_column is not None and id_column not in intake.names:
        raise missing_column("id_column", id_column, intake.names)
    wanted = set(intake.names if columns is None else columns) - {id_column}
    names = [name for name in intake.names if name in wanted]
    if not names:
        raise InvalidInput("X has no column beside the id; name columns to work with, and not the id alone")
    return names


class Survey(NamedTuple):
    """The columns of a table with their kinds, and what their values show: nothing of an array's."""

    columns: list[Column]
    looks: dict[str, Look]


def survey_of(intake: Intake, names: Sequence[str], parameters: Mapping[str, Any]) -> Survey:
    """Return the kind of every column; those of an array are numbers."""
    if intake.parts is None:
        if parameters["categorical"]:
            raise InvalidInput("categorical names columns of an array, which holds numbers; pass a table")
        return Survey([Column(name, "number") for name in names], {})
    asked: dict[str, str | None] = dict.fromkeys(names)
    asked |= dict.fromkeys((n for n in parameters["categorical"] or () if n in asked), "category")
    asked |= dict.fromkeys((n for n in parameters["numeric"] or () if n in asked), "number")
    looks: dict[str, Look] = intake.parts.reduce(looks_at, together, asked)
    allowed = parameters["allow_personal"] or ()
    found = {
        name: (None if name in allowed else personal_of(looks[name], name)) or kind_of(looks[name], name, word)
        for name, word in asked.items()
    }
    unsure = {name: are_numbers(looks[name]) for name, column in found.items() if column is None}
    values = sum(looks[name].there for name in unsure)
    different = count_different(intake.parts, unsure, values)
    columns = [
        column or kind_of(looks[name], name, asked[name], different=different[name]) for name, column in found.items()
    ]
    return Survey([column for column in columns if column is not None], looks)


def compared(columns: Sequence[Column]) -> list[str]:
    """Return the names of the columns in which rows are compared: all but ids and what is about a person."""
    apart = ("it is like an id", PERSONAL)
    return [c.name for c in columns if c.dropped is None or not c.dropped.startswith(apart)]


def with_levels(
    parts: Parts | None, survey: Survey, choices: Mapping[str, Choice], parameters: Mapping[str, Any]
) -> list[Column]:
    """Return the columns, the categories among them with their levels."""
    bounds = {name: parameters[name] for name in ("min_share", "max_levels")}
    coded = [c for c in survey.columns if c.kind == "category" and c.dropped is None]
    if parts is None or not coded:
        return list(survey.columns)
    looks = survey.looks
    absent = sorted({level for c in coded if (level := absent_of(choices[c.name])) is not None})
    values = sum(looks[c.name].text.different or looks[c.name].there for c in coded)
    # One more than are kept: the level of missing values may be among them.
    words = count_words(parts, [c.name for c in coded], parameters["max_levels"] + 1, absent, values)
    learnt = {
        c.name: learn_levels(found, looks[c.name], c, choices[c.name], **bounds)
        for c, found in zip(coded, words, strict=True)
    }
    return [learnt.get(c.name, c) for c in survey.columns]


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
