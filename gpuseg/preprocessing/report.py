"""What preprocessing did to a table: rows, duplicates, and a line a column. Aggregates only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from gpuseg.html import Cell, Text, table_html
from gpuseg.preprocessing.schema import Column


@dataclass(frozen=True)
class ColumnReport:
    """What was done to one column. ``imputed`` is in the column's units, a date in days since 1970-01-01, yes is 1.

    ``levels`` and ``pooled`` count a category's levels kept and pooled; ``dropped`` says why there are
    no ``features``.
    """

    name: str
    kind: str
    missing: int
    infinite: int
    imputed: float | str | None
    skew: str
    limits: tuple[float, float] | None
    levels: int
    pooled: int
    features: tuple[str, ...]
    dropped: str | None
    note: str | None

    def steps(self) -> str:
        """Return what was done, in words."""
        if self.dropped:
            return f"dropped: {self.dropped}"
        steps = [f"{self.infinite} infinite taken as missing"] * bool(self.infinite)
        if self.missing or self.infinite:
            steps.append("rows dropped" if self.imputed is None else f"missing as {self.shown(self.imputed)}")
        if self.limits:
            steps.append(f"winsorised to {self.shown(self.limits[0])} ... {self.shown(self.limits[1])}")
        steps += [self.skew] * (self.skew != "none")
        steps += [f"{self.pooled} rare levels pooled"] * bool(self.pooled)
        return "; ".join([*steps, self.note] if self.note else steps)

    def shown(self, value: float | str) -> str:
        """Return a value of the column as a person reads it."""
        return Column(self.name, self.kind).shown(value)


@dataclass(frozen=True)
class Report:
    """What was done to a table. ``duplicates`` is None where rows were not compared (arrays on a device or in Dask)."""

    rows_read: int
    rows_kept: int
    duplicates: int | None
    scale: str
    columns: tuple[ColumnReport, ...]

    def dropped(self) -> dict[str, str]:
        """Return the columns that are not in the matrix, and why."""
        return {column.name: column.dropped for column in self.columns if column.dropped}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dicts, lists, text and numbers."""
        return {**asdict(self), "columns": [_listed(asdict(column)) for column in self.columns]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the report that ``to_dict`` gave."""
        columns = (
            ColumnReport(
                **{**c, "features": tuple(c["features"]), "limits": tuple(c["limits"]) if c["limits"] else None}
            )
            for c in plain["columns"]
        )
        return cls(**{**plain, "columns": tuple(columns)})

    def __str__(self) -> str:
        """Return the report as a table of text."""
        width = max(len(column.name) for column in self.columns)
        lines = [f"{c.name:{width}}  {c.kind:8}  {c.missing:7}  {c.steps()}".rstrip() for c in self.columns]
        return "\n".join([self._summary(), f"{'column':{width}}  kind      missing  what was done", *lines])

    def _summary(self) -> str:
        compared = "" if self.duplicates is None else f", {self.duplicates} duplicates"
        return f"{self.rows_read} rows read, {self.rows_kept} kept{compared}; scale: {self.scale}"

    def _repr_html_(self) -> str:
        head: list[Cell] = [Text("column"), Text("kind"), "missing", Text("what was done")]
        rows: list[list[Cell]] = [[Text(c.name), Text(c.kind), f"{c.missing:,}", Text(c.steps())] for c in self.columns]
        return table_html(self._summary(), head, rows)


def _listed(column: dict[str, Any]) -> dict[str, Any]:
    limits = column["limits"]
    return {**column, "features": list(column["features"]), "limits": None if limits is None else list(limits)}
