"""What a choice of how dense segments are is, how it shows itself, and which candidate is recommended."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from gpuseg.errors import InvalidInput
from gpuseg.html import Bar, Cell, table_html
from gpuseg.notebook import counted
from gpuseg.selection.rule import STABLE

HEADINGS = ("segments", "noise", "smallest", "DBCV", "stability", "least stable")


class DensityCandidate(NamedTuple):
    """What one value of the parameter gives; None where a figure is not defined, as DBCV with one segment.

    ``noise``: the share of rows in no segment; ``smallest_share``: that of the smallest segment. ``dbcv``: see
    ``metrics.dbcv``. ``stability``: the mean over segments of the Jaccard with what resamples of the rows give, and
    ``least_stability`` that of the least stable one.
    """

    value: float
    segments: int
    noise: float
    smallest_share: float | None
    dbcv: float | None
    stability: float | None
    least_stability: float | None


class DensityLimits(NamedTuple):
    """What the business allows: None where it sets no limit."""

    min_share: float | None = None
    max_segments: int | None = None
    max_noise: float | None = None


class DensityChoice(NamedTuple):
    """The value of "eps" or "min_cluster_size", the ``min_samples`` it goes with, why, and what was tried.

    ``distances``: 201 quantiles of the distance to the ``min_samples``-th nearest row, rising, and ``knee`` where they
    turn; None for HDBSCAN. Values count rows of the whole table, also where a sample of it was tried.

    >>> tried = [DensityCandidate(20, 3, 0.1, 0.2, 0.6, 0.9, 0.8)]
    >>> DensityChoice("min_cluster_size", 20, 5, "...", tried).table.columns[:3]
    ['min_cluster_size', 'segments', 'noise']
    """

    parameter: str
    value: float
    min_samples: int
    reason: str
    candidates: list[DensityCandidate]
    distances: list[float] | None = None
    knee: float | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """Return what to fit the algorithm with."""
        return {self.parameter: self.value, "min_samples": self.min_samples}

    @property
    def table(self) -> pl.DataFrame:
        """Return the candidates as a Polars table, a row a value of the parameter."""
        kinds = {name: pl.Int64 if name == "segments" else pl.Float64 for name in DensityCandidate._fields}
        table = pl.DataFrame(self.candidates, schema=kinds, orient="row").rename({"value": self.parameter})
        return table.cast({"min_cluster_size": pl.Int64}) if self.parameter == "min_cluster_size" else table

    def plain(self) -> dict[str, Any]:
        """Return the choice as plain values, which ``of`` takes: what a model's card holds."""
        return {**self._asdict(), "candidates": [candidate._asdict() for candidate in self.candidates]}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "DensityChoice":
        """Return the choice that ``plain`` was taken of.

        >>> choice = DensityChoice("eps", 0.5, 5, "...", [])
        >>> DensityChoice.of(choice.plain()) == choice
        True
        """
        return cls(**{**plain, "candidates": [DensityCandidate(**candidate) for candidate in plain["candidates"]]})

    def rows(self) -> list[list[str]]:
        """Return the candidates as texts under the parameter and HEADINGS."""
        return [
            [f"{c.value:g}", str(c.segments), f"{c.noise:.1%}", _share(c.smallest_share)]
            + [_figure(value) for value in (c.dbcv, c.stability, c.least_stability)]
            for c in self.candidates
        ]

    def _repr_html_(self) -> str:
        rows: list[list[Cell]] = []
        for c, (value, *texts) in zip(self.candidates, self.rows(), strict=True):
            score = Bar(max(c.dbcv, 0.0), texts[3]) if c.dbcv is not None else texts[3]
            mark = " \N{BLACK LEFT-POINTING TRIANGLE}" * (c.value == self.value)
            rows.append([f"{value}{mark}", *texts[:3], score, *texts[4:]])
        title = f"{self.parameter} = {self.value:g}, min_samples = {self.min_samples}"
        return table_html(title, [self.parameter, *HEADINGS], rows, [self.reason])


