"""Rules as a condition of SQL: on DuckDB it is fulfilled by the same rows."""

from collections.abc import Iterable, Sequence

from gpuseg.interpret.conditions import Alternative, Condition, moment, number_text
from gpuseg.io.text import BLANKS
from gpuseg.io.times import ISO
from gpuseg.preprocessing import LARGEST
from gpuseg.preprocessing.levels import OTHER
from gpuseg.preprocessing.text import LIES, TRUTHS

SHORT = 2**24
"""Whole numbers up to this are the same in every type of numbers, also in floats of 32 bits."""
WORDS = {"yes": (*TRUTHS, "1", "1.0"), "no": (*LIES, "0", "0.0", "-0.0")}
"""How DuckDB writes yes and no in columns of booleans, of numbers and of text."""
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", "T%H:%M:%S.%f")
"""What may follow a day in text."""


def where(alternatives: Sequence[Alternative]) -> str:
    """Return alternatives as what stands after WHERE, for DuckDB.

    Numbers that are NaN or beyond 1e90 are missing, as they are to the preprocessing. Times with a zone are compared
    in that of the session: set it to UTC first.

    >>> print(where([(Condition("spend", "number", low=2.5), Condition("visits", "number", high=9.0))]))
    "spend" > 2.5e0 AND "spend" <= 1e90 AND "visits" BETWEEN -1e90 AND 9
    """
    texts = [" AND ".join(map(condition_sql, one)) for one in alternatives]
    return texts[0] if len(texts) == 1 else " OR ".join(f"({text})" for text in texts)


def condition_sql(condition: Condition) -> str:
    """Return a condition in SQL, in parentheses where it holds an OR.

    >>> print(condition_sql(Condition("joined", "date", high=1.0, missing=True)))
    (TRY_CAST("joined" AS TIMESTAMP) <= TIMESTAMP '1970-01-02' OR TRY_CAST("joined" AS TIMESTAMP) IS NULL)
    """
    parts = {"number": _numbers, "date": _dates, "boolean": _booleans, "category": _levels}[condition.kind](condition)
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def _numbers(condition: Condition) -> list[str]:
    value, largest = quoted(condition.column), f"{LARGEST:g}".replace("e+", "e")
    if condition.written is not None:
        value = f"TRY_CAST({value} AS DOUBLE)"
    low, high = (None if bound is None else literal(bound) for bound in (condition.low, condition.high))
    if low is not None:
        said = [f"{value} > {low} AND {value} <= {largest if high is None else high}"]
    elif high is not None:
        said = [f"{value} BETWEEN -{largest} AND {high}"]
    else:
        said = [] if condition.missing else [f"{value} BETWEEN -{largest} AND {largest}"]
    if not condition.missing:
        return said
    return [*said, f"({value} BETWEEN -{largest} AND {largest}) IS NOT TRUE"]


def _dates(condition: Condition) -> list[str]:
    value = quoted(condition.column)
    if condition.written in (None, ISO):
        value = f"TRY_CAST({value} AS TIMESTAMP)"
    else:
        value = f"TRY_STRPTIME(TRIM({value}), {_listed([condition.written + clock for clock in CLOCKS], '[]')})"
    bounds = [(">", condition.low), ("<=", condition.high)]
    said = [f"{value} {sign} TIMESTAMP '{moment(bound)}'" for sign, bound in bounds if bound is not None]
    whole = [" AND ".join(said)] if said else []
    if condition.missing:
        return [*whole, f"{value} IS NULL"]
    return whole or [f"{value} IS NOT NULL"]


def _booleans(condition: Condition) -> list[str]:
    value = f"LOWER({_text(condition.column)})"
    said = [f"{value} IN {_listed(WORDS[level])}" for level in condition.levels or ()]
    if condition.missing:
        said.append(f"({value} IN {_listed((*WORDS['yes'], *WORDS['no']))}) IS NOT TRUE")
    return said


def _levels(condition: Condition) -> list[str]:
    value, levels = _text(condition.column), condition.levels or ()
    named = [level for level in levels if level != OTHER]
    said = [f"{value} IN {_listed(_as_written(named, condition.known))}"] if named else []
    if OTHER in levels:
        known = [level for level in condition.known if level != OTHER]
        said.append(f"{value} NOT IN {_listed((*_as_written(known, known), *BLANKS))}")
    if condition.missing or condition.absent in levels:
        said.append(f"({value} NOT IN {_listed(BLANKS)}) IS NOT TRUE")
    return said


def _as_written(levels: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return levels as DuckDB may write them: floats with a point, 1.0 where the level is 1."""
    pointed = [f"{level}.0" for level in levels if level.removeprefix("-").isdigit()]
    return [*levels, *(level for level in pointed if level not in known)]


def quoted(name: str) -> str:
    """Return the name of a column for SQL.

    >>> quoted('the "net" spend')
    '"the ""net"" spend"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: float) -> str:
    """Return a number for SQL: a double, for DuckDB compares others in the type of the column, with its few digits.

    >>> literal(34.0), literal(0.1), literal(1e300)
    ('34', '0.1e0', '1e+300')
    """
    text = number_text(value) if value == int(value) and abs(value) <= SHORT else repr(float(value))
    return text if "e" in text or "." not in text else f"{text}e0"


def _text(column: str) -> str:
    """Return a column as text without blanks at its ends."""
    return rf"TRIM(CAST({quoted(column)} AS VARCHAR), E' \t\r\n')"


def _listed(texts: Iterable[str], around: str = "()") -> str:
    inside = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"{around[0]}{inside}{around[1]}"
