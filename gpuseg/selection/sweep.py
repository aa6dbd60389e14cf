"""k-means at each number of segments, with the work shared: one opening, one set of seeds, one sample to score on.

Starts are tried on a pilot, a random sample of the rows; the best of their ends go on to the end on all rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gpuseg._estimator import seed_of
from gpuseg.backends import Array, Host, to_host
from gpuseg.cluster import KMeans, Run, Solution
from gpuseg.cluster._checks import check_count
from gpuseg.errors import InvalidInput, unknown
from gpuseg.metrics import SAMPLE, Score
from gpuseg.metrics.dispersion import Dispersion, variance_ratio, worst_ratio
from gpuseg.metrics.silhouette import score_of, silhouette_samples
from gpuseg.progress import bar
from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.rule import Scored, recommended

STARTS = 10
"""Starts of k-means: as practitioners use; the best of ten is rarely beaten."""
PILOT, PILOT_OF_SEGMENT = 25_000, 200
"""Rows of the pilot: so many, or so many a segment where that is more. A table up to that size is its own pilot."""
EARLY, GO_ON = 8, 4
"""Steps after which the starts on the pilot are compared, and how many then go on to their ends."""
FINALISTS, CLOSE = 3, 1.02
"""Ends on the pilot that go on to all rows: at most so many, within two percent of the best.

Which of two ends is better, pilots of 1,500 rows told wrong where they differed by 2 %, of 25,000 rows by 0.15 %.
"""
SAME = 1e-6
"""Ends whose inertias differ by less than this share are the same end."""


OWN = ("n_clusters", "n_init", "random_state")
"""Parameters of KMeans that are arguments here."""


class Tried(NamedTuple):
    """What is kept of a number of segments: where it ended, what it gives, and the segments of the sampled rows."""

    solution: Solution
    candidate: Candidate
    labels: Host


class Chosen(NamedTuple):
    """A choice of k, its fitted model, and that model's score."""

    choice: KChoice
    model: KMeans
    score: Score


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
    ``n_init`` starts for each k, shared; ``parameters`` go to KMeans. The silhouettes of every k are of the same
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
    sweep = Sweep(x, ks, n_init, seed, parameters)
    sample = sweep.run.sample(sample_size, seed)
    tries = _tries(sweep, sorted(ks), sample)
    values = silhouette_samples(sample, [one.labels for one in tries.values()])
    candidates = [_with_score(one.candidate, score_of(v)) for one, v in zip(tries.values(), values, strict=True)]
    pairs = zip(candidates, values, strict=True)
    scored = [Scored(c, score, v) for c, v in pairs if v is not None and (score := score_of(v)) is not None]
    if not scored:
        raise InvalidInput(
            f"no k in {list(ks)} has two segments among the rows scored; try k above 1, or a number of your own"
        )
    # Where every row lies on its centre, more segments change nothing.
    whole = candidates[-1].inertia <= SAME * sweep.run.total
    taken, reason = recommended(scored, last=None if whole else max(ks))
    model = sweep.model(taken.candidate.k, tries[taken.candidate.k].solution)
    return Chosen(KChoice(taken.candidate.k, reason, candidates), model, taken.score)


def _tries(sweep: "Sweep", ks: Sequence[int], sample: Array) -> dict[int, Tried]:
    """Return what each number of segments gives, by the number that was made: fewer than k where fewer rows differ."""
    tries: dict[int, Tried] = {}
    for k in bar(ks, "k"):
        solution = sweep.solution(k)
        model = sweep.model(k, solution)
        # A model holds a label a row: what is kept of each is small.
        candidate = _plain(model)
        if candidate.k not in tries:
            tries[candidate.k] = Tried(solution, candidate, to_host(model.predict(sample)))
    return tries


def best_model(x: Any, n_clusters: int, *, n_init: int = STARTS, random_state: Any = 0, **parameters: Any) -> KMeans:
    """Return k-means fitted with ``n_clusters`` as ``choose`` would: starts on the pilot, the best to the end."""
    _check_names(parameters)
    if not isinstance(parameters.get("init", ""), str):
        return KMeans(n_clusters, random_state=random_state, **parameters).fit(x)
    sweep = Sweep(x, [n_clusters], n_init, seed_of(random_state), parameters)
    return sweep.model(n_clusters, sweep.solution(n_clusters))


