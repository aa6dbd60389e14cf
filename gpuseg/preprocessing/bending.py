"""Choose what bends each column against skew: nothing, a logarithm, or Yeo-Johnson."""

from collections.abc import Sequence

import numpy as np

from gpuseg.backends import Host
from gpuseg.engines import Block, Engine
from gpuseg.preprocessing import statistics
from gpuseg.preprocessing._yeo_johnson import learn_powers
from gpuseg.preprocessing.ranking import quantile_of_sizes
from gpuseg.preprocessing.statistics import Moments, moments_of, skewness
from gpuseg.preprocessing.transforms import LOG, NONE, POWER, Preparation, finite, prepared, taken

SKEWED = 1.0
"""A column is skewed where its skewness is beyond this, either way."""
SMALL = 0.1
"""The unit of "auto" is this quantile of the sizes; 1, the median and the deviation leave more skew."""
SMALLEST = 1e-15
"""No unit is below this share of the largest size: dust beside zero would send the rest out of float64."""


def bend(
    engine: Engine, places: Host, asked: Sequence[str], many: Host, preparation: Preparation
) -> tuple[Preparation, Moments, Host]:
    """Return the preparation with a method a column, the moments of what it gives, and the skewness that stays.

    ``asked`` are the user's words, a column each; ``many`` says which columns have more than 10 different values.
    What stays is that of the columns which "auto" found no method for, NaN for the others.
    """

    def moments() -> Moments:
        return engine.reduce(moments_block, statistics.combined, places, preparation)

    found, words = moments(), np.asarray(asked)
    skew = skewness(found)
    auto = (words == "auto") & (np.abs(skew) > SKEWED) & many
    tried = (words == "log") | (auto & (skew > 0) & (found.low >= 0))
    unit = _units(engine, places, auto, preparation)
    preparation = preparation._replace(unit=unit, method=np.where(tried, LOG, NONE))
    if np.any(tried):
        found = moments()
    power = (words == "yeo-johnson") | (auto & ~(tried & (np.abs(skewness(found)) <= SKEWED)))
    if not np.any(power):
        return preparation, found, np.full(len(words), np.nan)
    preparation, inside = _powered(engine, places, preparation, power)
    found = moments()
    failed = auto & power & ~(inside & _mended(skew, skewness(found)))
    if np.any(failed):
        straight = {"method": NONE, "power": 1.0, "unit": 1.0}
        undone = {name: np.where(failed, value, getattr(preparation, name)) for name, value in straight.items()}
        preparation = preparation._replace(**undone)
        found = moments()
    return preparation, found, np.where(failed, skew, np.nan)


def moments_block(block: Block, measured: Host, preparation: Preparation) -> Moments:
    """Return one block's moments of some columns, prepared."""
    return moments_of(prepared(finite(taken(block.x, measured)), preparation))


def _units(engine: Engine, places: Host, auto: Host, preparation: Preparation) -> Host:
    """Return a number a column that grows with the column's own unit, so that x / unit does not depend on it.

    It is 1 for columns other than ``auto``, and for one that holds nothing but zeros beside what is filled in.
    """
    unit = np.ones(len(places))
    if np.any(auto):
        largest = np.maximum(np.abs(preparation.bottom), np.abs(preparation.top))[auto]
        small = np.nan_to_num(quantile_of_sizes(engine, places[auto], SMALL))
        unit[auto] = np.maximum(small, SMALLEST * largest)
    return unit


def _powered(engine: Engine, places: Host, preparation: Preparation, power: Host) -> tuple[Preparation, Host]:
    """Return the preparation with the lambdas of some columns, and which of these lie inside their bounds."""
    columns = np.flatnonzero(power)
    lambdas, inside = preparation.power.copy(), np.zeros(len(power), dtype=bool)
    lambdas[columns], inside[columns] = learn_powers(engine, places[columns], preparation.of(columns))
    method = np.where(power, POWER, preparation.method)
    return preparation._replace(method=method, power=lambdas), inside


def _mended(before: Host, after: Host) -> Host:
    """Return which columns are no longer skewed, or half as much."""
    return np.abs(after) <= np.maximum(SKEWED, np.abs(before) / 2)
