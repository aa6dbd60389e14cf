"""How two segments differ, or one from the rest: from the details alone, so that a model file is enough."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.errors import InvalidInput
from gpuseg.html import Cell, Text, table_html
from gpuseg.interpret.details import tally_of, telling
from gpuseg.interpret.effects import chi_squared, cohens_d, cohens_h, size_of, strength
from gpuseg.interpret.profile import moments_joined
from gpuseg.notebook import counted, shown
from gpuseg.preprocessing.text import day_shown

TOLD = 3
"""The features that the sentence of a contrast tells."""
D, H, V, DELTA = "Cohen's d", "Cohen's h", "Cramer's V", "Cliff's delta"


class Difference(NamedTuple):
    """A feature of two groups of customers: means (shares of yes, or of the telling level) and medians of both.

    ``effect``: by which ``effect_name``, above 0 where the first has more; of a category never below 0. ``size``:
    "small", "medium", "large" by Cohen's bounds, None below. Dates are days since 1970. None where nothing is known.
    """

    feature: str
    kind: str
    level: str | None
    mean: float | None
    other_mean: float | None
    median: float | None
    other_median: float | None
    effect: float | None
    effect_name: str
    size: str | None
    sentence: str


class Contrast(NamedTuple):
    """How a segment differs from another, or from the rest where ``other`` is None: the largest differences first."""

    segment: int
    other: int | None
    customers: int
    other_customers: int
    differences: tuple[Difference, ...]
    sentence: str

    @property
    def table(self) -> pl.DataFrame:
        """The differences as a table, a row a feature."""
        return pl.DataFrame(self.differences, schema=SCHEMA, orient="row")

    def to_dict(self) -> dict[str, Any]:
        """Return the contrast as plain values."""
        return {**self._asdict(), "differences": [one._asdict() for one in self.differences]}

    def _repr_html_(self) -> str:
        who = [_called(self.segment), "the rest" if self.other is None else _called(self.other)]
        head: list[Cell] = [Text("feature"), *who, "effect", Text("size")]
        rows: list[list[Cell]] = [
            [
                Text(_named(one)),
                _cell(one, one.mean),
                _cell(one, one.other_mean),
                shown("", one.effect),
                Text(one.size or "-"),
            ]
            for one in self.differences
        ]
        return table_html(self.sentence, head, rows)


def contrast(details: Mapping[str, Any], segment: int, other: int | None = None) -> Contrast:
    """Return how a segment differs from another, or from all other customers, by the plain details of a fit.

    Effects against the rest are those of the details: Cliff's delta of numbers and dates, Cohen's h of yes or no,
    Cramer's V of categories, with the level whose share differs most. Of two segments they are Cohen's d, h and V,
    and Cliff's delta of 1 or -1 where neither varies.
    Features are ranked by the effect as a part of a medium one of its kind. The median of the rest is None: medians of
    segments do not add up. Raises InvalidInput for what is no segment.
    """
    known = list(details["segments"])
    one = _place(known, segment, "a")
    if other is not None and segment == other:
        raise InvalidInput(f"a={segment} and b={other} are the same segment; give two, or leave b out for the rest")
    others = [at for at in range(len(known)) if at != one] if other is None else [_place(known, other, "b")]
    if not others:
        raise InvalidInput(f"segment {segment} is the only one, and there is no rest to compare it with; split it")
    found = [
        _of_category(f, one, others) if "levels" in f else _of_numbers(f, one, others, rest=other is None)
        for f in details["features"]
    ]
    ranked = sorted(found, key=lambda each: (-_strength(each), each.feature))
    sizes = (int(details["sizes"][one]), sum(int(details["sizes"][at]) for at in others))
    return Contrast(segment, other, *sizes, tuple(ranked), _sentence(segment, other, sizes, ranked))


def _place(known: Sequence[int], segment: Any, what: str) -> int:
    if isinstance(segment, bool) or segment not in known:
        raise InvalidInput(f"{what}={segment!r} is no segment; those that are: {', '.join(map(str, known))}")
    return known.index(segment)


def _strength(one: Difference) -> float:
    """Return an effect in units of a medium one of its kind."""
    return strength(one.effect, _bounds(one.effect_name))


def _of_numbers(feature: Mapping[str, Any], one: int, others: Sequence[int], *, rest: bool) -> Difference:
    """Return the difference in a feature of numbers, dates, or yes and no; ``rest``: of the segment and all others."""
    own, their = tally_of(feature, one), functools.reduce(moments_joined, (tally_of(feature, at) for at in others))
    mean, other = (float(total / n) if n else None for n, total, _ in (own, their))
    middle = feature["median"][others[0]] if len(others) == 1 else None
    effect, name = feature["effect"][one], feature["effect_name"]
    if not rest and feature["kind"] == "boolean":
        effect = None if mean is None or other is None else cohens_h(mean, other)
    elif not rest:
        effect, name = cohens_d(own, their), D
        if effect is None and mean is not None and other is not None and mean != other:
            # Neither varies: each value of the one is on the same side of each of the other.
            effect, name = math.copysign(1.0, mean - other), DELTA
    about = (feature["name"], feature["kind"], None, mean, other, feature["median"][one], middle)
    found = Difference(*about, effect, name, size_of(effect, _bounds(name)), "")
    return found._replace(sentence=_told(found))


def _bounds(effect_name: str) -> str:
    """Return the effect whose bounds hold: Cohen's of d and h are the same numbers."""
    return H if effect_name == D else effect_name


