"""Learn the plan, step by step: fill, winsor limits, bend, scale, codes, order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.engines import Engine
from gpuseg.errors import InvalidInput
from gpuseg.preprocessing.bending import bend
from gpuseg.preprocessing.levels import OTHER, table_of
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.quantiles import Summary, mode, quantile, with_point
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.statistics import Moments, deviation
from gpuseg.preprocessing.tally import ROUNDING, Places, Tally
from gpuseg.preprocessing.text import days_of_one
from gpuseg.preprocessing.transforms import LOG, NONE, POWER, Preparation, prepared


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
) -> tuple[Plan, dict[str, str]]:
    """Return the plan for the columns that are not dropped, and what is to be said of some, by name."""
    table = _measured(columns, choices, places, tally)
    asked = [choice.skew for choice in table.choices]
    preparation, moments, stays = bend(engine, table.places, asked, table.summaries, _filled(table))
    center, size, notes = _scaled(table, preparation, moments, scale)
    for j in np.flatnonzero(~np.isnan(stays)):
        name = table.columns[j].name
        stayed = f"its skewness of {stays[j]:.1f} stays: neither log nor Yeo-Johnson mends it"
        notes[name] = f"{notes[name]}; {stayed}" if name in notes else stayed
    flagged = np.array([c.missing == "indicator" for c in table.choices], dtype=bool) & (table.missing > 0)
    flat = flagged & (size == 0)  # nothing but its gaps varies: it keeps the indicator alone
    center, size = np.where(flat, moments.mean, center), np.where(flat, 1.0, size)
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
    return plan._replace(order=_order(plan, flat)), notes


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
    bottom, top = np.clip(bottom, low, high), np.clip(top, low, high)
    return Preparation(fill, low, high, np.full(width, NONE), np.ones(width), np.ones(width), bottom, top)


def _fill(table: Measured, j: int) -> float:
    choice, summary = table.choices[j], table.summaries[j]
    if choice.missing == "constant":
        return _constant_fill(table.columns[j], choice.fill_value)
    if summary is None:
        return float(table.moments.mean[j] > 0.5)  # noqa: PLR2004 - the more frequent of yes and no
    return mode(summary) if choice.missing == "mode" else quantile(summary, 0.5)


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


def _commonest(column: Column, counts: Host) -> int:
    """Return the code of the most frequent level; the pool of rare ones only where there is no other."""
    return int(np.argmax(np.where(column.levels == OTHER, 0.0, counts)))


def _scaled(
    table: Measured, preparation: Preparation, moments: Moments, scale: str
) -> tuple[Host, Host, dict[str, str]]:
    """Return centre and scale of every column, and what is to be said of some; yes and no stays 0 and 1."""
    center, size = np.zeros(len(table.columns)), np.ones(len(table.columns))
    notes = {}
    for j, (column, summary) in enumerate(zip(table.columns, table.summaries, strict=True)):
        if summary is None:
            continue
        whole = with_point(summary, float(preparation.fill[j]), float(table.missing[j]))
        one = preparation.of(np.array([j]))
        bent = Summary(prepared(whole.values[:, None], one)[:, 0], whole.weights)
        center[j], size[j], fell_back = center_and_scale(scale, Moments(*(field[j] for field in moments)), bent)
        if fell_back:
            notes[column.name] = "it has quartiles that are equal and is scaled by its deviation"
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


def _order(plan: Plan, flat: Host) -> Host:
    """Return the places of the features, so that those of one column stand together in the table's order.

    Measured columns that are ``flat`` have none.
    """
    sources = [plan.measured, plan.measured[plan.flagged]]
    sources += [np.full(table.shape[1], at) for at, table in zip(plan.coded, plan.tables, strict=True)]
    order = np.argsort(np.concatenate(sources), kind="stable")
    return order[~np.isin(order, np.flatnonzero(flat))]


def methods_of(plan: Plan) -> list[str]:
    """Return what bends each measured column, such as "log(1 + x/2.5)" or "yeo-johnson(x, 0.41)"."""
    bent = zip(plan.preparation.method, plan.preparation.power, plan.preparation.unit, strict=True)
    return [_method(int(method), float(power), float(unit)) for method, power, unit in bent]


def _method(method: int, power: float, unit: float) -> str:
    x = "x" if unit == 1 else f"x/{unit:.3g}"
    return {NONE: "none", LOG: f"log(1 + {x})", POWER: f"yeo-johnson({x}, {power:.3g})"}[method]
