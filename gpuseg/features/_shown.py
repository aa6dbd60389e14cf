"""How a report shows itself: as a small table of text, and of HTML in a notebook."""

from abc import ABC, abstractmethod

from gpuseg.html import Cell, Text, table_html


class Shown(ABC):
    r"""A report of names and values, one line each; a name with line breaks in it stays one line.

    >>> class Report(Shown):
    ...     def summary(self) -> str:
    ...         return "2 of 3"
    ...     def _rows(self) -> list[tuple[str, str]]:
    ...         return [("read", "3"), ("in my\ntable", "2")]
    >>> print(Report())
    read         3
    in my table  2
    """

    @abstractmethod
    def summary(self) -> str:
        """Return the report in one line."""

    @abstractmethod
    def _rows(self) -> list[tuple[str, str]]:
        """Return what the report says, as names and values."""

    def _notes(self) -> list[str]:
        """Return sentences that stand below the table."""
        return []

    def __str__(self) -> str:
        """Return the report as a small table of text."""
        rows = [[" ".join(text.split()) for text in row] for row in self._rows()]
        left, right = (max(len(row[i]) for row in rows) for i in (0, 1))
        return "\n".join([*(f"{name:<{left}}  {value:>{right}}" for name, value in rows), *self._notes()])

    def _repr_html_(self) -> str:
        """Return the report as an HTML table, for a notebook."""
        rows: list[list[Cell]] = [[Text(name), value] for name, value in self._rows()]
        return table_html(self.summary(), [], rows, self._notes())
