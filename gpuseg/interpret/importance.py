"""Which features matter: how many customers change their segment where a feature tells nothing of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gpuseg.backends import Host
from gpuseg.metrics import adjusted_rand

REPEATS = 5
"""Permutations of a feature."""
PLACED = 100_000
"""Rows that are placed in all: a few seconds where each is searched for in a tree."""
FEWEST, MOST = 500, 5_000
"""Rows that are looked at: a share of changes is then known within 2 and 0.7 percent, whatever is placed."""
SEED = 6


def importance(
    matrix: Host, columns: Mapping[str, Sequence[int]], place: Callable[[Host], Host], *, random_state: int = SEED
) -> dict[str, Any]:
    """Return how much worse rows are placed where a column's values are exchanged among them, column by column.

    ``matrix``: (rows, features), scaled; of many rows some are drawn. ``columns``: the features of each column of the
    user's, which are exchanged together. ``place``: the fitted model's segment of each row of a matrix.

    Returns ``rows`` and ``repeats``, ``segments``, and ``features``, by falling ``changed``: the ``feature``, the share
    of customers who change segment (``changed``, mean of the permutations, and its ``standard_error``, as of rows drawn
    at random), ``ari_loss`` (1 - ARI of the two placings), and ``segments``: the share that changes of those in each
    segment. Features that say the same stand in for each other: each alone may then matter little. Breiman 2001,
    "Random forests"; Fisher, Rudin and Dominici 2019, "All models are wrong, but many are useful".

    >>> x = np.array([[0.0, 5.0], [9.0, 5.0]] * 20)
    >>> found = importance(x, {"spend": [0], "same": [1]}, lambda rows: (rows[:, 0] > 4).astype(int))
    >>> [(one["feature"], round(one["changed"], 1)) for one in found["features"]]
    [('spend', 0.5), ('same', 0.0)]
    """
    rows = min(len(matrix), max(FEWEST, min(MOST, PLACED // (REPEATS * max(len(columns), 1)))))
    rng = np.random.default_rng(random_state)
    x = matrix[np.sort(rng.choice(len(matrix), rows, replace=False))]
    orders, before = [rng.permutation(rows) for _ in range(REPEATS)], place(x)
    segments = sorted(np.unique(before).tolist(), key=lambda segment: (segment < 0, segment))
    found = [
        {"feature": name, **_changes(x, list(features), place, before, orders, segments)}
        for name, features in columns.items()
    ]
    found.sort(key=lambda one: (-one["changed"], one["feature"]))
    return {"rows": rows, "repeats": REPEATS, "segments": segments, "features": found}


def _changes(
    x: Host,
    features: list[int],
    place: Callable[[Host], Host],
    before: Host,
    orders: Sequence[Host],
    segments: Sequence[int],
) -> dict[str, Any]:
    """Return what changes where some features are exchanged among rows, in these orders."""
    moved, losses = [], []
    for order in orders:
        other = x.copy()
        other[:, features] = x[order][:, features]
        after = place(other)
        moved.append(after != before)
        losses.append(1.0 - adjusted_rand(before, after))
    often = np.mean(moved, axis=0)
    return {
        "changed": float(often.mean()),
        # Of rows, not of permutations alone: those that were drawn are most of the error.
        "standard_error": float(often.std() / np.sqrt(len(often))),
        "ari_loss": float(np.mean(losses)),
        "segments": [float(np.mean(np.asarray(moved)[:, before == segment])) for segment in segments],
    }
