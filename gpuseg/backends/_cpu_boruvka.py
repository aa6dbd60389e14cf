"""The minimum spanning tree of mutual reachability by Boruvka's algorithm over a k-d tree, compiled by Numba.

March, Ram and Gray, "Fast Euclidean minimum spanning tree", KDD 2010, whose bounds of components prune here; rows
walk down the tree one by one. All is squared, and rows are numbered by their place in the tree. Of edges of one length,
of which there are many, the one between the nearer rows is the shorter one. One thread, no GIL.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._cpu_kd import Tree, Walk, down, scratch, to_leaf
from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host


class Rows(NamedTuple):
    """Core distances and components of rows, the least core distance of each node, its one component or -1."""

    core: Host
    component: Host
    least: Host
    shared: Host


class Edges(NamedTuple):
    """Lengths of edges, how far apart their rows are, and the rows, (edges, 2)."""

    length: Host
    apart: Host
    ends: Host


@compiled_exactly
def root_of(above: Host, row: int) -> int:
    """Return what stands for the component of a row; paths are halved on the way."""
    while above[row] != row:
        above[row] = above[above[row]]
        row = above[row]
    return row


@compiled_exactly
def joined(above: Host, one: int, other: int) -> bool:
    """Return whether two rows were in different components, and join these."""
    one, other = root_of(above, one), root_of(above, other)
    # The lower number stands for both: halved paths keep them short whichever it is.
    above[max(one, other)] = min(one, other)
    return one != other


@compiled_exactly
def between(x: Host, one: int, other: int) -> float:
    """Return the squared distance of two rows, feature by feature as in ``to_leaf``."""
    total = 0.0
    for f in range(x.shape[1]):
        away = x[one, f] - x[other, f]
        total += away * away
    return total


@compiled_exactly
def join_listed(x: Host, near: Host, core: Host, above: Host, edges: Edges) -> int:
    """Write the edges to near rows that are surely a row's shortest, and return how many there are.

    No edge of a row is shorter than its core distance: one of that length to the nearest row that has one is it.
    """
    count = 0
    for p in range(len(core)):
        for k in range(near.shape[1]):
            other = near[p, k]
            if other < 0:
                break
            if core[other] <= core[p]:
                if joined(above, p, other):
                    edges.ends[count, 0], edges.ends[count, 1] = p, other
                    edges.length[count], edges.apart[count] = core[p], between(x, p, other)
                    count += 1
                break
    return count


@compiled_exactly
def number_components(above: Host, starts: Host, component: Host, shared: Host) -> int:
    """Write each row's component, and that of each node whose rows are all of one, else -1; return how many."""
    count = 0
    for p in range(len(above)):
        root = root_of(above, p)
        if root == p:
            component[p] = count
            count += 1
        else:
            component[p] = component[root]
    leaves = len(starts) - 1
    for leaf in range(leaves):
        own = component[starts[leaf]]
        for p in range(starts[leaf], starts[leaf + 1]):
            if component[p] != own:
                own = -1
        shared[leaves - 1 + leaf] = own
    for node in range(leaves - 2, -1, -1):
        left = shared[2 * node + 1]
        shared[node] = left if left == shared[2 * node + 2] else -1
    return count


@compiled_exactly
def least_of_nodes(starts: Host, core: Host) -> Host:
    """Return the least core distance in each node."""
    leaves = len(starts) - 1
    least = np.full(2 * leaves - 1, np.inf)
    for leaf in range(leaves):
        for p in range(starts[leaf], starts[leaf + 1]):
            least[leaves - 1 + leaf] = min(least[leaves - 1 + leaf], core[p])
    for node in range(leaves - 2, -1, -1):
        least[node] = min(least[2 * node + 1], least[2 * node + 2])
    return least


