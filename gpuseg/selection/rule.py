"""Which number of segments is recommended, and the sentence that says why."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.metrics import Score
from gpuseg.selection.choice import Candidate


class Scored(NamedTuple):
    """A candidate, its score, and the silhouettes of the rows it was scored on."""

    candidate: Candidate
    score: Score
    values: Host


def recommended(scored: Sequence[Scored], *, last: int | None) -> tuple[Scored, str]:
    """Return the fewest segments whose silhouette the data do not tell from the best one's, and why in a sentence.

    Told from the best: the mean of the rows' differences is more than its standard error. The rows are the same
    for every k, so that this error is far below that of a score alone. ``scored`` is in order of k. ``last`` is the
    largest k that was tried; None where a larger one cannot do better.
    """
    best = max(scored, key=lambda one: one.score.mean)
    taken = next(one for one in scored if not _worse(one.values, best.values))
    k, score = taken.candidate.k, taken.score
    found = f"silhouette {score.mean:.3f} ± {score.standard_error:.3f} on {score.rows:,} rows"
    start = f"{k} segments have the highest {found}"
    if taken is not best:
        start = (
            f"{k} segments are the fewest that the rows do not tell from the best, {best.candidate.k} with "
            f"{best.score.mean:.3f}: {found}"
        )
    return taken, "; ".join([start, *_others(taken, scored), *_end(best.candidate.k, last)])


def _worse(values: Host, best: Host) -> bool:
    """Return whether the rows' silhouettes fall short of the best ones by more than a standard error."""
    short = best - values
    return bool(short.mean() > short.std() / np.sqrt(len(short)))


def _others(taken: Scored, scored: Sequence[Scored]) -> list[str]:
    """Return what the other two indices say, where more than one k was scored."""
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
    agree = [name for name, k in found.items() if k == taken.candidate.k]
    words = [f"{name} says {k}" for name, k in found.items() if name not in agree]
    if agree:
        words.insert(0, f"{' and '.join(agree)} agree{'s' * (len(agree) == 1)}")
    return [", ".join(words)] if words else []


def _end(best: int, last: int | None) -> list[str]:
    """Return a warning where the best is the end of the range, so that a larger k may be better still."""
    # Two is the smallest choice there is: a range of it alone is no end to speak of.
    end = best == last and best > 2  # noqa: PLR2004
    return ["the best is the last of those tried: a wider k range may do better"] if end else []
