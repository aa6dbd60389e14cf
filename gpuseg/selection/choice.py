"""What a choice of the number of segments is, and how it shows itself."""

from typing import NamedTuple

import polars as pl

from gpuseg.html import Bar, Cell, table_html
from gpuseg.notebook import shown


class Candidate(NamedTuple):
    """What one number of segments gives; None where a score is not defined, as with one segment in the sample.

    ``inertia``: sum of squared distances to the centres, of an algorithm that takes categories its own loss on the rows
    that it was tried on. ``silhouette`` of a sample of the rows, with its
    ``standard_error``. ``calinski_harabasz`` (larger is better) and ``davies_bouldin`` (smaller) of all rows.
    """

    k: int
    inertia: float
    silhouette: float | None
    standard_error: float | None
    calinski_harabasz: float | None
    davies_bouldin: float | None


class KChoice(NamedTuple):
    """The number of segments, why in a sentence, and what was tried: nothing where k was given.

    >>> KChoice(2, "2 segments were asked for", []).table.columns[:2]
    ['k', 'inertia']
    """

    k: int
    reason: str
    candidates: list[Candidate]

    @property
    def table(self) -> pl.DataFrame:
        """Return the candidates as a Polars table, a row a number of segments."""
        kinds = {name: pl.Int64 if name == "k" else pl.Float64 for name in Candidate._fields}
        return pl.DataFrame(self.candidates, schema=kinds, orient="row")

    def _repr_html_(self) -> str:
        head: list[Cell] = ["k", "silhouette", "Calinski-Harabasz", "Davies-Bouldin", "inertia"]
        return table_html(f"{self.k} segments", head if self.candidates else [], self._rows(), [self.reason])

    def _rows(self) -> list[list[Cell]]:
        rows: list[list[Cell]] = []
        for c in self.candidates:
            score: Cell = "-"
            if c.silhouette is not None:
                score = Bar(max(c.silhouette, 0.0), f"{c.silhouette:.3f} ± {c.standard_error:.3f}")
            others = [shown("", value) for value in (c.calinski_harabasz, c.davies_bouldin, c.inertia)]
            rows.append([f"{c.k} \N{BLACK LEFT-POINTING TRIANGLE}" if c.k == self.k else str(c.k), score, *others])
        return rows
