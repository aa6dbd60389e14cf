"""How many segments: k-means at each k, judged by one sample's silhouettes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, to_host
from gpuseg.cluster import KMeans
from gpuseg.errors import InvalidInput
from gpuseg.metrics import SAMPLE, Score, sampled_silhouettes
from gpuseg.progress import bar


class Candidate(NamedTuple):
    """What one number of segments gives: inertia, and the silhouette with its standard error."""

    k: int
    inertia: float
    silhouette: float
    standard_error: float


class KChoice(NamedTuple):
    """The number of segments, why in a sentence, and what was tried; nothing was where k was given."""

    k: int
    reason: str
    candidates: list[Candidate]


class Chosen(NamedTuple):
    """A choice of k, its fitted model, and that model's score."""

    choice: KChoice
    model: KMeans
    score: Score


def choose_k(
    x: Array, k_range: Sequence[int], *, random_state: int = 0, sample_size: int = SAMPLE, **parameters: Any
) -> Chosen:
    """Return the smallest k whose sampled silhouette is within one standard error of the best, with its model.

    ``x``: (n_samples, n_features); ``parameters`` go to KMeans. All k are scored on the same rows; a k of
    which the sample shows one segment only is no candidate. Raises InvalidInput where no k is one.
    """
    models = [KMeans(k, random_state=random_state, **parameters).fit(x) for k in bar(k_range, "k")]
    labels = [to_host(model.labels_) for model in models]
    scores = sampled_silhouettes(x, labels, sample_size=sample_size, random_state=random_state)
    scored = [(m, s) for m, s in zip(models, scores, strict=True) if s is not None]
    if not scored:
        raise InvalidInput(
            f"no k in {list(k_range)} has two segments among the rows scored; try k above 1, or a number of your own"
        )
    model, score, reason = _taken(scored, last=max(k_range))
    candidates = [Candidate(int(m.n_clusters), m.inertia_, s.mean, s.standard_error) for m, s in scored]
    return Chosen(KChoice(int(model.n_clusters), reason, candidates), model, score)


def _taken(scored: Sequence[tuple[KMeans, Score]], *, last: int) -> tuple[KMeans, Score, str]:
    """Return model and score of the smallest k within one standard error of the best, and why in a sentence."""
    best_model, best = scored[int(np.argmax([score.mean for _, score in scored]))]
    model, score = next((m, s) for m, s in scored if s.mean >= best.mean - best.standard_error)
    found = f"silhouette {score.mean:.3f} +- {score.standard_error:.3f} on {score.rows} rows"
    end = ", the last of those tried: a wider k range may do better" if best_model.n_clusters == last > 2 else ""  # noqa: PLR2004
    if model is best_model:
        return model, score, f"{model.n_clusters} segments have the highest {found}{end}"
    reason = (
        f"{model.n_clusters} segments are the fewest within a standard error ({best.standard_error:.3f}) of the best, "
        f"{best_model.n_clusters} with {best.mean:.3f}: {found}{end}"
    )
    return model, score, reason
