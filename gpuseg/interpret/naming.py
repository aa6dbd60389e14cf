"""A name for each segment, in words of the features in which it differs most from the rest."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gpuseg.interpret.details import DIGITS, tally_of, telling
from gpuseg.interpret.effects import BOUNDS, SIZES, cohens_d, strength
from gpuseg.interpret.vocabulary import (
    Words,
    label,
    role_name,
    short,
    vocabulary,
    words_for,
    words_for_date,
    words_for_level,
)

LONGEST = 48
"""Characters of a name: what fits on a card and in a legend."""
MOST = 3
"""Features of a name at first; one more where two names would be alike."""
WEAKEST = 0.4
"""A feature whose effect is a smaller part of the segment's largest is not in its name."""
FEWEST = 5
"""Customers of a segment below which its name would tell of persons."""
MARKED = SIZES[1:]
"""Marks of features that may be in a name."""
COMPARED = 0.5
"""Cohen's d, a medium one, from which on one of two segments has more of a feature."""
CUSTOMERS, AVERAGE, ALL, NOISE, FEW = (
    "customers",
    "average customers",
    "all customers",
    "atypical customers",
    "a few customers",
)


class Trait(NamedTuple):
    """A feature in which a segment differs from the rest, how much, in units of a medium effect, and in words."""

    feature: str
    strength: float
    words: Words


class Name(NamedTuple):
    """What a segment is called: its number, the name, the features that are in it, and whether a person chose it."""

    segment: int
    name: str
    features: list[str]
    renamed: bool


def named(details: Mapping[str, Any], chosen: Mapping[int, str] | None = None) -> list[Name]:
    """Return a name for each segment, no two alike, from the plain details; ``chosen`` names go before.

    A name has the up to three features of the largest effect that are marked medium or large, in words of
    ``words.toml``; where two would be alike, the next feature is added, then in which one they differ from each other,
    at last a number. It hangs on what the segments are like, not on their numbers or on the order of columns. A segment
    with no such feature is "Average customers", noise "Atypical customers", one of fewer than 5 "A few customers".

    >>> import numpy as np
    >>> from gpuseg.interpret.details import details_of
    >>> from gpuseg.interpret.profile import Field, Rows, counted
    >>> from gpuseg.engines.parts import LocalParts
    >>> raw, segments = np.repeat([[1.0], [9.0]], 50, axis=0) + np.arange(100)[:, None] % 3, np.repeat([0, 1], 50)
    >>> counts = counted(LocalParts.of([Rows(raw, segments, None)]), [Field("monetary", "number", [])])
    >>> [name.name for name in named(details_of(counts, raw, segments), {0: "Regulars"})]
    ['Regulars', 'Big spenders']
    """
    own = chosen or {}
    places = range(len(details["segments"]))
    traits = [_traits(details, at) for at in places]
    found = _apart(details, traits, [_first(details, at, traits[at]) for at in places])
    taken = {name.casefold() for name in own.values()}
    texts = [_free(text, taken) for text in map(_capital, _numbered(details, found))]
    return [
        Name(segment, own[segment], [], renamed=True)
        if segment in own
        else Name(segment, text, [trait.feature for trait in draft.used], renamed=False)
        for segment, text, draft in zip(details["segments"], texts, found, strict=True)
    ]


class Draft(NamedTuple):
    """A name on the way: what it is without any feature, those that are in it, and what is added behind them."""

    plain: str
    used: tuple[Trait, ...]
    ending: str = ""

    @property
    def text(self) -> str:
        """Return the name, not yet with a capital."""
        roles = {role: place for place, role in enumerate(vocabulary().roles)}
        ranked = sorted(self.used, key=lambda trait: roles.get(role_name(trait.feature), len(roles)))
        adjectives = [trait.words for trait in ranked if trait.words.form == "adjective"]
        others = [trait.words for trait in self.used if trait.words.form != "adjective"]
        return _composed(self.plain, [*adjectives, *others], self.ending)


