"""The sentences of a report: what a marketer would say of the figures of a summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from gpuseg.notebook import counted, shown

SCALE = {0.7: "strong", 0.5: "reasonable", 0.25: "weak"}
"""What Kaufman and Rousseeuw (1990) call a structure whose silhouette is above each number."""
SURE = {0.85: "highly stable", 0.75: "stable", 0.6: "a pattern, its borders doubtful"}
"""What Hennig (2007) reads from a mean Jaccard index of at least each number."""
UNSURE = "not to be trusted"
FEW_DIGITS = 10
"""Numbers below it are told with three decimals."""
FIRST = 3
"""Things that a sentence names before it only counts."""


def called(row: Mapping[str, Any]) -> str:
    """Return a segment by name and number.

    >>> called({"name": "Big spenders", "number": "0/3"}), called({"name": None, "number": "2"})
    ('Big spenders (0/3)', 'Segment 2')
    >>> called({"name": None, "number": "noise"})
    'Noise'
    """
    if row["number"] is None:  # a pool of small ones
        return str(row["name"])
    if row["name"]:
        return f"{row['name']} ({row['number']})"
    return "Noise" if row["number"] == "noise" else f"Segment {row['number']}"


def precise(value: float | None) -> str:
    """Return a number with three decimals, as a silhouette is told; a large one as any other.

    >>> precise(0.12345), precise(15342.5), precise(None)
    ('0.123', '15,342', '-')
    """
    return f"{value:.3f}" if isinstance(value, float) and abs(value) < FEW_DIGITS else shown("", value)


def sure_word(jaccard: float) -> str:
    """Return how far a segment of this mean Jaccard index is to be relied on.

    >>> sure_word(0.9), sure_word(0.5)
    ('highly stable', 'not to be trusted')
    """
    return next((word for least, word in SURE.items() if jaccard >= least), UNSURE)


def headline(told: Mapping[str, Any]) -> list[str]:
    """Return the first sentences of a report: how many, who matters most, how sure."""
    found = [row for row in told["segments"] if (row["segment"] or 0) >= 0]
    if not found:
        return ["No group of customers stands out: these are not alike enough to be segmented this way."]
    customers, groups = counted(told["customers"], "customer"), counted(told["found"], "group")
    sentences = [f"Your {customers} fall into {groups}{_apart(told)}."]
    sentences += _first(found)
    if doubtful := [row for row in found if (row["stability"] or {}).get("jaccard", 1.0) < min(SURE)]:
        it = "it" if len(doubtful) == 1 else "they"
        names = listed_names(doubtful)
        sentences.append(f"Be careful with {names}: in other samples of the same customers {it} would look different.")
    return sentences


def _apart(told: Mapping[str, Any]) -> str:
    noise = told["noise"]
    return f"; {noise:,} of them ({shown('share', noise / told['customers'])}) are like no group" if noise else ""


def _first(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence on the segment of most value, else on the largest."""
    if len(found) == 1:
        return []
    valued = [row for row in found if row.get("value_share") is not None]
    if valued:
        best = max(valued, key=lambda row: row["value_share"])
        worth, share = shown("share", best["value_share"]), shown("share", best["share"])
        return [f"{worth} of the value comes from {share} of the customers: {called(best)}."]
    largest = max(found, key=lambda row: row["size"])
    share = shown("share", largest["share"])
    return [f"The largest is {called(largest)}: {counted(largest['size'], 'customer')}, {share} of all."]


def names_of(told: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of segments that have one, by their numbers, for pictures that write the number beside it."""
    return {row["segment"]: row["name"] for row in told["segments"] if row["segment"] is not None and row["name"]}


def called_by(told: Mapping[str, Any]) -> dict[int, str]:
    """Return what segments are called, by their numbers."""
    return {row["segment"]: called(row) for row in told["segments"] if row["segment"] is not None}


def listed_names(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the names of segments in a sentence, the first few where they are many."""
    names = [called(row) for row in rows]
    if len(names) > FIRST + 1:
        names = [*names[:FIRST], f"{len(names) - FIRST} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def because(action: Mapping[str, Any]) -> str:
    """Return the figures that triggered an action, in words."""
    return "; ".join(one["words"] for one in action["because"])
