"""What the types of events mean: which are visits, clicks, opens ..., and under which names they are counted."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gpuseg.errors import InvalidInput, listed, nearest_hint, unknown
from gpuseg.io.text import BLANKS
from gpuseg.settings import say

# Without capitals, blanks, points and underscores: "Page View" is pageview.
WORDS = {
    "visits": (
        "visit visits visited pagevisit webvisit websitevisit sitevisit pageview pageviews viewpage pageviewed "
        "viewedpage pageload view views viewed screenview screenviewed productview productviewed viewproduct "
        "viewedproduct viewitem itemview appopen appopened"
    ),
    "clicks": (
        "click clicks clicked emailclick emailclicked clickedemail emaillinkclicked mailclick linkclick linkclicked "
        "clicklink buttonclick adclick clickthrough tap tapped smsclick pushclick"
    ),
    "opens": (
        "open opens opened emailopen emailopened openemail openedemail mailopen mailopened messageopened emailread "
        "newsletteropen newsletteropened uniqueopen"
    ),
    "sent": (
        "sent send sends emailsent emailsend sentemail sendemail mailsent messagesent newslettersent campaignsent "
        "smssent pushsent notificationsent"
    ),
    "conversions": (
        "purchase purchases purchased buy bought order orders ordered orderplaced placedorder placeorder "
        "ordercompleted completedorder checkoutcompleted completecheckout checkoutcomplete transaction sale "
        "conversion conversions converted convert"
    ),
    "deliveries": (
        "delivered delivery emaildelivered maildelivered messagedelivered deferred dropped bounce bounced emailbounce "
        "emailbounced mailbounced hardbounce softbounce spam spamreport spamcomplaint complaint markedasspam"
    ),
}
KINDS = {kind: frozenset(words.split()) for kind, words in WORDS.items()}
AWAY = frozenset({"opens", "sent", "deliveries"})
"""Kinds of events that are in no session: they happen to a message, away from the shop."""
MOST = 20
"""How many types and channels have a column of their own; the rest share one."""
OTHER = "other"


class Names(NamedTuple):
    """Values of a column by the name they are counted under and, for types, by their kind; what means no value.

    ``groups`` has the values of each pair of a name and a kind; values in none of them are of the last pair.
    """

    pairs: list[tuple[str, str | None]]
    groups: list[list[str]]
    blank: list[str]
    counts: dict[str, int]

    def where(self, *, name: str | None = None, kinds: Sequence[str] = ()) -> list[int]:
        """Return the numbers of the pairs of a name, or of kinds."""
        return [at for at, (own, kind) in enumerate(self.pairs) if own == name or kind in kinds]

    def of(self, kinds: Sequence[str]) -> list[str]:
        """Return the values of the given kinds; no value without a kind can be asked for."""
        return [value for at in self.where(kinds=kinds) for value in self.groups[at]]


def clean_name(text: str) -> str:
    """Return text as it stands in the name of a column: small letters, numbers and underscores; "" where none is left.

    Letters that Unicode writes in several ways, as one sign or as a letter and its accent, are written in one.

    >>> clean_name(" Page View/2 "), clean_name("--")
    ('page_view_2', '')
    """
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", text).casefold()).strip("_")


def check_kinds(kinds: Mapping[str, str | Sequence[str]] | None) -> dict[str, list[str]]:
    """Return the types that the caller named, by kind; raise InvalidInput for what is no kind or named twice."""
    if not isinstance(kinds, Mapping | None):
        raise InvalidInput(f"kinds={kinds!r} is no mapping; give types by kind, as in kinds={{'visits': 'page_view'}}")
    named: dict[str, list[str]] = {}
    for kind, types in (kinds or {}).items():
        if kind not in KINDS:
            raise unknown("kinds", kind, KINDS)
        if not isinstance(types, Iterable):
            raise InvalidInput(f"kinds gives {types!r} for {kind!r}; give a type of events, or a list of types")
        named[kind] = [types] if isinstance(types, str) else [str(word) for word in types]
    words = Counter(_folded(word) for own in named.values() for word in own)
    if twice := [word for word, count in words.items() if count > 1]:
        raise InvalidInput(f"kinds has {listed(twice)} more than once; name each type for one kind")
    return named


def types_of(counts: Mapping[str | None, int], named: dict[str, list[str]]) -> Names:
    """Return how the types of events are named and what they mean; what is taken by its name is said.

    ``counts``: rows of each type; ``named``: the types that the caller named, by kind, in place of the words for it.

    >>> found = types_of({"Page View": 5, "order": 2, "page_view": 1, None: 1}, {})
    types taken by their names: visits='Page View', 'page_view'; conversions='order'
    >>> found.counts
    {'order': 2, 'page_view': 6}
    """
    kinds = _kinds(counts, named)
    said = {kind: sorted(value for value, own in kinds.items() if own == kind) for kind in KINDS}
    guessed = [f"{kind}={listed(values)}" for kind, values in said.items() if values and kind not in named]
    if guessed:
        say("types taken by their names: " + "; ".join(guessed))
    return names_of(counts, kinds)


def names_of(counts: Mapping[str | None, int], kinds: Mapping[str, str] | None = None) -> Names:
    """Return the names that values are counted under: those of most rows, the rest as "other"; a blank has none.

    >>> names_of({"Web": 3, "web ": 1, "": 5}).counts
    {'web': 4}
    """
    blank = [value for value in counts if value is not None and value.strip() in BLANKS]
    present = {value: counts[value] for value in sorted(counts.keys() - {None, *blank}, key=str) if value is not None}
    rows: Counter[str] = Counter()
    for value, count in present.items():
        rows[clean_name(value)] += count
    kept = set(sorted(rows.keys() - {OTHER, ""}, key=lambda name: (-rows[name], name))[:MOST])
    totals: Counter[str] = Counter()
    pairs: dict[tuple[str, str | None], list[str]] = {}
    for value, count in present.items():
        name = clean_name(value) if clean_name(value) in kept else OTHER
        totals[name] += count
        pairs.setdefault((name, (kinds or {}).get(value)), []).append(value)
    rest = pairs.pop((OTHER, None), [])
    ordered = sorted(totals, key=lambda name: (name == OTHER, name))
    return Names([*pairs, (OTHER, None)], [*pairs.values(), rest], blank, {name: totals[name] for name in ordered})


def _kinds(counts: Mapping[str | None, int], named: dict[str, list[str]]) -> dict[str, str]:
    """Return the kind of each type that has one."""
    folded = {value: _folded(value) for value in counts if value is not None}
    by_word = {word: kind for kind, words in KINDS.items() if kind not in named for word in words}
    for kind, words in named.items():
        for word in words:
            if _folded(word) not in folded.values():
                types: Any = sorted(folded)
                raise InvalidInput(
                    f"kinds names {word!r} for {kind}, and no event is of that type; "
                    f"there are {listed(types)}{nearest_hint(word, types)}"
                )
            by_word[_folded(word)] = kind
    return {value: by_word[word] for value, word in folded.items() if word in by_word}


def _folded(text: str) -> str:
    return clean_name(text).replace("_", "") or text