def _of_category(feature: Mapping[str, Any], one: int, others: Sequence[int]) -> Difference:
    """Return the difference in a category, with the level whose share differs most."""
    counts = np.asarray(feature["counts"], dtype=np.float64)
    pair = np.array([counts[one], counts[list(others)].sum(axis=0)])
    effect, _ = chi_squared(pair)
    level = telling({"levels": feature["levels"], "counts": pair, "all_counts": pair.sum(axis=0)}, 0)
    name, own, their = (level.name, level.share, level.other_share) if level else (None, None, None)
    size = size_of(effect, V)
    found = Difference(feature["name"], "category", name, own, their, None, None, effect, V, size, "")
    return found._replace(sentence=_told(found))


def _named(one: Difference) -> str:
    return one.feature if one.level is None else f"{one.feature} = {one.level}"


def _cell(one: Difference, value: float | None) -> str:
    """Return a mean or share of a feature as a person reads it."""
    if value is None or math.isnan(value):
        return "-"
    if one.kind == "date":
        return day_shown(math.floor(value))
    return shown("" if one.kind == "number" else "share", value)


def _told(one: Difference) -> str:
    """Return a difference in words.

    >>> _told(Difference("spend", "number", None, 80.0, 20.0, 75.0, 15.0, 1.0, D, "large", ""))
    'spend is 80 against 20 (median 75 against 15)'
    """
    if one.kind == "category" and one.level is None:
        return f"{one.feature} has other levels, none of them of enough customers to be told of"
    told = f"{_named(one)} is {_cell(one, one.mean)} against {_cell(one, one.other_mean)}"
    if one.median is None or one.other_median is None:
        return told
    return f"{told} (median {_cell(one, one.median)} against {_cell(one, one.other_median)})"


def _sentence(segment: int, other: int | None, sizes: tuple[int, int], ranked: Sequence[Difference]) -> str:
    """Return who is compared, and the largest differences."""
    rest = "the rest" if other is None else _called(other)
    who = f"{_called(segment)} ({counted(sizes[0], 'customer')}) against {rest} ({counted(sizes[1], 'customer')})"
    clear = [one.sentence for one in ranked if one.size is not None][:TOLD]
    return f"{who}: {'; '.join(clear) if clear else 'no feature differs by as much as a small effect'}"


def _called(segment: int) -> str:
    return "noise" if segment < 0 else f"segment {segment}"


SCHEMA = {
    "feature": pl.String, "kind": pl.String, "level": pl.String, "mean": pl.Float64, "other_mean": pl.Float64,
    "median": pl.Float64, "other_median": pl.Float64, "effect": pl.Float64, "effect_name": pl.String,
    "size": pl.String, "sentence": pl.String,
}  # fmt: skip
