"""The loops of k-prototypes, compiled by Numba: one thread, no GIL.

Only ``_cpu_prototypes.py`` imports this file, when a fit begins; its ``Mixed`` and ``Segments`` say what arrays are.
"""

from typing import Any

import numpy as np

from gpuseg.backends._cpu_prototypes_tiles import fill, nearest, workspace
from gpuseg.backends._cpu_tiles import TILE, compiled_exactly
from gpuseg.backends._protocol import Host

LESS = 1e-10
"""The share by which a move must lower the cost: less may be rounding, and rows would go to and fro."""


@compiled_exactly
def squared(one: Host, other: Host) -> float:
    """Return the squared distance of the numbers."""
    total = 0.0
    for f in range(len(one)):
        total += (one[f] - other[f]) ** 2
    return total


@compiled_exactly
def differing(one: Host, other: Host) -> int:
    """Return in how many columns the categories differ."""
    total = 0
    for j in range(len(one)):
        total += 1 if one[j] != other[j] else 0
    return total


@compiled_exactly
def place(rows: Any, segments: Any, label: Host, distance: Host) -> int:
    """Write each row's nearest prototype, of ties the first, and the mixed distance to it; return how many changed."""
    changed, found = 0, workspace()
    modes = segments.modes.astype(np.float64)
    tile = np.zeros((rows.numbers.shape[1] + rows.codes.shape[1], TILE))
    for start in range(0, len(label), TILE):
        size = min(TILE, len(label) - start)
        fill(rows.numbers, rows.codes, start, size, tile)
        nearest(tile, segments.mean, modes, rows.gamma, found)
        for i in range(size):
            best = np.int64(found[0][i])
            changed += 1 if label[start + i] != best else 0
            label[start + i], distance[start + i] = best, found[1][i]
    return changed


@compiled_exactly
def find_mode(segments: Any, edges: Host, k: int, j: int) -> None:
    """Write a segment's mode of a column, of ties the first code, and the weights of it and of the next."""
    best, most, second = 0, -1.0, 0.0
    for code in range(edges[j], edges[j + 1]):
        count = segments.counts[k, code]
        if count > most:
            best, second, most = code - edges[j], max(most, 0.0), count
        elif count > second:
            second = count
    segments.modes[k, j], segments.most[k, j], segments.second[k, j] = best, most, second


@compiled_exactly
def gather(rows: Any, segments: Any, label: Host) -> None:
    """Write the weights, means, counts and modes of all segments; one without weight keeps its prototype."""
    weight, mean, counts, edges = segments.weight, np.zeros_like(segments.mean), segments.counts, rows.edges
    weight[:], counts[:] = 0.0, 0.0
    for i in range(len(label)):
        k, w = label[i], rows.weight[i]
        weight[k] += w
        for f in range(rows.numbers.shape[1]):
            mean[k, f] += w * rows.numbers[i, f]
        for j in range(rows.codes.shape[1]):
            counts[k, edges[j] + rows.codes[i, j]] += w
    for k in range(len(weight)):
        if weight[k] > 0:
            for f in range(mean.shape[1]):
                segments.mean[k, f] = mean[k, f] / weight[k]
            for j in range(rows.codes.shape[1]):
                find_mode(segments, edges, k, j)


@compiled_exactly
def saved(rows: Any, segments: Any, i: int, k: int) -> float:
    """Return what the cost of a segment falls by where a row leaves it, and its prototype with it."""
    w, total = rows.weight[i], segments.weight[k]
    cost = squared(rows.numbers[i], segments.mean[k]) * (total / (total - w)) * w
    for j in range(rows.codes.shape[1]):
        most, lost = segments.most[k, j], 0.0
        if rows.codes[i, j] == segments.modes[k, j]:
            lost = most - max(most - w, segments.second[k, j])
        cost += rows.gamma * (w - lost)
    return cost


@compiled_exactly
def added(rows: Any, segments: Any, i: int, k: int) -> float:
    """Return what the cost of a segment rises by where a row joins it, and its prototype moves with it."""
    w, total = rows.weight[i], segments.weight[k]
    cost = squared(rows.numbers[i], segments.mean[k]) * (total / (total + w)) * w
    for j in range(rows.codes.shape[1]):
        most = segments.most[k, j]
        count = segments.counts[k, rows.edges[j] + rows.codes[i, j]] + w
        cost += rows.gamma * (w - (max(most, count) - most))
    return cost


@compiled_exactly
def change(rows: Any, segments: Any, i: int, k: int, w: float) -> None:
    """Bring a segment to a row that joins it, or leaves it with a weight below 0."""
    segments.weight[k] += w
    share = w / segments.weight[k]
    for f in range(rows.numbers.shape[1]):
        segments.mean[k, f] += share * (rows.numbers[i, f] - segments.mean[k, f])
    for j in range(rows.codes.shape[1]):
        segments.counts[k, rows.edges[j] + rows.codes[i, j]] += w
        find_mode(segments, rows.edges, k, j)


@compiled_exactly
def move_rows(rows: Any, segments: Any, label: Host) -> int:
    """Move each row, one after the other, to where that lowers the cost most; return how many moved."""
    moved = 0
    for i in range(len(label)):
        here, w = label[i], rows.weight[i]
        if not w > 0 or segments.weight[here] <= w * (1 + LESS):
            continue
        gain = saved(rows, segments, i, here)
        best, least = here, gain * (1 - LESS)
        for k in range(len(segments.mean)):
            if k != here and segments.weight[k] > 0:
                rise = added(rows, segments, i, k)
                if rise < least:
                    best, least = k, rise
        if best != here:
            change(rows, segments, i, here, -w)
            change(rows, segments, i, best, w)
            label[i] = best
            moved += 1
    return moved


@compiled_exactly
def seeds(rows: Any, uniform: Host) -> Host:
    """Return the numbers of the rows of a start, -1 where no row is left that differs from those before."""
    n, found = len(rows.weight), np.full(len(uniform), -1)
    nearest, trial, best_trial = np.ones(n), np.empty(n), np.empty(n)
    for step in range(len(uniform)):
        rising = np.cumsum(rows.weight * nearest)
        if not rising[-1] > 0:
            break
        best, least = -1, np.inf
        for t in range(uniform.shape[1] if step else 1):
            pick = min(np.searchsorted(rising, uniform[step, t] * rising[-1], side="right"), n - 1)
            total = 0.0
            for i in range(n):
                away = squared(rows.numbers[i], rows.numbers[pick])
                away += rows.gamma * differing(rows.codes[i], rows.codes[pick])
                trial[i] = min(away, nearest[i]) if step else away
                total += rows.weight[i] * trial[i]
            if total < least:
                best, least = pick, total
                best_trial, trial = trial, best_trial
        found[step] = best
        nearest, best_trial = best_trial, nearest
    return found
