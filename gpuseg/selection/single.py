"""A fit of any algorithm with one number of segments: the one asked for, that of k-means' choice, or its own."""

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
from gpuseg.selection.sweep import choose, taken


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
) -> Segmented:
    """Return ``x`` segmented by an algorithm.

    ``n_clusters``: a number or "auto", one of ``ks()`` then: k-means chooses it for every algorithm that is told the
    number; the others find it themselves, as does a tree that ``own`` cuts at a ``distance_threshold``. ``shared``:
    backend, engine and random_state; ``own``: the algorithm's own parameters. ``categorical``: the columns that hold
    codes, of algorithms that take categories: these choose the number themselves, in their own distance. An eps or a
    min_cluster_size of "auto" in ``own`` is chosen before the fit.
    """
    if categorical is not None:
        return _segmented_by_categories(x, algorithm, n_clusters, ks, shared=shared, own=own, categorical=categorical)
    if algorithm is KMeans:
        parameters = {**shared, **own}
        auto = n_clusters == "auto"
        return Segmented(*(choose(x, ks(), **parameters) if auto else taken(x, int(n_clusters), **parameters)))
    names, given = algorithm().get_params(deep=False), {**shared, **own}
    choice, density = None, None
    if is_chosen(name := algorithm.__name__.lower(), own):
        density = density_for(x, name, shared=shared, own=own)
        given |= density.parameters
    if n_clusters == "auto" and own.get("distance_threshold") is not None:
        given["n_clusters"] = None
    elif takes_number(algorithm):
        choice = _asked(n_clusters) or _by_k_means(x, ks, shared)
        given["n_clusters"] = choice.k
    model = algorithm(**{name: value for name, value in given.items() if name in names}).fit(x)
    found = choice or KChoice(0, density.reason if density else f"{name} found the number itself", [])
    # Fewer than asked for where fewer rows differ, which the fit has said.
    return Segmented(found._replace(k=len(model.segment_weight_)), model, _score(x, model, shared), density)


def number_of(
    x: Any,
    algorithm: type[Clusterer],
    ks: Sequence[int],
    *,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    categorical: Sequence[int] | None,
) -> KChoice:
    """Return the choice of the number of segments: by k-means, or by an algorithm that takes categories itself.

    As for ``segmented``; k-means takes its defaults where another algorithm's parameters are given.
    """
    if categorical is not None:
        return mixed.chosen(x, algorithm, ks, categorical=categorical, shared=shared, own=own)
    return choose(x, ks, **shared, **(own if algorithm is KMeans else {})).choice


def _segmented_by_categories(
    x: Any,
    algorithm: type[Clusterer],
    n_clusters: int | str,
    ks: Callable[[], Sequence[int]],
    *,
    categorical: Sequence[int],
    **given: Mapping[str, Any],
) -> Segmented:
    choice = _asked(n_clusters) or mixed.chosen(x, algorithm, ks(), categorical=categorical, **given)
    model = mixed.made(algorithm, choice.k, categorical=categorical, **given).fit(x)
    choice = choice._replace(k=len(model.segment_weight_))  # fewer where fewer rows differ, which the fit has said
    score = mixed.scored_model(x, model, categorical=categorical, shared=given["shared"])
    return Segmented(choice, model, score)


def _asked(n_clusters: int | str) -> KChoice | None:
    return None if n_clusters == "auto" else KChoice(int(n_clusters), f"n_clusters={n_clusters} was asked for", [])


def _by_k_means(x: Any, ks: Callable[[], Sequence[int]], shared: Mapping[str, Any]) -> KChoice:
    choice = choose(x, ks(), **shared).choice
    return choice._replace(reason=f"{choice.reason} (by k-means)")


def _score(x: Any, model: Clusterer, shared: Mapping[str, Any]) -> Score | None:
    """Return the silhouette of a sample of the rows, which comes into this process from wherever they are."""
    seed = seed_of(shared["random_state"])
    if not is_dask(x):
        # Of the segments that customers are told: they are placed as new rows are.
        return sampled_silhouette(x, model.labels_ if model.places_alike else model.predict(x), random_state=seed)
    sample = KMeans(1, backend=shared["backend"], engine=shared["engine"]).prepare(x).sample(SAMPLE, seed)
    return sampled_silhouette(sample, type(model).from_state(model.state()).predict(sample), sample_size=None)
