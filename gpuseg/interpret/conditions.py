"""Conditions on columns in the user's units: as text, as plain values, and which rows fulfil them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.interpret.profile import DAY, Field
from gpuseg.preprocessing import LARGEST

EXACT = 1e15
"""Whole floats below this are written in full."""


class Condition(NamedTuple):
    """What a row must fulfil in one column: ``low`` < value <= ``high``, or a value that is one of ``levels``.

    ``kind``: as of a Field. ``low`` and ``high``: None where there is no such bound; dates in days since 1970-01-01.
    ``levels``: of a category, or "yes" and "no"; None in a column of numbers or dates. ``missing``: a missing value
    fulfils it, and nothing else does where there is neither a bound nor a level; without it a missing value does not.
    ``absent``: the level that stands for a missing value, None without one; ``known``: all levels of the category.
    ``written``: how text of the column is read, "number" or a format of dates; None where it is no such text.
    """

    column: str
    kind: str
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] | None = None
    missing: bool = False
    absent: str | None = None
    known: tuple[str, ...] = ()
    written: str | None = None

    def __str__(self) -> str:
        """Return the condition as people read it.

        >>> str(Condition("spend", "number", low=2.5, high=90.0)), str(Condition("visits", "number", missing=True))
        ('2.5 < spend <= 90', 'visits is missing')
        """
        said = [_levels_said(self) if self.levels else _span(self)]
        said += [f"{self.column} is missing"] * self.missing
        told = [text for text in said if text] or [f"{self.column} is known"]
        return told[0] if len(told) == 1 else f"({' or '.join(told)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the condition as plain values, dates as ISO text.

        >>> Condition("joined", "date", low=1.0).to_dict()["above"]
        '1970-01-02'
        """
        low, high = (None if bound is None else _plain(self, bound) for bound in (self.low, self.high))
        levels = None if self.levels is None else list(self.levels)
        bounds = {"above": low, "at_most": high}
        return {"column": self.column, "kind": self.kind, **bounds, "levels": levels, "missing": self.missing}


Alternative = tuple[Condition, ...]
"""Conditions that a row must fulfil, all of them."""


def in_words(alternatives: Sequence[Alternative]) -> str:
    """Return alternatives as one sentence.

    >>> in_words([(Condition("spend", "number", low=9.0), Condition("plan", "category", levels=("a",)))])
    'spend > 9 and plan is a'
    """
    texts = [" and ".join(map(str, one)) for one in alternatives]
    if len(texts) > 1:
        texts = [f"({text})" if len(one) > 1 else text for one, text in zip(alternatives, texts, strict=True)]
    return " or ".join(texts)


def fulfilled(alternatives: Sequence[Alternative], raw: Host, fields: Sequence[Field]) -> Host:
    """Return which rows of ``raw``, (rows, fields), fulfil all conditions of an alternative: a mask."""
    places = {field.name: at for at, field in enumerate(fields)}
    found = np.zeros(len(raw), dtype=bool)
    for one in alternatives:
        rows = np.ones(len(raw), dtype=bool)
        for condition in one:
            at = places[condition.column]
            rows &= holds(condition, raw[:, at], fields[at])
        found |= rows
    return found


def holds(condition: Condition, values: Host, field: Field) -> Host:
    """Return which values of a column fulfil a condition: NaN and what preprocessing takes as infinite are missing.

    >>> import numpy as np
    >>> spend, field = np.array([1.0, 5.0, np.nan, np.inf]), Field("spend", "number", [])
    >>> holds(Condition("spend", "number", low=2.0), spend, field).tolist()
    [False, True, False, False]
    """
    there = np.abs(values) <= LARGEST
    if condition.levels is None:
        within = bounded(values, condition.low, condition.high)
        only_missing = condition.missing and condition.low is None and condition.high is None
        return (there & within & (not only_missing)) | (~there & condition.missing)
    named = {*condition.levels, *[condition.absent] * condition.missing}
    wanted = np.array([*(name in named for name in level_names(field)), False])  # the last is for codes of no level
    codes = np.where(there & (values >= 0), values, len(wanted)).astype(np.int64)
    return wanted[np.minimum(codes, len(wanted) - 1)] | (~there & condition.missing)


def bounded(values: Host, low: float | None, high: float | None) -> Host:
    """Return which values are above ``low`` and at most ``high``."""
    return (values > (-math.inf if low is None else low)) & (values <= (math.inf if high is None else high))


def level_names(field: Field) -> Sequence[str]:
    """Return the levels of a category by code; those of a column of yes and no are "no" and "yes"."""
    return ("no", "yes") if field.kind == "boolean" else field.levels


def moment(days: float) -> str:
    """Return days since 1970-01-01 as ISO text, to the microsecond; a midnight is a day.

    >>> moment(1.0), moment(0.5)
    ('1970-01-02', '1970-01-01 12:00:00')
    """
    text = str(np.datetime64(round(days * DAY), "us")).replace("T", " ")
    return text.removesuffix(".000000").removesuffix(" 00:00:00")


def number_text(value: float) -> str:
    """Return a number in the fewest digits that say it.

    >>> number_text(34.0), number_text(0.25), number_text(1250000.0), number_text(-0.0)
    ('34', '0.25', '1250000', '0')
    """
    return str(int(value)) if value == math.floor(value) and abs(value) < EXACT else repr(float(value))


def _plain(condition: Condition, bound: float) -> float | int | str:
    """Return a bound as JSON holds it: a whole number without a point."""
    if condition.kind == "date":
        return moment(bound)
    return int(bound) if bound == math.floor(bound) and abs(bound) < EXACT else float(bound)


def _span(condition: Condition) -> str:
    """Return the bounds of numbers or dates."""
    say = moment if condition.kind == "date" else number_text
    low, high, name = condition.low, condition.high, condition.column
    if low is not None and high is not None:
        return f"{say(low)} < {name} <= {say(high)}"
    if low is not None:
        return f"{name} > {say(low)}"
    return f"{name} <= {say(high)}" if high is not None else ""


def _levels_said(condition: Condition) -> str:
    """Return the levels of a category."""
    first, *others = condition.levels or ()
    return (
        f"{condition.column} is one of ({', '.join([first, *others])})" if others else f"{condition.column} is {first}"
    )
