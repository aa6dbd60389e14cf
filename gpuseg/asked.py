"""What a Segmenter is asked for: its parameters held against what is allowed, and the Preprocessor that they mean."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpuseg._estimator import clone
from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import InvalidInput, unknown
from gpuseg.preprocessing import Preprocessor
from gpuseg.selection import DENSITY, Terms, is_chosen, takes_number, tried
from gpuseg.selection.terms import DEFAULT

OWN = ("n_clusters", "random_state", "backend", "engine")
"""Parameters of algorithms that are Segmenter's own."""


def check_asked(segmenter: Any, *, choosing: bool = False) -> None:
    """Raise InvalidInput for a parameter of a Segmenter that is not known or out of range.

    ``choosing``: nothing is fitted, and what the segments are made by is chosen.
    """
    algorithm, n_clusters = segmenter.algorithm, segmenter.n_clusters
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise unknown("algorithm", algorithm, ALGORITHMS)
    if not (is_auto(n_clusters) or (_is_whole(n_clusters) and int(n_clusters) >= 1)):
        raise InvalidInput(f"n_clusters={n_clusters!r} is not allowed; give 'auto' or a whole number from 1 up")
    allowed = sorted(set(ALGORITHMS[algorithm]().get_params(deep=False)) - set(OWN))
    own = segmenter.algorithm_params
    if not isinstance(own, Mapping | None):
        raise InvalidInput(
            f"algorithm_params={own!r} holds no names and values; give a dict such as {{'max_iter': 50}}"
        )
    for name in own or {}:
        if name in OWN:
            raise InvalidInput(f"algorithm_params sets {name!r}; give {name} to Segmenter itself")
        if name not in allowed:
            raise unknown(f"algorithm_params of {algorithm}", name, allowed)
    if str((segmenter.algorithm_params or {}).get("metric")) == "precomputed":
        raise InvalidInput(
            "metric='precomputed' is for a matrix of distances, and a customer table is none; give another metric, or, "
            f"in Python, fit {ALGORITHMS[algorithm].__name__} itself to the matrix"
        )
    if not is_auto(n_clusters) and not takes_number(ALGORITHMS[algorithm]):
        raise InvalidInput(
            f"n_clusters={n_clusters} is not for {algorithm}, which finds the number itself; leave it "
            "out, or use another algorithm, as 'kmeans'"
        )
    if isinstance(segmenter.k_range, range):
        raise InvalidInput(f"k_range={segmenter.k_range!r} has no two ends; give both, as in (2, 12)")
    tried(segmenter.k_range)
    _check_terms(segmenter, choosing=choosing)


def _check_terms(segmenter: Any, *, choosing: bool) -> None:
    """Raise InvalidInput for limits that are none, or that bear on no choice."""
    terms = terms_of(segmenter).checked()
    dense = is_chosen(segmenter.algorithm, segmenter.algorithm_params or {})
    dense = dense or (choosing and segmenter.algorithm in DENSITY)
    _check_separation(terms.must_separate)
    for name in ("min_share", "max_segments", "must_separate"):
        if getattr(terms, name) is None:
            continue
        if dense and name != "must_separate":
            continue
        if not takes_number(ALGORITHMS[segmenter.algorithm]):
            raise InvalidInput(
                f"{name} is not for {segmenter.algorithm}, which finds the number of segments itself; leave it out, or "
                "use another algorithm, as 'kmeans'"
            )
        if not is_auto(segmenter.n_clusters):
            raise InvalidInput(
                f"{name} limits the choice of the number of segments, and n_clusters={segmenter.n_clusters} leaves "
                "none; leave out one of the two"
            )


def _check_separation(asked: Any) -> None:
    """Raise InvalidInput for what is neither the name of a column nor pairs of ids."""
    if asked is None or isinstance(asked, str):
        return
    pairs = list(asked) if isinstance(asked, Sequence) else []
    if not pairs or not all(_is_pair(pair) for pair in pairs):
        raise InvalidInput(
            f"must_separate={asked!r} is not allowed; give pairs of ids, as in [('a', 'b')], or the name of a column"
        )
    if same := [pair for pair in pairs if pair[0] == pair[1]]:
        raise InvalidInput(f"must_separate has {same[0][0]!r} beside itself; give two customers a pair")


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple | list) and len(given) == 2  # noqa: PLR2004 - a pair


def terms_of(segmenter: Any) -> Terms:
    """Return on what terms a Segmenter chooses the number of segments; who is to be separate is as the user said."""
    criteria = DEFAULT if segmenter.criteria is None else segmenter.criteria
    return Terms(criteria, segmenter.min_share, segmenter.max_segments, segmenter.must_separate)


def preprocessor_of(segmenter: Any) -> Preprocessor:
    """Return a Preprocessor, not fitted: the user's own with what the Segmenter was given, or one with defaults."""
    given = {name: getattr(segmenter, name) for name in ("columns", "id_column", "allow_personal", "backend")}
    if segmenter.preprocessor is None:
        return Preprocessor(**given)
    if not isinstance(segmenter.preprocessor, Preprocessor):
        raise InvalidInput(f"preprocessor={segmenter.preprocessor!r} is not a Preprocessor; give one, or None")
    own = clone(segmenter.preprocessor)
    if own.engine not in ("auto", segmenter.engine):
        raise InvalidInput("the preprocessor has an engine of its own; give engine to Segmenter itself")
    for name, value in given.items():
        theirs = getattr(own, name)
        if value not in (None, "auto", theirs) and theirs not in (None, "auto"):
            raise InvalidInput(f"{name}={value!r} and the preprocessor's {theirs!r} differ; give one of the two")
    return own.set_params(**{name: value for name, value in given.items() if value not in (None, "auto")})


def is_auto(n_clusters: Any) -> bool:
    """Return whether the number of segments is to be found: an array of numbers is compared with no word."""
    return isinstance(n_clusters, str) and n_clusters == "auto"


def _is_whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
