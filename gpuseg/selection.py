"""How many segments: k-means at each k, judged by one sample's silhouettes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, to_host
from gpuseg.cluster import KMeans
from gpuseg.errors import InvalidInput
from gpuseg.metrics import SAMPLE, Score, sample_rows, silhouettes
from gpuseg.progress import bar


class Candidate(NamedTuple):
    """What one number of segments gives: inertia, and the silhouette with its standard error."""

    k: int
    inertia: float
    silhouette: float
    standard_error: float


class Chosen(NamedTuple):
    """The candidates in order of k, the one taken, why, and its fitted model."""

    candidates: list[Candidate]
    k: int
    reason: str
    model: KMeans


def choose_n_clusters(
    x: Array, k_range: Sequence[int], *, random_state: int = 0, sample_size: int = SAMPLE, **parameters: Any
) -> Chosen:
    """Return the smallest k whose sampled silhouette is within one standard error of the best.

    ``x``: (n_samples, n_features); ``parameters`` go to KMeans. All k are scored on the same rows.
    Raises InvalidInput where no k can be tried.
    """
    models = [KMeans(k, random_state=random_state, **parameters).fit(x) for k in bar(k_range, "k")]
    xp = array_namespace(x)
    picked = sample_rows(x.shape[0], sample_size, random_state)
    sample = xp.take(x, xp.asarray(picked, device=device(x)), axis=0)
    scores = silhouettes(sample, [to_host(model.labels_)[picked] for model in models])
    scored = [(m, s) for m, s in zip(models, scores, strict=True) if s is not None]
    if not scored:
        raise InvalidInput(f"no number of segments in {list(k_range)} could be scored; give k_range above 1")
    model, reason = _taken(scored)
    candidates = [Candidate(int(m.n_clusters), m.inertia_, s.mean, s.standard_error) for m, s in scored]
    return Chosen(candidates, int(model.n_clusters), reason, model)


def _taken(scored: Sequence[tuple[KMeans, Score]]) -> tuple[KMeans, str]:
    """Return the model of the smallest k within one standard error of the best, and why in a sentence."""
    best_model, best = scored[int(np.argmax([score.mean for _, score in scored]))]
    model, score = next((m, s) for m, s in scored if s.mean >= best.mean - best.standard_error)
    found = f"silhouette {score.mean:.3f} +- {score.standard_error:.3f} on {score.rows} rows"
    if model is best_model:
        return model, f"{model.n_clusters} segments have the highest {found}"
    return model, (
        f"{model.n_clusters} segments are the fewest within a standard error ({best.standard_error:.3f}) of the best, "
        f"{best_model.n_clusters} with {best.mean:.3f}: {found}"
    )
