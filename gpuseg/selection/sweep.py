"""k-means at each number of segments, and the choice among them: all are scored on one sample of the rows."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gpuseg._checks import check_count
from gpuseg._estimator import seed_of
from gpuseg.backends import Array, Host, to_host, with_room
from gpuseg.cluster import KMeans, Run, Solution
from gpuseg.cluster.kmeans import warn_fewer
from gpuseg.metrics import SAMPLE, Score, silhouettes
from gpuseg.metrics.dispersion import Dispersion, variance_ratio, worst_ratio
from gpuseg.progress import bar
from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.decide import Tried, decided, in_order
from gpuseg.selection.limits import separation_of, within
from gpuseg.selection.search import STARTS, Search, check_names
from gpuseg.selection.stability import sampled_runs, stability_of_k_means
from gpuseg.selection.terms import PLAIN, Terms

NOTHING = 1e-9
"""A share of the inertia of one cluster that counts as none."""


class Swept(NamedTuple):
    """Where k-means ended for a number of segments, and what is kept of it."""

    solution: Solution
    tried: Tried


class Chosen(NamedTuple):
    """A choice of k, its fitted model, and that model's score; none where the sample has one segment."""

    choice: KChoice
    model: KMeans
    score: Score | None


@with_room
def choose(
    x: Any,
    ks: Sequence[int],
    *,
    terms: Terms = PLAIN,
    n_init: int = STARTS,
    sample_size: int = SAMPLE,
    random_state: Any = 0,
    **parameters: Any,
) -> Chosen:
    """Return the choice of ``choose_k`` with the fitted model of the chosen k and its score."""
    check_count("sample_size", sample_size, low=2)
    seed = seed_of(random_state)
    search = Search(x, within(ks, terms.checked().max_segments), n_init, seed, parameters)
    sample = search.run.sample(sample_size, seed)
    swept = _swept(search, sorted(search.ks), sample, terms)
    tries = {k: one.tried for k, one in swept.items()}
    values = silhouettes(sample, [one.labels for one in tries.values()])
    # Where every row lies on its centre, or a limit ends the range, more segments change nothing.
    most = list(tries.values())[-1].candidate
    whole = most.inertia <= NOTHING * search.run.total or len(search.ks) < len(ks)
    found = decided(sample, tries, values, terms, seed=seed, last=None if whole else max(ks))
    solution = swept[found.choice.k].solution
    model = search.model(found.choice.k, solution)
    apart = np.sum((model.cluster_centers_[:, None] - solution.centers - search.run.data.offset) ** 2, axis=2)
    choice = found.choice._replace(stability=in_order(found.stability, np.argmin(apart, axis=1).tolist()))
    return Chosen(choice, model, found.score)


def _swept(search: Search, ks: Sequence[int], sample: Array, terms: Terms) -> dict[int, Swept]:
    """Return what each number of segments gives, by the number that was made: fewer than k where fewer rows differ."""
    # The sample is in this process, wherever the rows are.
    here, run = KMeans(1, **{**search.parameters, "engine": "auto"}).prepare(sample), search.run
    separation = separation_of(run.work.engine, run.work.blocks.sizes, terms.must_separate, search.seed)
    runs = sampled_runs(sample, search.seed)
    found: dict[int, Swept] = {}
    for k in bar(ks, "k"):
        solution = run.settled(search.solution(k))
        candidate = _without_score(run, solution)
        if candidate.k < k:
            warn_fewer(k, candidate.k)
        if candidate.k not in found:
            labels = here.labels(solution.centers + run.data.offset - here.data.offset)
            joined = separation and separation.joined(_nearest(separation.x, solution.centers + run.data.offset))
            stable = partial(stability_of_k_means, runs, labels, len(solution.centers))
            found[candidate.k] = Swept(solution, Tried(candidate, labels, joined, stable))
    return found


@with_room
def best_model(x: Any, n_clusters: int, *, n_init: int = STARTS, random_state: Any = 0, **parameters: Any) -> KMeans:
    """Return k-means fitted with ``n_clusters`` as ``choose`` would: starts on the pilot, the best to the end."""
    return _best(x, n_clusters, n_init, seed_of(random_state), parameters)[0]


@with_room
def taken(x: Any, n_clusters: int, *, n_init: int = STARTS, random_state: Any = 0, **parameters: Any) -> Chosen:
    """Return the number of segments that was asked for, its ``best_model``, and that model's score; x: an array."""
    seed = seed_of(random_state)
    model, run = _best(x, n_clusters, n_init, seed, parameters)
    sample = run.sample(SAMPLE, seed)
    label = to_host(model.set_params(engine="auto").predict(sample))  # the sample is in this process
    choice = KChoice(len(model.segment_weight_), f"n_clusters={n_clusters} was asked for", [])
    (found,) = silhouettes(sample, [label])
    return Chosen(choice, model, found and found.score)


def _best(x: Any, n_clusters: int, n_init: int, seed: int, parameters: dict[str, Any]) -> tuple[KMeans, Run]:
    """Return the best model found, and the rows that it was fitted to."""
    if isinstance(parameters.get("init", ""), str):
        search = Search(x, [n_clusters], n_init, seed, parameters)
        return search.model(n_clusters, search.solution(n_clusters)), search.run
    check_names(parameters)
    model = KMeans(n_clusters, random_state=seed, **parameters)
    run = model.prepare(x)
    return model.solve(run), run


def _without_score(run: Run, solution: Solution) -> Candidate:
    """Return what all rows say of a solution: everything but the silhouette."""
    weights, distances, squares = run.masses(solution.centers)
    made = weights > 0
    centers, weights, distances = solution.centers[made], weights[made], distances[made]
    found = Dispersion(centers, weights, distances / weights, squares, run.total)
    ratio, worst = (value if np.isfinite(value) else None for value in (variance_ratio(found), worst_ratio(found)))
    share = float(weights.min() / weights.sum())
    return Candidate(len(weights), found.within, None, None, ratio, worst, smallest_share=share)


def _nearest(x: Host, centers: Host) -> Host:
    return np.argmin(np.sum((x[:, None, :] - centers[None, :, :]) ** 2, axis=2), axis=1)
