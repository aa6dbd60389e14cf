"""Dissimilarities of one point to a run of others, compiled by Numba: what the loops of linkage methods are made of.

Points stand feature by feature, so that a loop over points runs in vectors; each sum is taken in the order of the
features, so that both sides of a pair have the same bits whatever the machine and the run.
"""

from typing import NamedTuple

import numpy as np

from gpuseg.backends._cpu_tiles import compiled_exactly
from gpuseg.backends._protocol import Host

EUCLIDEAN, MANHATTAN, HALF_SQUARED, GIVEN = range(4)
"""Root of the sum of squares, sum of the differences, half the sum of squares, and a number read from a matrix."""
TILE = 512
"""Points whose sums stay in the first cache while the features pass."""


class Space(NamedTuple):
    """Points and how unlike they are.

    ``columns``: (d, m), contiguous; ``squares``: (m,), the mean squared distance of a point's rows to it, which a
    Euclidean distance takes in; ``numbers``: (m,), the place of each point in ``square``, (m, m), of which metric GIVEN
    reads; ``metric``: one of the four above.
    """

    columns: Host
    squares: Host
    numbers: Host
    square: Host
    metric: int


@compiled_exactly
def sums(columns: Host, at: Host, start: int, stop: int, absolute: bool, out: Host) -> None:  # noqa: FBT001 - Numba has no keywords
    """Write into out[:stop - start] the sums of squared, or of absolute, differences to the point ``at``."""
    for low in range(start, stop, TILE):
        high = min(low + TILE, stop)
        tile = out[low - start : high - start]
        tile[:] = 0.0
        for f in range(columns.shape[0]):
            here, column = at[f], columns[f, low:high]
            if absolute:
                for j in range(high - low):
                    tile[j] += abs(column[j] - here)
            else:
                for j in range(high - low):
                    tile[j] += (column[j] - here) * (column[j] - here)


@compiled_exactly
def unlike(space: Space, at: Host, spread: float, number: int, start: int, stop: int, out: Host) -> None:
    """Write into out[:stop - start] the dissimilarities of points start..stop to a point.

    ``at``, ``spread`` and ``number`` are that point's features, square and place in the matrix.
    """
    count = stop - start
    if space.metric == GIVEN:
        for j in range(count):
            out[j] = space.square[number, space.numbers[start + j]]
        return
    sums(space.columns, at, start, stop, space.metric == MANHATTAN, out)
    if space.metric == HALF_SQUARED:
        for j in range(count):
            out[j] *= 0.5
    elif space.metric == EUCLIDEAN:
        for j in range(count):
            # The bracket first: it is the same from both sides of the pair.
            out[j] = np.sqrt(out[j] + (spread + space.squares[start + j]))


def triangle(space: Space) -> Host:
    """Return the dissimilarities of all pairs: row after row of the lower triangle, in one array."""
    count = len(space.numbers)
    # NumPy asks for huge pages, Numba does not; columns of a triangle touch a page a cell (half the time of a fit).
    cells = np.empty(count * (count - 1) // 2)
    fill_triangle(space, cells)
    return cells


@compiled_exactly
def fill_triangle(space: Space, cells: Host) -> None:
    """Write the dissimilarities of all pairs."""
    for i in range(1, len(space.numbers)):
        at = space.columns[:, i].copy()
        row = cells[i * (i - 1) // 2 : i * (i + 1) // 2]
        unlike(space, at, space.squares[i], space.numbers[i], 0, i, row)
