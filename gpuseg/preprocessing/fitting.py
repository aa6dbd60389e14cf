"""The fit as a list of steps: kinds, duplicates, levels, counts, constants, plan, report."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.preprocessing import survey, tally
from gpuseg.preprocessing._intake import Intake
from gpuseg.preprocessing._once import compared, used_rows
from gpuseg.preprocessing._walk import Raw, raw_matrix
from gpuseg.preprocessing.learn import learn_plan
from gpuseg.preprocessing.options import Choice, check_parameters, choice_of
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.report import Report
from gpuseg.preprocessing.reporting import features_of_columns, report_of
from gpuseg.preprocessing.schema import Column


class Fitted(NamedTuple):
    """What a fit learnt: the walk it took and the plan for that walk, every column, the rows used, the report.

    ``rows`` is a mask of the input's rows, or the masks of its parts.

    ``live`` are the columns of the raw matrix, ``features`` the names of the features and their columns.
    """

    raw: Raw
    plan: Plan
    live: list[Column]
    columns: list[Column]
    choices: dict[str, Choice]
    features: dict[str, str]
    rows: Any
    report: Report


def learn(intake: Intake, parameters: Mapping[str, Any], *, auto: str = "onehot") -> Fitted:
    """Return what is learnt from a table or an array; raise InvalidInput where nothing can be.

    ``auto``: what categories are where ``parameters`` say "auto".
    """
    check_parameters(parameters, intake.names)
    names = survey.used_names(intake, parameters["id_column"], parameters["columns"])
    intake = intake._replace(parts=intake.parts_of(names))
    seen = survey.survey_of(intake, names, parameters)
    once = compared(intake, survey.compared(seen.columns), parameters["duplicates"])
    read, intake = intake.rows, once.intake
    choices = {c.name: choice_of(parameters, c.name, c.kind, auto=auto) for c in seen.columns}
    columns = survey.with_levels(intake.parts, seen, choices, parameters)
    survey.refuse_nothing_left(columns, intake.rows)
    live = [c for c in columns if c.dropped is None]
    raw = raw_matrix(intake, live, [choices[c.name].missing == "drop" for c in live], parameters)
    places, counts = survey.places_of(live), _counts(raw, live, parameters["infinite"])
    live, plan = _plan(raw, live, choices, counts, parameters["scale"])
    columns = _updated(columns, live)
    totals = {"rows_read": read, "rows_kept": raw.total, "duplicates": once.duplicates, "scale": parameters["scale"]}
    features = features_of_columns(live, plan, choices)
    lines = report_of(columns, live, plan, choices, counts, places, features)
    rows = used_rows(once.rows, raw.kept)
    return Fitted(raw, plan, live, columns, choices, features, rows, Report(columns=lines, **totals))


def _counts(raw: Raw, live: Sequence[Column], infinite: str) -> tally.Tally:
    places = survey.places_of(live)
    counts: tally.Tally = raw.engine.reduce(tally.tally_block, tally.combined, places, raw.total)
    if infinite == "error":
        survey.refuse_infinite(live, places, counts)
    return counts


def _plan(
    raw: Raw, live: list[Column], choices: Mapping[str, Choice], counts: tally.Tally, scale: str
) -> tuple[list[Column], Plan]:
    """Return the columns and the plan without constant ones, those that winsorising made constant included."""
    places = survey.places_of(live)
    live = survey.without_constants(live, places, counts, choices)
    while True:
        survey.refuse_nothing_left(live, raw.total)
        plan, notes = learn_plan(raw.engine, live, [choices[c.name] for c in live], places, counts, scale=scale)
        if np.all(plan.scale > 0):
            return [c.noted(notes[c.name]) if c.name in notes else c for c in live], plan
        live = survey.without_flat(live, plan)


def _updated(columns: Sequence[Column], live: Sequence[Column]) -> list[Column]:
    later = {c.name: c for c in live}
    return [later.get(c.name, c) for c in columns]