def _traits(details: Mapping[str, Any], at: int) -> list[Trait]:
    """Return the features that may be in the name of a segment, by falling effect, one a role."""
    if details["segments"][at] < 0 or details["sizes"][at] < FEWEST:
        return []
    marked = [feature for feature in details["features"] if feature["mark"][at] in MARKED]
    found = [trait for feature in marked if (trait := TRAITS[feature["kind"]](feature, at))]
    found.sort(key=lambda trait: (-round(trait.strength, DIGITS), trait.feature))
    roles = [role_name(trait.feature) for trait in found]
    return [trait for place, trait in enumerate(found) if roles[place] not in roles[:place]]


def _of_number(feature: Mapping[str, Any], at: int) -> Trait:
    effect = feature["effect"][at]
    words = words_for(feature["name"], high=effect > 0)
    return Trait(feature["name"], strength(effect, feature["effect_name"]), words)


def _of_date(feature: Mapping[str, Any], at: int) -> Trait:
    effect = feature["effect"][at]
    words = words_for_date(feature["name"], high=effect > 0)
    return Trait(feature["name"], strength(effect, feature["effect_name"]), words)


def _of_boolean(feature: Mapping[str, Any], at: int) -> Trait:
    effect = feature["effect"][at]
    words = Words("tail", f"{_how(feature['mean'][at], more=effect > 0)} {_yes(feature['name'])}")
    return Trait(feature["name"], strength(effect, feature["effect_name"]), words)


def _of_category(feature: Mapping[str, Any], at: int) -> Trait | None:
    if (level := telling(feature, at)) is None or abs(level.effect) < BOUNDS["Cohen's h"][1]:
        return None
    how = _how(level.share, more=level.effect > 0)
    return Trait(
        feature["name"], strength(level.effect, "Cohen's h"), words_for_level(feature["name"], level.name, how=how)
    )


def _how(share: float, *, more: bool) -> str:
    """Return in a word how often something is met, which is more often or less than elsewhere."""
    half = 0.5
    if more:
        return "mostly" if share >= half else "often"
    return "rarely" if share < half else "less often"


def _yes(column: str) -> str:
    """Return a column of yes and no as words."""
    text = label(column)
    first, _, rest = text.partition(" ")
    return rest if rest and first in ("is", "has", "was") else text


def _first(details: Mapping[str, Any], at: int, traits: Sequence[Trait]) -> Draft:
    """Return the name of a segment, whatever the others are called."""
    if details["segments"][at] < 0:
        return Draft(NOISE, ())
    if len(details["segments"]) == 1:
        return Draft(ALL, ())
    if details["sizes"][at] < FEWEST:
        return Draft(FEW, ())
    strong = [trait for trait in traits if trait.strength >= WEAKEST * traits[0].strength]
    return Draft(AVERAGE, _fitting(AVERAGE, (), strong, MOST))


def _fitting(kind: str, used: tuple[Trait, ...], more: Sequence[Trait], most: int) -> tuple[Trait, ...]:
    """Return the features of a name with as many more as fit."""
    for trait in more:
        tried = (*used, trait)
        if len(tried) <= most and trait not in used and len(Draft(kind, tried).text) <= LONGEST:
            used = tried
    return used


def _composed(kind: str, words: Sequence[Words], ending: str = "") -> str:
    """Return words as a name: adjectives, a noun, and what follows behind commas.

    >>> _composed("", [Words("tail", "recently active"), Words("adjective", "frequent"), Words("noun", "big spenders")])
    'frequent big spenders, recently active'
    """
    of = {form: [one.text for one in words if one.form == form] for form in ("adjective", "noun", "tail")}
    noun = of["noun"] or [CUSTOMERS]
    core = " ".join([*of["adjective"], *noun]) if of["adjective"] or of["noun"] else ""
    tails = [*of["tail"], *([ending] if ending else [])]
    if not words:
        return ", ".join([kind, *tails])
    return ", ".join([core, *tails] if core else tails)


