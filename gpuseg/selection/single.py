"""A fit of any algorithm with one number of segments: the one asked for, the one chosen, or its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gpuseg._estimator import seed_of
from gpuseg.cluster import Clusterer, KMeans
from gpuseg.engines import is_dask
from gpuseg.metrics import SAMPLE, Score, sampled_silhouette
from gpuseg.selection import mixed
from gpuseg.selection.choice import KChoice
from gpuseg.selection.density import density_for, is_chosen
from gpuseg.selection.density_choice import DensityChoice
from gpuseg.selection.others import EUCLIDEAN, Taken, chosen, made
from gpuseg.selection.sweep import choose, taken
from gpuseg.selection.terms import PLAIN, Terms


class Segmented(NamedTuple):
    """A choice of the number of segments, the fitted model, and its score; none where the sample has one segment.

    ``density``: how dense the segments were chosen to be, where that was left to be chosen.
    """

    choice: KChoice
    model: Clusterer
    score: Score | None
    density: DensityChoice | None = None


def takes_number(algorithm: type[Clusterer]) -> bool:
    """Return whether an algorithm is told the number of segments.

    >>> takes_number(KMeans)
    True
    """
    return "n_clusters" in algorithm().get_params(deep=False)


def segmented(
    x: Any,
    algorithm: type[Clusterer],
    n_clusters: int | str,
    ks: Callable[[], Sequence[int]],
    *,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    categorical: Sequence[int] | None = None,
    terms: Terms = PLAIN,
) -> Segmented:
    """Return ``x`` segmented by an algorithm.

    ``n_clusters``: a number or "auto", one of ``ks()`` then, on ``terms``; algorithms that are not told the number find
    it themselves, as does a tree that ``own`` cuts at a ``distance_threshold``. ``shared``: backend, engine and
    random_state; ``own``: the algorithm's own parameters. ``categorical``: the columns that hold codes, of algorithms
    that take categories, which compare them in their own distance. An eps or a min_cluster_size of "auto" in ``own`` is
    chosen before the fit.
    """
    auto = n_clusters == "auto"
    if algorithm is KMeans:
        parameters = {**shared, **own}
        if auto:
            return Segmented(*choose(x, ks(), terms=terms, **parameters))
        return Segmented(*taken(x, int(n_clusters), **parameters))
    name, density = algorithm.__name__.lower(), None
    if is_chosen(name, own):
        density = density_for(x, name, shared=shared, own=own, terms=terms)
        own = {**own, **density.parameters}
    found = Taken(KChoice(0, density.reason if density else f"{name} found the number itself", []), None)
    own = own if categorical is None else {**own, "categorical": list(categorical)}
    if takes_number(algorithm) and not auto:
        found = Taken(KChoice(int(n_clusters), f"n_clusters={n_clusters} was asked for", []), None)
    elif takes_number(algorithm) and own.get("distance_threshold") is None:
        found = _chosen(x, algorithm, ks(), shared=shared, own=own, categorical=categorical, terms=terms)
    model = found.model or made(algorithm, found.choice.k or None, shared=shared, own=own).fit(x)
    # Fewer than asked for where fewer rows differ, which the fit has said.
    choice = found.choice._replace(k=len(model.segment_weight_))
    if categorical is not None:
        return Segmented(choice, model, mixed.scored_model(x, model, categorical=categorical, shared=shared))
    return Segmented(choice, model, _score(x, model, shared), density)


def number_of(
    x: Any,
    algorithm: type[Clusterer],
    ks: Sequence[int],
    *,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    categorical: Sequence[int] | None,
    terms: Terms,
) -> KChoice:
    """Return the choice of the number of segments, as for ``segmented``, or by k-means if none is told to it."""
    if algorithm is KMeans or not takes_number(algorithm):
        return choose(x, ks, terms=terms, **shared, **(own if algorithm is KMeans else {})).choice
    own = own if categorical is None else {**own, "categorical": list(categorical)}
    return _chosen(x, algorithm, ks, shared=shared, own=own, categorical=categorical, terms=terms).choice


def _chosen(
    x: Any,
    algorithm: type[Clusterer],
    ks: Sequence[int],
    *,
    categorical: Sequence[int] | None,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    terms: Terms,
) -> Taken:
    way = EUCLIDEAN if categorical is None else mixed.way_of(algorithm, own, categorical)
    return chosen(x, algorithm, ks, shared=shared, own=own, terms=terms, way=way)


def _score(x: Any, model: Clusterer, shared: Mapping[str, Any]) -> Score | None:
    """Return the silhouette of a sample of the rows, which comes into this process from wherever they are."""
    seed = seed_of(shared["random_state"])
    if not is_dask(x):
        # Of the segments that customers are told: they are placed as new rows are.
        return sampled_silhouette(x, model.labels_ if model.places_alike else model.predict(x), random_state=seed)
    sample = KMeans(1, backend=shared["backend"], engine=shared["engine"]).prepare(x).sample(SAMPLE, seed)
    return sampled_silhouette(sample, type(model).from_state(model.state()).predict(sample), sample_size=None)
