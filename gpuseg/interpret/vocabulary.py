"""What features are about and what they are called in words: roles by their names, from ``words.toml``."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

LONGEST = 24
"""Characters of a feature or a level in a name: two of them and the words around them fit."""


class Words(NamedTuple):
    """A value in words: an adjective before "customers", a noun in its place, or a tail behind it."""

    form: str
    text: str


class Role(NamedTuple):
    """What a feature is about, the names that such columns have, and the words for high and low values."""

    name: str
    names: tuple[str, ...]
    high: Words
    low: Words


class Prefix(NamedTuple):
    """A beginning of names of columns, and the words for high and low values of what follows."""

    names: tuple[str, ...]
    high: str
    low: str


class Vocabulary(NamedTuple):
    """All that ``words.toml`` says."""

    roles: Mapping[str, Role]
    prefixes: tuple[Prefix, ...]
    bare: frozenset[str]


@cache
def vocabulary() -> Vocabulary:
    """Return what ``words.toml`` says.

    >>> vocabulary().roles["recency"].low
    Words(form='tail', text='recently active')
    """
    said = tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
    roles = {name: _role(name, row) for name, row in said["roles"].items()}
    prefixes = tuple(Prefix(tuple(row["names"].split()), row["high"], row["low"]) for row in said["prefixes"])
    return Vocabulary(roles, prefixes, frozenset(said["bare"]["names"].split()))


def role_of(column: str) -> Role | None:
    """Return what a column is about by its name; None where that is not known.

    >>> role_of("Annual Income (k$)").name, role_of("shoe_size")
    ('income', None)
    """
    return _by_name().get(plain(column))


def role_name(column: str) -> str:
    """Return the name of a column's role; of one that is not known its own, without signs."""
    role = role_of(column)
    return plain(column) if role is None else role.name


def column_for(role: str, columns: Iterable[str]) -> str | None:
    """Return the column of a role among others: itself, else the one whose name comes first among the role's.

    >>> column_for("basket", ["basket_median", "basket_mean"]), column_for("age", ["shoe_size"])
    ('basket_mean', None)
    """
    known = list(columns)
    if role in known or role not in vocabulary().roles:
        return role if role in known else None
    names = vocabulary().roles[role].names
    fitting = [column for column in known if plain(column) in names]
    return min(fitting, key=lambda column: (names.index(plain(column)), column), default=None)


def plain(column: str) -> str:
    """Return a column's name without what is in brackets, capitals, blanks and signs.

    >>> plain("Annual Income (k$)")
    'annualincome'
    """
    return re.sub(r"[\W_]", "", re.sub(r"\([^)]*\)|\[[^\]]*\]", "", column)).casefold()


def label(column: str) -> str:
    """Return a column's name as words of a sentence, cut where it is long.

    >>> label("NumWebPurchases"), label("Spending Score (1-100)"), label("a_very_long_name_of_a_column_indeed")
    ('num web purchases', 'spending score', 'a very long name of a…')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", re.sub(r"\([^)]*\)|\[[^\]]*\]", "", column))
    text = printable(re.sub(r"[_.]+", " ", apart))
    return short(text if re.search(r"\w", text) else printable(column)).lower()


def printable(text: str) -> str:
    r"""Return text in one line, without signs that print nothing.

    >>> printable("a\n b\x00")
    'a b'
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def short(text: str, most: int = LONGEST) -> str:
    """Return text of at most so many characters, cut behind a word where that leaves half of it.

    >>> short("black and white cats", 12), short("abcdefghijklmnop", 8)
    ('black and…', 'abcdefg…')
    """
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    words = cut.rpartition(" ")[0] if text[most - 1] != " " else cut
    return f"{(words if 2 * len(words) >= most else cut).rstrip()}…"


def words_for(column: str, *, high: bool) -> Words:
    """Return high or low values of a column of numbers in words.

    >>> words_for("recency", high=True), words_for("MntWines", high=True).text, words_for("iq", high=False).text
    (Words(form='adjective', text='lapsed'), 'much spent on wines', 'low iq')
    """
    if role := role_of(column):
        return role.high if high else role.low
    first, _, rest = label(column).partition(" ")
    for prefix in vocabulary().prefixes:
        if rest and first in prefix.names:
            return Words("tail", (prefix.high if high else prefix.low).format(rest))
    return Words("tail", f"{'high' if high else 'low'} {label(column)}")


def words_for_date(column: str, *, high: bool) -> Words:
    """Return late or early dates of a column in words."""
    if role := role_of(column):
        return role.high if high else role.low
    return Words("tail", f"{'late' if high else 'early'} {label(column)}")


def words_for_level(column: str, level: str, *, how: str) -> Words:
    """Return in words how often a level of a category is met.

    >>> words_for_level("plan", "A", how="mostly").text, words_for_level("Gender", "Female", how="rarely").text
    ('mostly plan A', 'rarely Female')
    """
    of = "" if plain(column) in vocabulary().bare else f"{label(column)} "
    return Words("tail", f"{how} {of}{short(printable(level))}")


@cache
def _by_name() -> Mapping[str, Role]:
    return {name: role for role in vocabulary().roles.values() for name in role.names}


def _role(name: str, row: Mapping[str, Any]) -> Role:
    (high,), (low,) = row["high"].items(), row["low"].items()
    return Role(name, tuple(row["names"].split()), Words(*high), Words(*low))
