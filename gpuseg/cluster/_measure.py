"""What a metric takes from the training rows: ranges for Gower's distance, a direction for cosine, a sound matrix."""

from collections.abc import Sequence

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Host, to_host
from gpuseg.cluster._base import Work
from gpuseg.engines import Block
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.measures import Measure

ALIKE = 1e-5
"""How far d(i, j) and d(j, i), or d(i, i) and 0, may differ by rounding in float32, as a share of the largest distance:
a matrix of float64 may have been worked out in it."""
RUN = 1 << 18
"""Distances of a matrix looked at in one go: 2 MiB."""


def measure_of(work: Work, metric: str, categories: Host) -> Measure:
    """Return the measure of these rows; ``categories``: of each column whether it holds codes of categories."""
    if metric == "cosine":
        refuse_directionless(work.engine.reduce(without_direction, sum))
    if metric != "gower":
        return Measure(metric)
    low, high = work.engine.reduce(extremes, widest)
    width, columns = high - low, len(low)
    # A column of one value tells no rows apart.
    scale = np.divide(1.0, width * columns, out=np.zeros(columns), where=width > 0)
    return Measure(metric, np.where(categories, 1.0, scale), np.where(categories, 1.0 / columns, 0.0))


def refuse_directionless(rows: int) -> None:
    """Raise InvalidInput where so many rows, more than none, are zeros alone."""
    if rows:
        raise InvalidInput(
            f"metric='cosine' compares directions, and X holds {rows} rows of zeros alone; leave them out, or use "
            "metric='euclidean'"
        )


def without_direction(block: Block) -> int:
    """Return how many rows of a block that weigh anything are zero in every column."""
    xp = array_namespace(block.x)
    return int(xp.sum(xp.astype(~xp.any(block.x != 0, axis=1) & (block.weight > 0), xp.int64)))


def extremes(block: Block) -> tuple[Host, Host]:
    """Return the least and the largest number of each column, of the rows that weigh anything."""
    xp = array_namespace(block.x)
    x = xp.astype(block.x, xp.float64, copy=False)
    counts = (block.weight > 0)[:, None]
    low = xp.min(xp.where(counts, x, xp.full_like(x, xp.inf)), axis=0)
    return to_host(low), to_host(xp.max(xp.where(counts, x, xp.full_like(x, -xp.inf)), axis=0))


def widest(parts: Sequence[tuple[Host, Host]]) -> tuple[Host, Host]:
    """Return the least and the largest numbers of several blocks."""
    low, high = zip(*parts, strict=True)
    return np.min(low, axis=0), np.max(high, axis=0)


def check_matrix(matrix: Host) -> None:
    """Raise InvalidInput unless a matrix holds distances: square, symmetric, not negative, 0 from a row to itself."""
    rows, columns = matrix.shape
    if rows != columns:
        raise InvalidInput(
            f"metric='precomputed' got X of shape {matrix.shape}, which is not square; pass the distance of every row "
            "to every row"
        )
    allowed = ALIKE * float(np.max(np.abs(matrix)))
    if far := np.count_nonzero(np.abs(np.diagonal(matrix)) > allowed):
        raise InvalidInput(
            f"metric='precomputed' got X with {far} rows that are not at distance 0 from themselves; pass distances, "
            "not similarities, with zeros on the diagonal"
        )
    for start in range(0, rows, step := max(1, RUN // max(rows, 1))):
        part, other = matrix[start : start + step], matrix[:, start : start + step].T
        if np.min(part) < -allowed:
            raise InvalidInput("metric='precomputed' got X with negative distances; pass distances of 0 or more")
        if np.max(np.abs(part - other)) > allowed:
            raise InvalidInput(
                "metric='precomputed' got X that is not symmetric; pass the same distance from i to j as from j to i, "
                "for example (X + X.T) / 2"
            )
