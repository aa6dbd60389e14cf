"""What every estimator stands on: scikit-learn's base, and a state of plain values and arrays."""

import numbers
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from gpuseg.engines import is_client, plain_engine
from gpuseg.errors import InvalidInput

__all__ = [
    "BaseEstimator",
    "ClusterMixin",
    "NotFittedError",
    "Stored",
    "TransformerMixin",
    "check_is_fitted",
    "check_seed",
    "clone",
    "plain_parameters",
    "restored_parameters",
    "seed_of",
    "validate_data",
]


class Stored(BaseEstimator):
    """An estimator whose fitted state is plain: numbers, text, lists, dicts and NumPy arrays.

    ``stored`` names the fitted attributes that a model file holds; they are all that predicting needs.
    """

    stored: ClassVar[tuple[str, ...]] = ()

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted estimator with the same parameters; a Client cannot be copied, and is shared."""
        if not is_client(given := getattr(self, "engine", None)):
            return BaseEstimator.__sklearn_clone__(self)
        plain = type(self)(**{**self.get_params(deep=False), "engine": "auto"})
        made: Self = BaseEstimator.__sklearn_clone__(plain)
        made.engine = given
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied; raise InvalidInput for a Client, which can be neither."""
        if is_client(getattr(self, "engine", None)):
            raise InvalidInput(
                f"a {type(self).__name__} with a Client as engine cannot be pickled; use clone(), keep a fitted one by "
                "state(), or call set_params(engine='dask') first"
            )
        state: dict[str, Any] = super().__getstate__()
        return state

    def state(self) -> dict[str, Any]:
        """Return parameters and fitted attributes, to be restored by ``from_state``.

        A parameter that is not plain, such as a generator or an array of starts, has done its work and is left out.
        """
        check_is_fitted(self)
        fitted = {name: _storable(getattr(self, name)) for name in self.stored if hasattr(self, name)}
        return {"parameters": plain_parameters(self), "fitted": fitted}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the estimator that ``state`` was taken from, ready to predict."""
        self = cls(**restored_parameters(cls, state["parameters"]))
        for name in cls.stored:
            if name in state["fitted"]:
                setattr(self, name, state["fitted"][name])
        return self


def plain_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters that a model file can hold; a cluster is "dask" there, whichever it was."""
    given = estimator.get_params(deep=False)
    if "engine" in given:
        given["engine"] = plain_engine(given["engine"])
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in given.items() if _is_plain(v)}


def restored_parameters(estimator: type[BaseEstimator], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that an estimator still has.

    The backend and the engine that fitted may not be here: a restored model works where the data is.
    """
    known = set(estimator._get_param_names()) - {"backend", "engine"}  # noqa: SLF001 - scikit-learn's own way to ask a class
    return {name: value for name, value in parameters.items() if name in known}


def check_seed(random_state: Any) -> None:
    """Raise InvalidInput for what is no seed, before a fit that may draw nothing; draw nothing."""
    if not isinstance(random_state, np.random.Generator | np.random.RandomState | None):
        seed_of(random_state)


def seed_of(random_state: Any) -> int:
    """Return the integer that keys every draw: an int is taken as it is. Raise InvalidInput for no seed."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, numbers.Integral) and int(random_state) >= 0:
        return int(random_state)
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**31))
    raise InvalidInput(f"random_state={random_state!r} is no seed; give a whole number from 0 up, a Generator or None")


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _storable(value: Any) -> Any:
    """Return names, which scikit-learn keeps as objects, as an array of text."""
    return value.astype(str) if isinstance(value, np.ndarray) and value.dtype == object else value