class Sweep:
    """What several numbers of clusters share: open rows, a pilot, and seeds, whose first k rows are a start for k."""

    def __init__(self, x: Any, ks: Sequence[int], n_init: int, seed: int, parameters: dict[str, Any]) -> None:
        _check_names(parameters)
        if not isinstance(parameters.get("init", ""), str):
            raise InvalidInput("init holds centres, for one number of segments; leave it out, or give that number")
        self.parameters = {**parameters, "n_init": n_init, "random_state": seed}
        self.most = max(ks)
        # Without names: the sample that models are scored on has none.
        self.run = replace(KMeans(self.most, **self.parameters).prepare(x), names=None)
        rows = max(PILOT, PILOT_OF_SEGMENT * self.most)
        self.pilot = self.run
        if self.run.data.rows > rows:
            self.pilot = KMeans(self.most, **self.parameters).prepare(self.run.sample(rows, seed))
        self.seeds = self._seeds_on(self.pilot)

    def _seeds_on(self, run: Run) -> list[Host]:
        return run.seeds(self.most, self.parameters["n_init"], self.parameters["random_state"])

    @cached_property
    def seeds_on_all(self) -> list[Host]:
        """Return seeds of all rows, drawn once, for numbers of segments above the pilot's distinct rows."""
        return self._seeds_on(self.run)

    def solution(self, k: int) -> Solution:
        """Return the best end found for ``k`` on all rows."""
        few = min(len(seed) for seed in self.seeds) < k
        starts = [seed[:k] for seed in (self.seeds_on_all if few else self.seeds)]
        if len(starts[0]) < k:  # every distinct row is in a start: all starts are alike
            starts = starts[:1]
        if few or self.pilot is self.run:
            return _best(self.run.solve(starts))
        early = _finalists(self.pilot.solve(starts, max_iter=EARLY), most=GO_ON, close=np.inf)
        ends = _finalists(self.pilot.solve([end.centers for end in early]), most=FINALISTS, close=CLOSE)
        shift = self.pilot.data.offset - self.run.data.offset
        return _best(self.run.solve([end.centers + shift for end in ends]))

    def model(self, k: int, solution: Solution) -> KMeans:
        """Return the model of a solution."""
        return KMeans(k, **self.parameters).adopt(self.run, solution)


def _check_names(parameters: Iterable[str]) -> None:
    """Raise InvalidInput for a parameter that KMeans does not have, or that is an argument here."""
    allowed = sorted(set(KMeans().get_params(deep=False)) - set(OWN))
    for name in parameters:
        if name not in allowed:
            raise unknown("parameter", name, allowed)


def _best(ends: Sequence[Solution]) -> Solution:
    return min(ends, key=lambda end: end.inertia)


def _finalists(ends: Sequence[Solution], *, most: int, close: float) -> list[Solution]:
    """Return the best ends that differ, within ``close`` times the inertia of the best."""
    ordered = sorted(ends, key=lambda end: end.inertia)
    taken = ordered[:1]
    for end in ordered[1:]:
        if end.inertia > close * taken[0].inertia or len(taken) == most:
            break
        if end.inertia > (1 + SAME) * taken[-1].inertia:
            taken.append(end)
    return taken


def _plain(model: KMeans) -> Candidate:
    """Return what a model says of its k, without a silhouette."""
    found = Dispersion(
        model.cluster_centers_, model.segment_weight_, model.mean_distance_, model.inertia_, model.total_inertia_
    )
    indices = [value if np.isfinite(value) else None for value in (variance_ratio(found), worst_ratio(found))]
    return Candidate(len(found.weights), found.within, None, None, *indices)


def _with_score(candidate: Candidate, score: Score | None) -> Candidate:
    if score is None:
        return candidate
    return candidate._replace(silhouette=score.mean, standard_error=score.standard_error)
