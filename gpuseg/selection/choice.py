"""What a choice of the number of segments is, and how it shows itself."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from gpuseg.html import Bar, Cell, table_html
from gpuseg.notebook import shown


class Candidate(NamedTuple):
    """What one number of segments gives; None where it is not defined, was not asked for or did not compete.

    ``inertia``: sum of squared distances to the centres, of an algorithm that takes categories its own loss on the rows
    that it was tried on. ``silhouette`` of a sample of the rows, with its
    ``standard_error``. ``calinski_harabasz`` (larger is better) and ``davies_bouldin`` (smaller) of all rows.
    ``stability``: how well the segments are found again in resampled rows, the mean of their Jaccard similarities in
    [0, 1]; ``least_stability``: that of the least stable one. ``smallest_share`` of the rows that a segment has.
    ``separability``: how well a shallow tree tells the segments of other rows, the mean recall. ``gap``, larger is
    better, and its error (Tibshirani, Walther and Hastie 2001).
    """

    k: int
    inertia: float
    silhouette: float | None
    standard_error: float | None
    calinski_harabasz: float | None
    davies_bouldin: float | None
    stability: float | None = None
    least_stability: float | None = None
    smallest_share: float | None = None
    separability: float | None = None
    gap: float | None = None
    gap_error: float | None = None


COLUMNS = {
    "stability": "stability",
    "least_stability": "least stable",
    "smallest_share": "smallest share",
    "separability": "told by a tree",
    "gap": "gap",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
    "inertia": "inertia",
}
"""The heading of each column of a shown table that follows k and the silhouette; those that nobody has are left out."""


class KChoice(NamedTuple):
    """The number of segments, why in a sentence, and what was tried: nothing where k was given.

    ``stability``: the Jaccard similarity of each of the k segments, in the order of their numbers, where it was worked
    out; None for a segment of fewer than 5 rows
    among those resampled, or than 2 % of few.

    >>> KChoice(2, "2 segments were asked for", []).table.columns[:2]
    ['k', 'inertia']
    """

    k: int
    reason: str
    candidates: list[Candidate]
    stability: Sequence[float | None] = ()

    @property
    def table(self) -> pl.DataFrame:
        """Return the candidates as a Polars table, a row a number of segments."""
        kinds = {name: pl.Int64 if name == "k" else pl.Float64 for name in Candidate._fields}
        return pl.DataFrame(self.candidates, schema=kinds, orient="row")

    def _repr_html_(self) -> str:
        names = shown_columns(self.candidates)
        head: list[Cell] = ["k", "silhouette", *(COLUMNS[name] for name in names)]
        rows = [self._row(candidate, names) for candidate in self.candidates]
        return table_html(f"{self.k} segments", head if self.candidates else [], rows, [self.reason])

    def _row(self, one: Candidate, names: Sequence[str]) -> list[Cell]:
        score: Cell = "-"
        if one.silhouette is not None:
            score = Bar(max(one.silhouette, 0.0), f"{one.silhouette:.3f} ± {one.standard_error:.3f}")
        others = [shown(name, getattr(one, name)) for name in names]
        return [f"{one.k} \N{BLACK LEFT-POINTING TRIANGLE}" if one.k == self.k else str(one.k), score, *others]


def shown_columns(candidates: Sequence[Candidate]) -> list[str]:
    """Return those of COLUMNS that a candidate has.

    >>> shown_columns([Candidate(2, 1.5, None, None, 9.0, None)])
    ['calinski_harabasz', 'inertia']
    """
    return [name for name in COLUMNS if any(getattr(one, name) is not None for one in candidates)]
