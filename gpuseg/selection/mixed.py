"""Algorithms that take categories: what they are handed, and the choice and score of segments in their own distance."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.cluster import ALGORITHMS, Clusterer
from gpuseg.errors import InvalidInput, listed
from gpuseg.metrics import Distances, Score, euclidean, silhouettes
from gpuseg.preprocessing import Preprocessor
from gpuseg.selection.others import PILOT, Way, labels_by, sample_of
from gpuseg.settings import say


class Taking(NamedTuple):
    """How a metric that takes categories gives the distances of rows to each other, and what its loss is called.

    ``distances``: f(model, rows, categorical).
    """

    distances: Callable[[Any, Host, Sequence[int]], Distances]
    loss: str


def takes_categories(algorithm: type[Clusterer], own: Mapping[str, Any]) -> bool:
    """Return whether an algorithm with parameters of its own compares categories as such, not as amounts.

    >>> [takes_categories(ALGORITHMS["kmedoids"], {"metric": metric}) for metric in ("gower", "manhattan")]
    [True, False]
    """
    return _metric(algorithm, own) in TAKING


def prepared_for(
    steps: Preprocessor, table: Any, algorithm: type[Clusterer], own: Mapping[str, Any]
) -> tuple[Preprocessor, list[int] | None]:
    """Return ``steps`` fitted to a table, and the places of codes for an algorithm that takes categories, else None.

    Raises InvalidInput where codes that were asked for would count as amounts; says where categories do.
    """
    if "categorical" in own:
        raise InvalidInput(
            "algorithm_params sets 'categorical', and the preprocessor tells which columns hold categories; give "
            f"preprocessor=Preprocessor(categorical={own['categorical']!r})"
        )
    takes = takes_categories(algorithm, own)
    steps = steps.fit_codes(table) if takes else steps.fit(table)
    features = steps.get_feature_names_out().tolist()
    kinds = {column["name"]: column["kind"] for column in steps.schema_ if column["dropped"] is None}
    coded = {features[at] for at in steps.categorical_features_}
    words = [name for name, kind in kinds.items() if kind == "category"]
    name = algorithm.__name__.lower()
    if not takes and (odd := [word for word in words if word in coded]):
        raise InvalidInput(
            f"columns {listed(odd)} are codes of categories (categories='codes'), which {name} would take for amounts; "
            f"use categories='auto', or algorithm {_takers()}"
        )
    if takes and (lost := [word for word in words if word not in coded]):
        say(f"{name} takes column {listed(lost)} for amounts, as categories asks; categories='auto' keeps categories")
    elif takes and not coded:
        say(f"no column holds categories, so {name} takes all for amounts; name codes as in categorical=['a', 'b']")
    return steps, steps.categorical_features_ if takes else None


def way_of(algorithm: type[Clusterer], own: Mapping[str, Any], categorical: Sequence[int]) -> Way:
    """Return the distances and the loss of an algorithm that takes categories: codes in the columns ``categorical``."""
    how = TAKING[_metric(algorithm, own)]
    return Way(lambda model, rows: how.distances(model, rows, categorical), how.loss, amounts=False)


def scored_model(x: Any, model: Clusterer, *, categorical: Sequence[int], shared: Mapping[str, Any]) -> Score | None:
    """Return the silhouette of a sample of the rows in the model's own distance; None for one segment in it."""
    sample = sample_of(x, PILOT, shared)
    distances = TAKING[_metric(type(model), model.get_params(deep=False))].distances(model, sample, categorical)
    (found,) = silhouettes(sample, [labels_by(model, sample)], distances=distances)
    return found and found.score


def _metric(algorithm: type[Clusterer], given: Mapping[str, Any]) -> str:
    parameters = {**algorithm().get_params(deep=False), **given}
    return str(parameters.get("metric", algorithm.metrics[0]))


def _takers() -> str:
    """Return the algorithms that take categories, and with which metric where they have others."""
    found = [(name, a, metric) for name, a in ALGORITHMS.items() for metric in a.metrics if metric in TAKING]
    words = [f"{name!r}{f' with metric={metric!r}' * (len(a.metrics) > 1)}" for name, a, metric in found]
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _mixed_distances(model: Any, rows: Host, categorical: Sequence[int]) -> Distances:
    """Return the distances of k-prototypes: the root of the squared differences, and gamma for each other category."""
    numbers = np.delete(rows, categorical, axis=1)
    # Two unlike words are 2 apart in squares where each has a column of 1 of its own.
    return euclidean(np.hstack([numbers, _words(rows, categorical) * np.sqrt(model.gamma_ / 2)]))


def _gower_distances(model: Any, rows: Host, categorical: Sequence[int]) -> Distances:
    numbers = np.delete(rows * model.measure_["scale"], categorical, axis=1).T
    share = 1.0 / rows.shape[1]
    return partial(_gower, np.ascontiguousarray(numbers), share * _words(rows, categorical), share * len(categorical))


def _gower(numbers: Host, words: Host, unlike: float, rows: slice, columns: slice) -> Host:
    """Return Gower's distances: of scaled numbers, (features, rows), and of words that add up to ``unlike``."""
    away = unlike - words[rows] @ (words[columns].T > 0)
    for column in numbers:
        away += np.abs(column[rows, None] - column[None, columns])
    return away


def _words(rows: Host, categorical: Sequence[int]) -> Host:
    """Return a column for each code of each column of categories, 1 at its rows."""
    columns = [rows[:, [at]] == np.unique(rows[:, at]) for at in categorical]
    return np.hstack([np.empty((len(rows), 0)), *columns]).astype(np.float64)


TAKING: Mapping[str, Taking] = {
    "mixed": Taking(_mixed_distances, "cost_"),
    "gower": Taking(_gower_distances, "inertia_"),
}
"""A row a metric that takes categories, by the names that algorithms give their metrics."""