def _apart(details: Mapping[str, Any], traits: Sequence[Sequence[Trait]], drafts: list[Draft]) -> list[Draft]:
    """Return names made different, where features can do it."""
    drafts = _each_alike(drafts, lambda at, _: _longer(drafts[at], traits[at]))
    return _each_alike(drafts, lambda at, alike: _compared(details, drafts[at], at, alike))


def _each_alike(drafts: list[Draft], change: Callable[[int, Sequence[int]], Draft]) -> list[Draft]:
    """Return names with those changed that others have too, where they are different then."""
    counts = Counter(draft.text for draft in drafts)
    alike = {text: [at for at, draft in enumerate(drafts) if draft.text == text] for text, n in counts.items() if n > 1}
    changed = list(drafts)
    for places in alike.values():
        tried = {at: change(at, places) for at in places}
        if len({draft.text for draft in tried.values()}) > 1:
            for at, draft in tried.items():
                changed[at] = draft
    return changed


def _longer(draft: Draft, traits: Sequence[Trait]) -> Draft:
    return draft._replace(used=_fitting(draft.plain, draft.used, traits, len(draft.used) + 1))


def _compared(details: Mapping[str, Any], draft: Draft, at: int, alike: Sequence[int]) -> Draft:
    """Return a name with the feature in which it differs most from those that are called the same."""
    found = [(spread, one) for one in details["features"] if (spread := _spread(one, alike)) >= COMPARED]
    if not found or draft.plain != AVERAGE:
        return draft
    _, feature = max(found, key=lambda pair: (round(pair[0], DIGITS), pair[1]["name"]))
    means = sorted(feature["mean"][place] for place in alike)
    mean, pair = feature["mean"][at], len(alike) == 2  # noqa: PLR2004 - two are compared, more are ranked
    ranks = {means[0]: "lower" if pair else "lowest", means[-1]: "higher" if pair else "highest"}
    rank = ranks.get(mean, "middling")
    room = LONGEST - len(f"{draft.plain}, {rank} ")
    ending = f"{rank} {short(label(feature['name']), room)}"
    used = draft.used
    while used and len(Draft(draft.plain, used, ending).text) > LONGEST:
        used = used[:-1]
    return Draft(draft.plain, used, ending)


def _spread(feature: Mapping[str, Any], places: Sequence[int]) -> float:
    """Return Cohen's d of the segments of the least and the largest mean; 0 where a mean is not known."""
    if feature["kind"] in ("category", "date") or any(feature["mean"][at] is None for at in places):
        return 0.0
    low, *_, high = sorted(places, key=lambda at: feature["mean"][at])
    return abs(cohens_d(tally_of(feature, high), tally_of(feature, low)) or 0.0)


def _numbered(details: Mapping[str, Any], drafts: Sequence[Draft]) -> list[str]:
    """Return names with a number where they are alike still: by size, then by what the segments are like."""
    texts = [draft.text for draft in drafts]
    order = sorted(range(len(texts)), key=lambda at: _content(details, at))
    seen: Counter[str] = Counter()
    found = list(texts)
    for at in order:
        seen[texts[at]] += 1
        if texts.count(texts[at]) > 1:
            found[at] = _with(texts[at], seen[texts[at]])
    return found


def _content(details: Mapping[str, Any], at: int) -> list[Any]:
    """Return what orders segments whatever their numbers."""
    rising = sorted(details["features"], key=lambda feature: feature["name"])
    values = [feature["counts"][at] if "counts" in feature else [feature["mean"][at] or 0.0] for feature in rising]
    return [-details["sizes"][at], values]


def _free(text: str, taken: set[str]) -> str:
    """Return a name that is not taken: with a number where it is."""
    number, tried = 1, text
    while tried.casefold() in taken:
        number += 1
        tried = _with(text, number)
    return tried


def _with(text: str, number: int) -> str:
    """Return a name with a number behind it, no longer than a name may be."""
    return f"{short(text, LONGEST - len(f' {number}'))} {number}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


TRAITS: Mapping[str, Callable[[Mapping[str, Any], int], Trait | None]] = {
    "number": _of_number,
    "date": _of_date,
    "boolean": _of_boolean,
    "category": _of_category,
}
"""One row a kind of column."""
