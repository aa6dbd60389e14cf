"""From segments of each number to a choice: all are weighed on one sample of the rows, whoever made them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.errors import InvalidInput
from gpuseg.metrics import Score, Silhouettes
from gpuseg.neighbors.sample import rows_of, sample_rows
from gpuseg.selection import separability as trees
from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.gap import gap_statistic
from gpuseg.selection.limits import lacking
from gpuseg.selection.rule import Scored, Stability, recommended
from gpuseg.selection.terms import Terms


class Tried(NamedTuple):
    """What is kept of a number of segments: what it gives, the segments of the sampled rows, and its stability.

    ``candidate`` has what all rows say; ``joined``: who are in one segment and must not be. ``stability()`` gives
    that of each segment, by its number among ``labels``.
    """

    candidate: Candidate
    labels: Host
    joined: str | None
    stability: Callable[[], Host]


class Decided(NamedTuple):
    """A choice, its score, and the stability of each segment, by its number among the labels of the sample."""

    choice: KChoice
    score: Score
    stability: Host | None


def decided(
    sample: Array | None,
    tries: Mapping[int, Tried],
    values: Sequence[Silhouettes | None],
    terms: Terms,
    *,
    seed: int,
    last: int | None,
) -> Decided:
    """Return which of the numbers tried, in rising order, is recommended.

    ``values``: the silhouettes of the sampled rows under each. ``sample``: these rows, for what trees and references
    say; None where their columns are no amounts: then the silhouette alone decides. ``last``: as ``recommended``
    takes it.
    """
    known: dict[int, Host] = {}

    def stability(k: int) -> Host:
        if k not in known:
            known[k] = tries[k].stability()
        return known[k]

    scored = _scored(tries, values, terms.min_share)
    if not scored:
        raise InvalidInput(
            f"no k in {list(tries)} has two segments among the rows scored; try k above 1, or a number of your own"
        )
    if sample is not None:
        scored = _told_by_trees(scored, tries, sample, terms, seed)
        scored = _with_gaps(scored, sample, terms, seed)
    asked = _asked(terms, tries, stability)
    # Combinations of categories are found again however many segments there are: of codes, stability is told alone.
    taken, reason = recommended(scored, None if sample is None else asked, last=last)
    if asked:
        asked(taken.candidate.k)
    if taken.candidate.k == terms.max_segments:
        reason = f"{reason}; max_segments={terms.max_segments} allows no more"
    told = {one.candidate.k: one.candidate for one in scored}
    candidates = [told.get(k, one.candidate) for k, one in tries.items()]
    return Decided(
        KChoice(taken.candidate.k, reason, [_with_stability(one, known.get(one.k)) for one in candidates]),
        taken.score,
        known.get(taken.candidate.k),
    )


def in_order(stability: Host | None, order: Sequence[int]) -> tuple[float | None, ...]:
    """Return the stability of segments in another order of theirs; nothing where it is not known.

    >>> in_order(np.array([0.5, np.nan]), [1, 0]), in_order(None, [0])
    ((None, 0.5), ())
    """
    if stability is None:
        return ()
    return tuple(None if np.isnan(stability[at]) else float(stability[at]) for at in order)


def _asked(terms: Terms, tries: Mapping[int, Tried], stability: Stability) -> Stability | None:
    """Return what gives the stability, where it is asked for: worked out already where that of every k is."""
    if "stability" not in terms.criteria:
        return None
    if terms.every:
        for k in tries:
            stability(k)
    return stability


def _scored(tries: Mapping[int, Tried], values: Sequence[Silhouettes | None], min_share: float | None) -> list[Scored]:
    found = []
    for one, of in zip(tries.values(), values, strict=True):
        if of is not None:
            score = of.score
            candidate = one.candidate._replace(silhouette=score.mean, standard_error=score.standard_error)
            found.append(Scored(candidate, score, of.values, lacking(min_share, candidate.smallest_share, one.joined)))
    return found


def _told_by_trees(
    scored: Sequence[Scored], tries: Mapping[int, Tried], sample: Array, terms: Terms, seed: int
) -> list[Scored]:
    if "separability" not in terms.criteria:
        return list(scored)
    picked = sample_rows(sample.shape[0], trees.ROWS, seed)
    x, found = to_host(rows_of(sample, picked)), []
    for one in scored:
        told = trees.separability(x, tries[one.candidate.k].labels[picked])
        found.append(one._replace(candidate=one.candidate._replace(separability=told)))
    return found


def _with_gaps(scored: Sequence[Scored], sample: Array, terms: Terms, seed: int) -> list[Scored]:
    if "gap" not in terms.criteria:
        return list(scored)
    gaps = gap_statistic(to_host(sample), [one.candidate.k for one in scored], seed)
    found = [(one, gaps[one.candidate.k]) for one in scored]
    return [one._replace(candidate=one.candidate._replace(gap=of.gap, gap_error=of.error)) for one, of in found]


def _with_stability(one: Candidate, values: Host | None) -> Candidate:
    if values is None or np.all(np.isnan(values)):
        return one
    return one._replace(stability=float(np.nanmean(values)), least_stability=float(np.nanmin(values)))
