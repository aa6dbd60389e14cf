"""What each column of a table is: a number, yes or no, a category, a date, or of no use and why."""

import re
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.io.times import DATES, ISO
from gpuseg.preprocessing.looks import Look, Text
from gpuseg.preprocessing.text import column_error, day_shown
from gpuseg.privacy import personal_kind

FEW = 20
"""Tables of fewer rows are too short to tell an id from a value."""
NEARLY_ALL = 0.9
ID_WORDS = {"id", "no", "nr", "number", "key", "code", "uid", "uuid", "guid"}
ID_ENDING = re.compile(
    r"(customer|client|user|account|member|person|visitor|card|order|cust)(id|no|nr|number|key|code)$"
)
PERSONAL = "it looks like "
"""How the reason begins for which a column about persons is dropped."""
TEXT_READ = "text read as numbers"
"""The note of a column of text that is one of numbers."""
NO_LEVELS = np.array([], dtype="<U1")


class Column(NamedTuple):
    """What was learnt of one column of the table.

    ``dropped`` says why it is not in the matrix; ``constant`` is its only value, if that is why.
    ``levels`` are a category's, by code; ``absent`` is the one that stands for a missing value,
    None where that is imputed. ``outside`` is the share of the rows in levels that were pooled.
    ``way`` is how a date of text is written; ISO is always read.
    """

    name: str
    kind: str
    dropped: str | None = None
    constant: float | str | None = None
    levels: Host = NO_LEVELS
    absent: str | None = None
    pooled: int = 0
    outside: float = 0.0
    missing: int = 0
    note: str | None = None
    way: str = ISO

    def noted(self, note: str) -> "Column":
        """Return the column with one note more."""
        return self._replace(note=f"{self.note}; {note}" if self.note else note)

    def shown(self, value: float | str) -> str:
        """Return a raw value as a person reads it: 20000.0 of a date as 2024-10-04, 1.0 of a boolean as yes."""
        if isinstance(value, str):
            return repr(value)
        if self.kind == "date":
            return day_shown(value)
        if self.kind == "boolean" and value in (0.0, 1.0):
            return "yes" if value else "no"
        return f"{value:g}"


def kind_of(look: Look, name: str, asked: str | None = None, *, different: int | None = None) -> Column | None:
    """Return the kind of a column, by its type and its values; ``asked`` is the user's own word for it.

    None says that ``different``, how many of the values differ, has to be known. Raises InvalidInput for text in a
    column of numbers, with count and example.

    >>> import narwhals as nw, polars as pl
    >>> from gpuseg.preprocessing.looks import look_at
    >>> kind_of(look_at(nw.from_native(pl.Series(["1.5", "20"]), series_only=True)), "spend").kind
    'number'
    """
    if not look.there:
        return Column(name, "category", dropped="it has no value", missing=look.rows)
    if asked == "category":
        return Column(name, "category")
    if look.family == "text":
        return _of_text(look, name, asked, different)
    if look.family == "number":
        return _of_numbers(look, name, asked, different)
    if look.family == "boolean":
        return Column(name, "boolean") if asked else _yes_or_no(look, name)
    known = look.family in ("date", "category")
    dropped = None if known else f"values of type {look.family} are not used"
    return Column(name, look.family if known else "category", dropped=dropped)


def personal_of(look: Look, name: str) -> Column | None:
    """Return a column that looks like data about persons as dropped; None for another.

    >>> import narwhals as nw, polars as pl
    >>> from gpuseg.preprocessing.looks import look_at
    >>> look = look_at(nw.from_native(pl.Series(["ann@example.org", None]), series_only=True))
    >>> personal_of(look, "contact").dropped
    'it looks like e-mail addresses'
    """
    if (kind := personal_kind(look.traces, name)) is None:
        return None
    missing, known = look.rows - look.there, "number" if look.family == "number" else "category"
    return Column(name, known, dropped=PERSONAL + kind, missing=missing)


def are_numbers(look: Look) -> bool:
    """Return whether all values are numbers, or text that reads as numbers and not as codes.

    >>> are_numbers(Look(2, 2, "text", text=Text(numbers=2, zeros=True)))
    False
    """
    text = look.text
    return look.family == "number" or (text.numbers == look.there and not (text.digits and text.zeros))


def _of_text(look: Look, name: str, asked: str | None, different: int | None) -> Column | None:
    text = look.text
    if text.yes + text.no == look.there:
        return Column(name, "boolean") if asked else _yes_or_no(look, name)
    codes = asked != "number" and text.digits and text.zeros
    if text.numbers == look.there and not codes:
        column = _of_numbers(look, name, asked, different)
        return None if column is None else column.noted(TEXT_READ)
    if (way := _way_of_dates(text, name)) is not None:
        dates = Column(name, "date", way=way)
        return dates if way == ISO else dates.noted(f"text read as {DATES[way]}")
    if not codes and (asked == "number" or 2 * text.signed >= look.there):
        found = f"holds numbers in {text.numbers} of {look.rows} rows and text such as"
        advice = f"write plain numbers such as 1.5, or name it in categorical=[{name!r}]"
        raise column_error(name, found, text.odd, look.there - text.numbers, look.rows, advice)
    if look.there >= FEW and text.different > NEARLY_ALL * look.there:
        if different is None:
            return None
        if different > NEARLY_ALL * look.there:
            return Column(name, "category", dropped=f"it is like an id: text with {different} different values")
    column = Column(name, "category")
    return column.noted("numbers with leading zeros are a category") if codes else column


def _way_of_dates(text: Text, name: str) -> str | None:
    """Return the way in which every value reads as a date or time, with separators; None where they do not.

    Raises InvalidInput where day and month may be either way round.
    """
    found = text.ways or ()
    if len(found) > 1:
        raise InvalidInput(
            f"column {name!r} reads as {' and as '.join(DATES[way] for way in found)} alike, "
            f"for example {text.first!r}; give ISO dates (yyyy-mm-dd), or name it in categorical=[{name!r}]"
        )
    return found[0] if found else None


def _yes_or_no(look: Look, name: str) -> Column:
    """Return a column of true and false; with one of them and gaps it is a category: the gaps say the other."""
    varies = look.text.yes > 0 and look.text.no > 0
    return Column(name, "boolean" if varies or look.there == look.rows else "category")


def _of_numbers(look: Look, name: str, asked: str | None, different: int | None) -> Column | None:
    numbers = look.numbers
    if asked == "number":
        return Column(name, "number")
    if numbers.binary and numbers.low < numbers.high:
        return Column(name, "boolean")
    if (why := _like_an_id(look, name)) is None:
        return Column(name, "number")
    if different is None:
        return None
    return Column(name, "number", dropped=why if different == look.there else None)


def _like_an_id(look: Look, name: str) -> str | None:
    """Return why whole numbers, were no two alike, are taken for an id: a key's name, or counting from 0 or 1."""
    numbers = look.numbers
    if look.there < FEW or not numbers.whole:
        return None
    if numbers.low in (0.0, 1.0) and numbers.high - numbers.low == look.there - 1:
        return "it is like an id: whole numbers that count the rows"
    return "it is like an id: whole numbers, all different, under the name of a key" if is_id_name(name) else None


def is_id_name(name: str) -> bool:
    """Return whether the last word of a column's name says that it holds ids.

    >>> [is_id_name(name) for name in ("CustomerID", "customer_id", "userid", "TotalPaid")]
    [True, True, True, False]
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(words and words[-1].casefold() in ID_WORDS) or bool(ID_ENDING.search(name.casefold()))
