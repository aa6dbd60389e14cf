"""How a choice of how dense segments are is printed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpuseg.selection import DensityChoice


def lines_of(choice: "DensityChoice") -> list[str]:
    """Return the comparison as lines, and the recommendation."""
    from gpuseg.cli._output import aligned
    from gpuseg.selection.density_choice import HEADINGS

    marks = ["*" if one.value == choice.value else "" for one in choice.candidates]
    rows = [[mark, *row] for mark, row in zip(marks, choice.rows(), strict=True)]
    given = ", ".join(f"{name}={value:g}" for name, value in choice.parameters.items())
    table = aligned([["", choice.parameter, *HEADINGS], *rows])
    return [*table, f"recommended: {given} (*): {choice.reason}"]


def result_of(choice: "DensityChoice") -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {"parameters": choice.parameters, "reason": choice.reason, "candidates": choice.table.to_dicts()}
