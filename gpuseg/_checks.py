"""Checks of an estimator's parameters: got, allowed, what to do."""

import math
import numbers
from typing import Any

from gpuseg.errors import InvalidInput


def check_count(name: str, value: Any, *, low: int = 1) -> None:
    """Raise InvalidInput unless ``value`` is a whole number of at least ``low``."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or int(value) < low:
        raise InvalidInput(f"{name}={value!r} is not allowed; give a whole number of at least {low}")


def check_number(name: str, value: Any, *, low: float, above: bool = False) -> None:
    """Raise InvalidInput unless ``value`` is a finite number of at least ``low``, or above it."""
    fine = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or value < low or (above and value == low):
        raise InvalidInput(
            f"{name}={value!r} is not allowed; give a number {'above' if above else 'of at least'} {low}"
        )
