"""Names of columns that are safe to compute with, and names that a result cannot have twice."""

from collections.abc import Sequence

from gpuseg.errors import InvalidInput, listed

OURS = "gpuseg_"
"""How the names of columns that are made on the way begin."""


def safe_names(names: Sequence[str]) -> dict[str, str]:
    """Return safe names for those that are not: Polars' patterns, such as "*" or "^a$", and names like ours.

    A blank at the end makes them safe, and can hardly be seen in a sentence.

    >>> safe_names(["id", "*", "^a$", "gpuseg_base", "* "])
    {'*': '*  ', '^a$': '^a$ ', 'gpuseg_base': 'gpuseg_base '}
    """
    taken, safe = set(names), {}
    for name in names:
        if _is_risky(name):
            safe[name] = name + " "
            while safe[name] in taken:
                safe[name] += " "
            taken.add(safe[name])
    return safe


def check_free(what: str, column: str, made: Sequence[str]) -> None:
    """Refuse a column of the table that is named like one of those made of it.

    >>> check_free("customer", "recency", ("recency", "frequency"))
    Traceback (most recent call last):
    gpuseg.errors.InvalidInput: customer='recency' is also the name of a column of the result, which has ...
    """
    if column in made:
        raise InvalidInput(
            f"{what}={column!r} is also the name of a column of the result, which has {listed(made, most=30)}; "
            "rename that column of the table"
        )


def _is_risky(name: str) -> bool:
    return name == "*" or (name.startswith("^") and name.endswith("$")) or name.startswith(OURS)
