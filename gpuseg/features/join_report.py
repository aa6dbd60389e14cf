"""Who is in which of the tables that were joined."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gpuseg.features._shown import Shown


@dataclass(frozen=True)
class JoinReport(Shown):
    """Who is in which table, and what the join filled and renamed.

    ``customers``: those of the result. ``tables``: customers of each table. ``combinations``: customers by the tables
    that they are in, every combination that occurs, those of most customers first; they add up to all customers of
    all tables, whatever ``how``. ``filled``: values that were filled, by column. ``renamed``: new names by table
    and column. ``on``: the column of ids of each table.

    >>> report = JoinReport(3, "outer", {"rfm": 2, "web": 2}, {("rfm", "web"): 1, ("rfm",): 1, ("web",): 1}, {}, {}, {})
    >>> print(report)
    customers        3
    in rfm           2
    in web           2
    rfm and web      1
    rfm alone        1
    web alone        1
    """

    customers: int
    how: str
    tables: dict[str, int]
    combinations: dict[tuple[str, ...], int]
    on: dict[str, str]
    filled: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def in_all(self) -> int:
        """Return how many customers are in every table."""
        return self.combinations.get(tuple(self.tables), 0)

    @property
    def only_in(self) -> dict[str, int]:
        """Return how many customers are in one table alone, by table."""
        return {name: self.combinations.get((name,), 0) for name in self.tables}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold.

        >>> JoinReport(1, "inner", {"a": 1, "b": 1}, {("a", "b"): 1}, {}).to_dict()["combinations"]
        [{'tables': ['a', 'b'], 'customers': 1}]
        """
        combinations = [{"tables": list(names), "customers": count} for names, count in self.combinations.items()]
        return {**vars(self), "combinations": combinations, "in_all": self.in_all, "only_in": self.only_in}

    def summary(self) -> str:
        """Return one line: how many customers came out, of how many, and how many are in every table."""
        found = sum(self.combinations.values())
        return f"{self.customers:,} of {found:,} customers of {len(self.tables)} tables; {self.in_all:,} in all of them"

    def _rows(self) -> list[tuple[str, str]]:
        counts = {"customers": self.customers} | {f"in {name}": count for name, count in self.tables.items()}
        counts |= {_together(names): count for names, count in self.combinations.items()}
        counts |= {f"filled in {column}": count for column, count in self.filled.items()}
        rows = [(name, f"{count:,}") for name, count in counts.items()]
        new = [(table, *pair) for table, names in self.renamed.items() for pair in names.items()]
        return rows + [(f"{column} of {table} is", name) for table, column, name in new]


def _together(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else f"{last} alone"
