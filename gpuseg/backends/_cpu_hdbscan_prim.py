"""The minimum spanning tree of mutual reachability by Prim's algorithm, compiled by Numba: all pairs, one thread.

For points that stand for rows, whose distance is no metric that a tree of boxes could bound.
"""

import numpy as np

from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host


@compiled_exactly
def spanning_tree(columns: Host, core: Host, reach: Host) -> tuple[Host, Host, Host]:
    """Return the edges, (n - 1, 2), their lengths, and how far apart their points are.

    From points feature by feature, (d, n), which are written to.
    """
    d, n = columns.shape
    number, joins, nearest = np.arange(n), np.zeros(n, np.int64), np.full(n, np.inf)
    ends, length, apart = np.empty((n - 1, 2), np.int64), np.empty(n - 1), np.empty(n - 1)
    gaps, away, at = np.full(n, np.inf), np.empty(n), np.empty(d)
    here, left = 0, n
    for edge in range(n - 1):
        own, floor, radius = number[here], core[here], reach[here]
        for f in range(d):
            at[f] = columns[f, here]
        # What was joined gives its place to the last that was not.
        left -= 1
        number[here], joins[here], nearest[here] = number[left], joins[left], nearest[left]
        core[here], reach[here], gaps[here] = core[left], reach[left], gaps[left]
        for f in range(d):
            columns[f, here] = columns[f, left]
        away[:left] = 0.0
        for f in range(d):
            column, value = columns[f], at[f]
            for i in range(left):
                away[i] += (column[i] - value) * (column[i] - value)
        for i in range(left):
            away[i] = np.sqrt(away[i])
            long = max(away[i] - (radius + reach[i]), core[i], floor)
            if long < nearest[i] or (long == nearest[i] and away[i] < gaps[i]):
                nearest[i], gaps[i], joins[i] = long, away[i], own
        here = 0
        for i in range(1, left):
            if nearest[i] < nearest[here] or (nearest[i] == nearest[here] and gaps[i] < gaps[here]):
                here = i
        ends[edge, 0], ends[edge, 1], length[edge], apart[edge] = joins[here], number[here], nearest[here], gaps[here]
    return ends, length, apart
