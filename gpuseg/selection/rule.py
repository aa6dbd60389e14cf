"""Which number of segments is recommended, and the sentence that says why.

How it was found: by experiment on 96 simulated sets of 2 to 12 crowds (alike, of unlike sizes, of unlike widths,
stretched, skewed, in groups, with a background, beside as many features of noise) and 36 simulated shops, half of them
with decoys, in k = 2..18 and 2..12. Of the sets the rule is right on 82, the fewest within one standard error of the
largest silhouette on 60 and the largest on 59; all are right on the shops. On 96 new sets it is right on 85, those on
58 and 61. The bound of a stable segment is Hennig's, and not fitted; of what is near, 10 and 12 percent were alike, and
5 and 8 a little worse. The silhouette leaves the true number out by a few percent at most, where crowds are near to
each other, and one segment more than the true number is seldom stable.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput
from gpuseg.metrics import Score
from gpuseg.selection.choice import Candidate

STABLE = 0.75
"""The Jaccard similarity from which Hennig 2007 calls a segment valid."""
NEAR = 0.9
"""The share of the highest silhouette from which another is near to it."""
Stability = Callable[[int], Host]
"""What gives the stability of each segment of a number of segments; NaN where it is not known: too few rows."""


class Scored(NamedTuple):
    """A candidate, its score, the silhouettes of the rows it was scored on, and what it lacks of the limits, if any."""

    candidate: Candidate
    score: Score
    values: Host
    lacks: str | None = None


def recommended(
    scored: Sequence[Scored], stability: Stability | None = None, *, last: int | None
) -> tuple[Scored, str]:
    """Return the candidate that is recommended of those that meet the limits, and why in a sentence.

    It is the one of the most segments that are all stable, among those whose silhouette is near to the highest; where
    none of them is stable, the one of the highest product of silhouette and mean stability. Without ``stability``, of
    the fewest segments whose silhouette the rows do not tell from the best one's: the mean of the rows' differences is
    at most its standard error. ``scored`` is in order of k. ``last`` is the largest k that was tried; None where a
    larger one cannot do better. Raises InvalidInput where no candidate meets the limits.
    """
    meeting = [one for one in scored if one.lacks is None]
    if not meeting:
        best = _highest(scored)
        raise InvalidInput(
            f"no number of segments meets the limits: the best, {best.candidate.k}, has {best.lacks}; loosen that "
            "limit, or give another k_range"
        )
    best = _highest(meeting)
    taken, start = _of_silhouette(meeting, best) if stability is None else _of_stability(meeting, best, stability)
    return taken, "; ".join([start, *_others(taken, scored), *_lost(best, scored), *_end(taken, scored, last)])


def found_stable(values: Host) -> bool:
    """Return whether each segment is known to be stable."""
    return bool(np.all(values >= STABLE))  # NaN is not


def _highest(scored: Sequence[Scored]) -> Scored:
    return max(scored, key=lambda one: one.score.mean)


def _words(one: Scored) -> str:
    score = one.score
    return f"silhouette {score.mean:.3f} ± {score.standard_error:.3f} on {score.rows:,} rows"


def _of_silhouette(scored: Sequence[Scored], best: Scored) -> tuple[Scored, str]:
    taken = next(one for one in scored if not _worse(one.values, best.values))
    if taken is best:
        return taken, f"{taken.candidate.k} segments have the highest {_words(taken)}"
    return taken, (
        f"{taken.candidate.k} segments are the fewest that the rows do not tell from the best, {best.candidate.k} with "
        f"{best.score.mean:.3f}: {_words(taken)}"
    )


def _of_stability(scored: Sequence[Scored], best: Scored, stability: Stability) -> tuple[Scored, str]:
    near = [one for one in scored if one is best or one.score.mean >= NEAR * best.score.mean > 0]
    for one in reversed(near):
        if found_stable(values := stability(one.candidate.k)):
            k, least = one.candidate.k, np.nanmin(values)
            if one is best:
                return one, f"{k} segments have the highest {_words(one)}, and all are stable (Jaccard {least:.2f} up)"
            return one, (
                f"{k} segments are the most that are all stable (Jaccard {least:.2f} up) with a silhouette near to the "
                f"highest, {best.score.mean:.3f} of {best.candidate.k}: {_words(one)}"
            )
    taken = _by_product(scored, stability)
    k, mean = taken.candidate.k, _mean(stability(taken.candidate.k))
    told = f"the highest {_words(taken)}" if taken is best else f"the best of both, {_words(taken)}"
    lost = f"none near the highest silhouette is stable: resampled rows give others (mean Jaccard {mean:.2f})"
    return taken, f"{k} segments have {told}, but {lost}"


def _by_product(scored: Sequence[Scored], stability: Stability) -> Scored:
    """Return the candidate of the highest product; one whose silhouette is below a product need not be asked for."""
    taken, most = None, -np.inf
    for one in sorted(scored, key=lambda one: -one.score.mean):
        if one.score.mean <= most:
            break
        # A silhouette below 0 does not get better by being unstable.
        product = one.score.mean * (_mean(stability(one.candidate.k)) if one.score.mean > 0 else 1.0)
        if product > most:
            taken, most = one, product
    return taken or scored[0]


def _mean(values: Host) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _worse(values: Host, best: Host) -> bool:
    """Return whether the rows' silhouettes fall short of the best ones by more than a standard error."""
    short = best - values
    return bool(short.mean() > short.std() / np.sqrt(len(short)))


