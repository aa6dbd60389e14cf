"""k-means at each number of segments, and the choice among them: all are scored on one sample of the rows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg._checks import check_count
from gpuseg._estimator import seed_of
from gpuseg.backends import Host, to_host, with_room
from gpuseg.cluster import KMeans, Run, Solution
from gpuseg.cluster.kmeans import warn_fewer
from gpuseg.errors import InvalidInput
from gpuseg.metrics import SAMPLE, Score, silhouettes
from gpuseg.metrics.dispersion import Dispersion, variance_ratio, worst_ratio
from gpuseg.progress import bar
from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.rule import Scored, recommended
from gpuseg.selection.search import STARTS, Search, check_names

NOTHING = 1e-9
"""A share of the inertia of one cluster that counts as none."""


class Tried(NamedTuple):
    """What is kept of a number of segments: where it ended, what it gives, and the segments of the sampled rows."""

    solution: Solution
    candidate: Candidate
    labels: Host


class Chosen(NamedTuple):
    """A choice of k, its fitted model, and that model's score; none where the sample has one segment."""

    choice: KChoice
    model: KMeans
    score: Score | None


def choose_k(
    x: Any,
    k_range: Sequence[int] = (2, 12),
    *,
    n_init: int = STARTS,
    sample_size: int = SAMPLE,
    random_state: Any = 0,
    **parameters: Any,
) -> KChoice:
    """Return the recommended number of segments, the reason in a sentence, and a table of what each k gives.

    ``x``: (n_samples, n_features), scaled: what KMeans takes. ``k_range``: a pair, both ends in, or a ``range``.
    ``n_init`` starts for each k, shared, and above 25,000 rows tried on a sample first, from which the best go on to
    all rows; ``parameters`` go to KMeans. The silhouettes of every k are of the same
    ``sample_size`` rows, with their standard error; inertia, Calinski-Harabasz and Davies-Bouldin are of all rows.
    A k above the number of distinct rows warns and makes fewer segments; the table has that number, once.

    Recommended is the fewest segments whose silhouette the sampled rows do not tell from the best one's: by
    the standard error of the rows' differences. Raises InvalidInput for a range that is none, for more
    segments than rows, and where no k has two segments among the sampled rows.

    >>> import numpy as np
    >>> x = np.concatenate([np.random.default_rng(0).normal(at, 1.0, (50, 2)) for at in (0, 10, 20)])
    >>> choice = choose_k(x, k_range=(2, 6))
    >>> choice.k, choice.table.columns
    (3, ['k', 'inertia', 'silhouette', 'standard_error', 'calinski_harabasz', 'davies_bouldin'])
    """
    return choose(x, tried(k_range), n_init=n_init, sample_size=sample_size, random_state=random_state, **parameters)[0]


def tried(k_range: Sequence[int]) -> Sequence[int]:
    """Return the numbers of segments of a pair of ends, both in, or of a range.

    >>> list(tried((2, 5))), list(tried(range(2, 9, 3)))
    ([2, 3, 4, 5], [2, 5, 8])
    """
    if isinstance(k_range, range) and len(k_range) and min(k_range) >= 1:
        return k_range
    ends = list(k_range) if isinstance(k_range, tuple | list) else []
    whole = [int(k) for k in ends if isinstance(k, int | np.integer) and not isinstance(k, bool)]
    if len(ends) != 2 or len(whole) != 2 or not 2 <= whole[0] <= whole[1]:  # noqa: PLR2004 - a pair; a choice needs two segments
        raise InvalidInput(f"k_range={k_range!r} is no range; give two whole numbers from 2 up, as in (2, 12)")
    return range(whole[0], whole[1] + 1)


@with_room
def choose(
    x: Any,
    ks: Sequence[int],
    *,
    n_init: int = STARTS,
    sample_size: int = SAMPLE,
    random_state: Any = 0,
    **parameters: Any,
) -> Chosen:
    """Return the choice of ``choose_k`` with the fitted model of the chosen k and its score."""
    check_count("sample_size", sample_size, low=2)
    seed = seed_of(random_state)
    search = Search(x, ks, n_init, seed, parameters)
    sample = search.run.sample(sample_size, seed)
    # The sample is in this process, wherever the rows are.
    tries = _tries(search, sorted(ks), KMeans(1, **{**search.parameters, "engine": "auto"}).prepare(sample))
    found = silhouettes(sample, [one.labels for one in tries.values()])
    candidates = [_with_score(one.candidate, of and of.score) for one, of in zip(tries.values(), found, strict=True)]
    scored = [Scored(c, of.score, of.values) for c, of in zip(candidates, found, strict=True) if of is not None]
    if not scored:
        raise InvalidInput(
            f"no k in {list(ks)} has two segments among the rows scored; try k above 1, or a number of your own"
        )
    # Where every row lies on its centre, more segments change nothing.
    whole = candidates[-1].inertia <= NOTHING * search.run.total
    taken, reason = recommended(scored, last=None if whole else max(ks))
    model = search.model(taken.candidate.k, tries[taken.candidate.k].solution)
    return Chosen(KChoice(taken.candidate.k, reason, candidates), model, taken.score)


def _tries(search: Search, ks: Sequence[int], sample: Run) -> dict[int, Tried]:
    """Return what each number of segments gives, by the number that was made: fewer than k where fewer rows differ."""
    tries: dict[int, Tried] = {}
    shift = search.run.data.offset - sample.data.offset
    for k in bar(ks, "k"):
        solution = search.run.settled(search.solution(k))
        candidate = _without_score(search.run, solution)
        if candidate.k < k:
            warn_fewer(k, candidate.k)
        if candidate.k not in tries:
            tries[candidate.k] = Tried(solution, candidate, sample.labels(solution.centers + shift))
    return tries


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
    indices = [value if np.isfinite(value) else None for value in (variance_ratio(found), worst_ratio(found))]
    return Candidate(len(weights), found.within, None, None, *indices)


def _with_score(candidate: Candidate, score: Score | None) -> Candidate:
    if score is None:
        return candidate
    return candidate._replace(silhouette=score.mean, standard_error=score.standard_error)
