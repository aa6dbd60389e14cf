"""Write the report of a fit, and the names of its features."""

from collections.abc import Mapping, Sequence

import numpy as np

from gpuseg.errors import InvalidInput
from gpuseg.preprocessing.learn import methods_of
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.report import ColumnReport
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.tally import Places, Tally


def features_of_columns(live: Sequence[Column], plan: Plan, choices: Mapping[str, Choice]) -> dict[str, str]:
    """Return the names of the features in the matrix's order, and the column that each is from.

    Raises InvalidInput where two features would have one name.
    """
    made = [(live[at].name, live[at].name) for at in plan.measured]
    made += [(f"{live[at].name}=(missing)", live[at].name) for at in plan.measured[plan.flagged]]
    for at in plan.coded:
        name = live[at].name
        onehot = choices[name].encoding == "onehot"
        made += [(word, name) for word in ([f"{name}={level}" for level in live[at].levels] if onehot else [name])]
    features: dict[str, str] = {}
    for feature, column in (made[place] for place in plan.order):
        if feature in features:
            raise InvalidInput(
                f"columns {features[feature]!r} and {column!r} both make a feature named {feature!r}; rename one"
            )
        features[feature] = column
    return features


def categories_among(
    features: Mapping[str, str], columns: Sequence[Column], choices: Mapping[str, Choice]
) -> list[int]:
    """Return the places of the features that are no amounts: codes, yes or no, and marks of a missing value."""
    whole = {c.name for c in columns if c.kind == "boolean"}
    whole |= {c.name for c in columns if c.kind == "category" and choices[c.name].encoding == "codes"}
    words = {c.name for c in columns if c.kind == "category"}
    pairs = enumerate(features.items())
    return [at for at, (feature, name) in pairs if name in whole or (feature != name and name not in words)]


def report_of(
    columns: Sequence[Column],
    live: Sequence[Column],
    plan: Plan,
    choices: Mapping[str, Choice],
    tally: Tally,
    places: Places,
    features: Mapping[str, str],
) -> tuple[ColumnReport, ...]:
    """Return a line a column; ``live`` are the columns of the raw matrix."""
    at = {column.name: place for place, column in enumerate(live)}
    counted = {live[i].name: (int(tally.missing[j]), int(tally.infinite[j])) for j, i in enumerate(places.measured)}
    methods = dict(zip(plan.measured.tolist(), methods_of(plan), strict=True))
    lines = []
    for column in columns:
        missing, infinite = counted.get(column.name, (column.missing, 0))
        place = at.get(column.name, -1)
        gaps = column.dropped is None and missing + infinite > 0
        lines.append(
            ColumnReport(
                name=column.name,
                kind=column.kind,
                missing=missing,
                infinite=infinite,
                imputed=_imputed(column, choices[column.name], plan, place) if gaps else None,
                skew=methods.get(place, "none"),
                limits=_limits(plan, place),
                levels=len(column.levels),
                pooled=column.pooled,
                features=tuple(feature for feature, name in features.items() if name == column.name),
                dropped=column.dropped,
                note=column.note,
            )
        )
    return tuple(lines)


def _limits(plan: Plan, place: int) -> tuple[float, float] | None:
    for j in np.flatnonzero(plan.measured == place):
        if np.isfinite(plan.preparation.low[j]):
            return (float(plan.preparation.low[j]), float(plan.preparation.high[j]))
    return None


def _imputed(column: Column, choice: Choice, plan: Plan, place: int) -> float | str | None:
    if choice.missing == "drop":
        return None
    if column.kind != "category":
        return float(plan.preparation.fill[plan.measured == place][0])
    return column.absent or str(column.levels[int(plan.code_fill[plan.coded == place][0])])
