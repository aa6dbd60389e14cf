"""The upper part of a tree of merges as plain values: branches of many customers, none of which is a person."""

from typing import Any

import numpy as np

from gpuseg.settings import MIN_REPORT_SIZE

BRANCHES = 30
"""Branches that a picture as wide as a page has room for."""


def upper_tree(model: Any, *, last: int = BRANCHES, least: int = MIN_REPORT_SIZE) -> dict[str, Any] | None:
    """Return the last merges of a fitted model's tree, aggregated: None where it has none.

    ``merges``: (branches - 1) pairs of cluster numbers with the height of each, as in SciPy's linkage: 0 to
    ``branches - 1`` are the branches, later ones the merges in their order. ``segment`` of each cluster, -1 where it
    holds several; ``customers`` of each, None where there are fewer than ``least``. ``last`` is raised to the number
    of segments.

    >>> from gpuseg.cluster import Agglomerative
    >>> model = Agglomerative(2).fit(np.array([[0.0], [1.0], [5.0], [7.0]]))
    >>> upper_tree(model, last=2, least=2)
    {'merges': [[0, 1, 7.77...]], 'segment': [0, 1, -1], 'customers': [2, 2, 4], 'n_clusters': 2}
    """
    linkage = getattr(model, "linkage_", None)
    if linkage is None or not len(linkage):
        return None
    leaves, segment, weight = len(linkage) + 1, *clusters_of(model)
    branches = min(max(last, int(model.n_clusters_)), leaves)
    first = 2 * leaves - branches
    kept = np.arange(first, 2 * leaves - 1)
    below = np.setdiff1d(linkage[kept - leaves, :2].astype(int).ravel(), kept)
    order = np.concatenate([below, kept])
    number = {int(old): new for new, old in enumerate(order.tolist())}
    return {
        "merges": [[number[int(a)], number[int(b)], float(h)] for a, b, h in linkage[kept - leaves, :3].tolist()],
        "segment": segment[order].tolist(),
        "customers": [round(count) if count >= least else None for count in weight[order].tolist()],
        "n_clusters": int(model.n_clusters_),
    }


def clusters_of(model: Any) -> tuple[Any, Any]:
    """Return the segment of each cluster of a tree, -1 where it holds several, and what each weighs: leaves first."""
    segment = model.point_segments_[model.leaf_points_].tolist()
    for one, other in model.linkage_[:, :2].astype(int).tolist():
        segment.append(segment[one] if segment[one] == segment[other] else -1)
    return np.array(segment), np.concatenate([model.leaf_weight_, model.linkage_[:, 3]])
