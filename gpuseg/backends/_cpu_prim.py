"""Single linkage by a minimum spanning tree, compiled by Numba: distances on demand, memory for a few numbers a point.

Prim's tree, Gower and Ross, Applied Statistics 18 (1969): its edges by rising length are the merges.
"""

import numpy as np

from gpuseg.backends._cpu_pairs import Space, unlike
from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host


@compiled_exactly
def spanning_tree(space: Space) -> tuple[Host, Host]:
    """Return the edges of a minimum spanning tree, (m - 1, 2), and their lengths; writes over the points' order."""
    columns, squares, numbers = space.columns, space.squares, space.numbers
    left = len(numbers) - 1
    edges, lengths = np.empty((left, 2), np.int64), np.empty(left)
    # The newest point stands behind those that are left.
    nearest, best, row = np.empty(left + 1, np.int64), np.full(left + 1, np.inf), np.empty(left + 1)
    for step in range(len(lengths)):
        newest = numbers[left]
        unlike(space, columns[:, left].copy(), squares[left], newest, 0, left, row)
        least = 0
        for j in range(left):
            if row[j] < best[j]:
                best[j], nearest[j] = row[j], newest
            if best[j] < best[least]:
                least = j
        edges[step], lengths[step] = (nearest[least], numbers[least]), best[least]
        left -= 1
        for f in range(columns.shape[0]):
            columns[f, least], columns[f, left] = columns[f, left], columns[f, least]
        squares[least], squares[left] = squares[left], squares[least]
        numbers[least], numbers[left] = numbers[left], numbers[least]
        best[least], nearest[least] = best[left], nearest[left]
    return edges, lengths


@compiled_exactly
def merges(edges: Host) -> Host:
    """Return the clusters joined by each edge of a tree, (m - 1, 2), in the order given; m + t is the merge t."""
    count = len(edges) + 1
    parent, pairs = np.arange(2 * count - 1), np.empty_like(edges)
    for t in range(len(edges)):
        for side in range(2):
            top = edges[t, side]
            while parent[top] != top:
                parent[top] = parent[parent[top]]
                top = parent[top]
            pairs[t, side] = top
            parent[top] = count + t
    return pairs
