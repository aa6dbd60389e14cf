"""Which of two labellings of an earlier period tells more of a later one: out-of-time variance explained."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg._checks import check_count
from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, missing_column, unknown
from gpuseg.html import Cell, Text, table_html
from gpuseg.interpret.flows import flows_of
from gpuseg.interpret.pairing import Paired, paired
from gpuseg.notebook import counted

RETURNED = "returned"
"""The outcome that is made where none is named: whether a customer is in the later table at all; 1 less it is churn."""
BLOCKS = 20_000
"""Rows, or groups of rows drawn at random where there are more, that a bootstrap draws: what it costs is bounded."""
DRAWS = 1_000
"""Draws of a bootstrap: the ends of a 95 % interval are each the 25th of them."""
ENDS = (2.5, 97.5)
"""Percentiles of the interval."""
ABSENT = ("zero", "drop")


class Predicted(NamedTuple):
    """How much of a later outcome segments and personas explain, as shares of its variance, each with its interval.

    ``kind``: "number", or "yes or no", whose share of variance is that of the Brier score. ``difference``: segments
    less personas.
    """

    outcome: str
    kind: str
    segments: float
    segments_low: float
    segments_high: float
    personas: float
    personas_low: float
    personas_high: float
    difference: float
    difference_low: float
    difference_high: float
    sentence: str


class PredictiveValue(NamedTuple):
    """What segments and personas of an earlier period tell of a later one; aggregates alone.

    ``table``: ``Predicted`` an outcome. ``customers``: those who have a segment and a persona; ``absent``: how many of
    them are not in the later table; ``groups``: how many segments and personas there are.
    """

    table: pl.DataFrame
    customers: int
    absent: int
    groups: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values that JSON can hold."""
        return {**self._asdict(), "table": self.table.to_dicts()}

    def __repr__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.table["sentence"])

    def _repr_html_(self) -> str:
        head: list[Cell] = [Text("later"), "segments", "personas", "difference"]
        rows: list[list[Cell]] = [
            [Text(row["outcome"]), *(_words(row, name) for name in ("segments", "personas", "difference"))]
            for row in self.table.iter_rows(named=True)
        ]
        title = f"Variance of the later period explained, of {counted(self.customers, 'customer')}"
        remarks = [*self.table["sentence"], f"{self.absent:,} of them are not in the later table"]
        return table_html(title, head, rows, remarks)


def predictive_value(  # noqa: PLR0913 - a decision of the user's each
    segments: Any,
    personas: Any,
    later: Any,
    *,
    columns: Sequence[str] | None = None,
    id_column: str | None = None,
    segment_column: str = "segment",
    persona_column: str | None = None,
    absent: str = "zero",
    log: bool = False,
    n_draws: int = DRAWS,
    random_state: int = 0,
) -> PredictiveValue:
    """Return how much of the later period segments and personas explain, and whether one explains more.

    ``segments`` and ``personas``: of the earlier period, as ``compare_personas`` takes them. ``later``: a table with a
    row a customer of the later one, as ``customer_features`` of the transactions since; ``columns``: its outcomes,
    numbers or yes and no; left out, all such, and "returned", whether a customer is in it, where some are not.
    ``absent``: who is not in it has spent and done nothing, "zero", or is left out, "drop". ``log`` takes
    log(1 + x) of numbers: of raw spend a few customers are most of the variance.

    A group's mean of all its other customers foretells each customer: the share of variance explained is 1 less the
    sum of squared errors over that of the mean of all others (the predicted R^2 of Allen 1974; of yes and no the
    Brier skill score). So more groups win nothing by being more, and groups at random come to 0 or below. Intervals:
    95 %, percentiles of ``n_draws`` bootstrap samples of customers with what each was foretold (Efron 1979), paired
    for the difference. Customers without a persona, and noise, are a group each.

    >>> import polars as pl
    >>> later = pl.DataFrame({"row": range(60), "spend": [1.0, 2.0] * 10 + [5.0, 6.0] * 10 + [9.0, 8.0] * 10})
    >>> predictive_value([0] * 20 + [1] * 20 + [2] * 20, ["a"] * 40 + ["b"] * 20, later).table["outcome"].to_list()
    ['spend']
    """
    if absent not in ABSENT:
        raise unknown("absent", absent, ABSENT)
    check_count("n_draws", n_draws)
    found = paired(
        segments,
        personas,
        later=later,
        id_column=id_column,
        segment_column=segment_column,
        persona_column=persona_column,
    )
    flows = flows_of(found.personas, found.segments)
    kept = found.there if absent == "drop" else pl.repeat(True, len(found.there), eager=True)
    outcomes, at = _outcomes(found, columns, kept, log=log), kept.arg_true().to_numpy()
    rng = np.random.default_rng(random_state)
    rows = [_predicted(one, flows.column[at], flows.row[at], n_draws, rng) for one in outcomes]
    return PredictiveValue(
        table=pl.DataFrame(rows),
        customers=len(at),
        absent=len(at) - int(found.there.filter(kept).sum()),
        groups={"segments": len(flows.segments), "personas": len(np.unique(flows.row))},
    )


class Outcome(NamedTuple):
    """What customers did later: its name and kind, and a number a customer."""

    name: str
    kind: str
    values: Host


