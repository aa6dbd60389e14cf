"""The parameters, checked, and spread out to one choice a column."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gpuseg.errors import InvalidInput, missing_column, unknown

MISSING = ("median", "mode", "constant", "indicator", "drop")
SKEW = ("auto", "none", "log", "yeo-johnson")
SCALE = ("standard", "minmax", "robust", "none")
CATEGORIES = ("auto", "onehot", "ordinal", "frequency", "codes")
WHOLE = {"duplicates": ("keep", "drop"), "infinite": ("missing", "error"), "scale": SCALE}


LISTS = ("columns", "categorical", "numeric", "allow_personal")


class Choice(NamedTuple):
    """What was asked for one column; ``winsorize`` are the two quantiles, (0, 1) where there are none.

    ``encoding`` is never "auto".
    """

    missing: str
    fill_value: float | str
    skew: str
    winsorize: tuple[float, float]
    encoding: str


def check_parameters(parameters: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise InvalidInput for a value that is not known or a column that the table does not have."""
    for what, allowed in WHOLE.items():
        if parameters[what] not in allowed:
            raise unknown(what, parameters[what], allowed)
    check_columns(parameters, names)
    share, most = parameters["min_share"], parameters["max_levels"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise InvalidInput(f"min_share={share!r} is no share of the rows; give a number from 0 up to 1")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InvalidInput(f"max_levels={most!r} is no number of levels; give a whole number from 1 up")


def check_columns(parameters: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise InvalidInput where a parameter names a column that the table does not have, or one twice over."""
    for what in (*LISTS, "missing", "fill_value", "skew", "winsorize", "categories"):
        named = parameters[what]
        lists = what in LISTS and named is not None
        if lists and (isinstance(named, str) or not isinstance(named, Sequence)):
            raise InvalidInput(f"{what}={named!r} is no list; give a list of column names, {what}=[{str(named)!r}]")
        for name in named if lists or isinstance(named, Mapping) else ():
            if str(name) not in names:
                raise missing_column(what, name, names)
    if twice := sorted(set(parameters["categorical"] or ()) & set(parameters["numeric"] or ())):
        raise InvalidInput(f"column {twice[0]!r} stands in categorical and in numeric; name it in one of them")


def choice_of(parameters: Mapping[str, Any], name: str, kind: str, *, auto: str = "onehot") -> Choice:
    """Return what was asked for a column; ``auto`` is what "auto" categories are.

    Dates are bent or winsorised only where they are named.
    """
    for what, kinds in _MEANT.items():
        if isinstance(parameters[what], Mapping) and name in parameters[what] and kind not in kinds:
            raise InvalidInput(
                f"{what} names column {name!r}, which is a {kind}; name columns that are a {' or '.join(kinds)}"
            )
    everywhere = kind == "number"
    encoding = _one(parameters, "categories", name, _among(CATEGORIES))
    return Choice(
        _one(parameters, "missing", name, _among(MISSING)),
        _one(parameters, "fill_value", name, _fill),
        _one(parameters, "skew", name, _among(SKEW))
        if everywhere
        else _named(parameters, "skew", name, _among(SKEW), "none"),
        _one(parameters, "winsorize", name, _limits)
        if everywhere
        else _named(parameters, "winsorize", name, _limits, None),
        auto if encoding == "auto" else encoding,
    )


_MEANT = {"skew": ("number", "date"), "winsorize": ("number", "date"), "categories": ("category",)}
_UNNAMED = {"missing": "median", "fill_value": 0.0, "skew": "auto", "winsorize": None, "categories": "auto"}
"""What holds for the columns that a dict does not name."""


def _one(parameters: Mapping[str, Any], what: str, name: str, check: Callable[[str, Any], Any]) -> Any:
    """Return a parameter's value for a column: its own, else the one for all."""
    given = parameters[what]
    return check(what, given.get(name, _UNNAMED[what]) if isinstance(given, Mapping) else given)


def _named(parameters: Mapping[str, Any], what: str, name: str, check: Callable[[str, Any], Any], other: Any) -> Any:
    """Return a parameter's value for a column that a dict names, else ``other``; the one for all does not hold."""
    given = parameters[what]
    if not isinstance(given, Mapping):
        check(what, given)
    return check(what, given.get(name, other) if isinstance(given, Mapping) else other)


def _among(allowed: Sequence[str]) -> Callable[[str, Any], str]:
    def check(what: str, value: Any) -> str:
        if value not in allowed:
            raise unknown(what, value, allowed)
        return str(value)

    return check


def _fill(what: str, value: Any) -> float | str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):  # noqa: PLR0124 - NaN
        raise InvalidInput(
            f"{what}={value!r} cannot stand for a missing value; give a finite number, or text for a category"
        )
    return float(value)


def _limits(what: str, value: Any) -> tuple[float, float]:
    if value is None:
        return (0.0, 1.0)
    try:
        low, high = (float(share) for share in value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{what}={value!r} is no pair of quantiles; give two, such as (0.01, 0.99)") from error
    if not 0 <= low < high <= 1:
        raise InvalidInput(f"{what}={value!r} is no pair of rising quantiles from 0 to 1; give such as (0.01, 0.99)")
    return (low, high)
