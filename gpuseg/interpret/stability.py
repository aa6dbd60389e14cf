"""How stable the segments of a fit are: whether they are found again in resampled customers (Hennig 2007)."""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.cluster import Clusterer, KMeans
from gpuseg.errors import FewerSegments
from gpuseg.neighbors.sample import sample_rows
from gpuseg.selection.stability import DISTINCT, ROWS, RUNS, sampled_runs, stability_of, stability_of_k_means

SEED = 0
"""The seed of the resamples."""


class Stable(NamedTuple):
    """A segment, its mean Jaccard similarity to its best match, None where not known, and of how many resamples."""

    segment: int
    jaccard: float | None
    runs: int


def stable_segments(model: Clusterer, matrix: Host, segments: Host, customers: int) -> list[Stable]:
    """Return how stable each segment of a fitted algorithm is, by fits of resampled rows, of at most ROWS.

    ``matrix``: a random sample of the rows, as the algorithm took them; ``segments``: theirs, -1 for noise;
    ``customers``: how many the sample stands for. Parameters that count rows are scaled to the resamples.
    """
    numbers = [number for number in np.unique(segments).tolist() if number >= 0]
    if not numbers:
        return []
    picked = sample_rows(len(matrix), ROWS, SEED)
    if isinstance(model, KMeans):
        place = np.where(segments < 0, -1, np.searchsorted(numbers, segments))
        found = stability_of_k_means(sampled_runs(matrix, SEED), place, len(numbers), lost=0.0)
    else:
        twin = model.twin(DISTINCT * len(picked) / customers)
        fit = partial(_fit, twin)
        found = stability_of(fit, matrix[picked], segments[picked], numbers, seed=SEED, lost=0.0)
    values = [None if np.isnan(value) else float(value) for value in found]
    return [Stable(number, value, RUNS) for number, value in zip(numbers, values, strict=True)]


def undivided(segments: Host, into: Mapping[int, Sequence[int]]) -> Host:
    """Return segments as they were before any was split; ``into``: the parts of each, a segment before its parts.

    >>> undivided(np.array([0, 3, 4, -1]), {1: [2, 3], 2: [4, 5]})
    array([ 0,  1,  1, -1])
    """
    above: dict[int, int] = {}
    for segment, parts in into.items():
        above |= dict.fromkeys(parts, above.get(segment, segment))
    return np.array([above.get(number, number) for number in segments.tolist()], dtype=np.int64)


def divided(
    rows: Sequence[dict[str, Any]], into: Mapping[int, Sequence[int]], inside: Mapping[int, Sequence[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return a row a segment, by its number, parts in place of those that were split.

    ``inside``: the rows of the parts of each, numbered from 0 among themselves.
    """
    found = {row["segment"]: row for row in rows}
    for segment, parts in into.items():
        found.pop(segment, None)
        found |= {parts[row["segment"]]: {**row, "segment": parts[row["segment"]]} for row in inside[segment]}
    return [found[number] for number in sorted(found)]


def _fit(twin: Any, _: int, rows: Array) -> Host:
    """Return the segments that an algorithm finds among a few rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewerSegments)  # a resample may have fewer distinct rows
        return to_host(twin.fit(rows).labels_)
