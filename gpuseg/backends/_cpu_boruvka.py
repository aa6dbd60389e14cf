"""The minimum spanning tree of mutual reachability by Boruvka's algorithm over a k-d tree, compiled by Numba.

March, Ram and Gray, "Fast Euclidean minimum spanning tree", KDD 2010, whose bounds of components prune here; rows
walk down the tree one by one. All is squared, and rows are numbered by their place in the tree. Of edges of one length,
of which there are many, the one between the nearer rows is the shorter one. One thread, no GIL.
"""

import numpy as np

from gpuseg.backends._cpu_kd import DEEP, LEAF, Tree, to_box, to_leaf
from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host


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
def join_listed(x: Host, near: Host, core: Host, above: Host, ends: Host, length: Host, apart: Host) -> int:
    """Write the edges to near rows that are surely a row's shortest, and return how many there are.

    No edge of a row is shorter than its core distance: one of that length to the nearest row that has one is it.
    """
    edges = 0
    for p in range(len(core)):
        for k in range(near.shape[1]):
            other = near[p, k]
            if other < 0:
                break
            if core[other] <= core[p]:
                if joined(above, p, other):
                    ends[edges, 0], ends[edges, 1], length[edges] = p, other, core[p]
                    apart[edges] = between(x, p, other)
                    edges += 1
                break
    return edges


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
def bound_listed(x: Host, near: Host, core: Host, component: Host, length: Host, apart: Host, ends: Host) -> None:
    """Write the shortest edge of each component to rows near its own."""
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
def search(
    tree: Tree, core: Host, least: Host, component: Host, shared: Host, beyond: Host,
    first: int, last: int, length: Host, apart: Host, ends: Host,
) -> None:  # fmt: skip
    """Write the shortest edge of each component from its rows in leaves first..last, where there is a shorter one.

    ``beyond``: what no edge of a row out of its component is shorter than, as far as that is known.
    """
    leaves = len(tree.starts) - 1
    stack, bounds, found = np.empty(DEEP, np.int64), np.empty(DEEP), np.empty(LEAF)
    row = np.empty(tree.low.shape[1])
    for home in range(first, last):
        for p in range(tree.starts[home], tree.starts[home + 1]):
            own, floor = component[p], core[p]
            best, nearest = length[own], apart[own]
            if beyond[p] > best:
                continue
            for f in range(len(row)):
                row[f] = tree.tiles[home, f, p - tree.starts[home]]
            waiting = 1
            stack[0], bounds[0] = 0, 0.0
            while waiting > 0:
                waiting -= 1
                node = stack[waiting]
                if longer(bounds[waiting], least[node], floor, best, nearest):
                    continue
                if node >= leaves - 1:
                    leaf = node - leaves + 1
                    to_leaf(tree.tiles[leaf], row, found)
                    start = tree.starts[leaf]
                    for s in range(tree.starts[leaf + 1] - start):
                        if component[start + s] != own and not longer(found[s], core[start + s], floor, best, nearest):
                            best, nearest = max(found[s], core[start + s], floor), found[s]
                            length[own], apart[own], ends[own, 0], ends[own, 1] = best, nearest, p, start + s
                    continue
                left, right = 2 * node + 1, 2 * node + 2
                to_left, to_right = np.inf, np.inf
                if shared[left] != own and least[left] <= best:
                    to_left = to_box(tree.low, tree.high, row, left)
                if shared[right] != own and least[right] <= best:
                    to_right = to_box(tree.low, tree.high, row, right)
                if to_left <= to_right:
                    left, right, to_left, to_right = right, left, to_right, to_left
                if to_left <= best and to_left < np.inf:
                    stack[waiting], bounds[waiting] = left, to_left
                    waiting += 1
                if to_right <= best and to_right < np.inf:
                    stack[waiting], bounds[waiting] = right, to_right
                    waiting += 1
            beyond[p] = best


@compiled_exactly
def longer(away: float, core: float, floor: float, best: float, nearest: float) -> bool:
    """Return whether no edge over a distance and two core distances is shorter than the best one, nor over a larger."""
    long = max(away, core, floor)
    return long > best or (long == best and away >= nearest)


@compiled_exactly
def join_found(
    found: Host, gaps: Host, pairs: Host, above: Host, edges: int, ends: Host, length: Host, apart: Host
) -> int:
    """Write the shortest edges of components that join two, and return how many edges there are with them."""
    for c in range(len(found)):
        if joined(above, pairs[c, 0], pairs[c, 1]):
            ends[edges, 0], ends[edges, 1], length[edges], apart[edges] = pairs[c, 0], pairs[c, 1], found[c], gaps[c]
            edges += 1
    return edges


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
