"""Learn the plan, step by step: fill, winsor limits, bend, scale, codes, order."""

from collections.abc import Sequence

import numpy as np

from gpuseg.backends import Host
from gpuseg.engines import Engine
from gpuseg.preprocessing.bending import bend
from gpuseg.preprocessing.filling import QUARTILES, Measured, filled
from gpuseg.preprocessing.levels import OTHER, table_of
from gpuseg.preprocessing.options import Choice
from gpuseg.preprocessing.plan import Plan
from gpuseg.preprocessing.quantiles import Summary, quantile
from gpuseg.preprocessing.schema import Column
from gpuseg.preprocessing.statistics import Moments, deviation
from gpuseg.preprocessing.tally import FEW, ROUNDING, Places, Tally
from gpuseg.preprocessing.transforms import LOG, NONE, POWER, Preparation, prepared


def learn_plan(
    engine: Engine, columns: Sequence[Column], choices: Sequence[Choice], places: Places, tally: Tally, *, scale: str
) -> tuple[Plan, dict[str, str]]:
    """Return the plan for the columns that are not dropped, and what is to be said of some, by name."""
    table = _measured(columns, choices, places, tally)
    asked = [choice.skew for choice in table.choices]
    preparation, whole = filled(engine, table, scale)
    preparation, moments, stays = bend(engine, table.places, asked, table.many, preparation)
    center, size, notes = _scaled(table, whole, preparation, moments, scale)
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
    sketches: dict[int, Summary] = dict(zip(places.ranked.tolist(), tally.sketches, strict=True))
    few = dict(zip(places.ranked.tolist(), tally.few, strict=True))
    return Measured(
        [columns[places.measured[i]] for i in kept],
        [choices[places.measured[i]] for i in kept],
        places.measured[kept],
        (tally.missing + tally.infinite)[kept],
        Moments(*(field[kept] for field in tally.moments)),
        [sketches.get(i) for i in kept],
        np.array([len(few.get(i, ())) == FEW for i in kept], dtype=bool),
    )


def _commonest(column: Column, counts: Host) -> int:
    """Return the code of the most frequent level; the pool of rare ones only where there is no other."""
    return int(np.argmax(np.where(column.levels == OTHER, 0.0, counts)))


def _scaled(
    table: Measured,
    filled_ones: Sequence[Summary | None],
    preparation: Preparation,
    moments: Moments,
    scale: str,
) -> tuple[Host, Host, dict[str, str]]:
    """Return centre and scale of every column, and what is to be said of some; yes and no stays 0 and 1."""
    center, size = np.zeros(len(table.columns)), np.ones(len(table.columns))
    notes = {}
    for j, (column, whole) in enumerate(zip(table.columns, filled_ones, strict=True)):
        if whole is None:
            continue
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
    low, middle, high = (quantile(summary, share) for share in QUARTILES)
    return (middle, high - low, False) if high > low else (middle, spread, spread > 0)


def _scaled_table(encoding: str, counts: Host, scale: str) -> Host:
    """Return a category's table, ordinal and frequency scaled as a number is; one-hot and codes stay as they are."""
    table = table_of(encoding, counts)
    if encoding in ("onehot", "codes"):
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
