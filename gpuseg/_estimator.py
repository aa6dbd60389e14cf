"""What every estimator stands on: scikit-learn's base, and a state of plain values and arrays."""

import numbers
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

__all__ = [
    "BaseEstimator",
    "ClusterMixin",
    "NotFittedError",
    "Stored",
    "TransformerMixin",
    "_check_sample_weight",
    "check_is_fitted",
    "clone",
    "seed_of",
    "validate_data",
]


class Stored(BaseEstimator):
    """An estimator whose fitted state is plain: numbers, text, lists, dicts and NumPy arrays.

    ``stored`` names the fitted attributes that a model file holds; they are all that predicting needs.
    """

    stored: ClassVar[tuple[str, ...]] = ()

    def state(self) -> dict[str, Any]:
        """Return parameters and fitted attributes, to be restored by ``from_state``."""
        check_is_fitted(self)
        parameters = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        fitted = {name: getattr(self, name) for name in self.stored if hasattr(self, name)}
        return {"parameters": parameters, "fitted": fitted}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the estimator that ``state`` was taken from, ready to predict."""
        # The backend that fitted may not be here: a restored model works on whatever holds the data.
        known = set(cls._get_param_names())
        self = cls(**{k: v for k, v in state["parameters"].items() if k in known and k != "backend"})
        for name, value in state["fitted"].items():
            setattr(self, name, value)
        return self


def seed_of(random_state: Any) -> int:
    """Return the integer that keys every draw: an int is taken as it is."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31))


def _plain(value: Any) -> Any:
    """Return a parameter as a model file can hold it; a generator's draws are over, so it is left out."""
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return None
    return value.item() if isinstance(value, np.generic) else value
