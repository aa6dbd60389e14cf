"""What the text of an option becomes: each function returns a value, or says what was got, allowed and to do."""

import ast
import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gpuseg.errors import listed, nearest_hint

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""How a URL begins, that of a bucket too."""
SCHEDULER = re.compile(r"[a-z][a-z0-9+]*://\S+:\d+")
"""How the address of a Dask scheduler looks."""
SETS = ("rfm", "behaviour", "all")
"""The named sets of features; anything else is names of features with commas between them."""


def source(text: str) -> str:
    """Return the path, folder or glob of an input as it was given."""
    if not text.strip():
        raise ArgumentTypeError("an empty name is no path; give the path of a file")
    if ADDRESS.match(text):
        raise ArgumentTypeError(f"{text!r} is an address, not a path; download the file and give its path")
    return text


def path(text: str) -> Path:
    """Return a path; ``~`` is the user's folder also where the shell did not say so."""
    return Path(source(text)).expanduser()


def folder(text: str) -> Path:
    """Return the path of a folder: told from ``path`` by shells, which then complete folders."""
    return path(text)


def names(text: str) -> list[str]:
    """Return names that stand with commas between them."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise ArgumentTypeError(f"{text!r} names none; give names with commas between them, as in a,b")
    return found


def features(text: str) -> str | tuple[str, ...]:
    """Return the name of a set of features, or the names of features."""
    return text if text in SETS else tuple(names(text))


def segments(text: str) -> int | str:
    """Return "auto" or a number of segments."""
    if text == "auto":
        return text
    if not _is_whole(text) or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number of segments; give 'auto' or a whole number from 1 up")
    return int(text)


def share(text: str) -> float:
    """Return a share of the customers; 2% is read as 0.02."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found <= 0.5:  # noqa: PLR2004 - half: two segments
        raise ArgumentTypeError(f"{text!r} is no share of the customers; give one above 0 and up to 0.5, as in 0.02")
    return found


def limit(text: str) -> int:
    """Return a largest number of segments."""
    if not _is_whole(text) or int(text) < 2:  # noqa: PLR2004 - a choice needs two
        raise ArgumentTypeError(f"{text!r} is no largest number of segments; give a whole number from 2 up")
    return int(text)


def segment(text: str) -> int:
    """Return the number of a segment."""
    if not _is_whole(text):
        raise ArgumentTypeError(f"{text!r} is no segment; give its number, from 0 up")
    return int(text)


def span(text: str) -> tuple[int, int]:
    """Return both ends of a range of k.

    >>> span("2:12")
    (2, 12)
    """
    low, colon, high = text.partition(":")
    if not (colon and _is_whole(low) and _is_whole(high) and 2 <= int(low) <= int(high)):  # noqa: PLR2004 - a choice
        raise ArgumentTypeError(f"{text!r} is no range of k; give two whole numbers from 2 up, as in 2:12")
    return int(low), int(high)


def setting(text: str) -> tuple[str, Any]:
    """Return name and value of ``name=value``; the value is read as JSON or as Python writes it, else it is text.

    >>> setting("n_init=5"), setting("columns=['a']"), setting("init=k-means++")
    (('n_init', 5), ('columns', ['a']), ('init', 'k-means++'))
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ArgumentTypeError(f"{text!r} sets nothing; give name=value, as in min_samples=10")
    for read in (json.loads, ast.literal_eval):  # errors show lists as Python does, and are to be typed as shown
        with suppress(ValueError, SyntaxError):
            return name, read(value)
    return name, value


def seed(text: str) -> int:
    """Return the seed of random draws."""
    if not _is_whole(text):
        raise ArgumentTypeError(f"{text!r} is no seed; give a whole number from 0 up")
    return int(text)


def count(text: str) -> int:
    """Return a number of things; 10_000 and 10,000 are read too."""
    plain = text.replace(",", "").replace("_", "")
    if not _is_whole(plain) or int(plain) < 1:
        raise ArgumentTypeError(f"{text!r} is no count; give a whole number from 1 up")
    return int(plain)


def scheduler(text: str) -> str:
    """Return the address of a Dask scheduler.

    >>> scheduler("tcp://10.0.0.5:8786")
    'tcp://10.0.0.5:8786'
    """
    if not SCHEDULER.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is no address of a scheduler; give it whole, as tcp://host:8786")
    return text


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a function that lets the allowed words through."""

    def word(text: str) -> str:
        if text not in allowed:
            sentence = f"{text!r} is not known; allowed are {listed(allowed)}{nearest_hint(text, list(allowed))}"
            raise ArgumentTypeError(sentence)
        return text

    return word


def neighbours(missing: Path) -> str:
    """Return "; did you mean ...?" for the names beside a path that does not exist, else nothing."""
    there = missing.parent
    return nearest_hint(missing.name, [p.name for p in there.iterdir()]) if there.is_dir() else ""


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _words(values: Sequence[Any]) -> list[str]:
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise ArgumentTypeError(f'{list(values)} is no list of names; give text, as in ["a", "b"]')
    return list(values)


LISTS: dict[Callable[..., Any], Callable[[Sequence[Any]], Any]] = {
    names: _words,
    features: lambda values: tuple(_words(values)),
    span: lambda values: span(":".join(map(str, values))),
}
"""What reads a list of a configuration file: a row an option whose text has parts."""
