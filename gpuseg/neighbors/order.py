"""An order of rows that depends on their values alone: what follows does not depend on a table's own order."""

from array_api_compat import array_namespace

from gpuseg.backends import Array


def canonical_order(x: Array) -> Array:
    """Return the rows sorted by their first feature, ties by the second, and so on.

    >>> import numpy as np
    >>> canonical_order(np.array([[2.0, 1.0], [1.0, 9.0], [2.0, 0.0]])).tolist()
    [[1.0, 9.0], [2.0, 0.0], [2.0, 1.0]]
    """
    xp = array_namespace(x)
    for feature in range(x.shape[1] - 1, -1, -1):
        x = xp.take(x, xp.argsort(x[:, feature], stable=True), axis=0)
    return x


def count_distinct(ordered: Array) -> int:
    """Return how many different rows there are, of rows in canonical order.

    >>> import numpy as np
    >>> count_distinct(np.array([[1.0], [1.0], [2.0]]))
    2
    """
    xp = array_namespace(ordered)
    if ordered.shape[0] == 0:
        return 0
    differ = xp.any(ordered[1:, :] != ordered[:-1, :], axis=1)
    return 1 + int(xp.sum(xp.astype(differ, xp.int64)))
