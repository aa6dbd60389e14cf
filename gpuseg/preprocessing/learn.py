"""Learn the plan, step by step: fill, winsor limits, bend, scale, codes, order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.engines import Block, Engine
from gpuseg.errors import InvalidInput
from gpuseg.preprocessing import statistics
from gpuseg.preprocessing._yeo_johnson import learn_powers
from gpuseg.preprocessing.levels import OTHER, table_of
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.quantiles import Summary, different, mode, quantile, with_point
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.statistics import Moments, deviation, moments_of, skewness
from gpuseg.preprocessing.tally import ROUNDING, Places, Tally
from gpuseg.preprocessing.transforms import LOG, METHODS, NONE, POWER, Preparation, finite, prepared, taken

SKEWED = 1.0
"""A column is skewed where its skewness is beyond this, either way."""
FEW_VALUES = 10
"""Columns of no more different values are not bent unasked: it would only move their steps."""


class Measured(NamedTuple):
    """The measured columns that stay, side by side; ``summaries`` is None for yes and no."""

    columns: list[Column]
    choices: list[Choice]
    places: Host
    missing: Host
    moments: Moments
    summaries: list[Summary | None]


def learn_plan(
    engine: Engine, columns: Sequence[Column], choices: Sequence[Choice], places: Places, tally: Tally, *, scale: str
) -> tuple[Plan, list[str]]:
    """Return the plan for the columns that are not dropped, and what is to be said about it."""
    table = _measured(columns, choices, places, tally)
    preparation = _filled(table)
    preparation, moments = _bent(engine, table, preparation)
    center, size, notes = _scaled(table, preparation, moments, scale)
    flagged = np.array([c.missing == "indicator" for c in table.choices], dtype=bool) & (table.missing > 0)
    coded = [i for i, at in enumerate(places.coded) if columns[at].dropped is None]
    tables = [_scaled_table(choices[places.coded[i]].encoding, tally.codes[i], scale) for i in coded]
    plan = Plan(
        measured=table.places,
        coded=places.coded[coded],
        flagged=np.flatnonzero(flagged),
        preparation=preparation,
        center=center,
        scale=size,
        code_fill=np.array([_commonest(columns[places.coded[i]], tally.codes[i]) for i in coded], dtype=float),
        tables=tables,
        order=np.array([]),
    )
    return plan._replace(order=_order(plan)), notes


def moments_block(block: Block, measured: Host, preparation: Preparation) -> Moments:
    """Return one block's moments of some columns, prepared."""
    return moments_of(prepared(finite(taken(block.x, measured)), preparation))


def _measured(columns: Sequence[Column], choices: Sequence[Choice], places: Places, tally: Tally) -> Measured:
    kept = [i for i, at in enumerate(places.measured) if columns[at].dropped is None]
    summaries: dict[int, Summary] = dict(zip(places.ranked.tolist(), tally.summaries, strict=True))
    return Measured(
        [columns[places.measured[i]] for i in kept],
        [choices[places.measured[i]] for i in kept],
        places.measured[kept],
        (tally.missing + tally.infinite)[kept],
        Moments(*(field[kept] for field in tally.moments)),
        [summaries.get(i) for i in kept],
    )


def _filled(table: Measured) -> Preparation:
    """Return what fills the gaps of each column and where it is cut off; nothing is bent yet."""
    width = len(table.columns)
    fill, low, high = np.zeros(width), np.full(width, -np.inf), np.full(width, np.inf)
    bottom, top = table.moments.low.copy(), table.moments.high.copy()
    for j in range(width):
        fill[j] = _fill(table, j)
        limits = table.choices[j].winsorize
        summary = table.summaries[j]
        if limits != (0.0, 1.0) and summary is not None:
            whole = with_point(summary, fill[j], float(table.missing[j]))
            low[j], high[j] = (quantile(whole, share) for share in limits)
    filled = table.missing > 0
    bottom, top = np.where(filled, np.minimum(bottom, fill), bottom), np.where(filled, np.maximum(top, fill), top)
    methods, powers = np.full(width, NONE), np.ones(width)
    return Preparation(fill, low, high, methods, powers, np.clip(bottom, low, high), np.clip(top, low, high))


def _fill(table: Measured, j: int) -> float:
    choice, summary = table.choices[j], table.summaries[j]
    if choice.missing == "constant":
        if isinstance(choice.fill_value, str):
            name = table.columns[j].name
            raise InvalidInput(f"fill_value={choice.fill_value!r} cannot stand in column {name!r}; give a number")
        return choice.fill_value
    if summary is None:
        return float(table.moments.mean[j] > 0.5)  # noqa: PLR2004 - the more frequent of yes and no
    return mode(summary) if choice.missing == "mode" else quantile(summary, 0.5)


