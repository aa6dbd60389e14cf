"""Trees of merges on the CPU: agglomerative linkages and DIANA, by our own loops; Numba is loaded at the first fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gpuseg.backends._protocol import Fit, Host


def fit_agglomerative(rows: Host, *, weight: Host, spread: Host, linkage: str, metric: str) -> Mapping[str, Any]:
    """Return the tree of weighted points: ``children`` (m - 1, 2) and ``heights``, rising.

    m + t is what merge t makes. ``spread`` is of use to average linkage. "precomputed": ``rows`` is (m, m).
    """
    from gpuseg.backends import _cpu_chain, _cpu_pairs, _cpu_prim

    counted = spread if linkage == "average" else np.zeros_like(spread)
    space, scale = _space(rows, counted, metric)
    if linkage == "single":
        edges, heights = _cpu_prim.spanning_tree(space)
        order = np.argsort(heights, kind="stable")
        return {"children": _cpu_prim.merges(edges[order]), "heights": heights[order] * scale}
    mass, no_cells, no_centers = weight.astype(np.float64), np.empty(0), np.empty((0, len(rows)))
    if linkage == "ward":
        pairs, heights = _cpu_chain.chain_tree(no_cells, space.columns, mass, _cpu_chain.WARD)
        return _rising(pairs, np.sqrt(2 * heights) * scale)
    code = _cpu_chain.COMPLETE if linkage == "complete" else _cpu_chain.AVERAGE
    pairs, heights = _cpu_chain.chain_tree(_cpu_pairs.triangle(space), no_centers, mass, code)
    return _rising(pairs, heights * scale)


def fit_diana(rows: Host, *, weight: Host, spread: Host, metric: str) -> Mapping[str, Any]:
    """Return the tree of splits of weighted points, read from its end: as ``fit_agglomerative``."""
    from gpuseg.backends import _cpu_diana

    space, scale = _space(rows, spread, metric)
    pairs, heights = _cpu_diana.division_tree(space, weight.astype(np.float64))
    return _rising(pairs, heights * scale)


def _space(rows: Host, spread: Host, metric: str) -> tuple[Any, float]:
    """Return the points as the loops take them, and what their dissimilarities are to be multiplied with."""
    from gpuseg.backends import _cpu_pairs as pairs

    numbers, empty = np.arange(len(rows)), np.empty((0, len(rows)))
    if metric == "precomputed":
        return pairs.Space(empty, np.zeros(len(rows)), numbers, np.ascontiguousarray(rows), pairs.GIVEN), 1.0
    if metric == "cosine":
        rows = rows / np.max(np.abs(rows), axis=1, keepdims=True)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    # By a power of two, which rounds nothing: no square of a difference that counts is too small to be held.
    scale = float(np.exp2(np.frexp(np.max(np.abs(rows), initial=0.0))[1]))
    if metric == "cosine":
        scale = 1.0
    columns = np.ascontiguousarray(rows.T) / scale
    code = {"euclidean": pairs.EUCLIDEAN, "manhattan": pairs.MANHATTAN, "cosine": pairs.HALF_SQUARED}[metric]
    return pairs.Space(columns, (spread / scale) ** 2, numbers, np.empty((0, 0)), code), scale


def _rising(pairs: Host, heights: Host) -> Mapping[str, Any]:
    """Return a tree in which each merge follows those it joins by rising height, merges of one height as they came."""
    count, order = len(pairs) + 1, np.argsort(heights, kind="stable")
    number = np.arange(2 * count - 1)
    number[count + order] = count + np.arange(count - 1)
    return {"children": number[pairs[order]], "heights": heights[order]}


FITS: Mapping[str, Fit] = {"agglomerative": fit_agglomerative, "diana": fit_diana}
