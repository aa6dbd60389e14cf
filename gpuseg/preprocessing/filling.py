"""What fills the gaps of each measured column and where it is cut off, from exact quantiles."""

from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.engines import Engine
from gpuseg.errors import InvalidInput
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.quantiles import Summary, counted, mode, quantile, with_point
from gpuseg.preprocessing.ranking import bounds_of, looked_at, ranks_at
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.statistics import Moments
from gpuseg.preprocessing.text import days_of_one
from gpuseg.preprocessing.transforms import NONE, Preparation

CANDIDATES = 64
"""The mode of a sketched column is sought among as many values that fill the most of the sketch.

Where it is missed, the value taken comes at most four errors of a rank less often, about 1 row in 500.
"""
QUARTILES = (0.25, 0.5, 0.75)


class Measured(NamedTuple):
    """The measured columns that stay, side by side; ``sketches`` is None for yes and no, ``many`` says more than 10."""

    columns: list[Column]
    choices: list[Choice]
    places: Host
    missing: Host
    moments: Moments
    sketches: list[Summary | None]
    many: Host


def filled(engine: Engine, table: Measured, scale: str) -> tuple[Preparation, list[Summary | None]]:
    """Return what fills and limits each column, nothing bent yet, and the summaries of the columns once filled.

    These are exact at the limits and, for ``scale`` "robust", at the quartiles.
    """
    width = len(table.columns)
    fill = _fills(engine, table)
    whole = _filled_summaries(engine, table, fill, QUARTILES if scale == "robust" else ())
    low, high = np.full(width, -np.inf), np.full(width, np.inf)
    for j, (choice, summary) in enumerate(zip(table.choices, whole, strict=True)):
        if choice.winsorize != (0.0, 1.0) and summary is not None:
            low[j], high[j] = (quantile(summary, share) for share in choice.winsorize)
    gaps, bottom, top = table.missing > 0, table.moments.low, table.moments.high
    bottom, top = np.where(gaps, np.minimum(bottom, fill), bottom), np.where(gaps, np.maximum(top, fill), top)
    bottom, top = np.clip(bottom, low, high), np.clip(top, low, high)
    return Preparation(fill, low, high, np.full(width, NONE), np.ones(width), np.ones(width), bottom, top), whole


def _fills(engine: Engine, table: Measured) -> Host:
    """Return what stands for a missing value in each column."""
    sketches, candidates = table.sketches, []
    bounds = []
    for choice, sketch, rows in zip(table.choices, sketches, table.moments.rows, strict=True):
        tried = _candidates(sketch) if sketch is not None and choice.missing == "mode" else np.empty(0)
        ranks = ranks_at([0.5], rows) if choice.missing not in ("mode", "constant") else np.empty(0)
        bounds.append(np.empty((0, 2)) if sketch is None else bounds_of(sketch, ranks, tried))
        candidates.append(tried)
    exact = _looked_at(engine, table, bounds)
    return np.array([_fill(table, j, exact[j], candidates[j]) for j in range(len(sketches))], dtype=np.float64)


def _fill(table: Measured, j: int, summary: Summary | None, candidates: Host) -> float:
    choice = table.choices[j]
    if choice.missing == "constant":
        return _constant_fill(table.columns[j], choice.fill_value)
    if summary is None:
        return float(table.moments.mean[j] > 0.5)  # noqa: PLR2004 - the more frequent of yes and no
    if choice.missing == "mode":
        among = np.isin(summary.values, candidates)
        return mode(Summary(summary.values[among], summary.weights[among]))
    return quantile(summary, 0.5)


def _candidates(sketch: Summary) -> Host:
    """Return the values among which the mode is counted: all, or those that fill the most of a sketch."""
    values, weights = counted(sketch)
    return values[np.argsort(-weights, kind="stable")][: CANDIDATES if sketch.error else len(values)]


def _filled_summaries(
    engine: Engine, table: Measured, fill: Host, quartiles: tuple[float, ...]
) -> list[Summary | None]:
    bounds = []
    for j, (choice, sketch) in enumerate(zip(table.choices, table.sketches, strict=True)):
        shares = (*quartiles, *choice.winsorize) if choice.winsorize != (0.0, 1.0) else quartiles
        if sketch is None or not shares:
            bounds.append(np.empty((0, 2)))
            continue
        # A rank once gaps are filled is that of a value below the fill, of the fill, or of one above it.
        rows, missing = table.moments.rows[j], table.missing[j]
        ranks = ranks_at(shares, rows + missing)
        ranks = np.clip(np.concatenate([ranks, ranks - missing]), 0, rows - 1)
        bounds.append(bounds_of(sketch, ranks, [fill[j]]))
    return [
        None if summary is None else with_point(summary, float(fill[j]), float(table.missing[j]))
        for j, summary in enumerate(_looked_at(engine, table, bounds))
    ]


def _looked_at(engine: Engine, table: Measured, bounds: list[Host]) -> list[Summary | None]:
    """Return the summaries, exact between the bounds."""
    used = [j for j, pairs in enumerate(bounds) if len(pairs)]
    exact = list(table.sketches)
    sketches = [sketch for j in used if (sketch := table.sketches[j]) is not None]
    for j, summary in zip(
        used, looked_at(engine, table.places[used], sketches, [bounds[j] for j in used]), strict=True
    ):
        exact[j] = summary
    return exact


def _constant_fill(column: Column, value: float | str) -> float:
    """Return the user's own value for a gap: a number, for dates an ISO date."""
    refused = f"fill_value={value!r} cannot stand in column {column.name!r}"
    if column.kind == "date":
        days = days_of_one(value) if isinstance(value, str) else None
        if days is None:
            raise InvalidInput(f"{refused} of dates; give an ISO date, as in {{{column.name!r}: '2024-01-31'}}")
        return days
    if isinstance(value, str):
        raise InvalidInput(f"{refused}; give a number")
    return value