def _commonest(column: Column, counts: Host) -> int:
    """Return the code of the most frequent level; the pool of rare ones only where there is no other."""
    return int(np.argmax(np.where(column.levels == OTHER, 0.0, counts)))


def _bent(engine: Engine, table: Measured, preparation: Preparation) -> tuple[Preparation, Moments]:
    """Return the preparation with a method against skew a column, and the moments of what it gives."""

    def moments() -> Moments:
        return engine.reduce(moments_block, statistics.combined, table.places, preparation)

    found = moments()
    asked = np.array([choice.skew for choice in table.choices])
    many = np.array([s is not None and different(s) > FEW_VALUES for s in table.summaries], dtype=bool)
    skewed = (asked == "auto") & (np.abs(skewness(found)) > SKEWED) & many
    tried = (asked == "log") | (skewed & (skewness(found) > 0) & (found.low >= 0))
    preparation = preparation._replace(method=np.where(tried, LOG, NONE))
    if np.any(tried):
        found = moments()
    power = (asked == "yeo-johnson") | (skewed & ~(tried & (np.abs(skewness(found)) <= SKEWED)))
    if not np.any(power):
        return preparation, found
    preparation = _powered(engine, table, preparation, np.flatnonzero(power))
    return preparation, moments()


def _powered(engine: Engine, table: Measured, preparation: Preparation, columns: Host) -> Preparation:
    method, power = preparation.method.copy(), preparation.power.copy()
    power[columns] = learn_powers(engine, table.places[columns], preparation.of(columns))
    method[columns] = POWER
    return preparation._replace(method=method, power=power)


def _scaled(table: Measured, preparation: Preparation, moments: Moments, scale: str) -> tuple[Host, Host, list[str]]:
    """Return centre and scale of every column, and what is to be said; yes and no stays 0 and 1."""
    center, size = np.zeros(len(table.columns)), np.ones(len(table.columns))
    notes = []
    for j, (column, summary) in enumerate(zip(table.columns, table.summaries, strict=True)):
        if summary is None:
            continue
        whole = with_point(summary, float(preparation.fill[j]), float(table.missing[j]))
        one = preparation.of(np.array([j]))
        bent = Summary(prepared(whole.values[:, None], one)[:, 0], whole.weights)
        center[j], size[j], fell_back = center_and_scale(scale, Moments(*(field[j] for field in moments)), bent)
        if fell_back:
            notes.append(f"column {column.name!r} has quartiles that are equal; it is scaled by its deviation")
    return center, size, notes


def center_and_scale(scale: str, moments: Moments, summary: Summary) -> tuple[float, float, bool]:
    """Return what is subtracted and divided by, and whether equal quartiles gave way to the deviation.

    A scale of 0 says that the column is constant.
    """
    spread = float(deviation(moments)) if moments.high - moments.low > ROUNDING * abs(moments.high) else 0.0
    if scale == "none":
        return 0.0, float(spread > 0), False
    if scale == "minmax":
        return float(moments.low), float(moments.high - moments.low) * (spread > 0), False
    if scale == "standard":
        return float(moments.mean), spread, False
    low, middle, high = (quantile(summary, share) for share in (0.25, 0.5, 0.75))
    return (middle, high - low, False) if high > low else (middle, spread, spread > 0)


def _scaled_table(encoding: str, counts: Host, scale: str) -> Host:
    """Return a category's table, ordinal and frequency scaled as a number is; one-hot stays 0 and 1."""
    table = table_of(encoding, counts)
    if encoding == "onehot":
        return table
    features = table[:-1, 0]
    order = np.argsort(features, kind="stable")
    mean = features @ counts / counts.sum()
    there = features[counts > 0]
    second = counts @ (features - mean) ** 2
    moments = Moments(*map(np.asarray, (counts.sum(), there.min(), there.max(), mean, second, 0.0)))
    center, size, _ = center_and_scale(scale, moments, Summary(features[order], counts[order]))
    return (table - center) / (size or 1.0)


def _order(plan: Plan) -> Host:
    """Return the places of the features, so that those of one column stand together in the table's order."""
    sources = [plan.measured, plan.measured[plan.flagged]]
    sources += [np.full(table.shape[1], at) for at, table in zip(plan.coded, plan.tables, strict=True)]
    return np.argsort(np.concatenate(sources), kind="stable")


def methods_of(plan: Plan) -> list[str]:
    """Return what bends each measured column, such as "yeo-johnson(0.41)"."""
    named = zip(plan.preparation.method, plan.preparation.power, strict=True)
    return [f"{METHODS[m]}({power:.3g})" if m == POWER else METHODS[m] for m, power in named]
