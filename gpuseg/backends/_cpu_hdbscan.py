"""The tree of mutual reachability on the CPU, our own: by Boruvka over a k-d tree, of few rows by all pairs.

Numba is loaded by the first fit of many rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from gpuseg.backends import _cpu_hdbscan_pairs
from gpuseg.backends._cpu_hdbscan_pairs import KEPT, Dense, dense_by_pairs, enough
from gpuseg.backends._cpu_kernels import _called
from gpuseg.backends._needs import PAIRS
from gpuseg.backends._protocol import Fit, Host

FEW = PAIRS
"""Rows up to which all pairs are worked out by NumPy."""
PARTS = 16
"""Runs of leaves that are looked through side by side, whatever the number of threads."""
SLACK = 1e-12
"""What sums of weights may be short of ``min_samples``, as a share of it: ten times 0.1 are to be 1."""
Each = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]


def fit_hdbscan(
    x: Host,
    *,
    min_samples: int,
    sample_weight: Host | None = None,
    core: Host | None = None,
    reach: Host | None = None,
    each: Each = map,
) -> Mapping[str, Any]:
    """Return the single-linkage tree of mutual reachability: children, heights and sizes, in SciPy's numbering.

    ``gaps``: how far apart the rows are that join at a height; those of one height join in the order of these.

    ``sample_weight``: above 0, counts as that many rows; sizes are sums of it. ``core``, ``reach``: of points that
    stand for rows, their core distances, and how far their rows reach towards others: two points are as far apart as
    they are, less both. ``each`` works on several runs of rows at once. Beside the tree come ``core_distances`` and
    ``near``, the numbers of the nearest rows within them, (n, at most KEPT), -1 where there are fewer.
    """
    rows, alike = np.ascontiguousarray(x, dtype=np.float64), np.zeros(len(x))
    weight = alike + 1.0 if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    wanted = min_samples * (1 - SLACK)
    if core is not None:
        dense = Dense(core, np.empty((len(rows), 0), dtype=np.int32))
        ends, length, apart = _by_pairs(rows, core, alike if reach is None else reach)
    elif len(rows) <= FEW:
        dense = dense_by_pairs(rows, weight, wanted)
        ends, length, apart = _by_pairs(rows, dense.core, alike)
    else:
        dense, ends, length, apart = _by_tree(rows, weight, wanted, each)
    order = np.lexsort((apart, length))
    children, sizes = _dendrogram(ends[order], weight)
    return {
        "children": children,
        "heights": length[order],
        "gaps": apart[order],
        "sizes": sizes.astype(np.int64) if sample_weight is None else sizes,
        "core_distances": dense.core,
        "near": dense.near,
    }


def _by_pairs(rows: Host, core: Host, reach: Host) -> tuple[Host, Host, Host]:
    """Return the edges of the minimum spanning tree, their lengths, and how far apart rows are, by all pairs."""
    if len(rows) <= FEW:
        return _cpu_hdbscan_pairs.spanning_tree(rows, core, reach)
    from gpuseg.backends import _cpu_hdbscan_prim

    columns, cores, reaches = np.array(rows.T, order="C"), np.array(core), np.array(reach)
    ends, length, apart = _called(_cpu_hdbscan_prim.spanning_tree, columns, cores, reaches)
    return ends, length, apart


def _by_tree(rows: Host, weight: Host, wanted: float, each: Each) -> tuple[Dense, Host, Host, Host]:
    """Return what is near the rows, and what ``_by_pairs`` does, by a k-d tree."""
    from gpuseg.backends import _cpu_kd, _cpu_near

    tree, most = _called(_cpu_kd.grow, rows), enough(weight, wanted)
    parts = list(pairwise(np.linspace(0, len(tree.starts) - 1, PARTS + 1).astype(np.int64).tolist()))
    squared, near = np.empty(len(rows)), np.full((len(rows), min(most - 1, KEPT)), -1, dtype=np.int32)
    given = tree, weight[tree.order], wanted, most
    list(each(partial(_looked, _cpu_near.near_enough, given, (squared, near)), parts))
    edges = _joined(tree, rows[tree.order], squared, near, parts, each)
    dense = Dense(np.empty(len(rows)), np.empty_like(near))
    dense.core[tree.order] = np.sqrt(squared)
    dense.near[tree.order] = np.where(near >= 0, tree.order[near], -1)
    return dense, tree.order[edges.ends], np.sqrt(edges.length), np.sqrt(edges.apart)


def _looked(loop: Any, given: tuple[Any, ...], written: tuple[Any, ...], part: tuple[int, int]) -> None:
    """Call a loop over a run of leaves, which writes what is of its rows."""
    loop(*given, *part, *written)


def _joined(tree: Any, x: Host, core: Host, near: Host, parts: Sequence[tuple[int, int]], each: Each) -> Any:
    """Return the edges between places of the tree, all squared: Boruvka's rounds."""
    from gpuseg.backends import _cpu_boruvka as loops

    n = len(core)
    above, component, beyond = np.arange(n), np.empty(n, dtype=np.int64), core.copy()
    least = _called(loops.least_of_nodes, tree.starts, core)
    rows, edges = loops.Rows(core, component, least, np.empty(len(least), dtype=np.int64)), _edges(n - 1)
    count = _called(loops.join_listed, x, near, core, above, edges)
    while count < n - 1:
        best = _edges(_called(loops.number_components, above, tree.starts, component, rows.shared))
        _called(loops.bound_listed, x, near, rows, best)
        found = list(each(partial(_searched, (tree, rows, beyond), best), parts))
        count = _called(loops.join_found, above, _shortest(found), count, edges)
    return edges


def _edges(count: int) -> Any:
    """Return so many edges, of which none is known."""
    from gpuseg.backends import _cpu_boruvka

    ends = np.full((count, 2), -1, dtype=np.int64)
    return _cpu_boruvka.Edges(np.full(count, np.inf), np.full(count, np.inf), ends)


def _searched(given: tuple[Any, ...], known: Any, part: tuple[int, int]) -> Any:
    """Return the shortest edges after a run of leaves, beginning with those known: no run sees what others find."""
    from gpuseg.backends import _cpu_boruvka

    best = _cpu_boruvka.Edges(*(field.copy() for field in known))
    _cpu_boruvka.search(*given, *part, best)
    return best


def _shortest(found: Sequence[Any]) -> Any:
    """Return of each component the shortest of the edges that several runs of leaves found."""
    best = found[0]
    for other in found[1:]:
        shorter = (other.length < best.length) | ((other.length == best.length) & (other.apart < best.apart))
        for mine, theirs in zip(best, other, strict=True):
            mine[shorter] = theirs[shorter]
    return best


def _dendrogram(ends: Host, weight: Host) -> tuple[Host, Host]:
    """Return the children of each joining node, and its weight, from edges in the order of their lengths."""
    if len(weight) <= FEW:
        return _cpu_hdbscan_pairs.dendrogram(ends, weight)
    from gpuseg.backends import _cpu_boruvka

    children, sizes = _called(_cpu_boruvka.dendrogram, ends, weight)
    return children, sizes


FITS: Mapping[str, Fit] = {"hdbscan": fit_hdbscan}