def recommended(
    parameter: str, candidates: Sequence[DensityCandidate], limits: DensityLimits, *, knee: float | None = None
) -> tuple[DensityCandidate, str]:
    """Return the candidate of the highest DBCV among those that resamples find again, and why in a sentence.

    Found again: the mean Jaccard is STABLE or more; where none is, the one nearest to it. Raises InvalidInput where no
    candidate has two segments, and where none is within the limits.
    """
    scored = [c for c in candidates if c.segments > 1 and c.dbcv is not None and c.stability is not None]
    if not scored:
        raise InvalidInput(_nothing(parameter, candidates))
    allowed = [c for c in scored if not _against(c, limits)]
    if not allowed:
        raise InvalidInput(_outside(parameter, scored, limits))
    stable = [c for c in allowed if _stability(c) >= STABLE]
    taken = _middle(stable) if stable else max(allowed, key=_stability)
    found = f"{parameter}={taken.value:g} makes {counted(taken.segments, 'segment')}"
    if stable:
        start = (
            f"{found} of the highest DBCV, {_dbcv(taken):.2f}, among values whose segments resamples of the rows find "
        )
        start += f"again (mean Jaccard {_stability(taken):.2f})"
    else:
        start = (
            f"{found}, which resamples of the rows find again the most (mean Jaccard {_stability(taken):.2f}), and no "
        )
        start += f"value reaches {STABLE}"
    return taken, "; ".join([f"{start}, with {taken.noise:.0%} noise", *_others(parameter, taken, allowed, knee)])


def _others(
    parameter: str, taken: DensityCandidate, allowed: Sequence[DensityCandidate], knee: float | None
) -> list[str]:
    """Return where the indices disagree with what was taken."""
    says = []
    densest, firmest = max(allowed, key=_dbcv), max(allowed, key=_stability)
    if densest.segments != taken.segments:
        words = f"DBCV alone says {densest.value:g} with {counted(densest.segments, 'segment')}"
        says.append(f"{words}, {_dbcv(densest):.2f} but a Jaccard of {_stability(densest):.2f}")
    if firmest.segments != taken.segments:
        says.append(f"stability alone says {firmest.value:g} with {counted(firmest.segments, 'segment')}")
    if knee is not None:
        says.append(f"the knee of the distances is at {parameter}={knee:g}")
    if _dbcv(taken) < 0:
        says.append("a DBCV below 0 says that the widest gaps inside the segments are wider than those between them")
    return says


def _middle(some: Sequence[DensityCandidate]) -> DensityCandidate:
    """Return the candidate of the highest DBCV: of several values with the same segments, the middle one.

    Values near the ends of such a run are the first to give others on other rows.
    """
    best = max(some, key=_dbcv)
    same = [c for c in some if (c.segments, c.noise, c.dbcv) == (best.segments, best.noise, best.dbcv)]
    return same[(len(same) - 1) // 2]


def _against(c: DensityCandidate, limits: DensityLimits) -> bool:
    """Return whether a candidate is outside the limits."""
    return (
        (limits.min_share is not None and (c.smallest_share or 0.0) < limits.min_share)
        or (limits.max_segments is not None and c.segments > limits.max_segments)
        or (limits.max_noise is not None and c.noise > limits.max_noise)
    )


def _nothing(parameter: str, candidates: Sequence[DensityCandidate]) -> str:
    """Return the sentence for candidates of which none makes two segments."""
    span = f"the {len(candidates)} {parameter} tried, {candidates[0].value:g} to {candidates[-1].value:g}"
    most = max(c.segments for c in candidates)
    if not most:
        return f"every row is noise at {span}; give larger eps, or smaller min_samples or min_cluster_size, as values"
    what = "no more than one segment comes" if most == 1 else "no two segments are large enough to be compared"
    return f"{what} of {span}; give other values, or use an algorithm that is told the number, as kmeans"


def _outside(parameter: str, scored: Sequence[DensityCandidate], limits: DensityLimits) -> str:
    """Return the sentence for candidates of which none is within the limits, with what comes nearest to each."""
    found = {
        "min_share": f"the largest smallest share is {max(c.smallest_share or 0.0 for c in scored):.3f}",
        "max_segments": f"the fewest are {min(c.segments for c in scored)} segments",
        "max_noise": f"the least noise is {min(c.noise for c in scored):.2f}",
    }
    given = {name: value for name, value in limits._asdict().items() if value is not None}
    asked = " and ".join(f"{name}={value:g}" for name, value in given.items())
    words = ", ".join(found[name] for name in given)
    return f"none of the {len(scored)} {parameter} with two segments or more keeps within {asked}: {words}; loosen that"


def _dbcv(c: DensityCandidate) -> float:
    return -1.0 if c.dbcv is None else c.dbcv


def _stability(c: DensityCandidate) -> float:
    return 0.0 if c.stability is None else c.stability


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
