"""Algorithms other than k-means at each number of segments, and the choice among them, in their own distance.

A tree is fitted once and cut for each number; what has no tree is fitted to a sample for each.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gpuseg._estimator import seed_of
from gpuseg.backends import Host, to_host
from gpuseg.cluster import Clusterer, KMeans
from gpuseg.errors import FewerSegments, unknown
from gpuseg.metrics import Distances, calinski_harabasz, davies_bouldin, silhouettes
from gpuseg.neighbors.sample import sample_rows
from gpuseg.progress import bar
from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.decide import Tried, decided, in_order
from gpuseg.selection.limits import Separation, separation_of, within
from gpuseg.selection.stability import ROWS, stability_of
from gpuseg.selection.terms import Terms

PILOT = 3000
"""Rows that numbers of segments are tried on and a model is scored on.

Each number is a fit, distances of categories take longer than products, and so many rows err by less than 0.01.
"""


class Taken(NamedTuple):
    """A choice, and the tree that it was made with, cut at its number; None where a fit of all rows is to come."""

    choice: KChoice
    model: Clusterer | None


class Way(NamedTuple):
    """What is particular to an algorithm: the distances of the sampled rows, and the attribute that is its loss.

    ``distances``: f(model, rows) or None for Euclidean; ``loss``: None for the inertia about the means.
    ``amounts``: whether all columns are amounts, of which means and trees tell something.
    """

    distances: Callable[[Any, Host], Distances] | None = None
    loss: str | None = None
    amounts: bool = True


EUCLIDEAN = Way()


def chosen(
    x: Any,
    algorithm: type[Clusterer],
    ks: Sequence[int],
    *,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    terms: Terms,
    way: Way = EUCLIDEAN,
) -> Taken:
    """Return the number of segments by the algorithm's own fits, scored on PILOT rows in its own distance.

    ``x``: as the algorithm takes it; ``shared``: backend, engine and random_state; ``own``: its other parameters.
    """
    seed, allowed = seed_of(shared["random_state"]), sorted(within(ks, terms.checked().max_segments))
    pilot = sample_of(x, PILOT, shared)
    distinct = len(np.unique(pilot, axis=0))
    allowed = [k for k in allowed if k <= distinct] or [distinct]
    fit = partial(made, algorithm, shared={**shared, "engine": "auto"}, own=own)
    models = _cuts(made(algorithm, allowed[-1], shared=shared, own=own), x, allowed) or _fits(fit, pilot, allowed)
    asked = _separation(x, terms, shared)
    tries = _tries(models, pilot, way, asked, _Again(fit, pilot, allowed[-1], seed))
    values = silhouettes(
        pilot,
        [one.labels for one in tries.values()],
        distances=way.distances and way.distances(next(iter(models.values())), pilot),
    )
    last = None if len(allowed) < len(list(ks)) else max(ks)
    found = decided(pilot if way.amounts else None, tries, values, terms, seed=seed, last=last)
    reason = f"{found.choice.reason} (by {algorithm.__name__.lower()} itself{', in its own distance' * bool(way.loss)})"
    model = models[found.choice.k]
    order = range(len(model.segment_weight_))
    choice = found.choice._replace(reason=reason, stability=in_order(found.stability, order))
    return Taken(choice, model if hasattr(model, "cut") else None)


def made(
    algorithm: type[Clusterer], n_clusters: int | None, *, shared: Mapping[str, Any], own: Mapping[str, Any]
) -> Any:
    """Return an algorithm, told its number of segments if any; raise InvalidInput for a parameter that it has not."""
    names = algorithm().get_params(deep=False)
    for name in own:
        if name not in names:
            raise unknown("parameter", name, sorted(names))
    given = {**shared, **own, "n_clusters": n_clusters}
    return algorithm(**{name: value for name, value in given.items() if name in names})


def sample_of(x: Any, rows: int, shared: Mapping[str, Any]) -> Host:
    """Return a random sample of rows in this process, the same wherever the rows are."""
    run = KMeans(1, backend=shared["backend"], engine=shared["engine"]).prepare(x)
    return to_host(run.sample(rows, seed_of(shared["random_state"])))


def labels_by(model: Any, rows: Host) -> Host:
    """Return the segments of rows in this process, of a model that may have been fitted elsewhere."""
    return to_host(type(model).from_state(model.state()).predict(rows))


def _cuts(model: Any, x: Any, ks: Sequence[int]) -> dict[int, Any]:
    """Return the cuts of a tree that is fitted once, by the number of segments made; nothing of what is no tree."""
    if not hasattr(model, "cut"):
        return {}
    tree = _quietly(lambda: model.fit(x))
    found: dict[int, Any] = {}
    for k in ks:
        cut = tree.cut(n_clusters=k) if k <= len(tree.segment_weight_) else tree
        found.setdefault(len(cut.segment_weight_), cut)
    return dict(sorted(found.items()))


def _fits(fit: Callable[[int], Any], pilot: Host, ks: Sequence[int]) -> dict[int, Any]:
    """Return fits of a sample, by the number of segments made."""
    found: dict[int, Any] = {}
    for k in bar(ks, "k"):
        model = _quietly(partial(_fitted, fit, k, pilot))
        found.setdefault(len(model.segment_weight_), model)
    return dict(sorted(found.items()))


def _fitted(fit: Callable[[int], Any], k: int, rows: Host) -> Any:
    return fit(k).fit(rows)


def _quietly(fitted: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewerSegments)  # fewer segments are a candidate of their own number
        return fitted()


def _separation(x: Any, terms: Terms, shared: Mapping[str, Any]) -> Separation | None:
    if terms.must_separate is None or isinstance(terms.must_separate, Separation):
        return terms.must_separate
    work = KMeans(1, backend=shared["backend"], engine=shared["engine"]).prepare(x).work
    return separation_of(work.engine, work.blocks.sizes, terms.must_separate, seed_of(shared["random_state"]))


def _tries(
    models: Mapping[int, Any],
    pilot: Host,
    way: Way,
    separation: Separation | None,
    again: "_Again",
) -> dict[int, Tried]:
    found = {}
    for k, model in models.items():
        labels = labels_by(model, pilot)
        joined = separation and separation.joined(labels_by(model, separation.x))
        found[k] = Tried(_candidate(k, model, pilot, labels, way), labels, joined, partial(again.stability, labels, k))
    return found


def _candidate(k: int, model: Any, pilot: Host, labels: Host, way: Way) -> Candidate:
    """Return what the sampled rows say of segments but for their silhouette; the shares are those of the fit."""
    share = float(np.min(model.segment_weight_) / np.sum(model.segment_weight_))
    if way.loss is not None:
        return Candidate(k, float(getattr(model, way.loss)), None, None, None, None, smallest_share=share)
    inertia = sum(float(np.sum((rows - rows.mean(axis=0)) ** 2)) for rows in _parts(pilot, labels))
    ratio, worst = (_index(of, pilot, labels) for of in (calinski_harabasz, davies_bouldin))
    return Candidate(k, inertia, None, None, ratio, worst, smallest_share=share)


def _index(of: Callable[[Host, Host], float], pilot: Host, labels: Host) -> float | None:
    """Return an index of segments, None where it is not defined."""
    value = of(pilot, labels) if len(np.unique(labels)) > 1 else np.nan
    return value if np.isfinite(value) else None


def _parts(rows: Host, labels: Host) -> list[Host]:
    return [rows[labels == label] for label in np.unique(labels)]


class _Again:
    """Fits of resamples of at most ROWS of the sampled rows; a tree is fitted once to each, and cut for every k."""

    def __init__(self, fit: Callable[[int], Any], pilot: Host, most: int, seed: int) -> None:
        self.fit, self.most, self.seed = fit, most, seed
        self.picked = sample_rows(len(pilot), ROWS, seed)
        self.x = pilot[self.picked]
        self.trees: dict[int, Any] = {}

    def stability(self, labels: Host, k: int) -> Host:
        """Return the stability of k segments, which the sampled rows have as ``labels``."""
        return stability_of(partial(self._labels, k), self.x, labels[self.picked], range(k), seed=self.seed)

    def _labels(self, k: int, run: int, rows: Host) -> Host:
        if run not in self.trees:
            wanted = self.most if hasattr(self.fit(k), "cut") else k
            model = _quietly(partial(_fitted, self.fit, min(wanted, len(rows)), rows))
            if wanted == k:
                return to_host(model.labels_)
            self.trees[run] = model
        tree = self.trees[run]
        return to_host(tree.cut(n_clusters=min(k, len(tree.segment_weight_))).labels_)