@compiled_exactly
def bound_listed(x: Host, near: Host, rows: Rows, best: Edges) -> None:
    """Write the shortest edge of each component to rows near its own."""
    core, component, length, apart, ends = rows.core, rows.component, best.length, best.apart, best.ends
    for p in range(len(core)):
        own = component[p]
        for k in range(near.shape[1]):
            other = near[p, k]
            if other < 0 or core[p] > length[own]:
                break
            long = max(core[p], core[other])
            if component[other] != own and long <= length[own]:
                away = between(x, p, other)
                if long < length[own] or away < apart[own]:
                    length[own], apart[own], ends[own, 0], ends[own, 1] = long, away, p, other


@compiled_exactly
def longer(away: float, core: float, floor: float, best: float, nearest: float) -> bool:
    """Return whether no edge over a distance and two core distances is shorter than the best one, nor over a larger."""
    long = max(away, core, floor)
    return long > best or (long == best and away >= nearest)


@compiled_exactly
def look_in(tree: Tree, rows: Rows, leaf: int, p: int, walk: Walk, best: Edges) -> None:
    """Write the edge from the row at place p to a leaf's, if one is the shortest of its component."""
    own, start = rows.component[p], tree.starts[leaf]
    to_leaf(tree.tiles[leaf], walk.row, walk.found)
    for s in range(tree.starts[leaf + 1] - start):
        other, away = start + s, walk.found[s]
        if rows.component[other] == own:
            continue
        if not longer(away, rows.core[other], rows.core[p], best.length[own], best.apart[own]):
            best.length[own], best.apart[own] = max(away, rows.core[other], rows.core[p]), away
            best.ends[own, 0], best.ends[own, 1] = p, other


@compiled_exactly
def look_from(tree: Tree, rows: Rows, p: int, walk: Walk, best: Edges) -> None:
    """Write the shortest edge of the component of the row at place p, if it is from there."""
    leaves, own = len(tree.starts) - 1, rows.component[p]
    walk.stack[0], walk.bounds[0], waiting = 0, 0.0, 1
    while waiting > 0:
        waiting -= 1
        node = walk.stack[waiting]
        if rows.shared[node] == own:
            continue
        if longer(walk.bounds[waiting], rows.least[node], rows.core[p], best.length[own], best.apart[own]):
            continue
        if node < leaves - 1:
            waiting = down(tree, walk, node, best.length[own], waiting)
        else:
            look_in(tree, rows, node - leaves + 1, p, walk, best)


@compiled_exactly
def search(tree: Tree, rows: Rows, beyond: Host, first: int, last: int, best: Edges) -> None:
    """Write the shortest edge of each component from its rows in leaves first..last, where there is a shorter one.

    ``beyond``: what no edge of a row out of its component is shorter than, as far as that is known.
    """
    walk = scratch(tree)
    for home in range(first, last):
        for p in range(tree.starts[home], tree.starts[home + 1]):
            if beyond[p] <= best.length[rows.component[p]]:
                walk.row[:] = tree.tiles[home, :, p - tree.starts[home]]
                look_from(tree, rows, p, walk, best)
                beyond[p] = best.length[rows.component[p]]


@compiled_exactly
def join_found(above: Host, best: Edges, count: int, edges: Edges) -> int:
    """Write the shortest edges of components that join two after the ``count`` there are, and return how many then."""
    for c in range(len(best.length)):
        if joined(above, best.ends[c, 0], best.ends[c, 1]):
            edges.ends[count, 0], edges.ends[count, 1] = best.ends[c, 0], best.ends[c, 1]
            edges.length[count], edges.apart[count] = best.length[c], best.apart[c]
            count += 1
    return count


@compiled_exactly
def dendrogram(ends: Host, weight: Host) -> tuple[Host, Host]:
    """Return the children of each joining node, and its weight, from edges in the order of their lengths."""
    n = len(weight)
    above, node = np.arange(n), np.arange(n)
    children, sizes, held = np.empty((n - 1, 2), np.int64), np.empty(n - 1), weight.copy()
    for edge in range(n - 1):
        one, other = root_of(above, ends[edge, 0]), root_of(above, ends[edge, 1])
        children[edge, 0], children[edge, 1] = node[one], node[other]
        one, other = min(one, other), max(one, other)
        above[other] = one
        held[one] += held[other]
        node[one], sizes[edge] = n + edge, held[one]
    return children, sizes
