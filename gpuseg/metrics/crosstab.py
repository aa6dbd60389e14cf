"""Two labellings side by side: how many rows each pair of labels has, with the labels that belong together matched."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment

from gpuseg.backends import Array
from gpuseg.errors import InvalidInput
from gpuseg.html import Cell, Text, table_html
from gpuseg.metrics._contingency import contingency

MOST = 2_000
"""Labels of a labelling that a crosstab takes: 32 MB, and a matching in seconds."""
SHOWN = 12
"""Columns that a notebook has room for."""


class Crosstab(NamedTuple):
    """How many rows each pair of labels has: ``counts[i][j]`` of ``first[i]`` and ``second[j]``.

    ``matched``: pairs of labels that share the most rows in all, each label in one pair at most. ``agreement``: the
    share of the rows that they hold.
    """

    first: list[Any]
    second: list[Any]
    counts: list[list[float]]
    matched: list[tuple[Any, Any]]
    agreement: float

    @property
    def table(self) -> pl.DataFrame:
        """Return a row a label of the first, a column a label of the second."""
        columns = {str(label): [row[at] for row in self.counts] for at, label in enumerate(self.second)}
        return pl.DataFrame({"label": [str(label) for label in self.first], **columns})

    def _repr_html_(self) -> str:
        head: list[Cell] = [Text(""), *map(str, self.second[:SHOWN])]
        rows: list[list[Cell]] = [
            [Text(str(label)), *(f"{count:,.6g}" for count in row[:SHOWN])]
            for label, row in zip(self.first, self.counts, strict=True)
        ]
        left = len(self.second) - SHOWN
        remarks = [f"{left} more columns: see .table"] if left > 0 else []
        return table_html(f"{self.agreement:.1%} in matched pairs", head, rows, remarks)


def matched_crosstab(
    first: Array, second: Array, *, sample_weight: Array | None = None, noise: str = "label"
) -> Crosstab:
    """Return how many rows each pair of labels has, the second's labels in the order of those that they match.

    Matched are the pairs that together hold the most rows (Kuhn 1955, the Hungarian method); labels that match none
    come last. Parameters and errors are those of ``adjusted_rand``; weights may be fractions.

    >>> found = matched_crosstab(np.array([0, 0, 0, 1, 1]), np.array(["b", "b", "a", "a", "c"]))
    >>> found.second, found.matched, found.agreement
    (['b', 'a', 'c'], [(0, 'b'), (1, 'a')], 0.6)
    """
    found = contingency(first, second, sample_weight=sample_weight, noise=noise)
    if (most := max(len(found.first), len(found.second))) > MOST:
        raise InvalidInput(f"a labelling has {most:,} labels, and a crosstab takes {MOST:,}; pass segments, not ids")
    counts = np.zeros((len(found.first), len(found.second)))
    counts[found.rows, found.columns] = found.counts
    rows, columns = linear_sum_assignment(counts, maximize=True)
    pairs = [(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if counts[i, j] > 0]
    taken = [j for _, j in pairs]
    order = taken + [j for j in range(len(found.second)) if j not in taken]
    matched = [(found.first[i], found.second[j]) for i, j in pairs]
    agreement = float(sum(counts[i, j] for i, j in pairs) / counts.sum())
    return Crosstab(found.first, [found.second[j] for j in order], counts[:, order].tolist(), matched, agreement)