def _others(taken: Scored, scored: Sequence[Scored]) -> list[str]:
    """Return what the other indices say, where more than one k was scored."""
    if len(scored) < 2:  # noqa: PLR2004 - nothing to compare
        return []
    candidates = [one.candidate for one in scored]
    ratios = [(c.calinski_harabasz, c.k) for c in candidates if c.calinski_harabasz is not None]
    worst = [(c.davies_bouldin, c.k) for c in candidates if c.davies_bouldin is not None]
    found: dict[str, int] = {}
    if len(ratios) == len(candidates):  # one that is not defined may be infinite, which is the best
        found["Calinski-Harabasz"] = max(ratios)[1]
    if worst:
        found["Davies-Bouldin"] = min(worst)[1]
    if (by_gap := _by_gap(candidates)) is not None:
        found["the gap"] = by_gap
    words = []
    for k in sorted(set(found.values()), key=lambda k: (k != taken.candidate.k, k)):
        names = [name for name in found if found[name] == k]
        one, who = len(names) == 1, " and ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)
        said = f"agree{'s' * one}" if k == taken.candidate.k else f"say{'s' * one} {k}"
        words.append(f"{who} {said}")
    return [", ".join(words)] if words else []


def _by_gap(candidates: Sequence[Candidate]) -> int | None:
    """Return the fewest segments whose gap is at least the next one's less its error, else those of the largest."""
    known = [(c.k, c.gap, c.gap_error) for c in candidates if c.gap is not None and c.gap_error is not None]
    if len(known) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    for (k, gap, _), (_, following, error) in itertools.pairwise(known):
        if gap >= following - error:
            return k
    return max(known, key=lambda one: one[1])[0]


def _lost(best: Scored, scored: Sequence[Scored]) -> list[str]:
    """Return what a limit cost: the number of the highest silhouette, and what it lacks."""
    highest = _highest(scored)
    if highest is best:
        return []
    return [f"{highest.candidate.k} would have a higher silhouette, {highest.score.mean:.3f}, and has {highest.lacks}"]


def _end(taken: Scored, scored: Sequence[Scored], last: int | None) -> list[str]:
    """Return a warning where the best is the end of the range, so that a larger k may be better still."""
    # Two is the smallest choice there is: a range of it alone is no end to speak of.
    end = taken is _highest(scored) and taken.candidate.k == last and last > 2  # noqa: PLR2004
    return ["the best is the last of those tried: a wider k range may do better"] if end else []
