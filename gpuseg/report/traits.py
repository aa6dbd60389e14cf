"""What stands out in a segment, as phrases with its figures and those of all customers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gpuseg.interpret.details import DIGITS, telling
from gpuseg.interpret.effects import SIZES, strength
from gpuseg.interpret.profile import DAY
from gpuseg.interpret.vocabulary import words_for, words_for_date
from gpuseg.notebook import shown
from gpuseg.plot.measures import moment

MOST = 4
"""Traits of a segment: more is no summary."""
LEAST = 1 / 3
"""Contrast from which a mean stands out where no effect sizes are known: half as much again, or a third less."""
WHOLE = 100
"""From here on a number is told without decimals."""


def traits_of(profile: Sequence[Mapping[str, Any]], at: int) -> list[dict[str, Any]]:
    """Return the columns in which the segment at a place of a summary's profile is farthest from all, farthest first.

    A trait has feature, kind, direction (more, less), value, all and words.

    >>> spend = {"name": "spend", "kind": "number", "all": 10.0, "mean": [30.0], "median": [25.0], "contrast": [0.67]}
    >>> traits_of([spend], 0)[0]["words"]
    'high spend: on average 30, against 10 of all'
    """
    found = [(abs(column["contrast"][at] or 0.0), column) for column in profile if column["all"] is not None]
    found.sort(key=lambda pair: -pair[0])
    return [_of_column(column, at) for size, column in found[:MOST] if size >= LEAST]


def traits_known(details: Mapping[str, Any], segment: int) -> list[dict[str, Any]]:
    """Return the columns of the largest marked effects of a segment, from the details in a card's insight."""
    at = details["segments"].index(segment)
    marked = [feature for feature in details["features"] if feature["mark"][at]]
    marked.sort(key=lambda feature: (-SIZES.index(feature["mark"][at]), -_strength(feature, at), feature["name"]))
    # Small effects say little beside larger ones.
    strong = [feature for feature in marked if feature["mark"][at] != SIZES[0]] or marked
    return [trait for feature in strong[:MOST] if (trait := OF_KIND[feature["kind"]](feature, at))]


def _strength(feature: Mapping[str, Any], at: int) -> float:
    """Return the effect of a feature in units of a medium one, as names and contrasts rank it."""
    return round(strength(feature["effect"][at], feature["effect_name"]), DIGITS)


def rounded(value: float) -> str:
    """Return a number as it is said: three digits of a small one, a large one whole.

    >>> rounded(1.739), rounded(1565.2), rounded(323.1)
    ('1.74', '1,565', '323')
    """
    return f"{value:,.0f}" if abs(value) >= WHOLE else f"{value:.3g}"


def _of_column(column: Mapping[str, Any], at: int) -> dict[str, Any]:
    """Return the trait of a column by its mean, or by its share of yes."""
    kind, name, of_all, more = column["kind"], column["name"], column["all"], column["contrast"][at] > 0
    value = column["share" if kind == "boolean" else "mean"][at]
    high, low = ("late", "early") if kind == "date" else ("high", "low")
    said = name if kind == "boolean" else f"{high if more else low} {name}"
    how = "yes" if kind == "boolean" else "on average"
    return _trait(name, kind, value, of_all, more=more, said=f"{said}: {how}")


def _trait(name: str, kind: str, value: Any, of_all: Any, *, more: bool, said: str) -> dict[str, Any]:
    """Return a trait of a number, a date (ISO 8601) or a share of yes; ``said``: what stands before its figures."""
    about = {"feature": name, "kind": kind, "direction": "more" if more else "less", "value": value, "all": of_all}
    return {**about, "words": f"{said} {_said(value, kind)}, against {_said(of_all, kind)} of all"}


def _said(value: Any, kind: str) -> str:
    if kind == "boolean":
        return shown("share", value)
    return str(value)[:10] if kind == "date" else rounded(value)


def _number(feature: Mapping[str, Any], at: int) -> dict[str, Any]:
    """Return the trait of a number or a date: its median, or its mean where the median does not tell it from all."""
    more, kind, name = feature["effect"][at] > 0, feature["kind"], "median"
    own, of_all = feature[name][at], feature["all"][name]
    if (own > of_all) != more or own == of_all:
        name = "mean"
        own, of_all = feature[name][at], feature["all"][name]
    how = "typically" if name == "median" else "on average"
    if kind == "date":
        own, of_all = (moment(value * DAY).isoformat() for value in (own, of_all))
    word = (words_for_date if kind == "date" else words_for)(feature["name"], high=more).text
    said = f"{word[:1].upper()}{word[1:]}: {feature['name']} {how}"
    return _trait(feature["name"], kind, own, of_all, more=more, said=said)


def _share(feature: Mapping[str, Any], at: int) -> dict[str, Any]:
    own, of_all, name = feature["mean"][at], feature["all"]["mean"], feature["name"]
    return _trait(name, "boolean", own, of_all, more=own > of_all, said=f"{name}: yes")


def _level(feature: Mapping[str, Any], at: int) -> dict[str, Any] | None:
    """Return the trait of a category: the level whose share differs most from that in all."""
    if (level := telling(feature, at)) is None:
        return None
    share, of_all = shown("share", level.share), shown("share", level.all_share)
    about = {"feature": feature["name"], "kind": "category", "direction": "more" if level.effect > 0 else "less"}
    words = f"{feature['name']} {level.name}: {share}, against {of_all} of all"
    return {**about, "level": level.name, "value": level.share, "all": level.all_share, "words": words}


OF_KIND: Mapping[str, Callable[[Mapping[str, Any], int], dict[str, Any] | None]] = {
    "number": _number,
    "date": _number,
    "boolean": _share,
    "category": _level,
}
"""One row a kind of column."""