def foretold(values: Host, groups: Host) -> Host:
    """Return what the mean of all others of its group foretells of each row; of a group of one, the mean of all others.

    ``values``: (rows,); ``groups``: (rows,), whole numbers from 0.

    >>> foretold(np.array([1.0, 3.0, 8.0]), np.array([0, 0, 1])).tolist()
    [3.0, 1.0, 2.0]
    """
    sizes = np.bincount(groups)[groups]
    sums = np.bincount(groups, weights=values)[groups]
    everyone = (values.sum() - values) / (len(values) - 1)
    return np.where(sizes > 1, (sums - values) / np.maximum(sizes - 1, 1), everyone)


def _outcomes(found: Paired, columns: Sequence[str] | None, kept: pl.Series, *, log: bool) -> list[Outcome]:
    """Return the outcomes of the customers who are kept, those that vary."""
    usable = [one.name for one in found.later.get_columns() if one.dtype.is_numeric() or one.dtype == pl.Boolean]
    made = [RETURNED] * (RETURNED not in usable and not found.there.filter(kept).all())
    names = [*usable, *made] if columns is None else list(columns)
    if not names:
        raise InvalidInput(
            "the later table has no column of numbers or of yes and no; give one, as monetary since then"
        )
    return [_outcome(found, name, kept, log=log) for name in names]


def _outcome(found: Paired, name: str, kept: pl.Series, *, log: bool) -> Outcome:
    if name in found.later.columns:
        column = found.later.get_column(name)
    elif name == RETURNED:
        column = found.there
    else:
        raise missing_column("columns", name, found.later.columns)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise InvalidInput(f"column {name!r} holds {column.dtype}; name columns of numbers or of yes and no")
    column = column.cast(pl.Float64).zip_with(found.there, pl.repeat(0.0, len(column), eager=True)).filter(kept)
    if gaps := int((~column.is_finite().fill_null(value=False)).sum()):
        raise InvalidInput(
            f"column {name!r} of the later table has {gaps:,} missing or infinite values; fill them first"
        )
    values = column.to_numpy()
    kind = "yes or no" if np.isin(values, (0.0, 1.0)).all() else "number"
    if values.min() == values.max():
        raise InvalidInput(f"column {name!r} of the later table is {values[0]:g} for every customer; name others")
    if log and kind == "number":
        if values.min() < 0:
            raise InvalidInput(f"column {name!r} is below 0 for {int((values < 0).sum()):,} customers; leave out log")
        return Outcome(f"log(1 + {name})", kind, np.log1p(values))
    return Outcome(name, kind, values)


def _predicted(one: Outcome, segments: Host, personas: Host, n_draws: int, rng: np.random.Generator) -> Predicted:
    """Return what both explain of an outcome."""
    alone = np.zeros(len(one.values), dtype=np.int64)
    losses = np.array([(one.values - foretold(one.values, groups)) ** 2 for groups in (alone, segments, personas)])
    found, drawn = _explained(losses.sum(axis=1)), _explained(_resampled(losses, n_draws, rng))
    ends = np.percentile(drawn, ENDS, axis=1)
    numbers = {
        f"{name}{end}": float(value)
        for at, name in enumerate(("segments", "personas", "difference"))
        for end, value in (("", found[at]), ("_low", ends[0, at]), ("_high", ends[1, at]))
    }
    return Predicted(one.name, one.kind, **numbers, sentence=_sentence(one, numbers))


def _explained(losses: Host) -> Host:
    """Return the shares explained by segments and by personas, and their difference, of sums of squared errors.

    ``losses``: of the mean of all, of segments, of personas, (3, ...).
    """
    segments, personas = 1 - losses[1] / losses[0], 1 - losses[2] / losses[0]
    return np.array([segments, personas, segments - personas])


def _resampled(losses: Host, n_draws: int, rng: np.random.Generator) -> Host:
    """Return the sums of bootstrap samples of customers, (3, draws), from each one's squared errors, (3, customers).

    Many customers are dealt at random into blocks first: sums of blocks vary as those of customers do.
    """
    if losses.shape[1] > BLOCKS:
        block = rng.permutation(losses.shape[1]) % BLOCKS
        losses = np.array([np.bincount(block, weights=row, minlength=BLOCKS) for row in losses])
    count = losses.shape[1]
    sums = [losses[:, rng.integers(count, size=count)].sum(axis=1) for _ in range(n_draws)]
    return np.array(sums).T


def _sentence(one: Outcome, found: dict[str, float]) -> str:
    """Return what is found of an outcome in words."""
    shares = {name: _words(found, name) for name in ("segments", "personas")}
    both = f"the segments explain {shares['segments']} of the variance of later {one.name!r}, the personas"
    difference, low, high = (100 * found[f"difference{end}"] for end in ("", "_low", "_high"))
    if low <= 0 <= high:
        points = f"{difference:+.1f} points ({low:+.1f} to {high:+.1f})"
        return f"{both} {shares['personas']}: a difference of {points} is within chance"
    more, ends = ("more", (low, high)) if difference > 0 else ("less", (-high, -low))
    points = f"{abs(difference):.1f} points ({ends[0]:.1f} to {ends[1]:.1f})"
    return f"{both} {shares['personas']}: the segments tell {points} {more}"


def _words(found: dict[str, float], name: str) -> str:
    """Return a share with its interval, in percent."""
    unit = "" if name == "difference" else " %"
    low, high = found[f"{name}_low"], found[f"{name}_high"]
    return f"{100 * found[name]:.1f}{unit} ({100 * low:.1f} to {100 * high:.1f})"
